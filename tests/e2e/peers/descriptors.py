"""descriptors.py SECONDS: what sockx costs where standard input or output cannot be polled.

Each command and mode, with one of its descriptors 0 and 1 a file, /dev/null, /dev/zero or closed,
meets a peer that does not read, one that does nothing more, and one that has gone. All of these cells
are watched together for SECONDS. A line for each: its name, the share of a processor in per cent, the
most memory it had in KiB, and its exit status, or `-` while it runs."""

import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

NOISE = (bytes(range(32, 127)) + b"\n") * 300  # more than one write to a shared descriptor takes
SETTLE_S = 2  # the quiet half-close of connect is behind us
FILE_BYTES = 600 << 20
CELLS = []

CLIENTS = {"connect": ["connect"], "connect-chat": ["connect", "-m", "chat"],
           "echo": ["echo"], "greet": ["greet"], "analyze": ["analyze"]}
SERVERS = {"serve": ["-m", "pipe"], "serve-k": ["-m", "pipe", "-k"]}
SERVERS.update({f"serve-{mode}": ["-m", mode]
                for mode in ("echo", "greet", "chat", "analyze", "discard", "source")})


class Cell:
    """One program with one odd descriptor; the other is a pipe that we hold."""

    def __init__(self, name, descriptor, kind, peer):
        self.name = f"{name}:{descriptor}:{kind}:{peer}"
        self.descriptor, self.kind = descriptor, kind
        self.ends = []

    def start(self, arguments, file):
        ends = [os.pipe()[::-1], os.pipe()]  # ours, theirs
        theirs = [ends[0][1], ends[1][1]]
        self.ends = [ends[0][0], ends[1][0]]
        if self.kind == "file":
            odd = os.open(file, os.O_RDONLY if self.descriptor == 0 else os.O_WRONLY)
        elif self.kind != "closed":
            odd = os.open(f"/dev/{self.kind}", os.O_RDONLY if self.descriptor == 0 else os.O_WRONLY)
        if self.kind != "closed":
            os.close(theirs[self.descriptor])
            theirs[self.descriptor] = odd
        closed = f"exec {self.descriptor}{'<' if self.descriptor == 0 else '>'}&-; " \
            if self.kind == "closed" else ""
        self.child = subprocess.Popen(
            ["/bin/sh", "-c", closed + 'exec "$@"', "sh", os.environ["SOCKX"], *arguments],
            stdin=theirs[0], stdout=theirs[1], stderr=subprocess.PIPE)
        for end in theirs:
            os.close(end)
        CELLS.append(self)

    def cpu_ns(self):
        with open(f"/proc/{self.child.pid}/schedstat") as file:
            return int(file.read().split()[0])

    def peak_kib(self):
        with open(f"/proc/{self.child.pid}/status") as file:
            found = re.search(r"VmHWM:\s+(\d+) kB", file.read())
        return int(found[1]) if found else 0


def wait_for(net, most_ms=20):
    poll = select.poll()
    poll.register(net, select.POLLIN)
    return poll.poll(most_ms)


def meet(cell, name, peer, arguments, file):
    """Start it and bring it together with its peer; what the peer is left as."""
    if name in SERVERS:
        cell.start(["serve", "-H", "127.0.0.1", "-p", "0", *arguments], file)
        line = cell.child.stderr.readline().decode()
        port = re.search(r":(\d+) \(", line)
        net = socket.create_connection(("127.0.0.1", int(port[1])))
    else:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(10)
        cell.start([*arguments, "-H", "127.0.0.1", "-p", str(listener.getsockname()[1])], file)
        net = listener.accept()[0]
    net.setblocking(False)
    if name == "echo" and cell.descriptor:
        os.write(cell.ends[0], NOISE)
        wait_for(net, 10000)
        net.recv(len(NOISE), socket.MSG_PEEK)
    try:
        net.send(NOISE)
    except OSError:
        pass
    if peer == "quiet":  # all that comes is taken until nothing does
        end = time.monotonic() + 0.05
        try:
            while time.monotonic() < end and wait_for(net):
                if not net.recv(1 << 20):
                    break  # it has ended
        except OSError:
            pass
    elif peer == "gone":
        net.close()
    return net


def main():
    seconds = float(sys.argv[1])
    held = []
    with tempfile.NamedTemporaryFile() as big, tempfile.NamedTemporaryFile() as output:
        big.write(NOISE * 100)
        big.flush()
        big.truncate(FILE_BYTES)
        for name, arguments in {**CLIENTS, **SERVERS}.items():
            for descriptor in 0, 1:
                for kind in "file", "null", "zero", "closed":
                    if name == "analyze" and descriptor == 0 and kind in ("file", "zero"):
                        continue  # it sends nothing before it has read all
                    for peer in "unread", "quiet", "gone":
                        cell = Cell(name, descriptor, kind, peer)
                        file = output.name if descriptor else big.name
                        held.append(meet(cell, name, peer, arguments, file))
        watch(seconds)


def watch(seconds):
    time.sleep(SETTLE_S)
    before = {}
    for cell in CELLS:
        if cell.child.poll() is None:
            before[cell] = cell.cpu_ns()
    time.sleep(seconds)
    for cell in CELLS:
        status = cell.child.poll()
        if status is not None:
            print(cell.name, 0, 0, status)
        else:
            share = (cell.cpu_ns() - before[cell]) / seconds / 1e7
            print(cell.name, f"{share:.3f}", cell.peak_kib(), "-")


def end_all():
    for cell in CELLS:
        if cell.child.poll() is None:
            cell.child.kill()
        cell.child.wait()


signal.signal(signal.SIGTERM, lambda *_: sys.exit("out of time"))
try:
    main()
finally:
    end_all()
