"""Many clients of `serve -m collect` that write at once, and a look at what was collected.

    writers.py write KIND WHERE COUNT LINES [PAUSE]   COUNT clients send LINES lines each, in pieces
                                   that end anywhere; of datagrams one a line, PAUSE ms after each
                                   round. KIND is tcp, udp, unix-stream, unix-datagram or
                                   unix-seqpacket; WHERE a port or a path
    writers.py check FILE COUNT LINES   every line of FILE is one of theirs, whole, once and in the
                                   order of its writer; prints how many are missing

The last lines have no end: each stream's last one is left for the server to end."""

import random
import selectors
import socket
import sys
import time

FAMILIES = {"tcp": (socket.AF_INET, socket.SOCK_STREAM), "udp": (socket.AF_INET, socket.SOCK_DGRAM),
            "unix-stream": (socket.AF_UNIX, socket.SOCK_STREAM),
            "unix-datagram": (socket.AF_UNIX, socket.SOCK_DGRAM),
            "unix-seqpacket": (socket.AF_UNIX, socket.SOCK_SEQPACKET)}


def line_of(writer, number):
    return b"%d %d %s" % (writer, number, b"x" * ((writer * 7 + number) % 60))


def connect(kind, where):
    family, kind = FAMILIES[kind]
    one = socket.socket(family, kind)
    if kind == socket.SOCK_DGRAM and family == socket.AF_UNIX:
        one.bind("")
    one.connect(where if family == socket.AF_UNIX else ("127.0.0.1", int(where)))
    return one


def write_streams(sockets, lines):
    waiting = selectors.DefaultSelector()
    for writer, one in enumerate(sockets):
        one.setblocking(False)
        text = memoryview(b"\n".join(line_of(writer, i) for i in range(lines)))
        waiting.register(one, selectors.EVENT_WRITE, [text])
    while waiting.get_map():
        for key, _ in waiting.select():
            text = key.data[0]
            key.data[0] = text[key.fileobj.send(text[:random.choice((7, 100, 5000, 60000))]):]
            if not key.data[0]:
                waiting.unregister(key.fileobj)
                key.fileobj.close()


def write_messages(sockets, lines, pause):
    for i in range(lines):
        for writer, one in enumerate(sockets):
            one.send(line_of(writer, i))
        if pause:
            time.sleep(pause / 1000)
    for one in sockets:
        one.close()


def write(kind, where, count, lines, pause="0"):
    sockets = [connect(kind, where) for _ in range(int(count))]
    if FAMILIES[kind][1] == socket.SOCK_STREAM:
        write_streams(sockets, int(lines))
    else:
        write_messages(sockets, int(lines), float(pause))


def check(name, count, lines):
    count, lines = int(count), int(lines)
    following, seen = [0] * count, 0
    with open(name, "rb") as collected:
        for line in collected:
            writer, number = map(int, line.split(b" ", 2)[:2])
            if line != line_of(writer, number) + b"\n" or number < following[writer]:
                sys.exit(f"not as it was sent: {line!r}")
            following[writer] = number + 1
            seen += 1
    print(count * lines - seen)


{"write": write, "check": check}[sys.argv[1]](*sys.argv[2:])
