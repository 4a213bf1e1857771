"""inject.py SCENARIO [KIND [pairs|SIGTERM]]: every system call that sockx lives by fails once, the first, second,
third time it is made (strace --inject), each in a short scenario of its own:

    serve    an echo server with four clients, then SIGTERM
    pipe     serve --mode pipe, a file in and a file out
    connect  a file to an echo server of ours and back, by address and by name
    echo     the echo client
    greet    a greeting server as serve, and its client with a server of ours
    analyze  the same for an analysis server
    chat     a room as serve, its operator's lines from a file
    exec     serve -m exec with cat, the same with -1, and connect -m exec with a program that sends a file and
             reads it back
    relay    serve -m relay before an echo server, for ever and --once, and connect -m relay between two servers
    moves    what moves bytes in the kernel, for pipe and connect: pipes and files in, pipes and files out

over one kind of socket: tcp, unless it is udp, unix, unix-datagram or unix-seqpacket.

With `pairs`, two calls fail: one, and then one of the two calls that come next, which is how the first
failure is handled. With `SIGTERM` no call fails, but the signal comes at it, to serve, pipe or exec: each is over
within 3 s, and leaves no path.

Never a crash, never more than 5 s, and status 0 only if all bytes arrived. The status is the one that
fault_statuses.py gives for the call, the error and what the call was made on; where no call failed, it
is 0. An echo server outlives what befalls one client, and the next is served. Where the kernel will not
move bytes they are read and written, and all arrive. A program's or relay's client gets all, or its
connection is lost: never half of it in order. Prints what went wrong, and how many cases ran."""

import collections
import concurrent.futures
import itertools
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

import fault_statuses

SILENCE = threading.local()  # asked: how much of it ends a run over datagrams

RUNS_PROGRAMS = sys.argv[1:2] == ["exec"]
LIMIT_S = 5.0
SPOKEN_S = 2.0
STOPPED_S = 3.0
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
    "flock": ["ENOLCK", "EINTR", "EAGAIN"],
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
RELAY = {**ERRORS, "splice": [error for error in MOVES["splice"] if error != "ENOSPC"],
         "pipe2": MOVES["pipe2"], "ioctl": ["EINVAL"]}
GONE = {"EPIPE", "ECONNRESET", "ETIMEDOUT"}  # the peer is, or its program reads no more
IN_CHILD = {  # before it becomes the program
    "setpgid": ["EPERM"],
    "dup3": ["EMFILE", "EBUSY"],
    "close_range": ["ENOSYS", "ENOMEM"],
    "execve": ["EACCES", "ENOENT", "ENOMEM", "E2BIG"],
}
EXEC = {
    **{call: ERRORS[call] for call in ("accept4", "epoll_ctl", "recvfrom", "sendto", "read", "write",
                                       "shutdown", "getsockname")},
    **MOVES,
    "splice": [error for error in MOVES["splice"] if error != "ENOSPC"],  # of files only
    "clone": ["EAGAIN", "ENOMEM", "ENOSYS"],
    "ioctl": ["EINVAL"],
    "poll": ["EINTR", "ENOMEM"],
    "wait4": ["ECHILD", "EINTR"],
    **IN_CHILD,
}
FALLS_BACK = {"EINVAL", "ENOMEM", "EIO", "EAGAIN", "EINTR", "ENOSYS", "EMFILE", "ENFILE"}
FOR_EVER = FALLS_BACK - {"EAGAIN", "EINTR"}  # these say that it will work soon
MUCH = DATA * 10
# The dynamic loader makes the first read, and the first write may be a line on stderr (which is
# then lost: it must not end anything).
TIMES = collections.defaultdict(lambda: (1, 2, 3), {
    "read": (2, 3, 4), "newfstatat": range(3, 8), "write": (1, 2, 3) if RUNS_PROGRAMS else (1, 2, 3, 4),
    "epoll_ctl": range(1, 9), "splice": range(1, 7), "ioctl": range(1, 7),
    "fcntl": range(4, 9)})  # first it asks which of 0, 1 and 2 are open
ALL = EXEC if RUNS_PROGRAMS else {**ERRORS, **MOVES, "ioctl": ["EINVAL"]}
FIRST_OF_PAIRS = 2  # errors of the first call that fails, and times
AT_RANDOM = 1  # so many calls more may be made in another run
FOLLOWING = 2  # so many of the calls after one that failed are a second one that fails

# One call that fails: which, with what error, and the how manieth of its kind (strace's when=).
Fault = collections.namedtuple("Fault", "call error when")

# A call that was made: by what thread, what on (fault_statuses.py says in what words), and its error
# where it is one of ours.
Call = collections.namedtuple("Call", "thread name on error")


class Failed(Exception):
    pass


class Ended:
    """How a run ended. `who` is what fault_statuses.py calls it."""

    def __init__(self, who, status, said):
        self.who, self.status, self.said = set(who), status, said


class Kind:
    """A kind of socket: how it is given to sockx, and how a peer of it sends DATA. `words` is what
    fault_statuses.py calls it."""

    def __init__(self, family, kind, options, words):
        self.family, self.kind, self.options, self.words = family, kind, options, set(words.split())

    def place(self, directory):
        """Where to serve, for the command line."""
        if self.family == socket.AF_UNIX:
            return [*self.options, "-U", os.path.join(directory, "socket")]
        return [*self.options, "-H", "127.0.0.1", "-p", "0"]

    def target(self, address):
        """The same for a client of an address."""
        if self.family == socket.AF_UNIX:
            return [*self.options, "-U", address]
        return [*self.options, "-H", address[0], "-p", str(address[1])]

    def scheme(self, address):
        """The same in one word."""
        name = next(name for name, kind in KINDS.items() if kind is self)
        if self.family == socket.AF_UNIX:
            return f"{name}:{address}"
        return f"{name}://{address[0]}:{address[1]}"

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
        return ["-q", getattr(SILENCE, "asked", "50ms")] if self.is_datagram() else ["-N"]

    def is_datagram(self):
        return self.kind == socket.SOCK_DGRAM


KINDS = {
    "tcp": Kind(socket.AF_INET, socket.SOCK_STREAM, [], "tcp inet stream"),
    "udp": Kind(socket.AF_INET, socket.SOCK_DGRAM, ["-u"], "udp inet datagram"),
    "unix": Kind(socket.AF_UNIX, socket.SOCK_STREAM, [], "unix local stream"),
    "unix-datagram": Kind(socket.AF_UNIX, socket.SOCK_DGRAM, ["-u"], "unix-datagram local datagram"),
    "unix-seqpacket": Kind(socket.AF_UNIX, socket.SOCK_SEQPACKET, ["--seqpacket"], "unix-seqpacket local"),
}
KIND = KINDS[(sys.argv + ["tcp"])[2]]


class Run:
    """One run of sockx in a directory of its own, some of whose calls fail; what it called is in `calls`."""

    def __init__(self, directory, faults, traced=()):
        self.directory, self.faults = directory, faults
        self.traced = set(traced) | {fault.call for fault in faults}

    def start(self, arguments, **files):
        """-D: strace is the grandchild, so that the child is sockx and its status sockx's. The calls
        of a program that sockx runs are not to fail: it is not followed."""
        followed = not RUNS_PROGRAMS or self.fails_in_children()
        strace = ["strace", "-D", *(["-f"] if followed else []), "-qq", "-y", "-s", "0",
                  "-o", self.path("calls"), "-e", "signal=none", "-e", "trace=" + ",".join(sorted(self.traced))]
        for fault in self.faults:
            kind = "signal" if fault.error == "SIGTERM" else "error"
            if kind == "error" and followed:
                strace += ["--seccomp-bpf"]  # faster, but then a signal does not come (strace 6.1)
            strace += ["-e", f"inject={fault.call}:{kind}={fault.error}:when={fault.when}"]
        return subprocess.Popen(strace + [os.environ["SOCKX"]] + arguments, stderr=subprocess.PIPE,
                                **files)

    def fails_with(self, errors):
        return any(fault.error in errors for fault in self.faults)

    def fails_in_children(self):
        """In each of them, as strace counts the calls of each by themselves."""
        return any(fault.call in IN_CHILD for fault in self.faults)

    def path(self, name):
        return os.path.join(self.directory, name)

    def calls(self):
        """Those it made, of the traced ones."""
        with open(self.path("calls"), encoding="utf-8", errors="replace") as lines:
            return [call for call in map(call_of, whole_lines(lines)) if call]


def whole_lines(lines):
    """A call during which another process made one is in two parts."""
    begun = {}
    for line in lines:
        process, _, rest = line.partition(" ")
        if rest.endswith("<unfinished ...>\n"):
            begun[process] = line[:-len("<unfinished ...>\n")]
        elif resumed := re.match(r" *<\.\.\. \w+ resumed>", rest):
            yield begun.pop(process, "") + rest[resumed.end():]
        else:
            yield line


def call_of(line):
    made = re.match(r"(\d*) *(\w+)\((.*?)\) += (.*)", line)
    if not made:
        return None
    failed = re.match(r"-1 (\w+) .*\(INJECTED\)", made[4])
    operation = re.search(r"EPOLL_CTL_(\w+)", made[3])
    name = f"epoll_{operation[1].lower()}" if operation else made[2]
    name = "peek" if "MSG_PEEK" in made[3] else name
    return Call(made[1], name, place_of(made[2], made[3]), failed and failed[1])


def traced_name(call):
    return {"epoll_add": "epoll_ctl", "epoll_mod": "epoll_ctl", "epoll_del": "epoll_ctl",
            "peek": "recvfrom"}.get(call.name, call.name)


def place_of(call, arguments):
    """What a call was made on."""
    places = [descriptor(*found) for found in re.findall(r"(\d+)<([^>]*)>", arguments)]
    if call == "epoll_ctl":
        return places[1] if len(places) > 1 else "closed"
    if call == "splice":
        return "->".join(places[:2])
    if call == "sendfile":
        return "->".join(reversed(places[:2]))
    return places[0] if places else "nothing"


def descriptor(number, what):
    if int(number) < 3:
        return ("stdin", "stdout", "stderr")[int(number)]
    for kind in ("socket", "pipe", "signalfd", "eventfd", "timerfd", "eventpoll"):
        if what.startswith(kind + ":") or f"[{kind}]" in what:
            return kind
    return "file"


def finish(child):
    """Its status and what it said; the limits that hold for every scenario."""
    try:
        said = getattr(child, "first", "") + child.communicate(timeout=LIMIT_S)[1].decode()
    except subprocess.TimeoutExpired:
        raise Failed(f"not over within {LIMIT_S} s") from None
    if child.returncode < 0 and -child.returncode not in (signal.SIGPIPE, signal.SIGTERM):
        raise Failed(f"killed by signal {-child.returncode}: {said}")
    return child.returncode, said


def learn_address(child):
    """None where it could not listen, or could not say so: then it is asked to leave."""
    if not select.select([child.stderr], [], [], SPOKEN_S)[0]:
        child.send_signal(signal.SIGTERM)
        return None
    child.first = child.stderr.readline().decode()
    told = re.search(r"listening on (?:unix:(.*)|(.*):(\d+)) \(", child.first)
    return told and (told[1] or (told[2], int(told[3])))


def exchange(address, data=DATA):
    """Send it, end, and read to the end: what came, or None where the connection was lost."""
    try:
        with KIND.dial(address) as peer:
            return ask(peer) if KIND.is_datagram() else exchange_over(peer, data)
    except socket.timeout:
        raise Failed(f"a client waited {LIMIT_S} s") from None
    except OSError:
        return None


def exchange_over(peer, data):
    got = bytearray()
    try:
        peer.sendall(data)
        peer.shutdown(socket.SHUT_WR)
        while part := peer.recv(1 << 17):
            got += part
    except socket.timeout:
        raise
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

def serve(run, mode=("echo",), data=DATA, answer=DATA, stdin=None, program=()):
    others_end = mode[0] in ("exec", "relay")  # what a program or a target does can be lost
    child = run.start(["serve", "-m", *mode, *KIND.place(run.directory), *program], stdin=stdin,
                      stdout=subprocess.DEVNULL)
    try:
        address = learn_address(child)
        answers = [exchange(address, data) for _ in range(4)] if address else [None]
        if others_end and address and answers[-1] != answer:  # the call that failed was the last's
            answers += [exchange(address, data)]
        whole = answers[-1] == answer
        parts = [part for part in answers if part not in (None, answer)]
        if others_end and parts and not run.fails_with(GONE) and "tcp" in KIND.words:  # others have no reset
            raise Failed(f"{len(parts[0])} of {len(answer)} bytes, and an orderly end")
        ended = has_left(child, 0 if whole else 1)
        if address and not ended and not whole and not run.fails_in_children():
            raise Failed("the last client was not served")
        if address and not ended:
            child.send_signal(signal.SIGTERM)
        status, said = finish(child)
        if status == 0 and address and ended:
            raise Failed("the server left by itself")
        return Ended(["server", "serving" if address else "starting"], status, said)
    finally:
        end(child)


def serve_greet(run):
    return serve(run, ("greet",), NAME, b"welcome " + NAME)


def serve_analyze(run):
    return serve(run, ("analyze",), WORDS, REPORT)


def serve_chat(run):
    """The members say what no other hears, and end; the operator says nothing, for ever."""
    mine, theirs = os.pipe()
    try:
        return serve(run, ("chat", "--settle", "1ms"), WORDS, b"", stdin=mine)
    finally:
        os.close(mine)
        os.close(theirs)


def serve_exec(run):
    return serve(run, ("exec",), program=("--", "cat"))


def serve_relay(target):
    return lambda run: serve(run, ("relay", "--to", target))


def relay_once(target):
    def attempt_one(run):
        child = run.start(["serve", "-1", "-m", "relay", "--to", target, *KIND.place(run.directory)],
                          stdout=subprocess.DEVNULL)
        exchanges = 1
        try:
            address = learn_address(child)
            came = exchange(address) if address else None
            while address and came != DATA and not has_left(child, 0.5) and exchanges < 3:
                came = exchange(address)
                exchanges += 1
            status, said = finish(child)
        finally:
            end(child)
        if address and status == 0 and came != DATA:
            raise Failed(f"status {status}, but {len(came or b'')} of {len(DATA)} bytes: {said}")
        return Ended(["relay", "once" if exchanges == 1 else "again",
                      "serving" if address else "starting"], status, said)
    return attempt_one


def connect_relay(target):
    """One server asks, the other one answers."""
    def attempt_one(run):
        with KIND.socket() as server:
            server.bind(run.path("asks") if KIND.family == socket.AF_UNIX else ("127.0.0.1", 0))
            server.listen(4)
            got = []
            asking = threading.Thread(target=ask_first, args=(server, got))
            asking.start()
            child = run.start(["connect", "-m", "relay", "--to", target,
                               *KIND.target(server.getsockname())], stdout=subprocess.DEVNULL)
            try:
                status, said = finish(child)
            finally:
                end(child)
                server.shutdown(socket.SHUT_RDWR)
                asking.join()
        if status == 0 and got[-1:] != [DATA]:
            raise Failed(f"status 0, but {len((got or [b''])[-1] or b'')} of {len(DATA)} bytes: {said}")
        return Ended(["relay", "client", "connect"], status, said)
    return attempt_one


def ask_first(server, got):
    """Each client is asked, and its answer noted: None where it was lost."""
    while True:
        try:
            peer = server.accept()[0]
        except OSError:
            return
        with peer:
            peer.settimeout(LIMIT_S)
            got.append(exchange_over(peer, DATA))


def serve_exec_once(run):
    child = run.start(["serve", "-1", "-m", "exec", *KIND.place(run.directory), "--", "cat"],
                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        address = learn_address(child)
        exchanges = 1
        came = exchange(address) if address else None
        while address and came != DATA and not has_left(child, 0.5) and exchanges < 3:
            came = exchange(address)  # one that was lost at once does not use up a one-shot server
            exchanges += 1
        status, said = finish(child)
        if status == 0 and address and came != DATA and not run.fails_with(GONE):
            raise Failed(f"status 0, but {len(came or b'')} of {len(DATA)} bytes came: {said}")
        if not address:
            return Ended(["pipe", "program", "starting"], status, said)
        return Ended(["pipe", "program", "serving", "once" if exchanges == 1 else "again"], status, said)
    finally:
        end(child)


def connect_exec(target):
    """Its program says a file, reads as much, and has status 0 if that is the same. Its standard error
    is heard."""
    def attempt_one(run):
        source, back = run.path("in"), run.path("back")
        with open(source, "wb") as file:
            file.write(DATA)
        line = f'echo begun >&2 && cat "$1" && head -c {len(DATA)} >"$2" && cmp -s "$1" "$2"'
        child = run.start(["connect", "-m", "exec", *target, "--", "sh", "-c", line, "sh", source, back],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            status, said = finish(child)
        finally:
            end(child)
        if status == 0:
            if "begun" not in said and "write" not in run.traced:
                raise Failed("status 0, but its program's standard error is lost")
            with open(back, "rb") as file:
                if file.read() != DATA:
                    raise Failed(f"status 0, but its program has not all: {said}")
        return Ended(["client", "connect", "exec"], status, said)
    return attempt_one


def pipe(run):
    source, sink = run.path("in"), run.path("out")
    with open(source, "wb") as file:
        file.write(DATA)
    with open(source, "rb") as stdin, open(sink, "wb") as stdout:
        child = run.start(["serve", *KIND.quiet(), *KIND.place(run.directory)], stdin=stdin,
                          stdout=stdout)
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
        if not address:
            return Ended(["pipe", "starting"], status, said)
        return Ended(["pipe", "serving", "once" if exchanges == 1 else "again"], status, said)
    finally:
        end(child)


def client(arguments, sent, data=DATA):
    def attempt_one(run):
        source = run.path("in")
        with open(source, "wb") as file:
            file.write(data)
        with open(source, "rb") as stdin:
            child = run.start(arguments, stdin=stdin, stdout=subprocess.PIPE)
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
        named = ["named"] if "localhost" in arguments else []
        return Ended(["client", arguments[0], *named], child.returncode, said)
    return attempt_one


def stopped(mode, statuses, program=()):
    """A server that SIGTERM reaches at some call: before it can listen, with clients, or at its end."""
    def attempt_one(run):
        child = run.start(["serve", "-m", mode, *KIND.quiet(), *KIND.place(run.directory)] if mode == "pipe"
                          else ["serve", "-m", mode, *KIND.place(run.directory), *program],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            address = learn_address(child)
            if address:
                exchange(address)
                exchange(address)
            late = not has_left(child, 1)  # the call comes at the end, or never
            if late:
                child.send_signal(signal.SIGTERM)
            began = time.monotonic()
            status, said = finish(child)
            if time.monotonic() - began > STOPPED_S:
                raise Failed(f"not over within {STOPPED_S} s of SIGTERM: {said}")
            if os.path.exists(run.path("socket")):
                raise Failed(f"status {status}, and its path is still there: {said}")
            twice = status == -signal.SIGTERM and late  # a second signal ends it at once
            if not twice and status not in (statuses if address else (0, -signal.SIGTERM)):
                raise Failed(f"status {status}, must be one of {statuses}: {said}")
        finally:
            end(child)
        return Ended([], 0, said)
    return attempt_one


def feed(file, data):
    with file:
        try:
            file.write(data)
        except OSError:
            pass


def moves(role, stdin, stdout, where=None):
    """MUCH through standard input of a kind, and back or otherwise to standard output of a kind."""
    def attempt_one(run):
        source, sink = run.path("in"), run.path("out")
        with open(source, "wb") as file:
            file.write(MUCH)
        got, workers = bytearray(), []
        files = {"stdin": open(source, "rb") if stdin == "file" else subprocess.PIPE,
                 "stdout": open(sink, "wb") if stdout == "file" else subprocess.PIPE}
        words = ["serve", *KIND.place(run.directory)] if role == "serve" else ["connect", "-N", *where]
        child = run.start(words, **files)
        if stdin == "pipe":
            workers.append(threading.Thread(target=feed, args=(child.stdin, MUCH)))
        if stdout == "pipe":
            workers.append(threading.Thread(target=lambda: got.extend(child.stdout.read())))
        for worker in workers:
            worker.start()
        came, address = MUCH, None
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
        said = getattr(child, "first", "") + child.stderr.read().decode()
        if stdout == "file":
            with open(sink, "rb") as file:
                got = file.read()
        if child.returncode == 0 and (got != MUCH or came != MUCH):
            raise Failed(f"{role}, {stdin} to {stdout}: status 0, but {len(came or b'')} bytes came and "
                         f"{len(got)} were put out, of {len(MUCH)}: {said}")
        if child.returncode < 0 and child.returncode != -signal.SIGPIPE:
            raise Failed(f"killed by signal {-child.returncode}: {said}")
        if role == "connect":
            return Ended(["moves", "client", role], child.returncode, said)
        return Ended(["moves", "pipe", "once", "serving" if address else "starting"],
                     child.returncode, said)
    return attempt_one


def all_moves(directory):
    target = KIND.target(echo_server(directory))
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


def echo_server(directory):
    """Serves for ever, in threads; returns its address."""
    server = KIND.socket()
    server.bind(os.path.join(directory, "server") if KIND.family == socket.AF_UNIX
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


def scenarios(name, directory):
    if sys.argv[3:] == ["SIGTERM"]:
        if name == "serve":
            return [stopped("echo", (0,))]
        if name == "exec":
            return [stopped("exec", (0,), ["--", "cat"])]
        return [stopped("pipe", (0, 4, -signal.SIGTERM))]  # the last: all was done when it came
    if name == "serve":
        return [serve]
    if name == "pipe":
        return [pipe]
    if name == "moves":
        return all_moves(directory)
    if name == "chat":
        return [serve_chat]
    if name == "greet":
        target = KIND.target(answering_server(b"welcome"))
        return [serve_greet, client(["greet", *target, "Ada"], b"welcome\n")]
    if name == "analyze":
        target = KIND.target(answering_server(REPORT))
        return [serve_analyze, client(["analyze", *target], REPORT, WORDS)]
    server = echo_server(directory)
    target = KIND.target(server)
    if name == "exec":
        return [serve_exec, serve_exec_once, connect_exec(target)]
    if name == "relay":
        word = KIND.scheme(server)
        if KIND.is_datagram():
            return [serve_relay(word)]
        return [serve_relay(word), relay_once(word), connect_relay(word)]
    if name == "connect":
        by_name = [["-H", "localhost", *target[-2:]]] if KIND.family == socket.AF_INET else []
        return [client(["connect", *KIND.quiet(), *where], DATA)
                for where in [target] + [KIND.options + place for place in by_name]]
    return [client(["echo", *target, *words], sent)
            for words, sent in (([], DATA), ([TEXT], TEXT.encode() + b"\n"))]


def judge(ended, failed):
    """Whether a run may end so, in which those calls failed."""
    mute = any(call.on == "stderr" and "write" in call.name for call in failed)
    if mute:
        ended.who -= {"starting"}  # it listened, but could not say so
    allowed = fault_statuses.allowed(ended.who, KIND.words, failed)
    if ended.status not in allowed:
        raise Failed(f"status {ended.status}, must be {' or '.join(map(str, sorted(allowed)))}: "
                     f"{ended.said}")
    if ended.status not in (0, -signal.SIGPIPE) and not ended.said and not mute:
        raise Failed(f"status {ended.status}, and not a word why")


def attempt(scenario, faults, traced=()):
    """Returns what it called, and what went wrong or None."""
    found = attempt_once(scenario, faults, traced)
    if found[1] and KIND.is_datagram():  # a machine that is busy is silent, too
        SILENCE.asked = "1s"
        found = attempt_once(scenario, faults, traced)
        SILENCE.asked = "50ms"
    return found


def attempt_once(scenario, faults, traced):
    calls, failed = [], []
    with tempfile.TemporaryDirectory() as directory:
        run = Run(directory, faults, traced)
        try:
            ended = scenario(run)
            calls = run.calls()
            failed = [call for call in calls if call.error]
            judge(ended, failed)
        except (Failed, OSError, KeyError) as failure:
            named = ", ".join(f"{fault.call}:{fault.error}:when={fault.when}" for fault in faults)
            where = ", ".join(call.on for call in failed) or "nothing"
            return calls, f"{' '.join(sys.argv[1:])}: {named} (on {where}): {failure}"
    return calls, None


def attempt_single(case):
    scenario, fault = case
    return [attempt(scenario, [fault])[1]]


def attempt_pairs(case):
    """The call fails, and then one that comes after it."""
    scenario, fault = case
    calls, failure = attempt(scenario, [fault], ALL)
    return [failure] + [attempt(scenario, both)[1] for both in pairs_of(fault, calls)]


def pairs_of(fault, calls):
    """With each of the calls that the same thread made next, after the one of `calls` that failed."""
    calls = list(calls)
    first = next((at for at, call in enumerate(calls) if call.error), len(calls))
    own = [at for at in range(len(calls)) if calls[at].thread == calls[first].thread] \
        if first < len(calls) else []
    if fault.call in IN_CHILD:  # what comes after those is the program's
        own = [at for at in own if traced_name(calls[at]) in IN_CHILD]
    for at in [at for at in own if at > first][:FOLLOWING]:
        name = traced_name(calls[at])
        nth = sum(traced_name(calls[before]) == name for before in own if before <= at)
        if name == fault.call:  # strace takes one error for each call
            yield [fault._replace(when=f"{fault.when}..{nth}+{nth - fault.when}")]
        else:
            yield [fault, Fault(name, ALL[name][0], nth)]


def calls_made(scenario):
    """How often a run in which no call fails makes each of them: what it never makes cannot fail."""
    calls, failure = attempt(scenario, [], ALL)
    if failure:
        sys.exit(failure)
    return collections.Counter(traced_name(call) for call in calls)


def comes_to_pass(fault, made):
    """Whether the call is made so often; those of a child are not counted."""
    if fault.call in IN_CHILD:
        return True
    first = int(str(fault.when).rstrip("+"))
    return made[fault.call] > 0 and first <= made[fault.call] + AT_RANDOM


def faults(errors, most=None):
    """Each call with each of its errors, each time; or with its first `most` errors, the first `most` times."""
    return [Fault(call, error, when) for call in errors for error in errors[call][:most]
            for when in TIMES[call][:most]]


def main():
    home = tempfile.TemporaryDirectory()
    pairs = sys.argv[3:] == ["pairs"]
    errors = {"moves": MOVES, "exec": EXEC, "relay": RELAY}.get(sys.argv[1], ERRORS)
    chosen = faults(errors, FIRST_OF_PAIRS if pairs else None)
    if sys.argv[3:] == ["SIGTERM"]:
        chosen = [Fault(call, "SIGTERM", when) for call in errors for when in TIMES[call]]
    elif sys.argv[1] == "moves" and not pairs:
        chosen += [Fault(call, error, "1+") for call in MOVES for error in MOVES[call]
                   if error in FOR_EVER and call != "fcntl"]
    began = time.monotonic()
    cases = []
    for scenario in scenarios(sys.argv[1], home.name):
        made = calls_made(scenario)
        cases += [(scenario, fault) for fault in chosen if comes_to_pass(fault, made)]
    # Of datagrams no more than a socket has room for are on their way at once: 60,000 bytes a case.
    workers = os.cpu_count() * (2 if KIND.is_datagram() else 4)
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        verdicts = list(itertools.chain(*pool.map(attempt_pairs if pairs else attempt_single, cases)))
    failures = [failure for failure in verdicts if failure]
    print(f"{len(verdicts)} cases in {time.monotonic() - began:.1f} s")
    home.cleanup()
    if failures:
        sys.exit("\n".join(failures))


if __name__ == "__main__":
    main()
