"""udp_load.py [--vanish COUNT] HOST PORT PEERS MESSAGES WINDOW SIZE: so many sockets at once, each of
which sends so many tagged datagrams of SIZE bytes, WINDOW of them unanswered at a time. Each answer must
reach who asked, whole, and none may be missing. With --vanish, so many others send and close each time a
tenth of all has been answered: their answers meet no socket."""

import argparse
import selectors
import socket
import sys

PATIENCE_S = 10


class Peer:
    def __init__(self, number, where, args):
        self.number = number
        self.args = args
        self.sock = socket.socket(family(where[0]), socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.sock.connect(where)
        self.sock.setblocking(False)
        self.sent = self.answered = 0
        self.unanswered = set()

    def message(self, n):
        tag = f"peer {self.number} message {n} ".encode()
        return tag + bytes((self.number + n + i) % 251 for i in range(16)) + bytes(self.args.size - len(tag) - 16)

    def ask(self):
        while self.sent < self.args.messages and len(self.unanswered) < self.args.window:
            message = self.message(self.sent)
            self.sock.send(message)
            self.unanswered.add(message)
            self.sent += 1

    def hear(self):
        """Takes what there is; returns how many answers that were."""
        count = 0
        while True:
            try:
                answer = self.sock.recv(65536)
            except BlockingIOError:
                self.answered += count
                return count
            if answer not in self.unanswered:
                sys.exit(f"peer {self.number} got what it did not ask for: {answer[:60]!r}, {len(answer)} bytes")
            self.unanswered.remove(answer)
            count += 1


def family(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def vanish(where, count):
    socks = [socket.socket(family(where[0]), socket.SOCK_DGRAM) for _ in range(count)]
    for sock in socks:
        sock.sendto(b"gone already", where)
        sock.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--vanish", type=int, default=0)
    parser.add_argument("host")
    for name in ("port", "peers", "messages", "window", "size"):
        parser.add_argument(name, type=int)
    args = parser.parse_args()
    where = (args.host, args.port)
    peers = [Peer(number, where, args) for number in range(args.peers)]
    total = args.peers * args.messages
    step = total // 10
    done = 0
    with selectors.DefaultSelector() as ready:
        for peer in peers:
            ready.register(peer.sock, selectors.EVENT_READ, peer)
            peer.ask()
        while done < total:
            events = ready.select(PATIENCE_S)
            if not events:
                sys.exit(f"{done} of {total} were answered")
            before = done
            for key, _ in events:
                done += key.data.hear()
                key.data.ask()
            if args.vanish and before // step != done // step:
                vanish(where, args.vanish)
    print(done)


main()
