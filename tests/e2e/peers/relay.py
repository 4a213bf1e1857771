"""Both ends of a relay, which pass so many bytes each way at once, with pauses.

    relay.py target AT BYTES    listens at AT, serves one client, and says `ready PORT` first
    relay.py client AT BYTES    connects to AT

AT is a port of 127.0.0.1 (0: a free one) or a path. The status is 1 where what came differs from
what the other sends."""

import random
import socket
import sys
import threading
import time

PIECE_MAX = 400000
PAUSE_MAX_S = 0.004
BLOCK = (1 << 20) + 17


def stream_of(role, size):
    block = random.Random(role).randbytes(BLOCK)
    return (block * (size // BLOCK + 1))[:size]


def pause():
    if random.random() < 0.5:
        time.sleep(random.random() * PAUSE_MAX_S)


def send(conn, whole):
    rest = memoryview(whole)
    while rest:
        piece = random.randrange(1, PIECE_MAX)
        conn.sendall(rest[:piece])
        rest = rest[piece:]
        pause()
    conn.shutdown(socket.SHUT_WR)


def receive(conn, size):
    """All of it, or one byte more."""
    whole, at = bytearray(size + 1), 0
    with memoryview(whole) as view:
        while at <= size and (came := conn.recv_into(view[at:at + random.randrange(1, PIECE_MAX)])):
            at += came
            pause()
    return whole[:at]


def exchange(conn, role, other, size):
    sender = threading.Thread(target=send, args=(conn, stream_of(role, size)))
    sender.start()
    came = receive(conn, size)
    sender.join()
    if came != stream_of(other, size):
        sys.exit(f"{role}: {len(came)} bytes came, not the {size} that were sent")


def socket_for(at):
    if at.isdigit():
        return socket.socket(socket.AF_INET), ("127.0.0.1", int(at))
    return socket.socket(socket.AF_UNIX), at


def target(at, size):
    listener, place = socket_for(at)
    listener.bind(place)
    listener.listen()
    port = listener.getsockname()[1] if at.isdigit() else 0
    print("ready", port, file=sys.stderr, flush=True)
    exchange(listener.accept()[0], "target", "client", size)


def client(at, size):
    conn, place = socket_for(at)
    conn.connect(place)
    exchange(conn, "client", "target", size)


def main():
    role, at, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
    {"target": target, "client": client}[role](at, size)


main()
