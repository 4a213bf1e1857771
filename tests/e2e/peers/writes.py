"""Runs a program whose standard output is a datagram socket, and prints each of its writes, as Python
writes bytes, on a line. Our status is the program's.

    writes.py CMD...
"""

import socket
import subprocess
import sys

ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
program = subprocess.Popen(sys.argv[1:], stdout=theirs, stdin=subprocess.DEVNULL)
theirs.close()
status = program.wait(10)
ours.setblocking(False)
while True:
    try:
        piece = ours.recv(1 << 17)
    except BlockingIOError:
        break
    if not piece:
        break
    print(piece)
sys.exit(status)
