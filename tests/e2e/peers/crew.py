"""Many clients of `serve -m exec` at once.

    crew.py whole PORT COUNT BYTES   each sends BYTES, half-closes, and must get back just these
    crew.py vanish PORT COUNT [WAYS] each is served, and then leaves: by a reset, or killed, or by a
                                     close, some of them in the middle of what the program sends; or it
                                     half-closes, or is silent, and waits for the end.
                                     Only the first WAYS of these five
    crew.py leave PORT COUNT         each connects and leaves at once, every other one by a reset
    crew.py stay PORT COUNT          each sends a byte, has it back, and waits for the end

The program of the second writes a line first, and reads one: `gone`, or `half` from those that
half-close. Says `ready PORT` on standard error when all have been served, and prints what was wrong."""

import os
import random
import signal
import socket
import struct
import sys
import threading


def exchange(port, payload, wrong):
    got = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as server:
        def send():
            server.sendall(payload)
            server.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        while data := server.recv(65536):
            got += data
        sender.join()
    if bytes(got) != payload:
        wrong.append(f"{len(got)} of {len(payload)} bytes came back")


def whole(port, count, size):
    payload, wrong = os.urandom(size + count), []
    crew = [threading.Thread(target=exchange, args=(port, payload[i:i + size], wrong))
            for i in range(count)]
    for one in crew:
        one.start()
    for one in crew:
        one.join()
    print("\n".join(wrong), end="")


def leave(server, way):
    if way == "reset":
        server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if way == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if way == "half":
        server.shutdown(socket.SHUT_WR)
    if way in ("half", "silent"):
        while server.recv(65536):
            pass
    server.close()


def vanish(port, count, different=5):
    ways = ["reset", "killed", "closed", "half", "silent"][:different]
    children = []
    for i in range(count):
        child = os.fork()
        if child == 0:
            server = socket.create_connection(("127.0.0.1", port), timeout=10)
            server.recv(1)
            way = ways[i % len(ways)]
            server.sendall((b"half\n" if way == "half" else b"gone\n") + b"x" * random.choice((1, 300000)))
            leave(server, way)
            os._exit(0)
        children.append(child)
        if len(children) == 50:
            while children:
                os.waitpid(children.pop(), 0)
    while children:
        os.waitpid(children.pop(), 0)


def leave_at_once(port, count):
    crew = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(count)]
    for i, server in enumerate(crew):
        leave(server, ("reset", "closed")[i % 2])


def stay(port, count):
    crew = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(count)]
    for server in crew:
        server.sendall(b"x")
    for server in crew:
        server.recv(1)
    print("all are served", flush=True)
    for server in crew:
        server.recv(1)


def main():
    what, port, numbers = sys.argv[1], int(sys.argv[2]), map(int, sys.argv[3:])
    {"whole": whole, "vanish": vanish, "leave": leave_at_once, "stay": stay}[what](port, *numbers)
    print("ready", port, file=sys.stderr, flush=True)


main()
