"""Clients of the servers whose messages have bounds: datagrams, a room's lines, and a pipe's clients
one after the other."""

import contextlib
import os
import random
import select
import socket

from server import Failed
from streams import CLOSE, CONNECTIONS, HALF_CLOSE, NOISE, RESET, ROUND, reset, some_size

QUIET_S = 10
DATAGRAM_MAX = 4096  # so that all that are on their way fit into a socket's buffer
DATAGRAMS_EACH = 12
AT_ONCE = 50
LINE_MAX = 2000
LINES_EACH = 5
PIECE_MAX = 64 * 1024


def noise(size):
    at = random.randrange(ROUND)
    return NOISE[at:at + size]


def receive(conn, size):
    """Just so many bytes; the socket has a timeout."""
    came = bytearray()
    while len(came) < size:
        try:
            part = conn.recv(size - len(came))
        except OSError as why:
            raise Failed(f"{len(came)} of {size} bytes came: {why}") from why
        if not part:
            raise Failed(f"an end after {len(came)} of {size} bytes")
        came += part
    return bytes(came)


def read(fd, size):
    """The same of a pipe."""
    came = b""
    while len(came) < size:
        if not select.select([fd], [], [], QUIET_S)[0]:
            raise Failed(f"{len(came)} of {size} bytes came")
        part = os.read(fd, size - len(came))
        if not part:
            raise Failed(f"an end after {len(came)} of {size} bytes")
        came += part
    return came


def connect(where):
    conn = socket.create_connection(where, QUIET_S)
    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return conn


class Datagrams:
    """Echo to peers that come and go, each with one datagram on its way."""

    def __init__(self, where):
        self.where = where
        self.connections = 0
        self.epoll = select.epoll()
        self.peers = {}  # descriptor: [socket, datagrams that it still sends, the one sent]
        self.left = 0

    def close(self):
        for conn, _, _ in self.peers.values():
            conn.close()
        self.epoll.close()

    def visit(self, clients):
        """Fast enough for all of their sessions to be there at once: each burst needs as much."""
        for _ in range(clients // AT_ONCE):
            with contextlib.ExitStack() as held:
                visitors = [held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                            for _ in range(AT_ONCE)]
                for conn in visitors:
                    conn.settimeout(QUIET_S)
                    conn.connect(self.where)
                    conn.send(b"x")
                for conn in visitors:
                    if conn.recv(2) != b"x":
                        raise Failed("another datagram came back")

    def say(self, peer):
        peer[2] = noise(some_size(DATAGRAM_MAX))
        peer[0].send(peer[2])

    def begin(self):
        conn = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        conn.connect(self.where)
        messages = min(self.left, random.randint(1, DATAGRAMS_EACH))
        self.left -= messages
        self.connections += 1
        peer = [conn, messages, b""]
        self.peers[conn.fileno()] = peer
        self.epoll.register(conn, select.EPOLLIN)
        self.say(peer)

    def hear(self, peer):
        if peer[0].recv(DATAGRAM_MAX + 1) != peer[2]:
            raise Failed("another datagram came back")
        peer[1] -= 1
        if peer[1]:
            self.say(peer)
        else:
            del self.peers[peer[0].fileno()]
            peer[0].close()

    def run(self, messages):
        self.left = messages
        while self.left or self.peers:
            while self.left and len(self.peers) < CONNECTIONS:
                self.begin()
            ready = self.epoll.poll(QUIET_S)
            if not ready:
                raise Failed(f"{len(self.peers)} datagrams were lost")
            for fd, _ in ready:
                self.hear(self.peers[fd])


class Room:
    """A chat: one member after the other is replaced, and what each says reaches all others. A message
    is a line that has come to one of them."""

    def __init__(self, where):
        self.where = where
        self.connections = 0
        self.members = []
        self.leaving = []

    def close(self):
        for conn in self.members + self.leaving:
            conn.close()

    def visit(self, clients):
        """Ends by reset: the end of a client that closes is put off for a moment."""
        for _ in range(clients):
            conn = connect(self.where)
            conn.sendall(b"half a line")
            reset(conn)

    def say(self, speaker):
        """Returns how many heard it. Alone, it is silent: the next to come might hear it, or not."""
        others = [conn for conn in self.members if conn is not speaker]
        if not others:
            return 0
        text = noise(some_size(LINE_MAX)).hex().encode() + b"\n"
        speaker.sendall(text)
        name = None
        for conn in others:
            heard = receive(conn, len(name) if name else 1)
            while not heard.endswith(b": ") and not name:
                heard += receive(conn, 1)
            name = name or heard
            heard += receive(conn, len(text))
            if not name.startswith(b"guest") or heard != name + text:
                raise Failed(f"a member heard {heard[:80]}, not {(name + text)[:80]}")
        return len(others)

    def leave(self, conn):
        self.members.remove(conn)
        how = random.choice((HALF_CLOSE, CLOSE, RESET))
        if how == RESET:
            conn.sendall(b"half a line")
        if how == RESET:
            reset(conn)
        elif how == CLOSE:
            conn.close()
        else:
            conn.shutdown(socket.SHUT_WR)
            self.leaving.append(conn)

    def see_off(self, most):
        """All but so many of those that have half-closed see the server's end."""
        while len(self.leaving) > most:
            conn = self.leaving.pop(0)
            while conn.recv(1 << 16):
                pass
            conn.close()

    def run(self, messages):
        heard = 0
        while heard < messages:
            if len(self.members) >= CONNECTIONS:
                self.leave(random.choice(self.members))
            self.members.append(connect(self.where))
            self.connections += 1
            heard += self.say(self.members[-1])  # who is heard is in the room
            for _ in range(random.randrange(LINES_EACH)):
                heard += self.say(random.choice(self.members))
            self.see_off(5)
        while self.members:
            self.leave(self.members[-1])
        self.see_off(0)


class Turns:
    """A pipe's clients, one after the other: each sends a message and gets one."""

    def __init__(self, where, child):
        self.where = where
        self.to = child.stdin.fileno()
        self.out = child.stdout.fileno()
        self.connections = 0

    def close(self):
        pass

    def visit(self, clients):
        for _ in range(clients):
            with connect(self.where) as conn:
                conn.sendall(b"x")
                if read(self.out, 1) != b"x":
                    raise Failed("the server wrote another byte")
                if random.random() < 0.5:
                    reset(conn)

    def exchange(self, conn):
        there = noise(some_size(PIECE_MAX))
        back = noise(some_size(PIECE_MAX // 16))  # what a pipe takes at once
        conn.sendall(there)
        if read(self.out, len(there)) != there:
            raise Failed("the server wrote other bytes")
        os.write(self.to, back)
        if receive(conn, len(back)) != back:
            raise Failed("the client got other bytes")

    def run(self, messages):
        for _ in range(messages // 2):
            conn = connect(self.where)
            self.connections += 1
            self.exchange(conn)
            if random.random() < 0.3:
                reset(conn)
            else:
                conn.close()
