"""What happens in a room, step by step: its members, and the operator of the server.

    room.py [--six | --unix | --packets] PORT LOG [INPUT SHOWN] STEP...

PORT is a path with --unix and --packets: of a Unix socket, and of one with sequenced packets. LOG is the
server's standard error (with -v), INPUT a FIFO that is its standard input, SHOWN a file that is its
standard output. A step is WHAT:WHO:TEXT, TEXT with Python's escapes. Where something else happens, or
nothing within 5 s, that is printed, and the status is 1.

    join:WHO           connects, and is known to the server
    says:WHO:TEXT      sends TEXT
    hears:WHO:TEXT     receives exactly TEXT, as far as it goes
    quiet:WHO          receives nothing for 0.2 s
    ends:WHO           receives the end
    done:WHO           says that it sends no more
    leaves:WHO         closes
    resets:WHO         resets the connection
    floods:WHO:SIZE    sends so many bytes without a newline, as far as they are taken
    operator:TEXT      types TEXT
    shows:TEXT         shows exactly TEXT, as far as it goes
    told:REGEX         a line of LOG matches
"""

import codecs
import re
import socket
import struct
import sys
import time

PATIENCE_S = 5


def fail(why):
    sys.exit(f"step {Room.step}: {why}")


def unescaped(text):
    return codecs.decode(text.encode("latin-1", "backslashreplace"), "unicode_escape").encode()


class Room:
    step = ""

    def __init__(self, connect, log, operator=None, shown=None):
        self.connect, self.log = connect, log
        self.operator_at, self.shown_at = operator, shown
        self.members = {}
        self.joined = self.seen = 0

    def until(self, is_so, what):
        deadline = time.monotonic() + PATIENCE_S
        while not is_so():
            if time.monotonic() > deadline:
                fail(what())
            time.sleep(0.005)

    def logged(self, pattern):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return len(re.findall(pattern, log.read(), re.MULTILINE))

    def join(self, who):
        self.members[who] = self.connect()
        self.joined += 1
        self.until(
            lambda: self.logged(r"^\d+: .+ connected$") >= self.joined, lambda: "it is not let in"
        )

    def says(self, who, text):
        self.members[who].sendall(unescaped(text))

    def receive(self, who, size):
        try:
            return self.members[who].recv(size)
        except TimeoutError:
            return None
        except ConnectionError as error:
            fail(error)

    def hears(self, who, text):
        wanted, heard = unescaped(text), b""
        while len(heard) < len(wanted):
            data = self.receive(who, len(wanted) - len(heard))
            if not data:
                fail(f"heard {heard!r}, and then {'the end' if data == b'' else 'nothing'}")
            heard += data
        if heard != wanted:
            fail(f"heard {heard!r}")

    def quiet(self, who):
        self.members[who].settimeout(0.2)
        heard = self.receive(who, 1000)
        self.members[who].settimeout(PATIENCE_S)
        if heard is not None:
            fail(f"heard {heard!r}")

    def ends(self, who):
        heard = self.receive(who, 1000)
        if heard != b"":
            fail(f"heard {heard!r}")

    def done(self, who):
        self.members[who].shutdown(socket.SHUT_WR)

    def leaves(self, who):
        self.members[who].close()

    def resets(self, who):
        self.members[who].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.members[who].close()

    def floods(self, who, size):
        try:
            self.members[who].sendall(b"f" * int(size))
        except (ConnectionError, TimeoutError):
            pass

    def operator(self, text):
        with open(self.operator_at, "wb") as operator:
            operator.write(unescaped(text))

    def shows(self, text):
        wanted = unescaped(text)

        def shown():
            with open(self.shown_at, "rb") as file:
                return file.read()[self.seen : self.seen + len(wanted)]

        self.until(lambda: len(shown()) == len(wanted), lambda: f"shown {shown()!r}")
        if shown() != wanted:
            fail(f"shown {shown()!r}")
        self.seen += len(wanted)

    def told(self, pattern):
        self.until(lambda: self.logged(pattern), lambda: "not told")


def connect_tcp(host, port):
    sock = socket.create_connection((host, int(port)), timeout=PATIENCE_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def connect_unix(kind, path):
    sock = socket.socket(socket.AF_UNIX, kind)
    sock.settimeout(PATIENCE_S)
    sock.connect(path)
    return sock


WAYS = {
    "--six": lambda port: connect_tcp("::1", port),
    "--unix": lambda path: connect_unix(socket.SOCK_STREAM, path),
    "--packets": lambda path: connect_unix(socket.SOCK_SEQPACKET, path),
}


def main():
    words = sys.argv[1:]
    way = WAYS[words.pop(0)] if words[0] in WAYS else lambda port: connect_tcp("127.0.0.1", port)
    first = next(i for i, word in enumerate(words) if re.match("[a-z]+:", word))
    room = Room(lambda: way(words[0]), *words[1:first])
    for step in words[first:]:
        Room.step = step
        what, _, rest = step.partition(":")
        parts = [rest] if what in ("operator", "shows", "told") else rest.split(":", 1)
        getattr(room, what)(*parts)


main()
