"""The reference chat that ends on BYE, its server: takes one client, shows each message and sends back
a line that its operator types. It ends on a message of exactly these three bytes, and on no other: the
client's mere end is an empty message, to which there is an answer.

    r3_chat_server.py [--six]
"""

import socket
import sys

six = "--six" in sys.argv[1:]
family, host = (socket.AF_INET6, "::1") if six else (socket.AF_INET, "127.0.0.1")

with socket.socket(family, socket.SOCK_STREAM) as server:
    server.bind((host, 0))
    server.listen(1)
    print("ready", server.getsockname()[1], file=sys.stderr, flush=True)
    client, address = server.accept()
    print("Connected with", address, flush=True)
    while True:
        message = client.recv(1024).decode()
        if message == "BYE":
            print("Client has left the chat", flush=True)
            break
        print("Client:", message, flush=True)
        client.send(input("Server: ").encode())
    client.close()
