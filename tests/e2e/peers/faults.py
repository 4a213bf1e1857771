"""faults.py KIND PORT ARG...: clients that misbehave, against the server on 127.0.0.1:PORT.

Says `ready` on stdout once the fault is there, keeps it up until SIGTERM, and then leaves with
status 0, or 1 with what it saw on stderr.

    never-reads N [ASK]     N clients that send until no byte is taken (ASK: "quiet", nothing)
                            and never read
    resets WHEN             one client after the other, a hundred a second, resets its connection:
                            at-once, sending, receiving, half-closed
    queued-resets N PID [SILENT]
                            N clients connect and reset while the server PID is stopped; half of
                            them have sent something (SILENT: "silent", none has)
    trickles N              N clients that send a byte a second, and check what comes back
    wants N                 N clients at once that want an echo; says `served K` as it comes. At
                            SIGUSR1 those who have theirs leave, and so does each later one at once
    busy N                  N clients that send and read as fast as they can, until the server ends
                            them: what came is the beginning of what was sent
    killed N                processes with N busy clients each, killed twenty a second
    many N                  N of each: never-reads, resets, trickles, killed"""

import ctypes
import os
import random
import resource
import select
import selectors
import signal
import socket
import struct
import sys
import time

NOISE = random.Random(11).randbytes(1 << 20)
FULL_S = 0.3  # no byte was taken for so long: it is full
PACE_S = 0.01
PR_SET_PDEATHSIG = 1
PORT = 0


class Signals:
    """SIGTERM and SIGUSR1 stay blocked and are asked for, so that they interrupt nothing."""

    def __init__(self):
        self.seen = set()

    def block(self):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR1})

    def wait(self, seconds=3600.0):
        """True once we are to leave; else after so long."""
        deadline = time.monotonic() + seconds
        while signal.SIGTERM not in self.seen:
            left = deadline - time.monotonic()
            got = signal.sigtimedwait({signal.SIGTERM, signal.SIGUSR1}, max(0, left))
            if got is None:
                return False
            self.seen.add(got.si_signo)
        return True


SIGNALS = Signals()


def connect(small=False):
    conn = socket.socket()
    if small:
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    conn.settimeout(10)
    conn.connect(("127.0.0.1", PORT))
    return conn


def reset(conn):
    """Close with RST: what is queued either way is thrown away (socket(7), SO_LINGER)."""
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    conn.close()


def ready():
    print("ready", flush=True)


def fill(conns):
    """Send on all of them until none has taken a byte for a while."""
    for conn in conns:
        conn.setblocking(False)
    while True:
        writable = select_writable(conns)
        if not writable:
            return
        for conn in writable:
            try:
                conn.send(NOISE)
            except BlockingIOError:
                pass


def select_writable(conns):
    poll = select.poll()
    by_fd = {conn.fileno(): conn for conn in conns}
    for fd in by_fd:
        poll.register(fd, select.POLLOUT)
    return [by_fd[fd] for fd, _ in poll.poll(FULL_S * 1000)]


def never_reads(count, ask="fill"):
    conns = [connect(small=int(count) > 1) for _ in range(int(count))]
    if ask == "fill":
        fill(conns)
    ready()
    SIGNALS.wait()
    for conn in conns:
        conn.close()


def reset_at_once():
    reset(connect())


def reset_sending():
    conn = connect(small=True)
    conn.setblocking(False)
    for _ in range(3):
        try:
            conn.send(NOISE[:64 << 10])
        except BlockingIOError:
            break
    reset(conn)


def reset_receiving():
    conn = connect()
    conn.sendall(NOISE[:256 << 10])
    conn.recv(1000)
    reset(conn)


def reset_half_closed():
    conn = connect()
    conn.sendall(NOISE[:64 << 10])
    conn.shutdown(socket.SHUT_WR)
    conn.recv(1000)
    reset(conn)


RESETS = {"at-once": reset_at_once, "sending": reset_sending, "receiving": reset_receiving,
          "half-closed": reset_half_closed}


def resets(when, say=ready):
    done = 0
    while not SIGNALS.wait(PACE_S):
        try:
            RESETS[when]()
        except ConnectionError:
            pass
        done += 1
        if done == 20:
            say()


def queued_resets(count, pid, silent=""):
    os.kill(int(pid), signal.SIGSTOP)
    try:
        conns = [connect() for _ in range(int(count))]
        for index, conn in enumerate(conns):
            if index % 2 and not silent:
                conn.sendall(b"gone before you came")
            reset(conn)
    finally:
        os.kill(int(pid), signal.SIGCONT)
    ready()
    SIGNALS.wait()


def trickles(count, say=ready):
    conns = [connect() for _ in range(int(count))]
    sent = [0] * len(conns)
    say()
    while not SIGNALS.wait(0):
        began = time.monotonic()
        for index, conn in enumerate(conns):
            byte = bytes([(index + sent[index]) % 256])
            conn.sendall(byte)
            if conn.recv(10) != byte:
                sys.exit(f"client {index}: the echo differs")
            sent[index] += 1
            # Spread over the second: a burst of 500 is another fault.
            if SIGNALS.wait(max(0, began + (index + 1) / len(conns) - time.monotonic())):
                break
    for conn in conns:
        conn.close()


class Wanting:
    """Clients that each want one message back."""

    def __init__(self, count):
        self.selector = selectors.DefaultSelector()
        self.served, self.leaving, self.waiting = [], False, {}
        for index in range(count):
            conn = socket.socket()
            conn.setblocking(False)
            conn.connect_ex(("127.0.0.1", PORT))
            message = NOISE[index * 1000:index * 1000 + 1000]
            self.waiting[conn] = (message, bytearray())
            self.selector.register(conn, selectors.EVENT_WRITE)

    def turn(self):
        for key, events in self.selector.select(0.05):
            conn = key.fileobj
            message, got = self.waiting[conn]
            if events & selectors.EVENT_WRITE:
                conn.send(message)
                self.selector.modify(conn, selectors.EVENT_READ)
                continue
            part = conn.recv(4096)
            if not part:
                sys.exit("a client was turned away")
            got += part
            if len(got) >= len(message):
                if got != message:
                    sys.exit("the echo differs")
                self.serve(conn)
        if self.leaving:
            for conn in self.served:
                conn.close()

    def serve(self, conn):
        self.selector.unregister(conn)
        del self.waiting[conn]
        self.served.append(conn)


def wants(count):
    clients, told = Wanting(int(count)), -1
    ready()
    while not SIGNALS.wait(0):
        clients.turn()
        clients.leaving = signal.SIGUSR1 in SIGNALS.seen
        if len(clients.served) != told:
            told = len(clients.served)
            print(f"served {told}", flush=True)


class Busy:
    """A client that keeps the server at work; what comes back is checked as it comes."""

    def __init__(self):
        self.conn = connect()
        self.conn.setblocking(False)
        self.sent = self.received = 0
        self.end = None

    def turn(self, events):
        try:
            if events & selectors.EVENT_READ:
                self.take(self.conn.recv(256 << 10))
            if events & selectors.EVENT_WRITE and self.end is None:
                at = self.sent % len(NOISE)
                self.sent += self.conn.send(NOISE[at:at + (64 << 10)])
        except BlockingIOError:
            pass
        except ConnectionError:
            self.end = "reset"

    def take(self, data):
        if not data:
            self.end = "end"
        at = 0
        while at < len(data):
            start = (self.received + at) % len(NOISE)
            same = NOISE[start:start + len(data) - at]
            if data[at:at + len(same)] != same:
                sys.exit(f"after {self.received} bytes: the echo differs")
            at += len(same)
        self.received += len(data)
        if self.received > self.sent:
            sys.exit("more came back than was sent")


def keep_busy(count, once_busy):
    clients, selector, told = [Busy() for _ in range(count)], selectors.DefaultSelector(), False
    for client in clients:
        selector.register(client.conn, selectors.EVENT_READ | selectors.EVENT_WRITE, client)
    while selector.get_map():
        for key, events in selector.select(1):
            key.data.turn(events)
            if key.data.end:
                selector.unregister(key.fileobj)
        if not told and all(client.received for client in clients):
            told = True
            once_busy()
    return clients


def busy(count):
    ends = [client.end for client in keep_busy(int(count), ready)]
    print(f"ended {ends.count('end')} reset {ends.count('reset')}")
    sys.exit(0)


def fork():
    """As fork(2); the child does not outlive us."""
    child = os.fork()
    if child == 0:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    return child


def killed(count, say=ready):
    done = 0
    while not SIGNALS.wait(0):
        reader, writer = os.pipe()
        child = fork()
        if child == 0:
            os.close(reader)
            try:
                keep_busy(int(count), lambda: os.write(writer, b"!"))
            finally:
                os._exit(1)
        os.close(writer)
        os.read(reader, 1)  # it is in the middle of its work
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reader)
        done += 1
        if done == 3:
            say()
        SIGNALS.wait(0.2)


def many(count):
    """Each kind in a process of its own."""
    readers = []

    def start(kind, *arguments):
        reader, writer = os.pipe()
        readers.append(reader)
        child = fork()
        if child == 0:
            os.dup2(writer, 1)
            kind(*arguments)
            os._exit(0)
        os.close(writer)
        return child

    children = [start(never_reads, count), start(trickles, count), start(killed, 3)]
    children += [start(resets, when) for when in RESETS]
    for reader in readers:
        os.read(reader, 1)
    ready()
    SIGNALS.wait()
    for child in children:
        os.kill(child, signal.SIGTERM)
    bad = [child for child in children if os.waitpid(child, 0)[1]]
    sys.exit(1 if bad else 0)


KINDS = {"never-reads": never_reads, "resets": resets, "queued-resets": queued_resets,
         "trickles": trickles, "wants": wants, "busy": busy, "killed": killed, "many": many}


def main():
    global PORT
    PORT = int(sys.argv[2])
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    SIGNALS.block()
    KINDS[sys.argv[1]](*sys.argv[3:])


main()
