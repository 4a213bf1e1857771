"""tls_slow.py KIND PORT ARG...: what makes TLS slow, towards the server on 127.0.0.1:PORT. Says `ready PORT` on
stderr once it is there.

    bytes         a proxy that passes each byte on by itself
    deaf          a proxy that passes all of the client on, and nothing of the server once the handshake is over
    stall N       N clients that send half of a ClientHello and wait; ends when all have been ended
    trickle       a client that sends a byte of its ClientHello every second; says how long it was let live
    idle N        N clients that have shaken hands, until standard input ends"""

import select
import socket
import ssl
import sys
import time

HANDSHAKE = 2000  # bytes of the server, at least


def hello():
    out = ssl.MemoryBIO()
    context = ssl.create_default_context()
    tls = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


def ready(port):
    print("ready", port, file=sys.stderr, flush=True)


def proxy(port, deaf):
    listener = socket.create_server(("127.0.0.1", 0))
    ready(listener.getsockname()[1])
    while True:
        client, _ = listener.accept()
        server = socket.socket()
        if deaf:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        server.connect(("127.0.0.1", port))
        pump(client, server, deaf)


def pump(client, server, deaf):
    began = time.monotonic()
    left = {client: server, server: client}
    for one in left:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while left:
        # A second is enough for a handshake.
        asked = [client] if deaf and time.monotonic() > began + 1 else list(left)
        for one in select.select(asked, [], [], 0.1 if deaf else None)[0]:
            got = one.recv(65536 if deaf else 1)
            if not got:
                left.pop(one).shutdown(socket.SHUT_WR)
                continue
            left.get(one, client if one is server else server).sendall(got)
    client.close()
    server.close()


def stall(port, count):
    half = hello()[:200]
    all_of_them = []
    for _ in range(count):
        one = socket.create_connection(("127.0.0.1", port))
        one.sendall(half)
        all_of_them.append(one)
    began = time.monotonic()
    ready(port)
    for one in all_of_them:
        one.settimeout(20)
        try:
            while one.recv(1000):
                pass
        except ConnectionResetError:
            pass
    print(f"{time.monotonic() - began:.1f}", flush=True)


def trickle(port):
    one = socket.create_connection(("127.0.0.1", port))
    ready(port)
    began = time.monotonic()
    for byte in hello():
        try:
            one.send(bytes([byte]))
            if select.select([one], [], [], 1)[0] and not one.recv(1000):
                break
        except OSError:
            break
    print(f"{time.monotonic() - began:.1f}", flush=True)


def idle(port, count):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    all_of_them = [context.wrap_socket(socket.create_connection(("127.0.0.1", port))) for _ in range(count)]
    for one in all_of_them:
        one.sendall(b"x" * 1000)
    for one in all_of_them:
        left = 1000
        while left:
            left -= len(one.recv(left))
    ready(port)
    sys.stdin.read()


def main():
    kind, port = sys.argv[1], int(sys.argv[2])
    if kind in ("bytes", "deaf"):
        proxy(port, kind == "deaf")
    elif kind == "stall":
        stall(port, int(sys.argv[3]))
    elif kind == "trickle":
        trickle(port)
    else:
        idle(port, int(sys.argv[3]))


main()
