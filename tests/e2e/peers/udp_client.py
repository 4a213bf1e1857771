"""A client with UDP sockets of its own that asks in one named way, and exits 1 where it is disappointed.

    udp_client.py ASKS HOST PORT [WORD...]

Each function below is a way to ask. That nothing came shows in a later answer, never by waiting:
on one path, datagrams stay in order.
"""

import os
import signal
import socket
import sys
import time

PATIENCE_S = 5
IP_RECVTTL = 12  # linux/in.h; this Python has no name for it


def family_of(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def make(host):
    sock = socket.socket(family_of(host), socket.SOCK_DGRAM)
    sock.settimeout(PATIENCE_S)
    return sock


def connected(host, port):
    sock = make(host)
    sock.connect((host, port))
    return sock


def expect(got, wanted, what):
    if got != wanted:
        sys.exit(f"{what}: got {got[:80]!r} ({len(got)} bytes), not {wanted[:80]!r} ({len(wanted)} bytes)")


def whole(host, port, *sizes):
    """A datagram of each size: each comes back whole."""
    sock = connected(host, port)
    for size in map(int, sizes):
        sent = os.urandom(size)
        sock.send(sent)
        expect(sock.recv(65536), sent, f"{size} bytes to {host}")


def asked(host, port, *others):
    """Asks each address, by a socket that hears anyone: the answer comes from the one asked."""
    for at in (host, *others):
        sock = make(at)
        sock.sendto(at.encode(), (at, port))
        answer, sender = sock.recvfrom(65536)
        expect(answer, at.encode(), f"from {sender}")
        if sender[:2] != (at, port):
            sys.exit(f"{at} was asked, {sender[0]} port {sender[1]} answered")


def asked_in_turn(host, port, *others):
    """One socket asks one address after the other: each answers."""
    sock = make(host)
    for at in (host, *others, host):
        sock.sendto(at.encode(), (at, port))
        answer, sender = sock.recvfrom(65536)
        expect(answer, at.encode(), f"from {sender}")
        if sender[:2] != (at, port):
            sys.exit(f"{at} was asked, {sender[0]} port {sender[1]} answered")


def asked_connected(host, port, *others):
    """The same with connected sockets, which hear no other peer."""
    for at in (host, *others):
        sock = connected(at, port)
        sock.send(at.encode())
        expect(sock.recv(65536), at.encode(), f"from {at}")


def empty(host, port):
    """Empty datagrams among others: all are answered, in order."""
    sock = connected(host, port)
    for sent in (b"", b"", b"one", b"", b"two"):
        sock.send(sent)
        expect(sock.recv(65536), sent, "after an empty one")


def turns(host, port, *names):
    """A socket for each name; they ask as the names follow, and each is answered."""
    socks = {name: connected(host, port) for name in names}
    for name in names:
        socks[name].send(name.encode())
        expect(socks[name].recv(65536), name.encode(), name)


def like_the_question(host, port, *sizes):
    """Each answer is as long as its question, and not the same."""
    sock = connected(host, port)
    for size in map(int, sizes):
        sock.send(b"\0" * size)
        answer = sock.recv(65536)
        expect(b"." * len(answer), b"." * size, "the answer")
        if b"\0" in answer:
            sys.exit("the question came back")


def turned_away(host, port, first, second):
    """The first peer is kept, the second is not heard; nothing is answered. Prints nothing."""
    one, other = connected(host, port), connected(host, port)
    one.send(first.encode())
    other.send(second.encode())
    one.send(b"bye\n")


def send(host, port, *texts):
    """A datagram of each text, from one socket, and the end."""
    sock = connected(host, port)
    for text in texts:
        sock.send(text.encode())


def in_turns(host, port, *texts):
    """A peer for each text sends it, and then each of them again; the last one ends the line."""
    peers = [(connected(host, port), text.encode()) for text in texts]
    for _ in range(2):
        for sock, text in peers:
            sock.send(text)
    peers[0][0].send(b"\n")


def heap(host, port, count):
    """So many datagrams of 1,000 bytes, not too fast."""
    sock = connected(host, port)
    for i in range(int(count)):
        sock.send(b"x" * 1000)
        if i % 50 == 0:
            time.sleep(0.001)


def hears(host, port, text, count):
    """Sends text, and prints so many datagrams as Python writes them."""
    sock = connected(host, port)
    sock.send(text.encode())
    for _ in range(int(count)):
        print(sock.recv(65536), flush=True)


def flood(host, port, count, size):
    """So many datagrams of so many bytes, as fast as it can."""
    sock = connected(host, port)
    for _ in range(int(count)):
        sock.send(b"f" * int(size))


def state_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as its:
        return its.read().rpartition(")")[2].split()[0]


def stop(pid):
    os.kill(pid, signal.SIGSTOP)
    while state_of(pid) != "T":
        time.sleep(0.001)


def among_the_gone(host, port, pid, size):
    """While the server with this pid is stopped, 16 ask, and as many between them who leave at once: all
    is answered in one go, and none of those who stayed may miss its answer."""
    stop(int(pid))
    try:
        stayed = [connected(host, port) for _ in range(16)]
        for number, sock in enumerate(stayed):
            sock.send(bytes([number]) * int(size))
            with connected(host, port) as gone:
                gone.send(b"g" * int(size))
    finally:
        os.kill(int(pid), signal.SIGCONT)
    for number, sock in enumerate(stayed):
        expect(sock.recv(65536), bytes([number]) * int(size), f"peer {number}")


def from_ports(host, port, source, *ports):
    """From each of these ports of source, two datagrams, then one from another port: only that one is
    answered."""
    socks = []
    for number in map(int, ports):
        sock = make(host)
        sock.bind((source, number))
        for sent in (b"first", b"second"):
            sock.sendto(sent, (host, port))
        socks.append(sock)
    turns(host, port, "any port")
    for sock in socks:
        sock.setblocking(False)
        try:
            answer = sock.recv(65536)
        except BlockingIOError:
            continue
        sys.exit(f"{sock.getsockname()} was answered: {answer!r}")


def set_ttl(sock, ttl):
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)


def tell_ttl(sock):
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)


def receive_with_ttl(sock):
    data, control, _, sender = sock.recvmsg(65536, 256)
    return data, int.from_bytes(control[0][2][:4], sys.byteorder), sender


def ttl(host, port, *ttls):
    """For each TTL, asks with it and then with 64 from another socket. Prints the TTL that the answer
    came with, or `none`."""
    for number in map(int, ttls):
        sock, later = connected(host, port), connected(host, port)
        tell_ttl(sock)
        set_ttl(sock, number)
        set_ttl(later, 64)
        sock.send(b"small")
        later.send(b"usual")
        expect(later.recv(65536), b"usual", "TTL 64")
        sock.setblocking(False)
        try:
            data, came, _ = receive_with_ttl(sock)
        except BlockingIOError:
            print("none")
            continue
        expect(data, b"small", f"TTL {number}")
        print(came)


def group(host, port, at, scope="0"):
    """Asks a multicast or broadcast address, at. Prints who answered and the TTL that came with it."""
    sock = make(host)
    tell_ttl(sock)
    if ":" in at:
        target = (at, port, 0, socket.if_nametoindex(scope))
    else:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        target = (at, port)
    sock.sendto(b"group", target)
    data, came, sender = receive_with_ttl(sock)
    expect(data, b"group", "the answer")
    if sender[1] != port:
        sys.exit(f"it came from {sender}")
    print(sender[0], came)


def main():
    ask = globals()[sys.argv[1]]
    try:
        ask(sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
    except (TimeoutError, ConnectionRefusedError) as error:
        sys.exit(f"{' '.join(sys.argv[1:])}: {error}")


main()
