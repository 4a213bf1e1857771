"""short_reads.py urgent PORT PID | descriptors PATH PID: bytes at which the kernel cuts a read short, though
more has come. While the echo server PID is stopped they all arrive; continued, it answers with all."""

import array
import os
import signal
import socket
import sys

ROUNDS = 20


def peer_of(how, where):
    if how == "urgent":
        return socket.create_connection(("127.0.0.1", int(where)))
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(where)
    return peer


def send(peer, how):
    """abc, then def, with an urgent byte between them, or a descriptor beside them."""
    if how == "urgent":
        peer.send(b"abc")
        peer.send(b"!", socket.MSG_OOB)
    else:
        passed = array.array("i", [sys.stdin.fileno()])
        peer.sendmsg([b"abc"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, passed)])
    peer.send(b"def")


def main():
    how, where, server = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with peer_of(how, where) as peer:
        peer.settimeout(5)
        for _ in range(ROUNDS):
            os.kill(server, signal.SIGSTOP)
            try:
                send(peer, how)
            finally:
                os.kill(server, signal.SIGCONT)
            wanted = b"abc!def" if how == "urgent" else b"abcdef"
            got = b""
            while len(got) < len(wanted):
                got += peer.recv(100)
            assert got == wanted, got


main()
