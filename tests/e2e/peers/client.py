"""A client that behaves in one named way; says `ready PORT` on standard error.

    client.py [--six] BEHAVIOUR PORT [NUMBER]

Each function below is a behaviour. Those that hold on do so until they are ended.
"""

import socket
import struct
import sys
import time


def connect(port):
    host = "::1" if "--six" in sys.argv else "127.0.0.1"
    return socket.create_connection((host, port), timeout=10)


def ready(port):
    print("ready", port, file=sys.stderr, flush=True)


def reset(server):
    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.close()


def read_all(server):
    whole = bytearray()
    while data := server.recv(65536):
        whole += data
    return bytes(whole)


def reset_early(port, number):
    """number clients, one after the other, that reset before they have sent a byte."""
    for _ in range(number):
        reset(connect(port))
    ready(port)


def reset_sending(port, number):
    """Sends number bytes, the server having shown that it is there by one of its own, and resets."""
    server = connect(port)
    server.sendall(b"r")
    server.recv(1)
    server.sendall(b"r" * (number - 1))
    reset(server)
    ready(port)


def reset_receiving(port, number):
    """Receives number bytes and resets."""
    server = connect(port)
    while number > 0:
        number -= len(server.recv(min(number, 65536)))
    reset(server)
    ready(port)


def hold(port, number):
    """Sends nothing, reads nothing, holds on; number is how many of them there are."""
    held = [connect(port) for _ in range(max(1, number))]
    ready(port)
    time.sleep(60)
    del held


def idle(port, _):
    """Sends a byte, takes what comes, and prints how the connection ended."""
    server = connect(port)
    server.sendall(b"x")
    ready(port)
    server.settimeout(60)
    try:
        read_all(server)
        print("end")
    except ConnectionResetError:
        print("reset")


def full(port, _):
    """Sends until nothing more is taken, reads nothing, holds on."""
    server = connect(port)
    server.settimeout(0.3)
    try:
        while True:
            server.send(b"f" * 65536)
    except TimeoutError:
        ready(port)
    time.sleep(60)


def unread(port, _):
    """Waits for a byte and reads no further: the server's queues fill."""
    server = connect(port)
    server.recv(1)
    ready(port)
    time.sleep(60)


def late(port, _):
    """Waits for a byte, then for a line on our standard input; then reads all, prints how much."""
    server = connect(port)
    server.recv(1)
    ready(port)
    sys.stdin.readline()
    print(1 + len(read_all(server)))


def half(port, _):
    """Sends our standard input, half-closes, then prints all that comes."""
    server = connect(port)
    ready(port)
    server.sendall(sys.stdin.buffer.read())
    server.shutdown(socket.SHUT_WR)
    sys.stdout.buffer.write(read_all(server))


def slow_half(port, _):
    """Sends our standard input without reading until no more is taken; then reads to the end and
    says whether that is a prefix of what was sent."""
    server = connect(port)
    whole = sys.stdin.buffer.read()
    server.settimeout(0.3)
    sent = 0
    try:
        while sent < len(whole):
            sent += server.send(whole[sent : sent + 65536])
    except TimeoutError:
        pass
    ready(port)
    got = read_all(server)
    print("same prefix" if got and whole.startswith(got) else f"{len(got)} other bytes")


def listen_only(port, _):
    """Half-closes at once, then prints what comes as it comes."""
    server = connect(port)
    server.shutdown(socket.SHUT_WR)
    ready(port)
    while data := server.recv(65536):
        sys.stdout.buffer.write(data)
        sys.stdout.flush()


def boomerang(port, _):
    """Comes as soon as there is a server, and sends back what it gets."""
    while True:
        try:
            server = connect(port)
            break
        except ConnectionRefusedError:
            time.sleep(0.01)
    while data := server.recv(65536):
        server.sendall(data)


def take_one(port, _):
    """Receives once, prints it, and closes."""
    server = connect(port)
    ready(port)
    sys.stdout.buffer.write(server.recv(65536))
    server.close()


def main():
    words = [word for word in sys.argv[1:] if word != "--six"]
    globals()[words[0]](int(words[1]), int(words[2]) if len(words) > 2 else 0)


main()
