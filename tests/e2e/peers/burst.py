"""A room in which some talk in bursts, and how long two others wait to hear each other.

    burst.py PORT SILENT BURSTING SECONDS [--deaf] [--slow] [--wide BYTES]

SILENT members only read. BURSTING ones send newlines as fast as they are taken, --wide: with so many bytes
before each that are not UTF-8, and read what the others say; --deaf: they do not. With --slow one more
member reads 5 MB/s. The two speak a word each in turn, 20 ms apart, and wait for it to
reach the other. Printed: longest MS words N lost N, where lost are the honest members that were
disconnected. The bursts go on until the server ends.
"""

import argparse
import os
import selectors
import socket
import sys
import time

BURST_BYTES = 256 * 1024
SLOW_BYTES_PER_S, SLOW_BYTES_AT_ONCE = 5_000_000, 20_000
PATIENCE_S = 60
room = bytearray(1 << 20)


def connect(port):
    member = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    member.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    member.setblocking(False)
    return member


def discard(member, most=len(room)):
    """Whether it goes on; what came is thrown away by the kernel (MSG_TRUNC, tcp(7))."""
    try:
        return member.recv_into(room, most, socket.MSG_TRUNC) > 0
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


def say_all(member, text, at):
    try:
        return (at + member.send(text[at:])) % len(text)
    except BlockingIOError:
        return at


def burst(members, text, deaf):
    """What the silent and the bursting members do, until all have been disconnected."""
    ready = selectors.EpollSelector()
    for member, bursts in members:
        events = selectors.EVENT_WRITE if bursts else 0
        ready.register(member, events | (0 if bursts and deaf else selectors.EVENT_READ))
    bursting = {member: 0 for member, bursts in members if bursts}
    while ready.get_map():
        for key, events in ready.select():
            member, alive = key.fileobj, True
            if events & selectors.EVENT_READ:
                alive = discard(member)
            if alive and events & selectors.EVENT_WRITE:
                try:
                    bursting[member] = say_all(member, text, bursting[member])
                except ConnectionError:
                    alive = False
            if not alive:
                ready.unregister(member)


def read_slowly(member, report):
    member.setblocking(True)
    begun, taken = time.monotonic(), 0
    while discard(member, SLOW_BYTES_AT_ONCE):
        taken += SLOW_BYTES_AT_ONCE
        time.sleep(max(0, begun + taken / SLOW_BYTES_PER_S - time.monotonic()))
    os.write(report, b".")


def in_child(what, *arguments):
    child = os.fork()
    if child == 0:
        try:
            what(*arguments)
        finally:
            os._exit(0)
    return child


class Two:
    def __init__(self, port):
        self.members = [connect(port), connect(port)]
        self.tails = [b"", b""]
        self.ready = selectors.EpollSelector()
        for i, member in enumerate(self.members):
            self.ready.register(member, selectors.EVENT_READ, i)

    def hear(self, who, word, until):
        """Read for both; whether who has heard the word."""
        while (left := until - time.monotonic()) > 0:
            for key, _ in self.ready.select(left):
                data = key.fileobj.recv(1 << 18)
                if not data:
                    raise ConnectionError("an honest member was disconnected")
                self.tails[key.data] = (self.tails[key.data] + data)[-(1 << 19) :]
                if key.data == who and word in self.tails[who]:
                    self.tails[who] = b""
                    return True
        return False

    def meet(self):
        """Until each hears the other: what is said before a member was accepted does not reach it."""
        until = time.monotonic() + PATIENCE_S
        for i, member in enumerate(self.members):
            heard = False
            while not heard and time.monotonic() < until:
                member.send(b"hello.\n")
                heard = self.hear(1 - i, b": hello.", time.monotonic() + 0.5)

    def longest_ms(self, seconds):
        longest, words, end = 0, 0, time.monotonic() + seconds
        while time.monotonic() < end:
            word = b": word%d." % words
            begun = time.monotonic()
            self.members[words % 2].send(word[2:] + b"\n")
            heard = self.hear(1 - words % 2, word, begun + PATIENCE_S)
            longest = max(longest, time.monotonic() - begun)
            words += 1
            if not heard:
                break
            self.hear(-1, b"", time.monotonic() + 0.02)
        return int(longest * 1000), words


def main():
    parser = argparse.ArgumentParser()
    for name in ("port", "silent", "bursting"):
        parser.add_argument(name, type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--deaf", action="store_true")
    parser.add_argument("--slow", action="store_true")
    parser.add_argument("--wide", type=int, default=0)
    args = parser.parse_args()
    once = b"\xff" * args.wide + b"\n"
    text = once * max(1, BURST_BYTES // len(once))
    two = Two(args.port)
    two.meet()
    slow_lost = os.pipe()
    children = []
    if args.slow:
        children.append(in_child(read_slowly, connect(args.port), slow_lost[1]))
    silent = [(connect(args.port), False) for _ in range(args.silent)]
    children.append(in_child(burst, silent, text, False))
    bursting = [(connect(args.port), True) for _ in range(args.bursting)]
    children.append(in_child(burst, bursting, text, args.deaf))
    lost = 0
    try:
        longest, words = two.longest_ms(args.seconds)
    except ConnectionError:
        longest, words, lost = -1, 0, 1
    os.set_blocking(slow_lost[0], False)
    try:
        lost += len(os.read(slow_lost[0], 1))
    except BlockingIOError:
        pass
    print(f"longest {longest} words {words} lost {lost}", flush=True)
    for child in children:
        os.waitpid(child, 0)


sys.exit(main())
