"""A crowded room: one member talks, one never reads, and each of the others hears every line, in order.

    crowd.py PORT COUNT LOG

Lines are said until the server's standard error, LOG, tells that somebody was sent away, and 25 more.
Prints how many lines that were; the status is 1 if anyone heard anything else, or if all others had
to wait for the one: some 0.2 s is what it costs them, and a busy machine adds to that.
"""

import selectors
import socket
import sys
import time

PATIENCE_S = 30
LONGEST_PAUSE_S = 3
MOST_LINES = 5000
LINE_BYTES = 8000


def connect(port, room_bytes=0):
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if room_bytes:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room_bytes)
    sock.connect(("127.0.0.1", port))
    return sock


def line(number):
    return (b"line %d " % number).ljust(LINE_BYTES - 1, b".") + b"\n"


class Crowd:
    def __init__(self, port, count, log):
        self.log = log
        self.deaf = connect(port, 4096)
        self.talker = connect(port)
        self.listeners = [connect(port) for _ in range(count - 2)]
        self.until_all_are_in(count)
        self.heard = dict.fromkeys(self.listeners, 0)
        self.wanted = b""  # what each listener hears, as far as it has been said
        self.unsent = b""
        self.lines, self.last = 0, MOST_LINES
        self.waiting = selectors.DefaultSelector()
        for listener in self.listeners:
            listener.setblocking(False)
            self.waiting.register(listener, selectors.EVENT_READ)
        self.talker.setblocking(False)
        self.waiting.register(self.talker, selectors.EVENT_READ | selectors.EVENT_WRITE)

    def told(self, text):
        with open(self.log, "rb") as log:
            return log.read().count(text)

    def until_all_are_in(self, count):
        deadline = time.monotonic() + PATIENCE_S
        while self.told(b" connected\n") < count:
            if time.monotonic() > deadline:
                sys.exit("not all were let in")
            time.sleep(0.01)

    def talk(self):
        if not self.unsent and self.lines < self.last:
            self.unsent = line(self.lines)
            self.wanted += b"guest2: " + self.unsent
            self.lines += 1
            if self.lines % 25 == 0 and self.last == MOST_LINES and self.told(b"sent away"):
                self.last = self.lines + 25
        if self.unsent:
            self.unsent = self.unsent[self.talker.send(self.unsent) :]
        else:
            self.waiting.modify(self.talker, selectors.EVENT_READ)

    def listen(self, listener):
        data = listener.recv(1 << 20)
        at = self.heard[listener]
        if not data or not self.wanted.startswith(data, at):
            self.fail(listener, data, at)
        self.heard[listener] += len(data)

    def fail(self, listener, data, at):
        """Tell the first line that is not as it should be."""
        wanted = self.wanted[at : at + len(data)]
        same = next((i for i, pair in enumerate(zip(data, wanted)) if pair[0] != pair[1]), len(wanted))
        sys.exit(
            f"{self.listeners.index(listener) + 3} heard {data[same : same + 40]!r} at {at + same},"
            f" not {wanted[same : same + 40]!r}; {self.lines} lines were said"
        )

    def run(self):
        moved = time.monotonic()
        deadline = moved + PATIENCE_S
        while self.lines < self.last or self.unsent or min(self.heard.values()) < len(self.wanted):
            if time.monotonic() > deadline:
                sys.exit(f"after {self.lines} lines, somebody has heard {min(self.heard.values())} bytes")
            moves = self.waiting.select(0.1)
            if moves:
                moved = time.monotonic()
            elif time.monotonic() > moved + LONGEST_PAUSE_S:
                sys.exit(f"after {self.lines} lines, all of them have to wait")
            for key, events in moves:
                if key.fileobj is not self.talker:
                    self.listen(key.fileobj)
                elif events & selectors.EVENT_READ:
                    sys.exit(f"the talker heard {self.talker.recv(80)!r}")
                else:
                    self.talk()
        print(self.lines)


Crowd(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]).run()
