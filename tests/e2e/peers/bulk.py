"""Many bytes through sockx serve and connect: bulk.py CASE [ARG...]

Each case runs with what the kernel moves by itself and with --no-splice, side by side with all its
variants, with serve and with connect. BULK_MIB is how much whole transfers move each way. Prints what
went wrong, and what was measured.

    both-ways KIND     serve and connect joined, over tcp or unix: each end's input arrives at the other
    both-full KIND     the same, nobody reads at first, and then slowly
    input, output      every kind of standard input and output
    no-room FULL...    standard output takes no more: status 1, and the peer is let go. FULL is
                       /dev/full, limit (of a file, 1 MiB), or the directory of a small file system
    reset              the peer resets in the middle: status 4
    stall              nobody reads for a second: no processor time
    urgent KIND        urgent bytes among others
    crowd              40 at once, of one user who is not root, with few pages left for pipes
    memory             what sockx has in memory meanwhile
    descriptors MOST.. so many descriptors at most, perhaps none for a pipe: every byte arrives
"""

import concurrent.futures
import contextlib
import fcntl
import hashlib
import itertools
import os
import random
import re
import resource
import select
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

SOCKX = os.environ["SOCKX"]
MIB = 1 << 20
WHOLE = int(os.environ.get("BULK_MIB", "64")) * MIB
LIMIT_S = 20 + WHOLE // MIB // 8
NOISE = random.Random(23).randbytes(3 * MIB + 17)
PATHS = ([], ["--no-splice"])
BULK, SOME = 8 * MIB, 3 * MIB
RESET = struct.pack("ii", 1, 0)
HOME = tempfile.TemporaryDirectory(prefix="sockx-bulk.")
NUMBERS = itertools.count()


class Failed(Exception):
    pass


def expect(what, got, wanted):
    if got != wanted:
        raise Failed(f"{what}: {got}, not {wanted}")


def new_path():
    return os.path.join(HOME.name, str(next(NUMBERS)))


def noise(at, most):
    at %= len(NOISE)
    return NOISE[at:at + most]


def digest(total, at=0):
    """Of so many bytes of noise."""
    seen = hashlib.sha256()
    while at < total:
        part = noise(at, min(MIB, total - at))
        seen.update(part)
        at += len(part)
    return seen.hexdigest()


def pause(seed, longest_s):
    if longest_s and seed.random() < 0.1:
        time.sleep(seed.random() * longest_s)


class Doing(threading.Thread):
    """A thread whose result is asked for, be it an exception."""

    def __init__(self, work, *its):
        super().__init__(daemon=True)
        self.work, self.its, self.answer, self.error = work, its, None, None
        self.start()

    def run(self):
        try:
            self.answer = self.work(*self.its)
        except Exception as error:  # it is raised where the result is wanted
            self.error = error

    def result(self):
        self.join(LIMIT_S)
        if self.is_alive():
            raise Failed(f"{self.work.__name__}: not over within {LIMIT_S} s")
        if self.error:
            raise self.error
        return self.answer


def write_all(fd, total, longest_s=0.0):
    """Write that much noise in pieces of any length, and close. Returns how much was taken."""
    seed, at = random.Random(total), 0
    try:
        while at < total:
            at += os.write(fd, noise(at, min(seed.randrange(1, MIB), total - at)))
            pause(seed, longest_s)
    except OSError:
        pass
    os.close(fd)
    return at


def read_all(fd, longest_s=0.0, after_s=0.0):
    """Returns (how much came, its digest)."""
    seed, seen, total = random.Random(fd), hashlib.sha256(), 0
    time.sleep(after_s)
    with contextlib.suppress(ConnectionError):
        while part := os.read(fd, seed.randrange(1, MIB)):
            seen.update(part)
            total += len(part)
            pause(seed, longest_s)
    os.close(fd)
    return total, seen.hexdigest()


def send_all(sock, total):
    """As write_all, then our end."""
    at = 0
    try:
        while at < total:
            at += sock.send(noise(at, min(MIB, total - at)))
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    return at


def receive_all(sock):
    seen, total = hashlib.sha256(), 0
    with contextlib.suppress(ConnectionError):
        while part := sock.recv(MIB):
            seen.update(part)
            total += len(part)
    return total, seen.hexdigest()


# ---- standard input and output ----

def narrow(fd):
    fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, 4096)


class Input:
    """Standard input of a kind, with so much noise in it."""

    def __init__(self, kind, total, longest_s=0.0):
        self.digest, self.head, self.writer = digest(total), None, None
        if kind == "file":
            path = new_path()
            write_all(os.open(path, os.O_WRONLY | os.O_CREAT), total)
            self.fd = os.open(path, os.O_RDONLY)
            os.unlink(path)
        elif kind == "head of /dev/zero":
            self.digest = hashlib.sha256(bytes(total)).hexdigest()
            self.head = subprocess.Popen(["head", "-c", str(total), "/dev/zero"],
                                         stdout=subprocess.PIPE)
            self.fd = os.dup(self.head.stdout.fileno())
            self.head.stdout.close()
        elif kind == "/dev/zero":
            self.fd = os.open(kind, os.O_RDONLY)
        elif kind == "nothing":
            self.fd = os.open("/dev/null", os.O_RDONLY)
        else:
            self.fd, ours = os.pipe()
            if kind == "pipe of 4 KiB":
                narrow(ours)
            self.writer = Doing(write_all, ours, total, longest_s)

    def close(self):
        os.close(self.fd)

    def over(self):
        """Once the program has ended."""
        if self.head:
            self.head.wait()
        return self.writer.result() if self.writer else None


class Output:
    """Standard output of a kind; result() is (how much came, its digest)."""

    BEFORE = b"before\n"

    def __init__(self, kind, longest_s=0.0, after_s=0.0):
        self.path, self.reader, self.skip = None, None, 0
        if kind in ("file", "file for appending"):
            self.path = new_path()
            self.fd = os.open(self.path, os.O_WRONLY | os.O_CREAT)
            if kind == "file for appending":
                os.write(self.fd, self.BEFORE)
                self.skip = len(self.BEFORE)
                os.close(self.fd)
                self.fd = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        elif kind.startswith("/dev/"):
            self.fd = os.open(kind, os.O_WRONLY)
        else:
            ours, self.fd = os.pipe()
            if kind == "pipe of 4 KiB":
                narrow(ours)
            self.reader = Doing(read_all, ours, longest_s, after_s)

    def close(self):
        os.close(self.fd)

    def result(self):
        if self.reader:
            return self.reader.result()
        if not self.path:
            return None
        fd = os.open(self.path, os.O_RDONLY)
        expect("what was in the file", os.read(fd, self.skip), self.BEFORE[:self.skip])
        return read_all(fd)


# ---- sockx ----

class Sockx:
    """One of them at work; address is where a server listens, if it is one."""

    def __init__(self, words, stdin, stdout, limits=None):
        self.child = subprocess.Popen([SOCKX, *words], stdin=stdin.fd, stdout=stdout.fd,
                                      stderr=subprocess.PIPE, preexec_fn=limits)
        self.said, self.address = "", None
        stdin.close()
        stdout.close()

    def listens(self):
        self.said = self.child.stderr.readline().decode()
        told = re.search(r'(?:listening on |"address":")(?:unix:([^ "]*)|([^ "]*):(\d+))', self.said)
        if not told:
            self.__exit__()
            raise Failed(f"it says {self.said!r}")
        self.address = told[1] or (told[2], int(told[3]))
        return self

    def status(self):
        try:
            self.said += self.child.communicate(timeout=LIMIT_S)[1].decode()
        except subprocess.TimeoutExpired:
            raise Failed(f"not over within {LIMIT_S} s; it said {self.said!r}") from None
        return self.child.returncode

    def expect_status(self, wanted):
        if self.status() != wanted:
            raise Failed(f"status {self.child.returncode}, not {wanted}; it said {self.said!r}")

    def processor_ms(self):
        with open(f"/proc/{self.child.pid}/schedstat", encoding="ascii") as its:
            return int(its.read().split()[0]) / 1e6

    def most_kib(self):
        """0 where it has just ended."""
        with open(f"/proc/{self.child.pid}/status", encoding="ascii") as its:
            told = re.search(r"VmHWM:\s+(\d+)", its.read())
        return int(told[1]) if told else 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        self.child.stderr.close()


def place(kind):
    return ["-U", new_path()] if kind == "unix" else ["-H", "127.0.0.1", "-p", "0"]


def target(address):
    return ["-U", address] if isinstance(address, str) else ["-H", address[0], "-p", str(address[1])]


@contextlib.contextmanager
def beside_us(role, options, stdin, stdout, kind="tcp", limits=None):
    """A sockx in that role whose peer we are: (sockx, our socket)."""
    if role == "serve":
        with Sockx(["serve", *options, *place(kind)], stdin, stdout, limits).listens() as sockx, \
                socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET) as sock:
            sock.settimeout(LIMIT_S)
            sock.connect(sockx.address)
            yield sockx, sock
        return
    with socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET) as server:
        server.settimeout(5)
        server.bind(new_path() if kind == "unix" else ("127.0.0.1", 0))
        server.listen()
        with Sockx(["connect", "-N", *options, *target(server.getsockname())], stdin, stdout,
                   limits) as sockx, server.accept()[0] as sock:
            sock.settimeout(LIMIT_S)
            yield sockx, sock


def joined(kind, path, total, stdio="pipe", longest_s=0.0, after_s=0.0):
    """A server and a client, each with an input of its own and an output."""
    inputs = [Input(stdio, size, longest_s) for size in (total, total + 12345)]
    outputs = [Output(stdio, longest_s, after_s) for _ in inputs]
    with Sockx(["serve", *path, *place(kind)], inputs[0], outputs[0]).listens() as server, \
            Sockx(["connect", "-N", *path, *target(server.address)], inputs[1], outputs[1]) as client:
        client.expect_status(0)
        server.expect_status(0)
        for end in inputs:
            end.over()
        expect("what the client got", outputs[1].result(), (total, inputs[0].digest))
        expect("what the server got", outputs[0].result(), (total + 12345, inputs[1].digest))


# ---- the cases: what runs, with the variants that it runs with ----

def both_ways(path, kind, stdio):
    joined(kind, path, WHOLE, stdio, 0.002)


def both_full(path, kind):
    joined(kind, path, 32 * MIB, "pipe", 0.01, 0.5)


def an_input(path, role, stdio):
    stdin = Input(stdio, BULK, 0.002)
    with beside_us(role, path, stdin, Output("/dev/null")) as (sockx, sock):
        expect("what came", receive_all(sock), (BULK, stdin.digest))
        sock.close()
        sockx.expect_status(0)
        stdin.over()


def an_output(path, role, stdio):
    stdout = Output(stdio, 0.002)
    with beside_us(role, ["-j", *path], Input("nothing", 0), stdout) as (sockx, sock):
        expect("what was taken", send_all(sock, BULK), BULK)
        expect("its end", receive_all(sock)[0], 0)
        sock.close()
        sockx.expect_status(0)
        expect("what came", stdout.result() or (BULK, digest(BULK)), (BULK, digest(BULK)))
        expect("what was counted", re.findall(r'"received":(\d+)', sockx.said)[-1], str(BULK))


def no_room(path, role, full):
    limits = None
    if full == "/dev/full":
        stdout, told = Output(full), "No space left on device"
    elif full != "limit":
        stdout, told = Output("/dev/null"), "No space left on device"
        os.dup2(os.open(os.path.join(full, new_path()[-1]), os.O_WRONLY | os.O_CREAT), stdout.fd)
    else:
        stdout, told = Output("file"), "File too large"

        def limits():
            resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))
    idle, held = os.pipe()  # an input that does not end
    stdin = Input("nothing", 0)
    os.dup2(idle, stdin.fd)
    try:
        with beside_us(role, path, stdin, stdout, limits=limits) as (sockx, sock):
            began = time.monotonic()
            send_all(sock, BULK)
            receive_all(sock)
            if time.monotonic() - began > 5:
                raise Failed("the peer was left hanging")
            sockx.expect_status(1)
            if f"cannot write to standard output: {told}" not in sockx.said:
                raise Failed(f"it said {sockx.said!r}")
    finally:
        os.close(idle)
        os.close(held)


def a_reset_of_what_we_send(path, role, stdio):
    stdin = Input(stdio, BULK)
    with beside_us(role, path, stdin, Output("/dev/null")) as (sockx, sock):
        took = 0
        while took < SOME:
            took += len(sock.recv(MIB))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        sock.close()
        sockx.expect_status(4)
    if stdio == "pipe":
        stdin.over()


def a_reset_of_what_comes(path, role, stdio):
    with beside_us(role, path, Input("pipe", 1), Output(stdio)) as (sockx, sock):
        expect("what says that we are accepted", sock.recv(9), NOISE[:1])
        expect("what was taken", write_some(sock, SOME), SOME)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        sock.close()
        sockx.expect_status(4)


def write_some(sock, total):
    at = 0
    while at < total:
        at += sock.send(noise(at, min(MIB, total - at)))
    return at


def calm_for_a_second(sockx):
    """Once nothing more is taken."""
    time.sleep(0.3)
    before = sockx.processor_ms()
    time.sleep(1)
    spent = sockx.processor_ms() - before
    if spent > 10:
        raise Failed(f"{spent:.1f} ms of processor time in a second without a reader")
    return f"{spent:.1f} ms"


def a_peer_that_stops(path, role, stdio):
    stdin = Input(stdio, WHOLE // 2)
    with beside_us(role, path, stdin, Output("/dev/null")) as (sockx, sock):
        told = calm_for_a_second(sockx)
        expect("what came", receive_all(sock), (WHOLE // 2, stdin.digest))
        sock.close()
        sockx.expect_status(0)
        stdin.over()
    return told


def a_reader_that_stops(path, role):
    stdout = Output("pipe", 0.0, 1.5)
    with beside_us(role, path, Input("nothing", 0), stdout) as (sockx, sock):
        sender = Doing(send_all, sock, WHOLE // 2)
        told = calm_for_a_second(sockx)
        expect("what was taken", sender.result(), WHOLE // 2)
        expect("its end", receive_all(sock)[0], 0)
        sock.close()
        sockx.expect_status(0)
        expect("what came", stdout.result(), (WHOLE // 2, digest(WHOLE // 2)))
    return told


def urgent_bytes(path, kind, role, stdio):
    stdout = Output(stdio)
    with beside_us(role, ["-j", *path], Input("nothing", 0), stdout, kind) as (sockx, sock):
        at = 0
        for number in range(40):
            part = noise(at, min(BULK // 40, len(NOISE) - at % len(NOISE)))
            sent = 0
            while sent < len(part) - 1:
                sent += sock.send(part[sent:-1])
            sent += sock.send(part[sent:], socket.MSG_OOB)
            expect("what was taken", sent, len(part))
            at += len(part)
            if number % 10 == 9:
                time.sleep(0.1)
        before = sockx.processor_ms()
        time.sleep(0.3)
        spent = sockx.processor_ms() - before
        if spent > 10:
            raise Failed(f"{spent:.1f} ms of processor time while nothing came")
        sock.shutdown(socket.SHUT_WR)
        expect("its end", receive_all(sock)[0], 0)
        sock.close()
        sockx.expect_status(0)
        expect("what came", stdout.result() or (at, digest(at)), (at, digest(at)))
        expect("what was counted", re.findall(r'"received":(\d+)', sockx.said)[-1], str(at))


def use_up_pipes():
    """As many as make the kernel give this user new pipes of two pages; what holds them."""
    held = []
    while len(held) < 4096:
        ends = os.pipe()
        held += ends
        with contextlib.suppress(PermissionError):
            fcntl.fcntl(ends[0], fcntl.F_SETPIPE_SZ, MIB)
        if fcntl.fcntl(ends[0], fcntl.F_GETPIPE_SZ) == 2 * resource.getpagesize():
            return held
    raise Failed("this user has as many pipes as they like")


def one_of_a_crowd(path):
    stdin, stdout = Input("pipe", SOME), Output("file")
    with Sockx(["serve", "-N", *path, *place("tcp")], Input("nothing", 0), stdout).listens() as server, \
            Sockx(["connect", "-N", *path, *target(server.address)], stdin, Output("/dev/null")) as client:
        client.expect_status(0)
        server.expect_status(0)
        stdin.over()
        expect("what came", stdout.result(), (SOME, stdin.digest))
        os.unlink(stdout.path)


def a_memory(path, role, stdin, stdout):
    """Both ways, with readers that are slower than the writers."""
    data, out = Input(stdin, WHOLE // 4), Output(stdout, 0.005)
    with beside_us(role, path, data, out) as (sockx, sock):
        sender = Doing(send_all, sock, WHOLE // 4)
        reader, most = Doing(receive_all, sock), 0
        while sockx.child.poll() is None and reader.is_alive():
            most = max(most, sockx.most_kib())
            time.sleep(0.02)
        expect("what came", reader.result(), (WHOLE // 4, data.digest))
        expect("what was taken", sender.result(), WHOLE // 4)
        sock.close()
        sockx.expect_status(0)
        if most > 8 * 1024:
            raise Failed(f"{most} KiB in memory")
    return f"{most} KiB"


def few_descriptors(path, role, most):
    def limits():
        resource.setrlimit(resource.RLIMIT_NOFILE, (int(most), int(most)))
    stdin, stdout = Input("pipe", SOME), Output("file")
    with beside_us(role, path, stdin, stdout, limits=limits) as (sockx, sock):
        sender = Doing(send_all, sock, SOME)
        expect("what came", receive_all(sock), (SOME, stdin.digest))
        expect("what was taken", sender.result(), SOME)
        sock.close()
        sockx.expect_status(0)
        stdin.over()
        expect("what was put out", stdout.result(), (SOME, digest(SOME)))


def two_with_few_descriptors(path, most):
    """The second client waits while a pipe of ours is in use."""
    def limits():
        resource.setrlimit(resource.RLIMIT_NOFILE, (int(most), int(most)))
    stdout = Output("file")
    words = ["serve", "-j", "-k", *path, *place("tcp")]
    with Sockx(words, Input("nothing", 0), stdout, limits).listens() as server, \
            socket.create_connection(server.address, LIMIT_S) as first, \
            socket.create_connection(server.address, LIMIT_S) as second:
        expect("what was taken", send_all(first, SOME), SOME)
        expect("its end", receive_all(first)[0], 0)
        first.close()
        expect("what the second could send", send_all(second, SOME), SOME)
        expect("its end", receive_all(second)[0], 0)
        second.close()
        while server.said.count("conn.closed") < 2:
            line = server.child.stderr.readline().decode()
            if not line:
                raise Failed(f"it has left, and said {server.said!r}")
            server.said += line
        server.child.terminate()
        server.expect_status(0)
        if "Too many" in server.said or "error" in server.said:
            raise Failed(f"it said {server.said!r}")
        expect("what came", stdout.result()[0], 2 * SOME)


ROLES = ("serve", "connect")
CASES = {
    "both-ways": [(both_ways, sys.argv[2:], ("pipe", "file"))],
    "both-full": [(both_full, sys.argv[2:])],
    "input": [(an_input, ROLES, ("file", "pipe", "pipe of 4 KiB", "head of /dev/zero"))],
    "output": [(an_output, ROLES, ("file", "file for appending", "pipe", "pipe of 4 KiB", "/dev/null"))],
    "no-room": [(no_room, ROLES, sys.argv[2:])],
    "reset": [(a_reset_of_what_we_send, ROLES, ("pipe", "file", "/dev/zero")),
              (a_reset_of_what_comes, ROLES, ("pipe", "file", "/dev/null"))],
    "stall": [(a_peer_that_stops, ROLES, ("pipe", "file")), (a_reader_that_stops, ROLES)],
    "urgent": [(urgent_bytes, sys.argv[2:], ROLES, ("file", "/dev/null", "pipe"))],
    "crowd": [(one_of_a_crowd,)] * 40,
    "memory": [(a_memory, ROLES, ("pipe", "file"), ("pipe", "file"))],
    "descriptors": [(few_descriptors, ROLES, sys.argv[2:]), (two_with_few_descriptors, sys.argv[2:])],
}


def attempt(work, its):
    name = f"{work.__name__}{its}"
    try:
        return None, (name, work(*its))
    except (Failed, OSError) as failure:
        return f"{name}: {failure}", None


def main():
    runs = [(work, its) for work, *lists in CASES[sys.argv[1]] for its in itertools.product(PATHS, *lists)]
    if sys.argv[1] == "crowd":  # 40 at once, of one kind after the other
        runs.sort(key=lambda run: run[1][0])
        use_up_pipes()
    with concurrent.futures.ThreadPoolExecutor(40 if sys.argv[1] == "crowd" else 8) as pool:
        ends = list(pool.map(lambda run: attempt(*run), runs))
    HOME.cleanup()
    for name, told in (end[1] for end in ends if end[1]):
        if told:
            print(f"{name}: {told}")
    failures = [end[0] for end in ends if end[0]]
    if failures:
        sys.exit("\n".join(failures))


main()
