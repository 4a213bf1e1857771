"""The reference client that is greeted by name: asks the person for it, sends it, receives once.

    r4_name_client.py PORT [--six]
"""

import socket
import sys

six = "--six" in sys.argv[2:]
family, host = (socket.AF_INET6, "::1") if six else (socket.AF_INET, "127.0.0.1")

with socket.socket(family, socket.SOCK_STREAM) as server:
    server.settimeout(10)
    server.connect((host, int(sys.argv[1])))
    server.send(input("Enter your name: ").encode())
    print(server.recv(1024).decode())
