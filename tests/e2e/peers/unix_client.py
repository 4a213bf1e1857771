"""A client with Unix sockets of its own that asks in one named way, and exits 1 where it is disappointed.

    unix_client.py ASKS KIND AT [WORD...]

KIND is stream, datagram or seqpacket, AT a path or @NAME. Each function below is a way to ask.
"""

import array
import os
import socket
import struct
import sys
import time

PATIENCE_S = 5
TYPES = {
    "stream": socket.SOCK_STREAM,
    "datagram": socket.SOCK_DGRAM,
    "seqpacket": socket.SOCK_SEQPACKET,
}
SO_SNDBUFFORCE = 32
CREDENTIALS = socket.CMSG_SPACE(12)


def address(at):
    return "\0" + at[1:] if at.startswith("@") else at


def make(kind, name=""):
    """A socket; a datagram one with a name, for it would not be answered without."""
    sock = socket.socket(socket.AF_UNIX, TYPES[kind])
    sock.settimeout(PATIENCE_S)
    if kind == "seqpacket":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    if kind == "datagram" or name:
        sock.bind(address(name))
    return sock


def connected(kind, at, name=""):
    sock = make(kind, name)
    sock.connect(address(at))
    return sock


def receive(sock):
    """A message or what there is of a stream; None: the end. Credentials come with messages alone."""
    data, control, _, _ = sock.recvmsg(1 << 20, CREDENTIALS)
    return None if not data and not control and sock.type != socket.SOCK_DGRAM else data


def read_exactly(sock, size):
    whole = b""
    while len(whole) < size and (data := sock.recv(1 << 20)):
        whole += data
    return whole


def expect(got, wanted, what):
    if got != wanted:
        sys.exit(f"{what}: got {got and got[:80]!r}, not {wanted and wanted[:80]!r}")


def asked(sock, sent, what):
    """The same comes back."""
    sock.sendall(sent)
    answer = read_exactly(sock, len(sent)) if sock.type == socket.SOCK_STREAM else receive(sock)
    expect(answer, sent, what)


def whole(kind, at, *sizes):
    """So many bytes, one after the other on one socket: each comes back whole."""
    sock = connected(kind, at)
    for size in map(int, sizes):
        asked(sock, os.urandom(size), f"{size} bytes")


def turns(kind, at, *names):
    """A socket for each name; they ask as the names follow, and each is answered."""
    socks = {name: connected(kind, at) for name in names}
    for name in names:
        asked(socks[name], name.encode(), name)


def empty(kind, at):
    """Empty messages among others: all are answered, in order, and the end is the end."""
    sock = connected(kind, at)
    for sent in (b"", b"", b"one", b"", b"two", b""):
        asked(sock, sent, "after an empty one")
    if kind == "datagram":
        return
    sock.shutdown(socket.SHUT_WR)
    expect(receive(sock), None, "the end")


def half_close(kind, at, *texts):
    """All texts, the end, and only then are the answers read, up to the server's end."""
    sock = connected(kind, at)
    for text in texts:
        sock.send(text.encode())
    sock.shutdown(socket.SHUT_WR)
    came = []
    while (data := receive(sock)) is not None:
        came.append(data.decode())
    expect("".join(came).encode(), "".join(texts).encode(), "what came back")
    if kind == "seqpacket":
        expect(repr(came), repr(list(texts)), "the messages")


def send(kind, at, *texts):
    """A message of each text, and the end."""
    sock = connected(kind, at)
    for text in texts:
        sock.send(text.encode())


def listen(kind, at, *texts):
    """Sends each text and the end, then prints each message that comes as Python writes it, up to the
    server's end."""
    sock = connected(kind, at)
    for text in texts:
        sock.send(text.encode())
    sock.shutdown(socket.SHUT_WR)
    while (data := receive(sock)) is not None:
        print(data, flush=True)
    print("end", flush=True)


def hears(kind, at, text, count):
    """Sends text, and prints so many messages as Python writes them."""
    sock = connected(kind, at)
    sock.send(text.encode())
    for _ in range(int(count)):
        print(sock.recv(1 << 20), flush=True)


def like_the_question(kind, at, *sizes):
    """Each answer is as long as its question, and not the same."""
    sock = connected(kind, at)
    for size in map(int, sizes):
        sock.send(b"\0" * size)
        answer = receive(sock)
        if answer is None or len(answer) != size or b"\0" in answer:
            sys.exit(f"{size} bytes were answered by {answer and answer[:80]!r}")


def idle(kind, at, count="1"):
    """So many connections, on which nothing is said; stays. Says `ready N` on standard error."""
    held = [connected(kind, at) for _ in range(int(count))]
    print("ready", len(held), file=sys.stderr, flush=True)
    time.sleep(60)


def unread(kind, at, text):
    """Asks, waits until it has the answer, and stays without reading it. Says `ready` on standard error."""
    sock = connected(kind, at)
    sock.send(text.encode())
    sock.recv(1, socket.MSG_PEEK)
    print("ready 1", file=sys.stderr, flush=True)
    time.sleep(60)


def leave(kind, at):
    """Asks, and leaves without reading the answer."""
    sock = connected(kind, at)
    sock.send(b"x" * 1000)
    sock.close()


def leave_later(kind, at, size):
    """Receives so much, and leaves while there is more."""
    sock = connected(kind, at)
    read_exactly(sock, int(size))


def nameless(kind, at, *texts):
    """Each text from a datagram socket without a name."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    for text in texts:
        sock.sendto(text.encode(), address(at))


def ask_on_and_on(send, kind, at, count):
    """Asks so often and reads nothing, while another is answered."""
    for i in range(int(count)):
        while True:
            try:
                send()
                break
            except BlockingIOError:  # the server's queue is full
                time.sleep(0.001)
        if i % 10 == 0:
            turns(kind, at, "another")
    turns(kind, at, "another")


def deaf(kind, at, count, size):
    """Asks so often for so many bytes, by a socket that hears anyone, and reads nothing until another
    has been answered. Prints how many answers there are then."""
    sock = make(kind)
    sock.setblocking(False)
    ask_on_and_on(lambda: sock.sendto(b"d" * int(size), address(at)), kind, at, count)
    answers = 0
    try:
        while sock.recv(1 << 20):
            answers += 1
    except BlockingIOError:
        print(answers)
    sock.settimeout(PATIENCE_S)
    sock.connect(address(at))
    asked(sock, b"later", "once there is room")


def deaf_connected(kind, at, count, size):
    """The same from a connected socket, whose queue has no end."""
    sock = connected(kind, at)
    sock.setblocking(False)
    ask_on_and_on(lambda: sock.send(b"d" * int(size)), kind, at, count)


def open_descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def send_descriptors(sock, text, fds):
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))
    sock.sendmsg([text], [rights])


def descriptors(kind, at, pid, count):
    """Gives the server so many times ten descriptors: it has none of them open when it has answered,
    and no process has them when ours are closed."""
    sock = connected(kind, at)
    asked(sock, b"before", "before")
    before = open_descriptors(pid)
    reader, writer = os.pipe()
    for i in range(int(count)):
        text = b"%d" % i
        send_descriptors(sock, text, [writer] * 10)
        expect(sock.recv(100), text, "what came beside descriptors")
        if open_descriptors(pid) != before:
            sys.exit(f"the server has {open_descriptors(pid)} descriptors, before it had {before}")
    if kind != "stream":
        send_descriptors(sock, b"", [writer])
        expect(receive(sock), b"", "an empty message beside descriptors")
    os.close(writer)
    os.set_blocking(reader, False)
    expect(os.read(reader, 1), b"", "the pipe without a writer")


def large(kind, at, size, before=""):
    """A message of so many bytes. Prints how it was met: by an answer, the end, an error or nothing."""
    sock = connected(kind, at)
    sock.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 4 * int(size))
    if before:
        sock.send(before.encode())
    sock.send(b"x" * int(size))
    if kind == "datagram":
        turns(kind, at, "another")
        sock.setblocking(False)
    try:
        answer = receive(sock)
        print("end" if answer is None else len(answer))
    except ConnectionResetError:
        print("reset")
    except BlockingIOError:
        print("nothing")


def long_name(kind, at):
    """From a path that fills its room to the last byte, without a NUL, which Python never makes."""
    import ctypes

    sock = socket.socket(socket.AF_UNIX, TYPES[kind])
    sock.settimeout(PATIENCE_S)
    path = os.path.relpath("p" * 108).encode()
    raw = struct.pack("H", socket.AF_UNIX) + path
    if ctypes.CDLL(None, use_errno=True).bind(sock.fileno(), raw, len(raw)) != 0:
        sys.exit(os.strerror(ctypes.get_errno()))
    sock.connect(address(at))
    sock.send(b"hello")
    if kind != "datagram":
        expect(sock.recv(100), b"hello", "the answer")
    turns(kind, at, "another")


def abstract_zeros(kind, at):
    """From an abstract name with NULs and an escape sequence in it."""
    sock = make(kind, "@x\0y\033[2Jz\0")
    sock.connect(address(at))
    asked(sock, b"hello", "from an odd name")


def main():
    ask = globals()[sys.argv[1]]
    try:
        ask(*sys.argv[2:])
    except (TimeoutError, ConnectionError) as error:
        sys.exit(f"{' '.join(sys.argv[1:])}: {error}")


main()
