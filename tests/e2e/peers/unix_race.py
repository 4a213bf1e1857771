"""Two servers are started on one path at the same time, again and again: one wins, and serves.

    unix_race.py SOCKX ROUNDS KIND KIND

Every third round begins with a dead server's socket at the path. Exits 1 at the first round in which
it was otherwise.
"""

import os
import socket
import subprocess
import sys
import time

PATIENCE_S = 10
TYPES = {
    "stream": (socket.SOCK_STREAM, []),
    "datagram": (socket.SOCK_DGRAM, ["-u"]),
    "seqpacket": (socket.SOCK_SEQPACKET, ["--seqpacket"]),
}
PATH = "race"


def leave_dead_socket():
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(PATH)


def start(sockx, kind):
    return subprocess.Popen(
        [sockx, "serve", "-m", "echo", *TYPES[kind][1], "-U", PATH],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def answers(kind):
    with socket.socket(socket.AF_UNIX, TYPES[kind][0]) as sock:
        sock.settimeout(PATIENCE_S)
        if kind == "datagram":
            sock.bind("")
        sock.connect(PATH)
        sock.send(b"hello")
        return sock.recv(100) == b"hello"


def wait_for_loser(programs):
    deadline = time.monotonic() + PATIENCE_S
    while all(program.poll() is None for program in programs):
        if time.monotonic() > deadline:
            sys.exit("both serve")
        time.sleep(0.0005)
    return 0 if programs[0].poll() is not None else 1


def race(sockx, kinds):
    programs = [start(sockx, kind) for kind in kinds]
    try:
        lost = wait_for_loser(programs)
        loser, winner = programs[lost], programs[1 - lost]
        if loser.returncode != 3:
            sys.exit(f"the loser's status is {loser.returncode}: {loser.stderr.read()}")
        if not winner.stderr.readline().startswith(b"listening on"):
            sys.exit(f"both lost: {winner.stderr.read()}")
        if winner.poll() is not None or not answers(kinds[1 - lost]):
            sys.exit("the winner does not answer")
    finally:
        for program in programs:
            program.terminate()
            program.wait(PATIENCE_S)
            program.stderr.close()
    if os.path.lexists(PATH):
        sys.exit("the path was left")
    return lost


def main():
    sockx, rounds, kinds = sys.argv[1], int(sys.argv[2]), sys.argv[3:5]
    for number in range(rounds):
        if number % 3 == 2:
            leave_dead_socket()
        # Who is started first does not always win by that.
        race(sockx, kinds if number % 2 else kinds[::-1])
    print(rounds)


main()
