"""Run a program whose standard error is a terminal, and tell what it put there.

    drawn.py COLUMNS FILE CMD...

Its 0 and 1 are ours. FILE gets what the terminal shows in the end; our output is all that was
written to it, byte for byte, as a Python text without its quotes. Our status is the program's.
"""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios

from screen import Screen


def main():
    columns = int(sys.argv[1])
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    # Our output is for our caller alone.
    own = os.dup(1)
    out = open(os.devnull, "wb")
    program = subprocess.Popen(sys.argv[3:], stderr=slave, stdout=out)
    seen, over = b"", False
    while True:
        if select.select([master], [], [], 0 if over else 0.02)[0]:
            seen += os.read(master, 65536)
        elif over:
            break
        over = program.poll() is not None
    screen = Screen(24, columns)
    screen.feed(seen)
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        file.write(screen.text() + "\n")
    os.write(own, repr(seen)[2:-1].encode())
    sys.exit(program.returncode)


main()
