"""The reference analysis server: takes one client and one message, and answers with the message's
unique words and its length.

    r2_analyze_server.py [--six]
"""

import socket
import sys

six = "--six" in sys.argv[1:]
family, host = (socket.AF_INET6, "::1") if six else (socket.AF_INET, "127.0.0.1")

with socket.socket(family, socket.SOCK_STREAM) as server:
    server.bind((host, 0))
    server.listen()
    print("ready", server.getsockname()[1], file=sys.stderr, flush=True)
    client, address = server.accept()
    with client:
        print("Connected by", address)
        text = client.recv(1024).decode()
        unique = sorted(set(text.split()))
        client.sendall(f"Unique words: {', '.join(unique)}\nTotal length: {len(text)}".encode())
