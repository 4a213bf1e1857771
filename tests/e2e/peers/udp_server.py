"""A UDP server that behaves in one named way; says `ready PORT` on standard error.

    udp_server.py BEHAVIOUR HOST [WORD...]

Each function below is a behaviour. It goes on until it is ended.
"""

import socket
import sys
import time


def receive_all(sock):
    while True:
        yield sock.recvfrom(65536)


def echo(sock):
    for data, sender in receive_all(sock):
        sock.sendto(data, sender)


def tell(sock):
    """Prints what each datagram held, as Python writes it, or its length where it is long."""
    for data, _ in receive_all(sock):
        print(data if len(data) < 80 else len(data), flush=True)


def answer(sock, *texts):
    """To its first datagram, answers with one of each text, and is silent then."""
    _, sender = sock.recvfrom(65536)
    for text in texts:
        sock.sendto(text.encode(), sender)
    for _ in receive_all(sock):
        pass


def answer_slowly(sock, pause_ms, *texts):
    """The same with a pause before each."""
    _, sender = sock.recvfrom(65536)
    for text in texts:
        time.sleep(int(pause_ms) / 1000)
        sock.sendto(text.encode(), sender)
    for _ in receive_all(sock):
        pass


def alter(sock):
    """Echoes with its first byte changed."""
    for data, sender in receive_all(sock):
        sock.sendto(b"!" + data[1:], sender)


def main():
    behave, host = globals()[sys.argv[1]], sys.argv[2]
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    print("ready", sock.getsockname()[1], file=sys.stderr, flush=True)
    behave(sock, *sys.argv[3:])


main()
