"""The reference analysis client: sends a message, receives once, and prints the answer.

    r2_analyze_client.py PORT [--six] MESSAGE
"""

import socket
import sys

six = "--six" in sys.argv[2:]
family, host = (socket.AF_INET6, "::1") if six else (socket.AF_INET, "127.0.0.1")
message = [word for word in sys.argv[2:] if word != "--six"][0]

with socket.socket(family, socket.SOCK_STREAM) as server:
    server.settimeout(10)
    server.connect((host, int(sys.argv[1])))
    server.sendall(message.encode())
    print(server.recv(1024).decode())
