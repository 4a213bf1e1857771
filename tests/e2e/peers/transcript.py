"""Runs the console transcripts of a page of the manual or of the README, and compares.

    transcript.py PATH/TO/sockx PAGE [LIST]

A transcript is a literal display of a manual page, or a block of the README that is marked
`console`: lines `$ COMMAND`, or `HOST$ COMMAND`, each followed by what it prints on standard output
and standard error. Each transcript has a shell and an empty directory of its own; with LIST only its
commands are printed.

All of it happens in namespaces made for it, so that the ports the pages speak of are free, the
machine is called `lab`, and `there`, `example.org` and 192.0.2.1 are this machine. The names of
files that the pages read are made: SAMPLES.

What differs from run to run is compared without it: the numbers of a line that tells of
milliseconds, descriptors in a trace, ports that the kernel chose, and how far the other side's kernel
was when the state of a TCP connection was looked at (KINDRED). Where calls are shown, two programs may
also meet at another moment than in the page: such a transcript has TRIES.

Exit status: 0 if all is as printed, 1 if not, 77 where there are no namespaces to be had.
"""

import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time

LIMIT_S = 10  # for one command and what it starts
SAMPLES = {
    "original.tar": os.urandom(300_000),
    "input": b"a line of input\n",
    "photo.jpg": os.urandom(50_000),
    "book.txt": b"It was the best of times, it was the worst of times.\n" * 200,
}
HOSTS = "127.0.0.1 localhost there lab\n::1 localhost\n192.0.2.1 example.org\n"
TRIES = 3
KINDRED = (  # (call, states that may be seen in place of each other after it)
    (r"connect\(.* EINPROGRESS .*CLOSED -> ", r"SYN_SENT|ESTABLISHED"),
    (r"shutdown\(.* ESTABLISHED -> ", r"FIN_WAIT_[12]"),
    (r"recv\(.* ", r"FIN_WAIT_[12](?= -> )"),
    (r"shutdown\(.* CLOSE_WAIT -> ", r"LAST_ACK$|CLOSED$"),
    (r"close\(.* ", r"LAST_ACK -> \[LAST_ACK\]|CLOSED -> \[CLOSED\]"),
)
TRACED = re.compile(r"--(trace|explain)\b")
PROMPT = re.compile(r"^(?:[a-z]+)?\$ (.*)$")


def from_manual(text):
    """The displays of an mdoc(7) page that begin with a prompt."""
    for block in re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", text, re.M | re.S):
        for escape, plain in (("\\e", "\\"), ("\\-", "-"), ("\\&", "")):
            block = block.replace(escape, plain)
        yield block


def from_readme(text):
    yield from re.findall(r"^```console\n(.*?)^```", text, re.M | re.S)


def steps(block):
    """[(command, [lines it prints])]"""
    found = []
    for line in block.splitlines():
        command = PROMPT.match(line)
        if command:
            found.append((command.group(1), []))
        elif found and found[-1][0].endswith("\\"):
            found[-1] = (found[-1][0] + "\n" + line, [])
        else:
            found[-1][1].append(line)
    return found


def chosen(port):
    """PORT for what the kernel may choose (ip_local_port_range, ip(7)); 65432 is one of the pages' own."""
    return "PORT" if 32768 <= int(port[1]) <= 65535 and port[1] != "65432" else port[1]


def alike(line):
    """The line without what no two runs have in common."""
    if re.search(r"\bms\b", line):
        line = re.sub(r"\d+(\.\d+)?", "N", line)
    if re.match(r"( *\d+\.\d{6} +)?([-\d]+ )?[a-z]+\d?\(.*\) = -?\d", line):
        line = re.sub(r"^ *\d+\.\d{6} ", "TIME ", line)
        line = re.sub(r"\b([a-z]+\d?)\((\d+)", r"\1(N", line, count=1)
        line = re.sub(r"\b((?:socket|accept)\(.*\)) = \d+", r"\1 = N", line)
        for call, states in KINDRED:
            line = re.sub(f"({call})(?:{states})", r"\1STATE", line)
    return re.sub(r":(\d{5})\b", lambda port: ":" + chosen(port), line)


class Shell:
    """One bash: what it and all that it starts say comes in one stream."""

    def __init__(self, directory, program):
        there = os.path.dirname(os.path.abspath(program))
        env = {"PATH": there + os.pathsep + os.environ["PATH"], "LC_ALL": "C.UTF-8",
               "HOME": directory, "TERM": "dumb"}
        self.bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, cwd=directory, env=env, start_new_session=True)
        self.said = b""

    def run(self, command, expected):
        """What the command said, once it is over and has said as much as is expected."""
        self.said = b""
        mark = f"over-{os.getpid()}"  # stands behind what was printed without a newline, too
        text = f"{command}\n{{ (exit $?); }}; s=$?; echo {mark}; (exit $s)\n"
        self.bash.stdin.write(text.encode())
        self.bash.stdin.flush()
        until = time.monotonic() + LIMIT_S
        while time.monotonic() < until:
            said = self.said.decode(errors="replace")
            if mark + "\n" in said:
                lines = said.replace(mark + "\n", "").splitlines()
                if len(lines) >= len(expected):
                    return lines
            if select.select([self.bash.stdout], [], [], 0.05)[0]:
                piece = os.read(self.bash.stdout.fileno(), 65536)
                if not piece:
                    break
                self.said += piece
        return self.said.decode(errors="replace").replace(mark + "\n", "").splitlines()

    def end(self):
        """The shell's process group is its own: all in it was started by it, and ends."""
        os.killpg(self.bash.pid, signal.SIGTERM)
        until = time.monotonic() + LIMIT_S
        while select.select([self.bash.stdout], [], [], max(0, until - time.monotonic()))[0]:
            if not os.read(self.bash.stdout.fileno(), 65536):
                break
        else:
            os.killpg(self.bash.pid, signal.SIGKILL)
        self.bash.wait()
        self.bash.stdin.close()
        self.bash.stdout.close()


def try_block(program, block):
    """Whether all of one transcript went as printed, in one of its tries."""
    for _ in range(TRIES if TRACED.search(block) else 1):
        wrong = differences(program, block)
        if not wrong:
            return True
    print("\n".join(wrong))
    return False


def differences(program, block):
    """What did not go as printed, in lines."""
    wrong = []
    with tempfile.TemporaryDirectory() as directory:
        for name, content in SAMPLES.items():
            with open(os.path.join(directory, name), "wb") as out:
                out.write(content)
        shell = Shell(directory, program)
        for command, expected in steps(block):
            said = shell.run(command, expected)
            if [alike(x) for x in said] != [alike(x) for x in expected]:
                wrong += [f"$ {command}", "  printed:", *expected, "  said:", *said]
        shell.end()
    return wrong


def web():
    """What example.org:80 is."""
    import http.server  # it takes 40 ms, and each page is read by two of us, of which one has the web

    class Web(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello from the web\n")

        def log_message(self, format, *args):
            pass

    return http.server.ThreadingHTTPServer(("192.0.2.1", 80), Web)


def inside(program, page):
    for command in (["ip", "link", "set", "lo", "up"],
                    ["ip", "address", "add", "192.0.2.1/32", "dev", "lo"],
                    ["hostname", "lab"]):
        subprocess.run(command, check=True)
    with tempfile.NamedTemporaryFile("w") as hosts:
        hosts.write(HOSTS)
        hosts.flush()
        subprocess.run(["mount", "--bind", hosts.name, "/etc/hosts"], check=True)
        threading.Thread(target=web().serve_forever, daemon=True).start()
        blocks = read_blocks(page)
        if not blocks:
            print(f"{page}: no transcript")
            return 1
        return 0 if all([try_block(program, block) for block in blocks]) else 1


def read_blocks(page):
    with open(page, encoding="utf-8") as text:
        found = (from_readme if page.endswith(".md") else from_manual)(text.read())
        return [block for block in found if PROMPT.match(block.splitlines()[0])]


def main():
    program, page = sys.argv[1:3]
    if sys.argv[3:] == ["LIST"]:
        print("\n".join(command for block in read_blocks(page) for command, _ in steps(block)))
        return 0
    if os.environ.get("TRANSCRIPT_INSIDE"):
        return inside(program, page)
    unshare = ["unshare", "--net", "--mount", "--uts"]
    if os.getuid() != 0:
        unshare.append("--map-root-user")
    if subprocess.run([*unshare, "true"], stderr=subprocess.DEVNULL).returncode != 0:
        print("no network namespace to be had")
        return 77
    return subprocess.run([*unshare, sys.executable, *sys.argv],
                          env={**os.environ, "TRANSCRIPT_INSIDE": "1"}).returncode


if __name__ == "__main__":
    sys.exit(main())
