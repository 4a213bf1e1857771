"""inject.py SCENARIO: every system call that sockx lives by fails once, the first, second, third
time it is made (strace --inject), each in a short scenario of its own:

    serve    an echo server with four clients, then SIGTERM
    pipe     serve --mode pipe, a file in and a file out
    connect  a file to an echo server of ours and back, by address and by name
    echo     the echo client

Never a crash, never more than 5 s, and status 0 only if all bytes arrived. An echo server outlives
what befalls one client, and the next is served. Prints what went wrong, and how many cases ran."""

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
DATA = random.Random(17).randbytes(64 << 10)
TEXT = "the quick brown fox"
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
}
# The dynamic loader makes the first read, and the first write may be a line on stderr (which is
# then lost: it must not end anything).
TIMES = collections.defaultdict(lambda: (1, 2, 3), {
    "read": (2, 3, 4), "write": (1, 2, 3, 4), "epoll_ctl": range(1, 9)})
OF_STDERR = {"write", "pwritev2"}
OF_ONE_CLIENT = {"accept4", "recvfrom", "sendto", "shutdown"}


class Failed(Exception):
    pass


def start(call, error, when, arguments, **files):
    """-D: strace is the grandchild, so that the child is sockx and its status sockx's."""
    strace = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
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


def learn_port(child):
    """None where it could not listen, or could not say so: then it is asked to leave."""
    if not select.select([child.stderr], [], [], SPOKEN_S)[0]:
        child.send_signal(signal.SIGTERM)
        return None
    port = re.search(r"listening on .*:(\d+) \(", child.stderr.readline().decode())
    return int(port[1]) if port else None


def exchange(port):
    """Send DATA, end, and read to the end: what came, or None where the connection was lost."""
    got = bytearray()
    try:
        with socket.create_connection(("127.0.0.1", port), LIMIT_S) as conn:
            conn.sendall(DATA)
            conn.shutdown(socket.SHUT_WR)
            while part := conn.recv(1 << 16):
                got += part
    except socket.timeout:
        raise Failed(f"a client waited {LIMIT_S} s") from None
    except OSError:
        return None
    return bytes(got)


def has_left(child, within):
    try:
        child.wait(within)
    except subprocess.TimeoutExpired:
        return False
    return True


# ---- the scenarios ----

def serve(call, error, when, _folder):
    child = start(call, error, when, ["serve", "-m", "echo", "-H", "127.0.0.1", "-p", "0"])
    try:
        port = learn_port(child)
        whole = port and [exchange(port) == DATA for _ in range(4)][-1]
        ended = has_left(child, 0 if whole else 1)
        if port and not ended and not whole:
            raise Failed("the last client was not served")
        if port and ended and call in OF_ONE_CLIENT:
            raise Failed(f"the server left with status {child.returncode}")
        if port and not ended:
            child.send_signal(signal.SIGTERM)
        status, said = finish(child)
        if status == 0 and not port and call not in OF_STDERR:
            raise Failed(f"status 0 without listening: {said}")
    finally:
        end(child)


def pipe(call, error, when, folder):
    source, sink = (os.path.join(folder, name) for name in ("in", "out"))
    with open(source, "wb") as file:
        file.write(DATA)
    with open(source, "rb") as stdin, open(sink, "wb") as stdout:
        child = start(call, error, when, ["serve", "-H", "127.0.0.1", "-p", "0"],
                      stdin=stdin, stdout=stdout)
    exchanges = 1
    try:
        port = learn_port(child)
        came = exchange(port) if port else None
        while port and came != DATA and not has_left(child, 0.5) and exchanges < 3:
            came = exchange(port)  # one that was lost at once does not use up a one-shot server
            exchanges += 1
        status, said = finish(child)
        with open(sink, "rb") as file:
            written = file.read()
        if status == 0 and port and (came != DATA or written != DATA):
            raise Failed(f"status 0, but {len(came or b'')} bytes came and {len(written)} were "
                         f"written, of {len(DATA)}: {said}")
    finally:
        end(child)


def client(arguments, sent):
    def run(call, error, when, folder):
        source = os.path.join(folder, "in")
        with open(source, "wb") as file:
            file.write(DATA)
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


def end(child):
    if child.poll() is None:
        child.kill()
        child.wait()


def echo_back(conn):
    with conn:
        try:
            while data := conn.recv(1 << 16):
                conn.sendall(data)
        except OSError:
            pass


def echo_server():
    """Serves for ever, in threads; returns its port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def accept():
        while True:
            threading.Thread(target=echo_back, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return str(listener.getsockname()[1])


def scenarios(name):
    if name == "serve":
        return [serve]
    if name == "pipe":
        return [pipe]
    port = echo_server()
    if name == "connect":
        return [client(["connect", host, port], DATA) for host in ("127.0.0.1", "localhost")]
    return [client(["echo", "-p", port, *words], sent)
            for words, sent in (([], DATA), ([TEXT], TEXT.encode() + b"\n"))]


def attempt(case):
    run, call, error, when = case
    with tempfile.TemporaryDirectory() as folder:
        try:
            run(call, error, when, folder)
        except (Failed, OSError) as failure:
            return f"{call}:{error}:when={when}: {failure}"
    return None


def main():
    cases = [(run, call, error, when) for run in scenarios(sys.argv[1])
             for call, errors in ERRORS.items() for error in errors for when in TIMES[call]]
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() * 2) as pool:
        failures = [failure for failure in pool.map(attempt, cases) if failure]
    print(f"{len(cases)} cases in {time.monotonic() - began:.1f} s")
    if failures:
        sys.exit("\n".join(failures))


main()
