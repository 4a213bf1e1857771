"""halves.py connect|serve ROUNDS: what is written to standard input in two parts, a moment apart,
has to reach the peer so. Nagle's algorithm would hold the second part back until the first is
acknowledged, which a peer that has nothing to say puts off for 40 ms (RFC 896, RFC 1122 section
4.2.3.2). Prints how long second parts took, in ms."""

import os
import re
import socket
import subprocess
import sys
import time

APART_S = 0.002
FIRST, SECOND = b"the first part, ", b"and the second\n"


def start(role):
    if role == "serve":
        child = run(["serve", "-H", "127.0.0.1", "-p", "0"])
        port = re.search(rb":(\d+) \(", child.stderr.readline())
        return child, socket.create_connection(("127.0.0.1", int(port[1])), 5)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(5)
    child = run(["connect", "127.0.0.1", str(listener.getsockname()[1])])
    return child, listener.accept()[0]


def run(arguments):
    return subprocess.Popen([os.environ["SOCKX"]] + arguments, stdin=subprocess.PIPE,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, bufsize=0)


def receive(net, expected):
    got = b""
    while len(got) < len(expected):
        net.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)  # it wears off
        part = net.recv(len(expected) - len(got))
        if not part:
            break
        got += part
    if got != expected:
        sys.exit(f"{got!r} came instead of {expected!r}")


def main():
    child, net = start(sys.argv[1])
    took = []
    try:
        for _ in range(int(sys.argv[2])):
            child.stdin.write(FIRST)
            receive(net, FIRST)
            time.sleep(APART_S)
            began = time.monotonic()
            child.stdin.write(SECOND)
            receive(net, SECOND)
            took.append((time.monotonic() - began) * 1000)
    finally:
        child.kill()
        child.wait()
    took.sort()
    print(f"median {took[len(took) // 2]:.2f} p90 {took[len(took) * 9 // 10]:.2f} "
          f"max {took[-1]:.2f}")


main()
