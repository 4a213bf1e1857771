"""A broker's members, of which one never reads, and how long what one says takes to the others.

    brokered.py PORT LOG MEMBERS RATE SECONDS

First one of three talks until the server's standard error, LOG, tells that another does not read.
Then all the others are let in, and in turn they send RATE messages of 64 bytes a second, all in all.
Prints the 99th percentile of what they took and the longest, in milliseconds; the status is 1 if one of
the members that read got anything else than what each other one said, once.
"""

import selectors
import socket
import struct
import sys
import time

PATIENCE_S = 20
MESSAGE = struct.Struct("=Id52x")  # which it is, and when it was sent


class Member:
    def __init__(self, port, room_bytes=0):
        self.sock = socket.socket()
        if room_bytes:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room_bytes)
        self.sock.connect(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self.heard, self.part = [], b""

    def listen(self, took):
        data = self.part + self.sock.recv(1 << 16)
        whole = len(data) - len(data) % MESSAGE.size
        now = time.monotonic()
        for which, at in MESSAGE.iter_unpack(data[:whole]):
            self.heard.append(which)
            took.append(now - at)
        self.part = data[whole:]


def until(is_so, what):
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        if time.monotonic() > deadline:
            sys.exit(what)


def logged(log, text):
    with open(log, "rb") as file:
        return file.read().count(text)


def fill(talker, ear, log):
    """Talk to one that listens, so that it keeps up, and to one that does not."""
    sent = heard = 0

    def step():
        nonlocal sent, heard
        told = logged(log, b"does not read")
        if not told and sent - heard < 1 << 19:
            sent += talker.sock.send(bytes(1 << 16))
        try:
            heard += len(ear.sock.recv(1 << 20))
        except BlockingIOError:
            pass
        return told and heard == sent

    until(step, "none was told not to read")


def converse(members, rate, count):
    took, waiting = [], selectors.DefaultSelector()
    for member in members:
        waiting.register(member.sock, selectors.EVENT_READ, member)
    began, sent, wanted = time.monotonic(), 0, count * (len(members) - 1)
    while len(took) < wanted:
        now = time.monotonic()
        if sent < count and now >= began + sent / rate:
            members[sent % len(members)].sock.send(MESSAGE.pack(sent, now))
            sent += 1
            continue
        if now > began + count / rate + PATIENCE_S:
            sys.exit(f"of {wanted} messages {len(took)} came")
        pause = began + sent / rate - now if sent < count else 1
        for key, _ in waiting.select(max(pause, 0)):
            key.data.listen(took)
    return sorted(took)


def main():
    port, log = int(sys.argv[1]), sys.argv[2]
    size, rate, seconds = (int(word) for word in sys.argv[3:])
    deaf = Member(port, 4096)
    members = [Member(port), Member(port)]
    until(lambda: logged(log, b" connected\n") == 3, "not all were let in")
    fill(*members, log)
    members += [Member(port) for _ in range(size - 3)]
    until(lambda: logged(log, b" connected\n") == size, "not all were let in")
    took = converse(members, rate, rate * seconds)
    for i, member in enumerate(members):
        said = [which for which in range(rate * seconds) if which % len(members) != i]
        if sorted(member.heard) != said or member.part:
            sys.exit(f"member {i} heard {len(member.heard)} messages, not {len(said)}")
    deaf.sock.close()
    print(f"{took[len(took) * 99 // 100] * 1000:.1f} {took[-1] * 1000:.1f}")


main()
