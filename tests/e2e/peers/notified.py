"""A service manager's socket (sd_notify(3)): binds it, runs a command, and prints what comes.

Arguments: AT COMMAND...: a path or @NAME. Prints a line for each datagram, and is ended from outside.
With FULL=1 in the environment nothing is read for the first half second, and the queue is full."""

import os
import select
import socket
import subprocess
import sys
import time

at, command = sys.argv[1], sys.argv[2:]
name = "\0" + at[1:] if at.startswith("@") else at
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(name)
full = os.environ.pop("FULL", "")
if full:
    filler = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    filler.setblocking(False)
    filler.connect(name)
    try:
        while True:
            filler.send(b"x")
    except BlockingIOError:
        pass
child = subprocess.Popen(command, env={**os.environ, "NOTIFY_SOCKET": at})
print("pid", child.pid, flush=True)
if full:
    time.sleep(0.5)
while select.select([manager], [], [], 0.05)[0] or child.poll() is None:
    if not select.select([manager], [], [], 0)[0]:
        continue
    said = manager.recv(4096)
    if said != b"x":
        print(said.decode(), flush=True)
print("status", child.returncode, flush=True)
