"""A program that opens sockets and hands them over (sd_listen_fds(3)): then it is COMMAND.

Arguments: SOCKET... -- COMMAND...: SOCKET is tcp, tcp6, udp, unix:PATH, unix:@NAME, seqpacket:PATH, datagram:PATH,
deaf (it does not listen), connected, file or closed. Prints the ports of tcp and tcp6 on standard error,
`ready PORT`. OTHER_PID=1: they are for another process."""

import fcntl
import os
import socket
import sys

split = sys.argv.index("--")
kinds, command = sys.argv[1:split], sys.argv[split + 1:]
kept = []


def listening(family, kind, at):
    s = socket.socket(family, kind)
    if at is not None:
        s.bind(at)
    if kind != socket.SOCK_DGRAM:
        s.listen(16)
    if family != socket.AF_UNIX and kind == socket.SOCK_STREAM:
        print("ready", s.getsockname()[1], file=sys.stderr, flush=True)
    return s


def opened(kind):
    name, _, path = kind.partition(":")
    at = "\0" + path[1:] if path.startswith("@") else path
    if name == "tcp":
        return listening(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
    if name == "tcp6":
        return listening(socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0))
    if name == "udp":
        return listening(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0))
    if name == "unix":
        return listening(socket.AF_UNIX, socket.SOCK_STREAM, at)
    if name == "seqpacket":
        return listening(socket.AF_UNIX, socket.SOCK_SEQPACKET, at)
    if name == "datagram":
        return listening(socket.AF_UNIX, socket.SOCK_DGRAM, at)
    if name == "deaf":
        return socket.socket()
    if name == "connected":
        ends = socket.socketpair()
        kept.append(ends[1])
        return ends[0]
    return open("/dev/null", "rb") if name == "file" else None


handed = [opened(kind) for kind in kinds]
spare = [os.dup(s.fileno()) if s else None for s in handed]
spare = [fd if fd is None else fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in spare]
for number, fd in enumerate(spare, 3):
    if fd is not None:
        os.dup2(fd, number, inheritable=True)
    else:
        try:
            os.close(number)
        except OSError:
            pass
for fd in range(3 + len(spare), 300):
    if not any(fd == other.fileno() for other in kept):
        try:
            os.close(fd)
        except OSError:
            pass
pid = os.getpid() + (1 if os.environ.get("OTHER_PID") else 0)
os.environ.setdefault("LISTEN_FDS", str(len(spare)))
os.environ.update(LISTEN_PID=str(pid), LISTEN_FDNAMES="a:b")
os.execv(command[0], command)
