"""The reference greeting server: each client is greeted at once, unread, and closed.

    r1_greeting_server.py [--six] NAME
"""

import socket
import sys

six = "--six" in sys.argv[1:]
family, host = (socket.AF_INET6, "::1") if six else (socket.AF_INET, "127.0.0.1")
name = [word for word in sys.argv[1:] if word != "--six"][0]

with socket.socket(family, socket.SOCK_STREAM) as server:
    server.bind((host, 0))
    server.listen(5)
    print("ready", server.getsockname()[1], file=sys.stderr, flush=True)
    while True:
        client, address = server.accept()
        print("Got connection from", address, flush=True)
        client.send(f"Hello World! This is {name}".encode())
        client.close()
