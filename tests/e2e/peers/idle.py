"""idle.py PORT COUNT BYTES [BATCH]: COUNT connections, all open at once, each used once (BYTES are
sent and must come back, none: not used) and then silent until we are ended. So many of a BATCH (200)
are begun before the first of them is used. Says `ready` on stdout."""

import os
import resource
import signal
import socket
import sys


def receive(conn, size):
    got = bytearray()
    while len(got) < size:
        part = conn.recv(size - len(got))
        if not part:
            sys.exit(f"ended after {len(got)} of {size} bytes")
        got += part
    return bytes(got)


def use_once(conns, size):
    for conn in conns:
        message = os.urandom(size)
        conn.sendall(message)
        yield conn, message


def main():
    port, count, size = (int(word) for word in sys.argv[1:4])
    at_once = int(sys.argv[4]) if len(sys.argv) > 4 else 200  # short queues do not overflow
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    conns = []
    for first in range(0, count, at_once):
        batch = [socket.create_connection(("127.0.0.1", port), 10)
                 for _ in range(min(at_once, count - first))]
        for conn, message in list(use_once(batch, size)) if size else ():
            if receive(conn, size) != message:
                sys.exit("the echo differs")
        conns += batch
    print("ready", flush=True)
    signal.pause()


main()
