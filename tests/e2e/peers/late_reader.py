"""A client that reads only after its server has failed, or was told to stop.

    late_reader.py PORT SIZE OUT fail|PID

Waits until the server has written SIZE bytes, of which none is read; sends a byte (which the server fails
to put out), or SIGTERM to PID; reads half a second later into OUT. Prints how it ended: `end` or `reset`.
"""

import os
import signal
import socket
import sys
import time

port, size, out, how = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
s.connect(("127.0.0.1", port))


def unsent():
    """What the kernel at the other end still has (tx_queue), and what waits here (rx_queue)."""
    ours = f"0100007F:{s.getsockname()[1]:04X}"
    total = 0
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in table:
            fields = line.split()
            if fields[1] == ours:
                total += int(fields[4].split(":")[1], 16)
            elif fields[2] == ours:
                total += int(fields[4].split(":")[0], 16)
    return total


deadline = time.monotonic() + 10
while unsent() < size:
    if time.monotonic() > deadline:
        sys.exit(f"only {unsent()} bytes were written")
    time.sleep(0.01)
if how == "fail":
    s.sendall(b"x")
else:
    os.kill(int(how), signal.SIGTERM)
time.sleep(0.5)
with open(out, "wb") as file:
    try:
        while data := s.recv(1 << 16):
            file.write(data)
        print("end")
    except ConnectionResetError:
        print("reset")
