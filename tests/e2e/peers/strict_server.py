"""Servers as scripts meet them, in one named way; says `ready PORT` on standard error.

    strict_server.py BEHAVIOUR

Each function below is a behaviour. It goes on until it is ended; what it was sent goes to standard
output.
"""

import select
import socket
import sys
import threading
import time

HELD = []  # connections that stay open


def farewell(client):
    """One line, and the end."""
    client.sendall(b"bye\n")
    client.close()


def banner(client):
    """A banner in two parts, as two reads, and then it waits for its client."""
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.sendall(b"SSH-2.0-Open")
    time.sleep(0.05)
    client.sendall(b"SSH_9.2p1\r\n")
    client.recv(1)
    client.close()


def store(client):
    """Answers each line, and never ends a connection."""
    for line in client.makefile("rb"):
        client.sendall(b"+" + line)
    HELD.append(client)


def arrivals(client):
    """Prints each part that came."""
    while data := client.recv(65536):
        print(data, flush=True)
    client.close()


def smtp(client):
    """Speaks first, takes one command at a time, and drops a client that is too early."""

    def say(text):
        time.sleep(0.02)
        if select.select([client], [], [], 0)[0]:
            client.sendall(b"554 you speak before your turn\r\n")
            client.close()
            return False
        client.sendall(text + b"\r\n")
        return True

    lines = client.makefile("rb")
    going = say(b"220 mail.example ESMTP")
    in_text = False
    while going and (line := lines.readline()):
        if not line.endswith(b"\r\n"):
            client.sendall(b"500 a line ends in CR LF\r\n")
            break
        print(line, flush=True)
        word = line.split()[0].upper() if line.strip() else b""
        if in_text:
            if line != b".\r\n":
                continue
            in_text = False
            going = say(b"250 taken")
        elif word == b"DATA":
            in_text = True
            going = say(b"354 go on")
        elif word == b"QUIT":
            say(b"221 bye")
            break
        else:
            going = say(b"250 ok")
    lines.close()
    client.close()


def dns(sock):
    """Answers a question of RFC 1035 with one address, 192.0.2.7."""
    while True:
        question, sender = sock.recvfrom(512)
        asked = question[12 : question.index(b"\0", 12) + 5]
        record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\7"
        sock.sendto(question[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + asked + record, sender)


def statsd(sock):
    """Answers nothing; prints each datagram."""
    while True:
        print(sock.recv(65536), flush=True)


DATAGRAMS = (dns, statsd)


def main():
    behaviour = globals()[sys.argv[1]]
    over_udp = behaviour in DATAGRAMS
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if over_udp else socket.SOCK_STREAM)
    sock.bind(("127.0.0.1", 0))
    if not over_udp:
        sock.listen()
    print("ready", sock.getsockname()[1], file=sys.stderr, flush=True)
    if over_udp:
        behaviour(sock)
    while True:
        client, _ = sock.accept()
        threading.Thread(target=behaviour, args=(client,), daemon=True).start()


main()
