"""A server on a Unix socket that behaves in one named way; says `ready AT` on standard error.

    unix_server.py BEHAVIOUR KIND AT [WORD...]

KIND is stream, datagram or seqpacket, AT a path or @NAME. Each function below is a behaviour. Those
that take a connection meet every client, one after the other.
"""

import array
import os
import signal
import socket
import sys
import time

TYPES = {
    "stream": socket.SOCK_STREAM,
    "datagram": socket.SOCK_DGRAM,
    "seqpacket": socket.SOCK_SEQPACKET,
}
CREDENTIALS = socket.CMSG_SPACE(12)
SO_SNDBUFFORCE = 32


def receive(client):
    """A message, or what there is of a stream; None: the end."""
    data, control, _, _ = client.recvmsg(1 << 20, CREDENTIALS)
    return None if not data and not control else data


def read_all(client):
    came = []
    while (data := receive(client)) is not None:
        came.append(data)
    return came


def process_of(client):
    found = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int.from_bytes(found[:4], sys.byteorder)


def state_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        return stat.read().rpartition(") ")[2][0]


def echo(client):
    while (data := receive(client)) is not None:
        client.sendall(data)


def store(client):
    """Answers only once it has everything."""
    for data in read_all(client):
        client.sendall(data)


def tell(client):
    """Prints what came as it comes, each message as Python writes it, and the end."""
    while (data := receive(client)) is not None:
        print(data if len(data) < 80 else len(data), flush=True)
    print("end", flush=True)


def say(client, *texts):
    """Sends a message of each text and ends; then prints what comes as Python writes it, and the end."""
    for text in texts:
        client.sendall(text.encode())
    client.shutdown(socket.SHUT_WR)
    tell(client)


def say_and_close(client, text):
    """Sends text and closes, having read nothing; then prints so."""
    client.sendall(text.encode())
    client.close()
    print("closed", flush=True)


def late(client, file):
    """Reads nothing before FILE exists; then prints what comes."""
    while not os.path.exists(file):
        time.sleep(0.01)
    tell(client)


def leave_unread(client, file):
    """Closes once FILE exists, having read nothing."""
    while not os.path.exists(file):
        time.sleep(0.01)


def leave(client, size):
    """Receives so many bytes and leaves, with more unread."""
    size = int(size)
    while size > 0:
        size -= len(client.recv(min(size, 65536)))


def leave_sending(client, size):
    """Reads once, sends so many bytes when more has come, and leaves with that unread: all that while
    its client, which sleeps, looks away."""
    client.recv(65536)
    print("read", file=sys.stderr, flush=True)
    client.recv(1, socket.MSG_PEEK)
    pid = process_of(client)
    os.kill(pid, signal.SIGSTOP)
    while state_of(pid) != "T":
        time.sleep(0.001)
    client.sendall(b"l" * int(size))
    client.close()
    os.kill(pid, signal.SIGCONT)


def large(client, size):
    """Sends one message of so many bytes."""
    client.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 4 * int(size))
    client.send(b"x" * int(size))
    read_all(client)


def descriptors(client):
    """Answers each message with itself and ten descriptors; prints how many the sender then has open,
    by its process id."""
    pid = process_of(client)
    fds = array.array("i", [sys.stderr.fileno()] * 10)
    while (data := receive(client)) is not None:
        print(len(os.listdir(f"/proc/{pid}/fd")), flush=True)
        client.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])


# ---- on the server's socket ----


def bound(server):
    """It has the name, and never listens."""
    time.sleep(60)


def datagrams_echo(server):
    while True:
        data, sender = server.recvfrom(1 << 20)
        server.sendto(data, sender)


def datagrams_tell(server):
    """Prints each datagram as Python writes it, or its length where it is long."""
    while True:
        data = server.recv(1 << 20)
        print(data if len(data) < 80 else len(data), flush=True)


def datagrams_answer(server, *texts):
    """To its first datagram, answers with one of each text, and is silent then."""
    _, sender = server.recvfrom(1 << 20)
    for text in texts:
        server.sendto(text.encode(), sender)
    time.sleep(60)


ON_SERVER = (bound, datagrams_echo, datagrams_tell, datagrams_answer)


def main():
    behave, kind, at, words = globals()[sys.argv[1]], sys.argv[2], sys.argv[3], sys.argv[4:]
    server = socket.socket(socket.AF_UNIX, TYPES[kind])
    server.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, kind == "seqpacket")
    server.bind("\0" + at[1:] if at.startswith("@") else at)
    if behave not in ON_SERVER:
        server.listen(64)
    print("ready", at, file=sys.stderr, flush=True)
    if behave in ON_SERVER:
        behave(server, *words)
        return
    while True:
        client, _ = server.accept()
        try:
            behave(client, *words)
        except ConnectionError as error:
            print(error, file=sys.stderr, flush=True)
        client.close()


main()
