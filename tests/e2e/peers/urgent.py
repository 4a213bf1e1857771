"""Urgent bytes (MSG_OOB) among others: before, between and after them, and one after the other.

    urgent.py echo PLACE      a client of an echo server; what is sent must come back, round by round
    urgent.py serve [PATH]    a server that sends all and ends; says `ready PORT`
    urgent.py send PLACE      a client that sends all and ends, and waits for the server's end
    urgent.py input CMD...    runs CMD, which reads a TCP connection as its standard input
    urgent.py paused CMD...   a server that is not read for a while: CMD has HOST PORT added, and its
                              processor time is printed, in ms, and then how many bytes are missing

PLACE is a port, or the path of a Unix socket. `urgent.py all` prints what is sent.
"""

import os
import socket
import subprocess
import sys
import time

# What one send takes, urgent where it is in capitals: such a send's last byte is the urgent one.
ROUNDS = ["abc X def", "X", "abcX def", "a X b Y c", "X Y Z", "a X", "X a"]
ALL = "".join(ROUNDS).replace(" ", "").encode()


def send(sock, piece):
    sock.send(piece.encode(), socket.MSG_OOB if piece[-1].isupper() else 0)


def say_all(sock):
    for pause in (0, 0.005):
        for piece in " ".join(ROUNDS).split():
            send(sock, piece)
            time.sleep(pause)


def client(place):
    if place.isdigit():
        return socket.create_connection(("127.0.0.1", int(place)))
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(place)
    return sock


def echo(place):
    with client(place) as sock:
        sock.settimeout(5)
        for pause in (0, 0.002) * 3:
            for pieces in ROUNDS:
                came = b""
                for piece in pieces.split():
                    send(sock, piece)
                    time.sleep(pause)
                wanted = pieces.replace(" ", "").encode()
                while len(came) < len(wanted):
                    came += sock.recv(100)
                assert came == wanted, (came, wanted)


def send_all(place):
    with client(place) as sock:
        sock.settimeout(5)
        say_all(sock)
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""


def listener(path=None):
    if path is None:
        return socket.create_server(("127.0.0.1", 0))
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(path)
    sock.listen()
    return sock


def serve(path=None):
    with listener(path) as server:
        print("ready", "0" if path else server.getsockname()[1], file=sys.stderr, flush=True)
        while True:
            peer, _ = server.accept()
            say_all(peer)
            peer.close()


def give_input(*command):
    with listener() as server, socket.create_connection(server.getsockname()) as ours:
        theirs, _ = server.accept()
        with subprocess.Popen(command, stdin=theirs) as program:
            theirs.close()
            say_all(ours)
            ours.shutdown(socket.SHUT_WR)
        sys.exit(program.returncode)


def processor_ms(program):
    ticks = open(f"/proc/{program.pid}/stat").read().rsplit(")", 1)[1].split()[11:13]
    return sum(map(int, ticks)) * 1000 // os.sysconf("SC_CLK_TCK")


def fill(sock):
    sent = 0
    sock.settimeout(0.2)
    try:
        while True:
            sent += sock.send(b"z" * 65536)
    except TimeoutError:
        pass
    try:
        sent += sock.send(b"X", socket.MSG_OOB)
    except TimeoutError:
        pass
    sock.settimeout(None)
    return sent


def paused(*command):
    with listener() as server:
        where = [str(word) for word in server.getsockname()]
        with subprocess.Popen([*command, *where], stdout=subprocess.PIPE) as program:
            peer, _ = server.accept()
            sent = fill(peer)
            before = processor_ms(program)
            time.sleep(0.5)
            print(processor_ms(program) - before, flush=True)
            peer.close()
            print(sent - len(program.stdout.read()))
        sys.exit(program.returncode)


if sys.argv[1] == "all":
    print((ALL + ALL).decode(), end="")
else:
    {"echo": echo, "serve": serve, "send": send_all, "input": give_input, "paused": paused}[sys.argv[1]](*sys.argv[2:])
