"""A client of a greeting server that behaves in one named way, and exits 1 where it is disappointed.

    names.py BEHAVIOUR [--six] PORT [WORD...]

Each function below is a behaviour.
"""

import os
import selectors
import socket
import struct
import sys
import time

PATIENCE_S = 20
BELOW_SETTLE_S = 0.02


def connect(port):
    host = "::1" if "--six" in sys.argv else "127.0.0.1"
    server = socket.create_connection((host, port), timeout=PATIENCE_S)
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return server


def read_all(server):
    whole = bytearray()
    while data := server.recv(65536):
        whole += data
    return bytes(whole)


def show(server):
    sys.stdout.buffer.write(read_all(server))


def at_once(port, count):
    """So many that are all there before the first says its name; every other one without a newline.
    Each has to be greeted by its own name, and nothing more."""
    waiting = selectors.DefaultSelector()
    came = {}
    clients = [connect(port) for _ in range(int(count))]
    for number, client in enumerate(clients):
        client.setblocking(False)
        came[client] = b""
        client.send(b"guest %d" % number + b"\n" * (number % 2))
        waiting.register(client, selectors.EVENT_READ, number)
    deadline = time.monotonic() + PATIENCE_S
    while waiting.get_map() and time.monotonic() < deadline:
        for key, _ in waiting.select(1):
            data = key.fileobj.recv(65536)
            came[key.fileobj] += data
            if not data:
                waiting.unregister(key.fileobj)
    if waiting.get_map():
        sys.exit(f"{len(waiting.get_map())} clients were not seen off")
    wrong = [c for n, c in enumerate(clients) if came[c] != b"welcome guest %d" % n]
    if wrong:
        sys.exit(f"{len(wrong)} clients were greeted wrongly, one by {came[wrong[0]]!r}")
    print(len(clients))


def quiet(port, name):
    """Says its name and neither a newline nor that this was all; prints the greeting, and on standard
    error after how many ms it came."""
    server = connect(port)
    began = time.monotonic()
    server.sendall(os.fsencode(name))
    show(server)
    print(round((time.monotonic() - began) * 1000), file=sys.stderr)


def pieces(port, name):
    """Says its name byte by byte, with pauses shorter than --settle, and holds on."""
    server = connect(port)
    for byte in name.encode():
        server.sendall(bytes([byte]))
        time.sleep(BELOW_SETTLE_S)
    show(server)


def lines(port, *names):
    """Says all names at once, a line each."""
    server = connect(port)
    server.sendall("".join(name + "\n" for name in names).encode())
    show(server)


def asked(port, name):
    """Says nothing, tells so (`silent`), waits for a line on standard input, and says its name."""
    server = connect(port)
    server.settimeout(0.3)
    try:
        sys.exit(f"greeted unasked: {server.recv(100)!r}")
    except TimeoutError:
        print("silent", file=sys.stderr, flush=True)
    sys.stdin.readline()
    server.settimeout(PATIENCE_S)
    server.sendall(name.encode() + b"\n")
    show(server)


def long(port, size):
    """A name of so many bytes, and no end of it. All of it has to be taken: a reset is met either in
    sending or in receiving, and no second time."""
    server = connect(port)
    server.sendall(b"n" * int(size))
    show(server)


def reset_later(port, name):
    """Says a part of its name, is silent long enough to have been accepted, and resets."""
    server = connect(port)
    server.sendall(name.encode())
    time.sleep(10 * BELOW_SETTLE_S)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.close()


def raw(port):
    """Says what is on standard input, byte for byte, and the end."""
    server = connect(port)
    server.sendall(sys.stdin.buffer.read())
    server.shutdown(socket.SHUT_WR)
    show(server)


def main():
    words = [word for word in sys.argv[1:] if word != "--six"]
    globals()[words[0]](int(words[1]), *words[2:])


main()
