"""A server whose standard error is a pipe, and COUNT clients at a time, one after the other.

    events.py read SOCKX COUNT    the pipe is read: each connection is told once as opened, once as
                                  closed or lost, with its bytes
    events.py full SOCKX COUNT    it is read only when all have gone: what was told and what was
                                  dropped are all there was

Each client sends as many bytes as its number; every 10th resets the connection.
"""

import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading

RESETS_EVERY, RESETS_AT = 10, 5


def client(port, number):
    """Returns how the server sees the end."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(b"x" * number)
        if number % RESETS_EVERY == RESETS_AT:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            while number:  # so that the reset takes nothing from it
                number -= len(sock.recv(65536))
            return "conn.lost"
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65536):
            pass
    return "conn.closed"


class Events:
    """The lines of a server, as they are read."""

    def __init__(self, program):
        self.server = subprocess.Popen(
            [program, "serve", "-m", "echo", "-j", "-H", "127.0.0.1", "-p", "0"],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, bufsize=0)
        self.text = b""
        self.port = None

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.server.kill()
        self.server.wait()

    def find_port(self):
        self.text = self.server.stderr.readline()
        self.port = json.loads(self.text)["port"]

    def read(self):
        for part in iter(lambda: os.read(self.server.stderr.fileno(), 65536), b""):
            self.text += part

    def make_room(self):
        """Read what the pipe holds: what is told from now on is not dropped."""
        while select.select([self.server.stderr], [], [], 0)[0]:
            self.text += os.read(self.server.stderr.fileno(), 65536)

    def stop(self):
        self.server.send_signal(signal.SIGTERM)

    def all(self):
        assert self.server.wait(10) == 0
        return [json.loads(line) for line in self.text.splitlines()]


def of(events, *kinds):
    return [event for event in events if event["event"] in kinds]


def check_each(events, ends):
    opened, over = of(events, "conn.opened"), of(events, "conn.closed", "conn.lost")
    assert len(opened) == len(over) == len(ends), (len(opened), len(over))
    assert not of(events, "lines.dropped")
    # A port that was reset is used again.
    assert {(event["conn"], event["port"]) for event in opened} == \
        {(event["conn"], event["port"]) for event in over}
    told = sorted((event["received"], event["sent"], event["event"]) for event in over)
    assert told == sorted((number, number, end) for number, end in ends.items()), told
    assert all(event["end"] == {"conn.closed": "fin", "conn.lost": "reset"}[event["event"]]
               for event in over)


def run(mode, events, count):
    ends = {}
    reader = threading.Thread(target=events.read, daemon=True)
    events.find_port()
    if mode == "read":
        reader.start()
    for number in range(1, count + 1):
        ends[number] = client(events.port, number)
    if mode == "full":
        events.make_room()
        reader.start()
    events.stop()
    reader.join()
    told = events.all()
    assert told[-1]["event"] == "done", told[-1]
    assert told[-1]["received"] == told[-1]["sent"] == sum(ends)
    if mode == "read":
        check_each(told, ends)
        return
    dropped = sum(event["count"] for event in of(told, "lines.dropped"))
    of_clients = len(of(told, "conn.opened", "conn.closed", "conn.lost"))
    assert dropped and of_clients + dropped == 2 * count, (of_clients, dropped)
    print(f"{of_clients} told, {dropped} dropped")


with Events(sys.argv[2]) as server:
    run(sys.argv[1], server, int(sys.argv[3]))
