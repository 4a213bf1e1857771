"""Run a program whose 0, 1 and 2 are of one kind, and watch the flags we share with it.

    streams.py KIND INPUT OUTPUT CMD...

KIND is file, pipe, socket or tty. The bytes of INPUT are its standard input; what it writes is put
in OUTPUT. Fails if O_NONBLOCK or O_APPEND of an inherited open file description ever changes, while
the program runs or when it is gone. Our status is the program's.
"""

import fcntl
import os
import pty
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import tty

END_OF_INPUT = b"\x04"  # what ends a terminal's line discipline's input


def raw_terminal():
    """A pair: ours, and the program's, which passes every byte but END_OF_INPUT as it is."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    return master, slave


def cooked_terminal():
    master, slave = pty.openpty()
    modes = termios.tcgetattr(slave)
    modes[3] &= ~termios.ECHO
    termios.tcsetattr(slave, termios.TCSANOW, modes)
    return master, slave


def stream_pair(kind, to_program):
    """(ours, the program's)."""
    if kind == "pipe":
        reader, writer = os.pipe()
        return (writer, reader) if to_program else (reader, writer)
    if kind == "socket":
        ours, theirs = socket.socketpair()
        return ours.detach(), theirs.detach()
    return cooked_terminal() if to_program else raw_terminal()


def feed(kind, fd, whole):
    view = memoryview(whole)
    while view:
        view = view[os.write(fd, view[:2048]) :]
    if kind == "socket":
        socket.socket(fileno=fd).shutdown(socket.SHUT_WR)
    elif kind == "tty":
        os.write(fd, END_OF_INPUT)
    else:
        os.close(fd)


def collect(fd, out):
    try:
        while data := os.read(fd, 65536):
            out.write(data)
    except OSError:
        pass  # a terminal whose other side is closed


def main():
    kind, input_name, output_name, command = *sys.argv[1:4], sys.argv[4:]
    with open(input_name, "rb") as file:
        whole = file.read()
    workers = []
    out = open(output_name, "wb")
    said = tempfile.TemporaryFile()
    if kind == "file":
        given = [os.open(input_name, os.O_RDONLY), out.fileno(), said.fileno()]
    else:
        pairs = [stream_pair(kind, True), stream_pair(kind, False), stream_pair(kind, False)]
        given = [pair[1] for pair in pairs]
        workers = [
            threading.Thread(target=feed, args=(kind, pairs[0][0], whole), daemon=True),
            threading.Thread(target=collect, args=(pairs[1][0], out), daemon=True),
            threading.Thread(target=collect, args=(pairs[2][0], said), daemon=True),
        ]
    before = [fcntl.fcntl(fd, fcntl.F_GETFL) for fd in given]
    program = subprocess.Popen(
        command, stdin=given[0], stdout=given[1], stderr=given[2], start_new_session=True
    )
    for worker in workers:
        worker.start()
    looks = 0
    status = None
    changed = set()
    while status is None:
        status = program.poll()
        looks += 1
        for fd, flags in zip(given, before):
            if fcntl.fcntl(fd, fcntl.F_GETFL) != flags:
                changed.add(given.index(fd))
    for fd in given[1:]:
        if kind != "file":
            os.close(fd)
    for worker in workers[1:]:
        worker.join(10)
    out.flush()
    said.seek(0)
    sys.stderr.buffer.write(said.read())
    if changed:
        sys.exit(f"the flags of {sorted(changed)} changed")
    print("looks", looks)
    sys.exit(status if status >= 0 else 128 - status)


main()
