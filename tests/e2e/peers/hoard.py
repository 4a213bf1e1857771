"""Many clients at once that make a server hold as much as it will; says `ready PORT` on standard error.

    hoard.py KIND PORT COUNT BYTES [REFUSED]

KIND is what each of the COUNT clients sends, at most BYTES of it, without its end: `words`, all of
them distinct; `name`, one long one. None reads. Once all is sent, or nothing moves any more, it is
ready, and holds on until standard input ends, and REFUSED of them have been answered, if it is given; then
`refused N` tells how many were sent away with the server's reason.
"""

import select
import socket
import sys
import time

QUIET_S = 0.3
ANSWERED_S = 10


def words(client, size):
    text = " ".join(f"{client:x}{word:06x}" for word in range(size // 8))
    return text.encode()[:size]


def name(_client, size):
    return b"n" * size


def send_all(left):
    """left: {socket: bytes}."""
    moved = time.monotonic()
    while left and time.monotonic() - moved < QUIET_S:
        for s in select.select([], list(left), [], QUIET_S)[1]:
            try:
                left[s] = left[s][s.send(left[s]):]
                moved = time.monotonic()
            except BlockingIOError:
                continue
            except OSError:
                left[s] = b""
            if not left[s]:
                del left[s]


def said(s):
    whole = b""
    try:
        while data := s.recv(65536):
            whole += data
    except OSError:
        pass
    return whole


def wait_for_answers(clients, wanted):
    deadline = time.monotonic() + ANSWERED_S
    while len(select.select(clients, [], [], 0)[0]) < wanted and time.monotonic() < deadline:
        time.sleep(0.01)


def main():
    kind, port, count, size, *refused = sys.argv[1], *map(int, sys.argv[2:])
    sends = {"words": words, "name": name}[kind]
    left = {}
    for client in range(count):
        s = socket.create_connection(("127.0.0.1", port), timeout=10)
        s.setblocking(False)
        left[s] = memoryview(sends(client, size))
    clients = list(left)
    send_all(left)
    print("ready", port, file=sys.stderr, flush=True)
    sys.stdin.read()
    wait_for_answers(clients, *(refused or [0]))
    print("refused", sum(b"error: " in said(s) for s in clients), flush=True)


main()
