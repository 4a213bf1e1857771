"""Run a program on a terminal and print, byte for byte, what it put there.

    on_terminal.py [--no-input] [--timeout S] CMD...

Its 0, 1 and 2 are a new terminal in raw output mode (with --no-input, 0 is /dev/null). What comes
on our standard input is typed there; its end types nothing. Our status is the program's (128+n if a
signal ended it).
"""

import os
import pty
import select
import subprocess
import sys
import termios
import time


def main():
    words = sys.argv[1:]
    no_input = words[0] == "--no-input"
    words = words[no_input:]
    limit = 15.0
    if words[0] == "--timeout":
        limit = float(words[1])
        words = words[2:]
    master, slave = pty.openpty()
    modes = termios.tcgetattr(slave)
    modes[1] &= ~termios.OPOST
    modes[3] &= ~termios.ECHO
    termios.tcsetattr(slave, termios.TCSANOW, modes)
    program = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL if no_input else slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    watched = [master, 0]
    deadline = time.monotonic() + limit
    over = False
    while True:
        ready, _, _ = select.select(watched, [], [], 0 if over else 0.02)
        if 0 in ready:
            typed = os.read(0, 4096)
            if typed:
                os.write(master, typed)
            else:
                watched.remove(0)
        if master in ready:
            sys.stdout.buffer.write(os.read(master, 65536))
            sys.stdout.buffer.flush()
        elif over:
            break
        if not over and time.monotonic() > deadline:
            program.kill()
        over = program.poll() is not None
    sys.exit(program.returncode if program.returncode >= 0 else 128 - program.returncode)


main()
