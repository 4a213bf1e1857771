"""Run a program on a terminal as a person does, and tell what its screen showed.

    dialogue.py STEP... -- CMD...

The steps, one after the other, each within 10 s:

    see:REGEX    until a row of the screen matches
    type:LINE    type LINE and Return
    keys:TEXT    type TEXT, in which \\x1b and so on stand for what they do in Python

Then the program has to end. Our standard output is what the screen shows at its end; our standard
error what was written to it, as it is written, with CR LF made LF. Our status is the program's
(128+n if a signal ended it), 98 if it left the terminal in another mode than it found it in, 99 if
a step failed, which is said on standard output in front of the screen.
"""

import codecs
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

from screen import Screen

PATIENCE_S = 10


class Dialogue:
    def __init__(self, command):
        self.screen = Screen()
        self.cr = b""
        self.master, self.slave = pty.openpty()
        size = struct.pack("HHHH", self.screen.height, self.screen.columns, 0, 0)
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, size)
        self.modes = termios.tcgetattr(self.slave)
        self.program = subprocess.Popen(
            command,
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env={**os.environ, "TERM": "xterm-256color"},
        )

    def listen(self, wait_s):
        """Take what was written, waiting for it at most so long. Whether there was anything."""
        if not select.select([self.master], [], [], wait_s)[0]:
            return False
        data = os.read(self.master, 65536)
        self.screen.feed(data)
        data = self.cr + data
        self.cr = data[-1:] if data.endswith(b"\r") else b""
        os.write(2, data[: len(data) - len(self.cr)].replace(b"\r\n", b"\n"))
        return True

    def fail(self, why):
        print(why)
        print(self.screen.text())
        self.program.kill()
        self.program.wait()
        sys.exit(99)

    def until(self, is_so, what):
        deadline = time.monotonic() + PATIENCE_S
        while not is_so():
            if time.monotonic() > deadline:
                self.fail(f"not within {PATIENCE_S} s: {what}")
            if not self.listen(0.01) and self.program.poll() is not None and not is_so():
                self.fail(f"it ended with status {self.program.returncode} before: {what}")

    def see(self, pattern):
        wanted = re.compile(pattern, re.MULTILINE)
        self.until(lambda: wanted.search(self.screen.text()), f"see:{pattern}")

    def type(self, line):
        os.write(self.master, line.encode() + b"\r")

    def keys(self, text):
        os.write(self.master, codecs.decode(text.encode("latin-1", "backslashreplace"), "unicode_escape").encode())

    def ended(self):
        deadline = time.monotonic() + PATIENCE_S
        while self.program.poll() is None:
            self.listen(0.01)
            if time.monotonic() > deadline:
                self.fail(f"it did not end within {PATIENCE_S} s")
        while self.listen(0):
            pass
        print(self.screen.text())
        if termios.tcgetattr(self.slave) != self.modes:
            print("the terminal is not as it was")
            return 98
        status = self.program.returncode
        return status if status >= 0 else 128 - status


def main():
    words = sys.argv[1:]
    steps, command = words[: words.index("--")], words[words.index("--") + 1 :]
    dialogue = Dialogue(command)
    for step in steps:
        name, _, what = step.partition(":")
        {"see": dialogue.see, "type": dialogue.type, "keys": dialogue.keys}[name](what)
    sys.exit(dialogue.ended())


main()
