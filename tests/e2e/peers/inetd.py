"""Starts a program on a socket, as inetd does, and sees whether its end is passed on while it runs.

    inetd.py tcp|unix DESCRIPTORS PROGRAM [ARG]...

The socket is what DESCRIPTORS say ("01", "012"), a connection of TCP or a Unix one. Reads until the end, or for
half a second once something has come; prints `told` or `not told`, then ends its own side.
"""

import socket
import subprocess
import sys

kind, descriptors, program = sys.argv[1], sys.argv[2], sys.argv[3:]
if kind == "unix":
    ours, theirs = socket.socketpair()
else:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs = server.accept()[0]
child = subprocess.Popen(program, stdin=theirs, stdout=theirs, stderr=theirs if "2" in descriptors else None)
theirs.close()
ours.settimeout(5)
data = ours.recv(100)
ours.settimeout(0.5)
try:
    while data:
        data = ours.recv(100)
    print("told")
except TimeoutError:
    print("not told")
ours.shutdown(socket.SHUT_WR)
sys.exit(child.wait(10))
