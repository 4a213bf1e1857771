"""The same cases for sockx, nc, ncat and socat, each by the command that a user would type; a table in Markdown.

    rivals.py SOCKX TOOL...

Each function below is a case: it meets one command with what the title says, and returns what came of
it. What is wanted of sockx is a pattern; exit status 1 if a cell of its column does not match. What
the others do is a result. {h} and {p} are the host and the port, {path} a Unix socket's.
"""

import contextlib
import fcntl
import os
import pathlib
import pty
import random
import re
import resource
import selectors
import shlex
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

HOST = "127.0.0.1"
PATIENCE_S = 5
CASES = []  # (title, wanted, command of each tool, function)


def case(title, wanted, *commands):
    by_tool = dict(zip(("sockx", "nc", "ncat", "socat"), commands, strict=True))
    return lambda function: CASES.append((title, wanted, by_tool, function))


# ---- programs ----


def words_of(command, **names):
    """The words of a command; nc is netcat-openbsd, whatever else is installed by that name."""
    words = shlex.split(command.format(h=HOST, **names))
    programs = {"sockx": sys.argv[1], "nc": "nc.openbsd"}
    return [programs.get(words[0], words[0])] + words[1:]


@contextlib.contextmanager
def started(words, **how):
    """A program in a session of its own, where all that it starts is found and ended, too."""
    how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **how}
    program = subprocess.Popen(words, start_new_session=True, **how)
    try:
        yield program
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        program.wait()


def until(condition, seconds=PATIENCE_S):
    """Whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def status_of(program):
    try:
        return str(program.wait(PATIENCE_S))
    except subprocess.TimeoutExpired:
        return "hangs"


def free_port():
    """Outside the range that outgoing connections take theirs from."""
    while True:
        port = random.randrange(10000, 30000)
        with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagram:
            with contextlib.suppress(OSError):
                stream.bind((HOST, port))
                datagram.bind((HOST, port))
                return port


def is_bound(port, table, state):
    own = re.compile(rf"^ *\d+: [0-9A-F]+:{port:04X} [0-9A-F]+:[0-9A-F]{{4}} {state} ", re.MULTILINE)
    return any(own.search(pathlib.Path(f"/proc/net/{name}").read_text()) for name in (table, table + "6"))


@contextlib.contextmanager
def serving(command, table="tcp", **how):
    """A server on a free port, once the kernel shows that it listens: (program, port)."""
    port = free_port()
    state = {"tcp": "0A", "udp": "07"}[table]
    with started(words_of(command, p=port), **how) as program:
        if not until(lambda: program.poll() is not None or is_bound(port, table, state)):
            raise RuntimeError(f"does not listen: {command}")
        yield program, port


# ---- the other side ----


@contextlib.contextmanager
def peer(behaviour):
    """A server of ours for one client: its port."""

    def serve():
        with contextlib.suppress(OSError):
            client = listener.accept()[0]
            with client:
                behaviour(client)

    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)  # wakes accept
        thread.join(PATIENCE_S)


def reset(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def connected(port):
    return socket.create_connection((HOST, port), timeout=PATIENCE_S)


def read_all(sock):
    whole = bytearray()
    with contextlib.suppress(OSError):
        while data := sock.recv(65536):
            whole += data
    return bytes(whole)


# ---- the cases: clients ----


@case(
    "The server resets after 100,000 bytes: exit status",
    "4",
    "sockx connect {h} {p}",
    "nc -N {h} {p}",
    "ncat {h} {p}",
    "socat - TCP:{h}:{p}",
)
def mid_reset(command):
    output = pathlib.Path("output")

    def behaviour(client):
        client.sendall(b"x" * 100000)
        until(lambda: output.stat().st_size == 100000)
        reset(client)

    with output.open("wb") as out, peer(behaviour) as port:
        with started(words_of(command, p=port), stdout=out) as program:
            return status_of(program)


@case(
    "The server closes after 64 KiB of 10 MB that we send: exit status",
    "4",
    "sockx connect {h} {p}",
    "nc -N {h} {p}",
    "ncat {h} {p}",
    "socat - TCP:{h}:{p}",
)
def early_close(command):
    def behaviour(client):
        left = 65536
        while left > 0:
            left -= len(client.recv(left))

    with open("input", "w+b") as data, peer(behaviour) as port:
        data.truncate(10000000)
        with started(words_of(command, p=port), stdin=data) as program:
            return status_of(program)


@case(
    "What comes does not fit on the disk (`>/dev/full`): exit status",
    "1",
    "sockx connect {h} {p}",
    "nc -N {h} {p}",
    "ncat {h} {p}",
    "socat - TCP:{h}:{p}",
)
def disk_full(command):
    with open("/dev/full", "wb") as full, peer(lambda client: client.sendall(b"x" * 1000)) as port:
        with started(words_of(command, p=port), stdout=full) as program:
            return status_of(program)


@case(
    "Nothing listens; there is no such name: exit status",
    "7; 6",
    "sockx connect {h} {p}",
    "nc -N {h} {p}",
    "ncat {h} {p}",
    "socat - TCP:{h}:{p}",
)
def refused(command):
    # A name that no resolver needs to be asked about.
    said = []
    for typed in (command, command.replace("{h}", "nowhere.invalid")):
        with started(words_of(typed, p=free_port())) as program:
            said.append(status_of(program))
    return "; ".join(said)


@case(
    "Escape sequences from a server, at a terminal",
    "shown as text",
    "sockx connect {h} {p}",
    "nc -N {h} {p}",
    "ncat {h} {p}",
    "socat - TCP:{h}:{p}",
)
def escapes(command):
    master, slave = pty.openpty()
    shown = b""
    with peer(lambda client: client.sendall(b"\x1b]0;title\x07\x1b[2Jend\n")) as port:
        with started(words_of(command, p=port), stdin=slave, stdout=slave, stderr=slave):
            os.set_blocking(master, False)
            deadline = time.monotonic() + PATIENCE_S
            while b"end" not in shown and time.monotonic() < deadline:
                with contextlib.suppress(BlockingIOError):
                    shown += os.read(master, 4096)
    os.close(slave)
    os.close(master)
    if b"end" not in shown:
        return "nothing came"
    return "passed on" if b"\x1b" in shown else "shown as text"


# ---- the cases: servers ----


@case(
    "A datagram of 20,000 bytes, an empty one, one of 3: bytes received",
    "20,003",
    "sockx serve -u -H {h} -p {p}",
    "nc -u -l {h} {p}",
    "ncat -u -l {h} {p}",
    "socat -u UDP-RECV:{p},bind={h} -",
)
def datagrams(command):
    output = pathlib.Path("output")
    with output.open("wb") as out, serving(command, "udp", stdout=out) as (program, port):
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.connect((HOST, port))
            sock.send(b"x" * 20000)
            until(lambda: output.stat().st_size > 0)
            for data in (b"", b"end"):
                with contextlib.suppress(ConnectionRefusedError):
                    sock.send(data)
            until(lambda: program.poll() is not None or output.read_bytes().endswith(b"end"))
    ended = "" if output.read_bytes().endswith(b"end") else ", and ended"
    return f"{output.stat().st_size:,}{ended}"


def listens_at(path):
    """In /proc/net/unix, the flag of one that listens."""
    table = pathlib.Path("/proc/net/unix").read_text()
    return re.search(rf" 00010000 0001 01 +\d+ {re.escape(str(path))}$", table, re.MULTILINE) is not None


UNIX_SERVERS = ("sockx serve -U {path}", "nc -lU {path}", "ncat -lU {path}", "socat UNIX-LISTEN:{path} -")


@case("A Unix listener finds a file of yours at its path", "3, kept", *UNIX_SERVERS)
def file_at_path(command):
    path = pathlib.Path("path").absolute()
    path.write_text("mine")
    with started(words_of(command, path=path)) as program:
        until(lambda: program.poll() is not None or listens_at(path))
        status = program.poll()
    kept = path.is_file()
    path.unlink()
    return ("" if status is None else f"{status}, ") + ("kept" if kept else "deleted")


@case("A Unix listener finds the socket of a dead server there", "serves", *UNIX_SERVERS)
def stale_path(command):
    path = pathlib.Path("path").absolute()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with started(words_of(command, path=path)) as program:
        until(lambda: program.poll() is not None or listens_at(path))
        status = program.poll()
    path.unlink(missing_ok=True)
    return "serves" if status is None else f"{status}"


ECHO_SERVERS = (
    "sockx serve -m echo -H {h} -p {p}",
    None,
    "ncat -l -k -e /bin/cat {h} {p}",
    "socat TCP-LISTEN:{p},bind={h},fork PIPE",
)


@case("Echo of 1 MiB, half-closed once it is sent: bytes that come back", "1,048,576", *ECHO_SERVERS)
def half_close(command):
    def send():
        with contextlib.suppress(OSError):
            client.sendall(bytes(1 << 20))
            client.shutdown(socket.SHUT_WR)

    with serving(command) as (_, port), connected(port) as client:
        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        back = read_all(client)
        sender.join(PATIENCE_S)
    return f"{len(back):,}"


@case("Echo for 200 clients at once: answered within a second", "200", *ECHO_SERVERS)
def crowd(command):
    answered = 0
    with serving(command) as (_, port), contextlib.ExitStack() as clients, selectors.DefaultSelector() as waiting:
        for _ in range(200):
            client = clients.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex((HOST, port))
            waiting.register(client, selectors.EVENT_WRITE)
        deadline = time.monotonic() + 1
        while waiting.get_map() and time.monotonic() < deadline:
            for key, events in waiting.select(0.1):
                try:
                    if events & selectors.EVENT_WRITE:
                        key.fileobj.send(b"ping")
                        waiting.modify(key.fileobj, selectors.EVENT_READ)
                        continue
                    answered += key.fileobj.recv(4) == b"ping"
                except OSError:
                    pass
                waiting.unregister(key.fileobj)
    return str(answered)


@case(
    "60 clients, descriptors for 40: processor time of the idle server",
    "[0-5] %",
    "sockx serve -k -H {h} -p {p}",
    "nc -l -k {h} {p}",
    "ncat -l -k {h} {p}",
    "socat -u TCP-LISTEN:{p},bind={h},fork -",
)
def descriptor_limit(command):
    def few_descriptors():
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))

    def descriptors(pid):
        return len(os.listdir(f"/proc/{pid}/fd"))

    def spent(pid):
        return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0])

    with serving(command, preexec_fn=few_descriptors) as (program, port), contextlib.ExitStack() as clients:
        held = descriptors(program.pid)
        one_by_one = True
        for _ in range(60):
            client = clients.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex((HOST, port))
            # A backlog may be short: nobody comes before the one ahead is in, until nobody is let in.
            if one_by_one:
                held += 1
                one_by_one = until(lambda: descriptors(program.pid) >= held, 0.5)
        before, began = spent(program.pid), time.monotonic_ns()
        time.sleep(0.5)
        share = (spent(program.pid) - before) / (time.monotonic_ns() - began)
    return f"{share * 100:.0f} %"


LINES = 16000


@case(
    "A room where one never reads: of 16,000 lines of 1 kB, heard by another",
    f"{LINES:,}",
    "sockx serve -m chat -H {h} -p {p}",
    None,
    "ncat -l --broker {h} {p}",
    None,
)
def frozen(command):
    heard = 0

    def listen():
        nonlocal heard
        with contextlib.suppress(OSError):
            while heard < LINES and (data := listener.recv(1 << 20)):
                heard += data.count(b"\n")

    with serving(command, stdin=subprocess.PIPE) as (_, port), connected(port) as listener, connected(port) as talker:
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect((HOST, port))
            thread = threading.Thread(target=listen, daemon=True)
            thread.start()
            talker.settimeout(1)
            with contextlib.suppress(OSError):
                for _ in range(LINES):
                    talker.sendall(b"." * 999 + b"\n")
                thread.join(PATIENCE_S)
            before = -1
            while before != heard:  # until nothing more comes
                before = heard
                thread.join(0.3)
    return f"{heard:,}"


# ---- the cases: what sockx has not ----


def says(program, wanted):
    """Whether it writes that; a program that knows no such option ends with a status of its own."""
    os.set_blocking(program.stdout.fileno(), False)
    got = b""
    deadline = time.monotonic() + PATIENCE_S
    while wanted not in got and time.monotonic() < deadline:
        ended = program.poll() is not None
        got += program.stdout.read() or b""
        if ended:
            break
        time.sleep(0.005)
    return "yes" if wanted in got else "no"


@case(
    "TLS",
    None,
    "sockx connect --tls {h} {p}",
    "nc -c {h} {p}",
    "ncat --ssl {h} {p}",
    "socat - OPENSSL:{h}:{p},verify=0",
)
def tls(command):
    if not os.path.exists("key.pem"):
        make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem"
        subprocess.run(
            [*shlex.split(make), "-out", "cert.pem", "-days", "1", "-subj", "/CN=localhost"],
            check=True,
            capture_output=True,
        )
    with serving("openssl s_server -accept {h}:{p} -cert cert.pem -key key.pem -www") as (_, port):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with started(words_of(command, p=port), **pipes) as program:
            with contextlib.suppress(BrokenPipeError):
                program.stdin.write(b"GET / HTTP/1.0\r\n\r\n")
                program.stdin.flush()
            return says(program, b"200 ok")


@case(
    "Through an HTTP proxy",
    None,
    "sockx connect --proxy {h}:{p} 192.0.2.1 80",
    "nc -X connect -x {h}:{p} 192.0.2.1 80",
    "ncat --proxy {h}:{p} 192.0.2.1 80",
    "socat - PROXY:{h}:192.0.2.1:80,proxyport={p}",
)
def proxy(command):
    def behaviour(client):
        asked = b""
        while not asked.endswith(b"\r\n\r\n") and (data := client.recv(1024)):
            asked += data
        if asked.startswith(b"CONNECT 192.0.2.1:80 "):
            client.sendall(b"HTTP/1.0 200 OK\r\n\r\nthrough\n")

    with peer(behaviour) as port:
        with started(words_of(command, p=port), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
            return says(program, b"through")


@case(
    "A program for each client",
    None,
    "sockx serve -m exec -H {h} -p {p}",
    "nc -l -e /bin/date {h} {p}",
    "ncat -l -k -e '/bin/echo hello' {h} {p}",
    "socat TCP-LISTEN:{p},bind={h},fork 'EXEC:/bin/echo hello'",
)
def programs(command):
    with serving(command) as (program, port):
        if program.poll() is not None:
            return "no"
        with connected(port) as client:
            return "yes" if read_all(client) == b"hello\n" else "no"


# ---- the table ----


def cell_of(function, command):
    """A program that is not there for what it is asked to do is a result, too."""
    if command is None:
        return "–"
    try:
        return function(command)
    except (OSError, RuntimeError) as error:
        return f"fails: {error}"


def row_of(cells):
    print(f"| {' | '.join(cells)} |", flush=True)


def typed(tools):
    """What the tools were called with; cases that have it in common share it."""
    print("\nWhat was typed:")
    for commands in dict.fromkeys(tuple(by_tool.items()) for _, _, by_tool, _ in CASES):
        print()
        for tool, command in commands:
            if command and tool in tools:
                print("    " + command.format(h="HOST", p="PORT", path="PATH"))


def main():
    # What ends us ends what we started: by the exit handlers of `started`.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    tools = sys.argv[2:]
    wrong = []
    row_of(["", *tools])
    row_of(["---"] * (1 + len(tools)))
    for title, wanted, commands, function in CASES:
        cells = {tool: cell_of(function, commands[tool]) for tool in tools}
        row_of([title, *cells.values()])
        if wanted and "sockx" in cells and not re.fullmatch(wanted, cells["sockx"]):
            wrong.append(f"compare: {title}: {cells['sockx']}, not {wanted}")
    typed(tools)
    if wrong:
        sys.exit("\n".join(wrong))


with tempfile.TemporaryDirectory() as directory:
    sys.argv[1] = os.path.abspath(sys.argv[1])
    os.chdir(directory)
    main()
