"""The reference operator chat, its server: takes one client, shows each message, and sends back a line
that its operator types, until the client closes.

    r0_chat_server.py [--six]
"""

import socket
import sys

six = "--six" in sys.argv[1:]
family, host = (socket.AF_INET6, "::1") if six else (socket.AF_INET, "127.0.0.1")

with socket.socket(family, socket.SOCK_STREAM) as server:
    server.bind((host, 0))
    server.listen(2)
    print("ready", server.getsockname()[1], file=sys.stderr, flush=True)
    client, address = server.accept()
    print("Connection from:", address, flush=True)
    while True:
        data = client.recv(1024).decode()
        if not data:
            break
        print("from connected user:", data, flush=True)
        client.send(input(" -> ").encode())
    client.close()
