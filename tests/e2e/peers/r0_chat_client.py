"""The reference operator chat, its client: sends a line, waits for one message and shows it, until the
line is `bye` in any case, which is not sent.

    r0_chat_client.py PORT [--six]
"""

import socket
import sys

six = "--six" in sys.argv[2:]
family, host = (socket.AF_INET6, "::1") if six else (socket.AF_INET, "127.0.0.1")

with socket.socket(family, socket.SOCK_STREAM) as server:
    server.settimeout(10)
    server.connect((host, int(sys.argv[1])))
    message = input(" -> ")
    while message.lower().strip() != "bye":
        server.send(message.encode())
        data = server.recv(1024).decode()
        print("Received from server:", data, flush=True)
        message = input(" -> ")
