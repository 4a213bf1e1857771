"""alloc.py PORT: the n-th allocation fails, once and for ever after, for every n that there is: in an echo,
greeting, analysis and chat server with a few clients one after the other, over TCP and UDP, and in both client commands, over
TCP, UDP and Unix sockets, and in what echo measures.

Never a crash, never more than 5 s; status 0 if all bytes arrived, else 1, whatever it was that the memory
was for; and one failed allocation costs a server one client at the most. Prints how many cases ran, or what went wrong."""

import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

LIMIT_S = 5.0
ALLOCATIONS_MAX = 200  # far more than any of these makes
STATUSES = (0, 1)  # no memory is a failure at run time
HERE = os.path.dirname(os.path.abspath(__file__))
SOCKX = os.environ["SOCKX"]
PORT = int(sys.argv[1])  # of one server after the other
DATA = random.Random(5).randbytes(300000)


class Failed(Exception):
    pass


def build(directory):
    shim = os.path.join(directory, "alloc.so")
    subprocess.run(["cc", "-std=c17", "-O2", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", shim,
                    os.path.join(HERE, "alloc.c")], check=True)
    return shim


def surroundings(shim, at, ever, log):
    made = dict(os.environ, LD_PRELOAD=shim, FAIL_AT=str(at), ALLOC_LOG=log)
    if ever:
        made["FAIL_EVER"] = "1"
    return made


def answers(port, expected=b"a line\n"):
    """Whether an exchange with the server is whole."""
    try:
        with socket.create_connection(("127.0.0.1", port), LIMIT_S) as conn:
            conn.sendall(b"a line\n")
            conn.shutdown(socket.SHUT_WR)
            got = b""
            while part := conn.recv(100):
                got += part
    except socket.timeout:
        raise Failed(f"a client waited {LIMIT_S} s") from None
    except OSError:
        return False
    return got == expected


def answers_datagram(port):
    """The same for a datagram."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(0.05)
        try:
            peer.connect(("127.0.0.1", port))
            peer.send(b"a line\n")
            return peer.recv(100) == b"a line\n"
        except OSError:
            return False


def serve_udp_case(environment, ever):
    serve_case(environment, ever, answers_datagram, ["-u", "-m", "echo"])


def serve_mode(mode, expected):
    """A server whose answer to a line is another one."""
    def case(environment, ever):
        serve_case(environment, ever, lambda port: answers(port, expected), ["-m", mode],
                   subprocess.PIPE)  # the operator of a chat, who says nothing
    return case


def serve_case(environment, ever, answers=answers, options=("-m", "echo"), stdin=None):
    port = PORT
    with subprocess.Popen([SOCKX, "serve", "-H", "127.0.0.1", "-p", str(port), *options],
                          stdin=stdin, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          env=environment) as child:
        deadline = time.monotonic() + (0.3 if ever else LIMIT_S)
        while not answers(port) and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        lost = [answers(port) for _ in range(3)].count(False) if child.poll() is None else 0
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
        status = child.wait(LIMIT_S)
        if status not in STATUSES:
            raise Failed(f"status {status}, must be 0 or 1")
        if lost > 1 and not ever:
            raise Failed("more than one client was lost to one failed allocation")


def client_case(environment, arguments, data, expected):
    done = subprocess.run([SOCKX] + arguments, input=data, capture_output=True, env=environment,
                          timeout=LIMIT_S, check=False)
    if done.returncode not in STATUSES:
        raise Failed(f"status {done.returncode}, must be 0 or 1: {done.stderr.decode()}")
    if done.returncode == 0 and done.stdout != expected:
        raise Failed("it ended with 0, but not all arrived")


def every(name, case):
    """Run case(environment, ever) for each allocation there is; returns how many cases that were."""
    cases = 0
    with tempfile.TemporaryDirectory() as directory:
        shim, log = build(directory), os.path.join(directory, "log")
        for ever in (False, True):
            for at in range(1, ALLOCATIONS_MAX):
                if os.path.exists(log):
                    os.remove(log)
                try:
                    case(surroundings(shim, at, ever, log), ever)
                except (Failed, subprocess.TimeoutExpired) as error:
                    raise Failed(f"{name}, allocation {at}{' and all after' if ever else ''}: "
                                 f"{error}") from None
                cases += 1
                with open(log, encoding="ascii") as counted:
                    if int(counted.read()) < at:
                        break  # it made fewer than that
            else:
                raise Failed(f"{name} makes more than {ALLOCATIONS_MAX} allocations")
    return cases


def measure_case(environment, arguments):
    """A measurement, whose report is there if it says that all is well."""
    done = subprocess.run([SOCKX, "echo"] + arguments, capture_output=True, env=environment,
                          timeout=LIMIT_S, check=False)
    if done.returncode not in STATUSES:
        raise Failed(f"status {done.returncode}, must be 0 or 1: {done.stderr.decode()}")
    if done.returncode == 0 and b"sent" not in done.stdout:
        raise Failed("it ended with 0, but without a report")


def served(options, client, data):
    """Every allocation of a client of an echo server of its own; all data is to come back."""
    with tempfile.TemporaryDirectory() as directory:
        where = [word.replace("PATH", os.path.join(directory, "socket")) for word in options]
        with subprocess.Popen([SOCKX, "serve", "-m", "echo", *where], stderr=subprocess.PIPE,
                              env=dict(os.environ, LC_ALL="C")) as echo:
            try:
                told = echo.stderr.readline().decode()
                port = re.search(r":(\d+) \(", told)
                where = [port[1] if word == "0" else word for word in where]
                return sum(every(" ".join([*name, *where]),
                                 lambda environment, _ever: client_case(
                                     environment, [*name, *where], data, data))
                           for name in client)
            finally:
                echo.terminate()


def main():
    port = PORT
    total = every("serve", serve_case) + every("serve -u", serve_udp_case)
    for mode, expected in (
            ("greet", b"welcome a line"),
            ("analyze", b"length: 7\nbytes: 7\nwords: 2\nunique: 2\na 1\nline 1\n"),
            ("chat", b"")):
        total += every(f"serve -m {mode}", serve_mode(mode, expected))
    with subprocess.Popen([SOCKX, "serve", "-Q", "-m", "echo", "-H", "127.0.0.1", "-p",
                           str(port)]) as echo:
        try:
            while not answers(port):
                time.sleep(0.01)
            target = ["127.0.0.1", str(port)]
            for arguments, data, expected in (
                    (["connect", "-N"] + target, DATA, DATA),
                    (["connect", "-N", "-v", "-C"] + target, b"line\n" * 1000, b"line\r\n" * 1000),
                    (["echo", "-H", target[0], "-p", target[1]], DATA, DATA)):
                total += every(" ".join(arguments), lambda environment, _ever: client_case(
                    environment, arguments, data, expected))
            for words in ("--count 3 --interval 1ms -j", "--connections 3 --count 80 --window 70"):
                arguments = ["-H", target[0], "-p", target[1], *words.split()]
                total += every(words, lambda environment, _ever: measure_case(
                    environment, arguments))
        finally:
            echo.terminate()
    message = DATA[:60000]
    total += served(["-u", "-H", "127.0.0.1", "-p", "0"],
                    [["connect", "-q", "50ms"], ["echo"]], message)
    total += served(["-U", "PATH"], [["connect", "-N"], ["echo"]], DATA)
    total += served(["--seqpacket", "-U", "PATH"], [["connect", "-N"], ["echo"]], message)
    print(f"{total} cases")


try:
    main()
except Failed as error:
    print(error)
    sys.exit(1)
