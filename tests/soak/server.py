"""A server under soak: started, looked at while it rests, ended."""

import os
import re
import subprocess
import tempfile
import time

PATIENCE_S = 20
# glibc gives back what is freed at once, so that what is left is what is held.
EXACT = {"MALLOC_MMAP_THRESHOLD_": "4096", "MALLOC_TRIM_THRESHOLD_": "4096",
         "MALLOC_TOP_PAD_": "0"}


class Failed(Exception):
    """What the server did that it must not do."""


class Rest:
    """What a server holds while it has no clients."""

    def __init__(self, pid):
        opened = [self.of(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        self.pipes = sum(what.startswith("pipe:") for what in opened)
        self.fds = len(opened) - self.pipes
        with open(f"/proc/{pid}/status", encoding="ascii") as lines:
            held = dict(re.findall(r"^(\w+):\s+(\d+) kB", lines.read(), re.M))
        self.rss_kib = int(held["VmRSS"])
        # What it has asked for, whether touched yet or not: pages of the server's one buffer are
        # touched as they are needed.
        self.asked_kib = int(held["VmData"])

    @staticmethod
    def of(path):
        """What a descriptor is."""
        try:
            return os.readlink(path)
        except FileNotFoundError:
            return "closed"

    def __str__(self):
        return (f"{self.fds} descriptors and {self.pipes} of pipes, {self.rss_kib} KiB of memory "
                f"({self.asked_kib} asked for)")


def wait_until(what, holds):
    end = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > end:
            raise Failed(f"not within {PATIENCE_S} s: {what()}")
        time.sleep(0.005)


class Server:
    """sockx serve WORDS, listening when this returns: on `port`, or on the Unix socket in WORDS."""

    def __init__(self, program, words, opens, stdout):
        self.said = tempfile.TemporaryFile()  # a line for each reset: a pipe would fill
        self.child = subprocess.Popen([program, "serve", *words], stdin=subprocess.PIPE,
                                      stdout=stdout, stderr=self.said,
                                      env=os.environ | EXACT)
        wait_until(self.words, lambda: b"\n" in self.words() or self.child.poll() is not None)
        if not self.words().startswith(b"listening on "):
            raise Failed(f"it does not listen: {self.words()}")
        found = re.search(rb":(\d+) \(", self.words())
        self.port = int(found[1]) if found else None
        self.rest_fds = Rest(self.child.pid).fds + opens

    def words(self):
        """The first that it has said."""
        return os.pread(self.said.fileno(), 4096, 0)

    def rest(self):
        """What it holds once all clients have left."""
        last = [None]

        def is_at_rest():
            last[0] = Rest(self.child.pid)
            return last[0].fds <= self.rest_fds

        wait_until(lambda: f"{last[0].fds} descriptors without a client, not {self.rest_fds}",
                   is_at_rest)
        return last[0]

    def end(self):
        """It has gone on until now, and ends in order when it is asked to."""
        if self.child.poll() is not None:
            raise Failed(f"it left with status {self.child.returncode}: {self.words()}")
        self.child.terminate()
        status = self.child.wait(PATIENCE_S)
        if status:
            raise Failed(f"status {status} on SIGTERM: {self.words()}")

    def close(self):
        """Nothing of it is left, however it went."""
        self.child.kill()
        self.child.wait()
        for file in self.child.stdin, self.child.stdout, self.said:
            if file:
                file.close()
