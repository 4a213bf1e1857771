"""inject.py SCENARIO [KIND]: every system call that sockx lives by fails once, the first, second, third
time it is made (strace --inject), each in a short scenario of its own:

    serve    an echo server with four clients, then SIGTERM
    pipe     serve --mode pipe, a file in and a file out
    connect  a file to an echo server of ours and back, by address and by name
    echo     the echo client
    greet    a greeting server as serve, and its client with a server of ours
    analyze  the same for an analysis server
    chat     a room as serve, its operator's lines from a file
    moves    what moves bytes in the kernel, for pipe and connect: pipes and files in, pipes and files out

over one kind of socket: tcp, unless it is udp, unix, unix-datagram or unix-seqpacket.

Never a crash, never more than 5 s, and status 0 only if all bytes arrived. An echo server outlives
what befalls one client, and the next is served. Where the kernel will not move bytes they are read
and written, and all arrive. Prints what went wrong, and how many cases ran."""

import collections
import concurrent.futures
import os
import random
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

LIMIT_S = 5.0
SPOKEN_S = 2.0
ANSWERED_S = 0.1  # a datagram that is lost is not waited for longer
DATA = random.Random(17).randbytes(60000)
TEXT = "the quick brown fox"
NAME = b"Ada"
WORDS = b"to be or not to be\n" * 500
REPORT = b"length: 9500\nbytes: 9500\nwords: 3000\nunique: 4\nto 1000\nbe 1000\nor 500\nnot 500\n"
ERRORS = {
    "socket": ["EMFILE", "ENOBUFS", "EAFNOSUPPORT"],
    "bind": ["EADDRINUSE", "EACCES"],
    "listen": ["EADDRINUSE"],
    "accept4": ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "ECONNABORTED", "EPROTO", "EINTR",
                "EPERM"],
    "epoll_create1": ["EMFILE", "ENOMEM"],
    "epoll_ctl": ["ENOMEM", "ENOSPC"],
    "epoll_wait": ["EINTR", "EBADF"],
    "recvfrom": ["ECONNRESET", "ETIMEDOUT", "EINTR", "EAGAIN", "ENOMEM"],
    "sendto": ["EPIPE", "ECONNRESET", "EINTR", "EAGAIN", "ENOBUFS"],
    "read": ["EIO", "EINTR"],
    "write": ["EIO", "ENOSPC", "EPIPE", "EINTR", "EAGAIN"],
    "preadv2": ["EOPNOTSUPP", "EIO", "EINTR", "EAGAIN"],
    "pwritev2": ["EOPNOTSUPP", "EIO", "ENOSPC", "EPIPE", "EINTR", "EAGAIN"],
    "shutdown": ["ENOTCONN", "ENOBUFS"],
    "connect": ["ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH", "EADDRNOTAVAIL"],
    "getsockname": ["ENOBUFS"],
    "setsockopt": ["ENOPROTOOPT", "ENOMEM"],
    "recvmmsg": ["ECONNREFUSED", "EINTR", "EAGAIN", "ENOMEM"],
    "sendmmsg": ["ECONNREFUSED", "EPERM", "EINVAL", "EMSGSIZE", "EINTR", "EAGAIN", "ENOBUFS"],
    "recvmsg": ["ECONNRESET", "EINTR", "EAGAIN", "ENOMEM"],
    "fchmod": ["EPERM"],
    "flock": ["ENOLCK", "EINTR", "EWOULDBLOCK"],
    "newfstatat": ["EACCES", "EIO"],
    "unlinkat": ["EACCES", "EROFS"],
    "getrandom": ["ENOSYS"],
}
MOVES = {
    "splice": ["EINVAL", "ENOMEM", "EIO", "EAGAIN", "EINTR", "ENOSYS", "EPIPE", "ECONNRESET", "ENOSPC"],
    "sendfile": ["EINVAL", "ENOMEM", "EIO", "EAGAIN", "EINTR", "ENOSYS", "EPIPE"],
    "pipe2": ["EMFILE", "ENFILE", "ENOMEM"],
    "fcntl": ["EPERM", "ENOMEM", "EBUSY"],
}
FALLS_BACK = {"EINVAL", "ENOMEM", "EIO", "EAGAIN", "EINTR", "ENOSYS", "EMFILE", "ENFILE"}
FOR_EVER = FALLS_BACK - {"EAGAIN", "EINTR"}  # these say that it will work soon
MUCH = DATA * 10
# The dynamic loader makes the first read, and the first write may be a line on stderr (which is
# then lost: it must not end anything).
TIMES = collections.defaultdict(lambda: (1, 2, 3), {
    "read": (2, 3, 4), "write": (1, 2, 3, 4), "epoll_ctl": range(1, 9),
    "splice": range(1, 7), "fcntl": range(4, 9)})  # first it asks which of 0, 1 and 2 are open
OF_STDERR = {"write", "pwritev2"}
OF_ONE_CLIENT = {"accept4", "recvfrom", "sendto", "shutdown", "recvmmsg", "sendmmsg", "recvmsg"}


class Failed(Exception):
    pass


class Kind:
    """A kind of socket: how sockx is told of it, and how a peer of it sends DATA."""

    def __init__(self, family, kind, options):
        self.family, self.kind, self.options = family, kind, options

    def place(self, folder):
        """Where to serve, for the command line."""
        if self.family == socket.AF_UNIX:
            return [*self.options, "-U", os.path.join(folder, "socket")]
        return [*self.options, "-H", "127.0.0.1", "-p", "0"]

    def target(self, address):
        """The same for a client of an address."""
        if self.family == socket.AF_UNIX:
            return [*self.options, "-U", address]
        return [*self.options, "-H", address[0], "-p", str(address[1])]

    def socket(self):
        return socket.socket(self.family, self.kind)

    def dial(self, address):
        peer = self.socket()
        peer.settimeout(LIMIT_S)
        if self.family == socket.AF_UNIX and self.kind == socket.SOCK_DGRAM:
            peer.bind("")  # so that it can be answered
        peer.connect(address)
        return peer

    def quiet(self):
        """Datagrams have no end but silence; streams need not wait for it."""
        return ["-q", "50ms"] if self.is_datagram() else ["-N"]

    def is_datagram(self):
        return self.kind == socket.SOCK_DGRAM


KINDS = {
    "tcp": Kind(socket.AF_INET, socket.SOCK_STREAM, []),
    "udp": Kind(socket.AF_INET, socket.SOCK_DGRAM, ["-u"]),
    "unix": Kind(socket.AF_UNIX, socket.SOCK_STREAM, []),
    "unix-datagram": Kind(socket.AF_UNIX, socket.SOCK_DGRAM, ["-u"]),
    "unix-seqpacket": Kind(socket.AF_UNIX, socket.SOCK_SEQPACKET, ["--seqpacket"]),
}
KIND = KINDS[(sys.argv + ["tcp"])[2]]


def start(call, error, when, arguments, **files):
    """-D: strace is the grandchild, so that the child is sockx and its status sockx's."""
    strace = ["strace", "-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
              "signal=none", "-e", f"inject={call}:error={error}:when={when}"]
    return subprocess.Popen(strace + [os.environ["SOCKX"]] + arguments, stderr=subprocess.PIPE,
                            **files)


def finish(child):
    """Its status and what it said; the limits that hold for every scenario."""
    try:
        said = child.communicate(timeout=LIMIT_S)[1].decode()
    except subprocess.TimeoutExpired:
        raise Failed(f"not over within {LIMIT_S} s") from None
    if child.returncode < 0 and child.returncode != -signal.SIGPIPE:
        raise Failed(f"killed by signal {-child.returncode}: {said}")
    return child.returncode, said


def learn_address(child):
    """None where it could not listen, or could not say so: then it is asked to leave."""
    if not select.select([child.stderr], [], [], SPOKEN_S)[0]:
        child.send_signal(signal.SIGTERM)
        return None
    told = re.search(r"listening on (?:unix:(.*)|(.*):(\d+)) \(", child.stderr.readline().decode())
    return told and (told[1] or (told[2], int(told[3])))


def exchange(address, data=DATA):
    """Send it, end, and read to the end: what came, or None where the connection was lost."""
    got = bytearray()
    try:
        with KIND.dial(address) as peer:
            if KIND.is_datagram():
                return ask(peer)
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)
            while part := peer.recv(1 << 17):
                got += part
    except socket.timeout:
        raise Failed(f"a client waited {LIMIT_S} s") from None
    except OSError:
        return None
    return bytes(got)


def ask(peer):
    """Send DATA as a datagram until it is answered, but not for ever."""
    peer.settimeout(ANSWERED_S)
    for _ in range(4):
        try:
            peer.send(DATA)
            return peer.recv(1 << 17)
        except socket.timeout:
            pass
    return None


def has_left(child, within):
    try:
        child.wait(within)
    except subprocess.TimeoutExpired:
        return False
    return True


# ---- the scenarios ----

def serve(call, error, when, folder, mode=("echo",), data=DATA, answer=DATA, stdin=None):
    child = start(call, error, when, ["serve", "-m", *mode, *KIND.place(folder)], stdin=stdin,
                  stdout=subprocess.DEVNULL)
    try:
        address = learn_address(child)
        whole = address and [exchange(address, data) == answer for _ in range(4)][-1]
        ended = has_left(child, 0 if whole else 1)
        if address and not ended and not whole:
            raise Failed("the last client was not served")
        if address and ended and call in OF_ONE_CLIENT:
            raise Failed(f"the server left with status {child.returncode}")
        if address and not ended:
            child.send_signal(signal.SIGTERM)
        status, said = finish(child)
        if status == 0 and not address and call not in OF_STDERR:
            raise Failed(f"status 0 without listening: {said}")
    finally:
        end(child)


def serve_greet(call, error, when, folder):
    serve(call, error, when, folder, ("greet",), NAME, b"welcome " + NAME)


def serve_analyze(call, error, when, folder):
    serve(call, error, when, folder, ("analyze",), WORDS, REPORT)


def serve_chat(call, error, when, folder):
    """The members say what nobody else hears, and end; the operator says nothing, for ever."""
    mine, theirs = os.pipe()
    try:
        serve(call, error, when, folder, ("chat", "--settle", "1ms"), WORDS, b"", stdin=mine)
    finally:
        os.close(mine)
        os.close(theirs)


def pipe(call, error, when, folder):
    source, sink = (os.path.join(folder, name) for name in ("in", "out"))
    with open(source, "wb") as file:
        file.write(DATA)
    with open(source, "rb") as stdin, open(sink, "wb") as stdout:
        child = start(call, error, when, ["serve", *KIND.quiet(), *KIND.place(folder)],
                      stdin=stdin, stdout=stdout)
    exchanges = 1
    try:
        address = learn_address(child)
        came = exchange(address) if address else None
        while address and came != DATA and not has_left(child, 0.5) and exchanges < 3:
            came = exchange(address)  # one that was lost at once does not use up a one-shot server
            exchanges += 1
        status, said = finish(child)
        with open(sink, "rb") as file:
            written = file.read()
        wanted = DATA
        if KIND.is_datagram():  # what is not answered is sent again
            wanted *= max(1, len(written) // len(DATA))
        if status == 0 and address and (came != DATA or written != wanted):
            raise Failed(f"status 0, but {len(came or b'')} bytes came and {len(written)} were "
                         f"written, of {len(DATA)}: {said}")
    finally:
        end(child)


def client(arguments, sent, data=DATA):
    def run(call, error, when, folder):
        source = os.path.join(folder, "in")
        with open(source, "wb") as file:
            file.write(data)
        with open(source, "rb") as stdin:
            child = start(call, error, when, arguments, stdin=stdin, stdout=subprocess.PIPE)
        got = bytearray()
        reader = threading.Thread(target=lambda: got.extend(child.stdout.read()))
        reader.start()
        try:
            child.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            raise Failed(f"not over within {LIMIT_S} s") from None
        finally:
            end(child)
            reader.join()
        said = child.stderr.read().decode()
        if child.returncode < 0 and child.returncode != -signal.SIGPIPE:
            raise Failed(f"killed by signal {-child.returncode}: {said}")
        if child.returncode == 0 and got != sent:
            raise Failed(f"status 0, but {len(got)} of {len(sent)} bytes: {said}")
        if child.returncode != 0 and not said and child.returncode != -signal.SIGPIPE \
                and call not in OF_STDERR:
            raise Failed(f"status {child.returncode}, and not a word why")
    return run


def feed(file, data):
    with file:
        try:
            file.write(data)
        except OSError:
            pass


def moves(role, stdin, stdout, where=None):
    """MUCH through standard input of a kind, and back or otherwise to standard output of a kind."""
    def run(call, error, when, folder):
        source, sink = (os.path.join(folder, name) for name in ("in", "out"))
        with open(source, "wb") as file:
            file.write(MUCH)
        got, workers = bytearray(), []
        files = {"stdin": open(source, "rb") if stdin == "file" else subprocess.PIPE,
                 "stdout": open(sink, "wb") if stdout == "file" else subprocess.PIPE}
        words = ["serve", *KIND.place(folder)] if role == "serve" else ["connect", "-N", *where]
        child = start(call, error, when, words, **files)
        if stdin == "pipe":
            workers.append(threading.Thread(target=feed, args=(child.stdin, MUCH)))
        if stdout == "pipe":
            workers.append(threading.Thread(target=lambda: got.extend(child.stdout.read())))
        for worker in workers:
            worker.start()
        came = MUCH
        try:
            if role == "serve":
                address = learn_address(child)
                came = exchange(address, MUCH) if address else None
            child.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            raise Failed(f"not over within {LIMIT_S} s") from None
        finally:
            end(child)
            for worker in workers:
                worker.join()
        said = child.stderr.read().decode()
        if stdout == "file":
            with open(sink, "rb") as file:
                got = file.read()
        if child.returncode == 0 and (got != MUCH or came != MUCH):
            raise Failed(f"{role}, {stdin} to {stdout}: status 0, but {len(came or b'')} bytes came and "
                         f"{len(got)} were put out, of {len(MUCH)}: {said}")
        if child.returncode < 0 and child.returncode != -signal.SIGPIPE:
            raise Failed(f"killed by signal {-child.returncode}: {said}")
        if child.returncode != 0 and error in FALLS_BACK and call != "fcntl":
            raise Failed(f"{role}, {stdin} to {stdout}: status {child.returncode}: {said}")
    return run


def all_moves(folder):
    target = KIND.target(echo_server(folder))
    return [moves(role, stdin, stdout, target) for role in ("serve", "connect")
            for stdin, stdout in (("pipe", "file"), ("file", "pipe"))]


def end(child):
    if child.poll() is None:
        child.kill()
        child.wait()


def echo_back(conn):
    with conn:
        try:
            while data := conn.recv(1 << 17):
                conn.sendall(data)
        except OSError:
            pass


def echo_datagrams(server):
    while True:
        data, peer = server.recvfrom(1 << 17)
        try:
            server.sendto(data, peer)
        except OSError:
            pass  # it has left


def echo_server(folder):
    """Serves for ever, in threads; returns its address."""
    server = KIND.socket()
    server.bind(os.path.join(folder, "server") if KIND.family == socket.AF_UNIX
                else ("127.0.0.1", 0))
    if not KIND.is_datagram():
        server.listen(64)

    def accept():
        while True:
            threading.Thread(target=echo_back, args=(server.accept()[0],), daemon=True).start()

    threading.Thread(target=echo_datagrams if KIND.is_datagram() else accept,
                     args=(server,) if KIND.is_datagram() else (), daemon=True).start()
    return server.getsockname()


def answering_server(answer):
    """Reads each client to its end, then says the same to all; returns its address."""
    server = socket.create_server(("127.0.0.1", 0), backlog=64)

    def serve_one(conn):
        with conn:
            try:
                while conn.recv(1 << 17):
                    pass
                conn.sendall(answer)
            except OSError:
                pass

    def accept():
        while True:
            threading.Thread(target=serve_one, args=(server.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return server.getsockname()


def scenarios(name, folder):
    if name == "serve":
        return [serve]
    if name == "pipe":
        return [pipe]
    if name == "moves":
        return all_moves(folder)
    if name == "chat":
        return [serve_chat]
    if name == "greet":
        target = KIND.target(answering_server(b"welcome"))
        return [serve_greet, client(["greet", *target, "Ada"], b"welcome\n")]
    if name == "analyze":
        target = KIND.target(answering_server(REPORT))
        return [serve_analyze, client(["analyze", *target], REPORT, WORDS)]
    target = KIND.target(echo_server(folder))
    if name == "connect":
        by_name = [["-H", "localhost", *target[-2:]]] if KIND.family == socket.AF_INET else []
        return [client(["connect", *KIND.quiet(), *where], DATA)
                for where in [target] + [KIND.options + place for place in by_name]]
    return [client(["echo", *target, *words], sent)
            for words, sent in (([], DATA), ([TEXT], TEXT.encode() + b"\n"))]


def attempt(case):
    run, call, error, when = case
    with tempfile.TemporaryDirectory() as folder:
        try:
            run(call, error, when, folder)
        except (Failed, OSError) as failure:
            return f"{call}:{error}:when={when}: {failure}"
    return None


def faults(errors):
    return [(call, error, when) for call in errors for error in errors[call] for when in TIMES[call]]


def main():
    home = tempfile.TemporaryDirectory()
    kinds = faults(MOVES if sys.argv[1] == "moves" else ERRORS)
    if sys.argv[1] == "moves":
        kinds += [(call, error, "1+") for call, errors in MOVES.items() for error in errors
                  if error in FOR_EVER and call != "fcntl"]
    cases = [(run, *kind) for run in scenarios(sys.argv[1], home.name) for kind in kinds]
    began = time.monotonic()
    # Of datagrams no more than a socket has room for are on their way at once: 60,000 bytes a case.
    workers = os.cpu_count() * (2 if KIND.is_datagram() else 4)
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        failures = [failure for failure in pool.map(attempt, cases) if failure]
    print(f"{len(cases)} cases in {time.monotonic() - began:.1f} s")
    home.cleanup()
    if failures:
        sys.exit("\n".join(failures))


main()
