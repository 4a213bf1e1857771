"""Run a program whose standard error is a terminal that takes nothing, and print what it put there.

    full_terminal.py SECONDS CMD...

The terminal is full before the program begins, and is read after so many seconds, or, where these
are negative, once the program has ended. Its 0 and 1 are ours. Our status is the program's.
"""

import os
import pty
import select
import subprocess
import sys
import termios
import time

FILLER = b"." * 1000


def fill(slave):
    """Until it takes nothing for a while: the kernel moves on what it has taken."""
    writer = os.open(os.ttyname(slave), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    filled = quiet = 0
    while quiet < 5:
        try:
            filled += os.write(writer, FILLER)
            quiet = 0
        except BlockingIOError:
            quiet += 1
            time.sleep(0.02)
    os.close(writer)
    return filled


def main():
    wait = float(sys.argv[1])
    master, slave = pty.openpty()
    modes = termios.tcgetattr(slave)
    modes[1] &= ~termios.OPOST
    modes[3] &= ~termios.ECHO
    termios.tcsetattr(slave, termios.TCSANOW, modes)
    filled = fill(slave)
    program = subprocess.Popen(sys.argv[2:], stderr=slave)
    if wait < 0:
        program.wait()
    else:
        time.sleep(wait)
    while program.poll() is None or select.select([master], [], [], 0)[0]:
        if not select.select([master], [], [], 0.02)[0]:
            continue
        seen = os.read(master, 4096)
        sys.stdout.buffer.write(seen[filled:])
        sys.stdout.buffer.flush()
        filled -= min(filled, len(seen))
    sys.exit(program.returncode)


main()
