"""The reference server that greets by name: receives once, prints it, answers and closes, for ever.

    r4_name_server.py [--six]
"""

import socket
import sys

six = "--six" in sys.argv[1:]
family, host = (socket.AF_INET6, "::1") if six else (socket.AF_INET, "127.0.0.1")

with socket.socket(family, socket.SOCK_STREAM) as server:
    server.bind((host, 0))
    server.listen(3)
    print("ready", server.getsockname()[1], file=sys.stderr, flush=True)
    while True:
        client, address = server.accept()
        name = client.recv(1024).decode()
        print("Connected with", address, name, flush=True)
        client.send(b"welcome ")
        client.close()
