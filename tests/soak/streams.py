"""Echo over a stream: CONNECTIONS at a time, each for some messages, in windows of 1, 4 or 16."""

import bisect
import random
import select
import socket
import struct
import time

from server import Failed

CONNECTIONS = 20
MESSAGES_EACH = 200  # at most, half of it on average
MESSAGE_MAX = 64 * 1024
QUIET_S = 20
WINDOWS = (1, 4, 16)
# A connection's end. FULL: it sends without reading until the server has to queue, then resets.
HALF_CLOSE, CLOSE, RESET, FULL = range(4)
ENDS = (HALF_CLOSE, CLOSE, RESET) * 3 + (FULL,)
# Where a relay's client is FULL and lost, its target is waited for: 10 s, for it does not read either.
PATIENT_ENDS = (HALF_CLOSE, CLOSE, RESET)
PUSH_S = 0.01
# A connection sends this, from a place of its own on, again and again. It stands here twice, so that no
# slice has to be joined from two. Its length is no multiple of a buffer's.
ROUND = (1 << 20) - 3
NOISE = random.Random(7).randbytes(ROUND) * 2


def some_size(most):
    """1 to MOST, as many below 256 as above."""
    return int(most ** random.random())


def reset(conn):
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    conn.close()


class Stream:
    """One connection, and how far its bytes are."""

    def __init__(self, conn, messages, ends):
        conn.setblocking(False)
        self.conn = conn
        self.at = random.randrange(ROUND)
        self.ends = []
        end = 0
        for _ in range(messages):
            end += some_size(MESSAGE_MAX)
            self.ends.append(end)
        self.window = random.choice(WINDOWS)
        self.how = random.choice(ends)
        # It ends when so many are back.
        self.last = messages // 2 if self.how in (RESET, FULL) else messages
        self.sent = 0
        self.back = 0  # bytes
        self.done = 0  # messages
        self.interest = select.EPOLLIN | select.EPOLLOUT
        self.over = False
        self.pushes_until = 0.0

    def take(self):
        """Take and compare what is there. Returns whether this was all."""
        try:
            came = self.conn.recv(MESSAGE_MAX * 4)
        except BlockingIOError:
            return False
        if not came:
            if self.how != HALF_CLOSE or self.back < self.ends[-1]:
                raise Failed(f"an end after {self.back} of {self.ends[-1]} bytes")
            return True
        first = (self.at + self.back) % ROUND
        self.back += len(came)
        if self.back > self.sent or NOISE[first:first + len(came)] != came:
            raise Failed(f"other bytes came back, the last of them at {self.back}")
        self.done = bisect.bisect_right(self.ends, self.back, self.done)
        return self.done >= self.last and self.how != HALF_CLOSE

    def give(self):
        """Send what the window has room for."""
        upto = self.ends[min(self.done + self.window, len(self.ends)) - 1]
        if self.sent < upto:
            first = (self.at + self.sent) % ROUND
            try:
                self.sent += self.conn.send(memoryview(NOISE)[first:first + upto - self.sent])
            except BlockingIOError:
                pass
        if self.how == HALF_CLOSE and self.sent == self.ends[-1] and not self.over:
            self.over = True
            self.conn.shutdown(socket.SHUT_WR)
        return select.EPOLLIN | (select.EPOLLOUT if self.sent < upto else 0)

    def push(self):
        """Send, whether the server can answer or not."""
        try:
            self.conn.send(NOISE)
        except BlockingIOError:
            pass
        return select.EPOLLOUT


class Streams:
    """A server's clients."""

    def __init__(self, family, where, ends=ENDS):
        self.family = family
        self.where = where
        self.ends = ends
        self.epoll = select.epoll()
        self.streams = {}
        self.pushing = []
        self.left = 0  # messages that no connection has yet
        self.connections = 0

    def close(self):
        for stream in self.streams.values():
            stream.conn.close()
        self.epoll.close()

    def visit(self, clients):
        """One after the other, with a byte that comes back."""
        for _ in range(clients):
            with socket.socket(self.family, socket.SOCK_STREAM) as conn:
                conn.settimeout(QUIET_S)
                conn.connect(self.where)
                conn.sendall(b"x")
                if conn.recv(2) != b"x":
                    raise Failed("another byte came back")
                if random.random() < 0.5:
                    reset(conn)

    def begin(self):
        conn = socket.socket(self.family, socket.SOCK_STREAM)
        try:
            conn.connect(self.where)
        except OSError as why:
            conn.close()
            raise Failed(f"connect: {why}") from why
        messages = min(self.left, random.randint(1, MESSAGES_EACH))
        self.left -= messages
        self.connections += 1
        stream = Stream(conn, messages, self.ends)
        self.streams[conn.fileno()] = stream
        self.epoll.register(conn, stream.interest)

    def end(self, stream):
        """It ends in its own way; what it has not had back is for others."""
        self.left += len(stream.ends) - stream.done
        del self.streams[stream.conn.fileno()]
        if stream.how in (RESET, FULL):
            reset(stream.conn)
        else:
            stream.conn.close()

    def step(self, stream, events):
        if not stream.pushes_until and events & ~select.EPOLLOUT and stream.take():
            if stream.how != FULL:
                self.end(stream)
                return
            stream.pushes_until = time.monotonic() + PUSH_S
            self.pushing.append(stream)
        interest = stream.push() if stream.pushes_until else stream.give()
        if interest != stream.interest:
            stream.interest = interest
            self.epoll.modify(stream.conn, interest)

    def run(self, messages):
        """So many messages go and come back; then every connection is closed."""
        self.left += messages
        while self.left or self.streams:
            while self.left and len(self.streams) < CONNECTIONS:
                self.begin()
            ready = self.epoll.poll(PUSH_S if self.pushing else QUIET_S)
            if not ready and not self.pushing:
                raise Failed(f"nothing has moved for {QUIET_S} s")
            for fd, events in ready:
                try:
                    self.step(self.streams[fd], events)
                except OSError as why:
                    raise Failed(f"connection lost: {why}") from why
            while self.pushing and self.pushing[0].pushes_until < time.monotonic():
                self.end(self.pushing.pop(0))
