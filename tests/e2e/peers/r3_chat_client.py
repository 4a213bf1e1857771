"""The reference chat that ends on BYE, its client: sends each line, also BYE, behind which it closes;
behind any other it waits for one message and shows it.

    r3_chat_client.py PORT [--six]
"""

import socket
import sys

six = "--six" in sys.argv[2:]
family, host = (socket.AF_INET6, "::1") if six else (socket.AF_INET, "127.0.0.1")

with socket.socket(family, socket.SOCK_STREAM) as server:
    server.settimeout(10)
    server.connect((host, int(sys.argv[1])))
    while True:
        message = input("Client: ")
        server.send(message.encode())
        if message == "BYE":
            break
        print("Server:", server.recv(1024).decode(), flush=True)
