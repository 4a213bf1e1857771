"""One cell of the data/EOF matrix: matrix.py ROLE OTHER WHAT WAY

    ROLE   connect or serve: who stands between standard input and output and the network
    OTHER  quiet, filled or done: what the other direction is at
    WHAT   data (ten rounds of a byte) or eof (the end is passed on)
    WAY    in (network to standard output) or out (standard input to network)

Each byte and each end has to arrive within a second; by connect without -N, which waits with the
end of its input until no answer can be lost by it, within the 8 s of the public matrix. "Quiet":
nobody sends. "Filled": the receiver does not read until we stop the sender, and the sender writes
whatever anyone takes. "Done": it has been used and has ended in order.

Every cell runs with pipes and with Unix sockets as standard input and output, by default, with
--no-splice, and connect's with -N, too, all side by side. A data cell ends once by SIGTERM and once in order; an eof cell ends in
order, once after ten bytes and once after none. In order means that all that was sent arrives, and then status 0."""

import concurrent.futures
import hashlib
import itertools
import os
import random
import re
import select
import signal
import socket
import subprocess
import sys
import time

SOON_S = 1.0  # what a byte or an end is granted
PUBLIC_S = 8.0  # what the public matrix grants an end
FULL_S = 0.3  # nothing was taken for so long: it is filled
EXIT_S = 3.0
DRAIN_S = 15.0
ROUNDS = 10
NOISE = random.Random(7).randbytes(1 << 20)


class Failed(Exception):
    pass


class Way:
    """One direction through the program: where we put bytes in, and where they come out."""

    def __init__(self, name, sender, receiver, finish):
        self.name, self.sender, self.receiver, self.finish_sender = name, sender, receiver, finish
        self.sent, self.received = hashlib.sha256(), hashlib.sha256()
        self.sent_bytes = self.received_bytes = 0
        self.finished = self.ended = False
        self.end_within = SOON_S

    def send(self, data):
        """As much of it as is taken now."""
        try:
            taken = os.write(self.sender, data)
        except BlockingIOError:
            return 0
        self.sent.update(data[:taken])
        self.sent_bytes += taken
        return taken

    def fill(self):
        """Write until no byte is taken any more."""
        while select.select([], [self.sender], [], FULL_S)[1]:
            self.send(NOISE)
        if self.sent_bytes < 64 << 10:
            raise Failed(f"{self.name}: full after {self.sent_bytes} bytes?")

    def take(self, within, filling=None):
        """The next bytes, or b'' at the end; meanwhile the filled direction stays filled."""
        deadline = time.monotonic() + within
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Failed(f"{self.name}: nothing within {within} s")
            readable, writable, _ = select.select(
                [self.receiver], [filling.sender] if filling else [], [], left)
            if writable:
                filling.send(NOISE)
            if readable:
                data = os.read(self.receiver, 1 << 20)
                self.received.update(data)
                self.received_bytes += len(data)
                self.ended = not data
                return data

    def round(self, number, filling=None):
        byte = bytes([number + 1])
        if self.send(byte) != 1:
            raise Failed(f"{self.name}: round {number}: the byte is not taken")
        got = self.take(SOON_S, filling)
        if got != byte:
            raise Failed(f"{self.name}: round {number}: {byte!r} came as {got[:20]!r}")

    def finish(self):
        self.finished = True
        self.finish_sender()

    def expect_end(self, filling=None):
        got = self.take(self.end_within, filling)
        if got:
            raise Failed(f"{self.name}: {got[:20]!r} came instead of the end")

    def drain(self):
        """The sender has stopped: now the receiver reads all there is."""
        if not self.finished:
            self.finish()
        while not self.ended:
            self.take(DRAIN_S)
        if self.sent.digest() != self.received.digest():
            raise Failed(f"{self.name}: sent {self.sent_bytes} bytes, "
                         f"received {self.received_bytes} bytes, and they differ")


class Setting:
    """The program between its standard input and output, which are ours, and a peer, who we are."""

    def __init__(self, stdio, options):
        self.stdio, self.options = stdio, options
        self.role = self.child = self.net = None
        self.ways = {}

    def start(self, role):
        self.role = role
        if self.stdio == "pipe":
            (child_in, ours_in), (ours_out, child_out) = os.pipe(), os.pipe()
        else:
            child_in, ours_in = (s.detach() for s in socket.socketpair())
            ours_out, child_out = (s.detach() for s in socket.socketpair())
        getattr(self, "start_" + role)(child_in, child_out)
        os.close(child_in)
        os.close(child_out)
        for fd in (ours_in, ours_out, self.net.fileno()):
            os.set_blocking(fd, False)
        self.ways = {
            "out": Way("out", ours_in, self.net.fileno(), lambda: os.close(ours_in)),
            "in": Way("in", self.net.fileno(), ours_out,
                      lambda: self.net.shutdown(socket.SHUT_WR)),
        }
        if role == "connect" and "-N" not in self.options:
            self.ways["out"].end_within = PUBLIC_S

    def run(self, arguments, child_in, child_out):
        self.child = subprocess.Popen([os.environ["SOCKX"]] + arguments, stdin=child_in,
                                      stdout=child_out, stderr=subprocess.PIPE)

    def start_connect(self, child_in, child_out):
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(5)
        port = str(listener.getsockname()[1])
        self.run(["connect", *self.options, "127.0.0.1", port], child_in, child_out)
        self.net = listener.accept()[0]
        listener.close()

    def start_serve(self, child_in, child_out):
        self.run(["serve", *self.options, "-H", "127.0.0.1", "-p", "0"], child_in, child_out)
        line = self.child.stderr.readline().decode()
        port = re.search(r":(\d+) \(", line)
        if not port:
            raise Failed(f"the server says {line!r}")
        self.net = socket.create_connection(("127.0.0.1", int(port[1])), 5)

    def expect_exit(self, expected):
        try:
            self.child.wait(EXIT_S)
        except subprocess.TimeoutExpired:
            raise Failed(f"still there {EXIT_S} s after the end") from None
        said = self.child.stderr.read().decode()
        if self.child.returncode != expected:
            raise Failed(f"status {self.child.returncode}, expected {expected}; it said {said!r}")

    def end_by_sigterm(self, filled):
        self.child.send_signal(signal.SIGTERM)
        if self.role == "connect":
            self.expect_exit(-signal.SIGTERM)
        else:
            self.expect_exit(4)  # the client had not ended

    def end_in_order(self, first=None):
        for way in sorted(self.ways.values(), key=lambda way: way is not first):
            way.drain()
        self.expect_exit(0)

    def clear_away(self):
        if self.child and self.child.poll() is None:
            self.child.kill()
            self.child.wait()


def play(setting, other_state, what, name):
    way = setting.ways[name]
    other = setting.ways["out" if name == "in" else "in"]
    filling = None
    if other_state == "filled":
        other.fill()
        filling = other
    elif other_state == "done":
        other.round(0)
        other.finish()
        other.expect_end()
    if what == "data" or setting.stdio == "pipe":
        for number in range(ROUNDS):
            way.round(number, filling)
    if what == "eof":
        way.finish()
        way.expect_end(filling)
    if what == "data" and setting.stdio == "pipe":
        setting.end_by_sigterm(bool(filling))
    elif what == "data":
        setting.end_in_order(filling)  # that an end passes by what is filled is for the eof cells
    else:
        setting.end_in_order()


def run(role, other_state, what, name, stdio, options):
    """What went wrong, or None."""
    setting = Setting(stdio, options)
    try:
        setting.start(role)
        play(setting, other_state, what, name)
    except (Failed, OSError) as failure:
        return f"{role} {other_state} {what} {name}, {options}, with a {stdio}: {failure!r}"
    finally:
        setting.clear_away()
    return None


def main():
    role = sys.argv[1]
    options = [[], ["--no-splice"]] + [["-N"]] * (role == "connect")
    settings = list(itertools.product(("pipe", "socket"), options))
    with concurrent.futures.ThreadPoolExecutor(len(settings)) as pool:
        failures = [failure for failure in pool.map(lambda its: run(*sys.argv[1:], *its), settings)
                    if failure]
    if failures:
        sys.exit("\n".join(failures))


main()
