"""tls_cut.py SOCKX PORT PIN WAY: `sockx echo` over TLS through a proxy that cuts the connection to the server on
127.0.0.1:PORT after so many bytes of one direction (WAY: up, down), in order and by a reset, at each step of handshake
and data. Status 0 with all of the text, or 4 or 8 with a part of it; never a crash, and none takes 5 s."""

import select
import socket
import struct
import subprocess
import sys

TEXT = "0123456789" * 30
STEP = 29


def end(sockets, resets):
    for one in sockets:
        if resets:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.close()


def pump(client, server, way, after, resets):
    """Until both have ended, or that many bytes have passed: then True."""
    left = {client: server, server: client}
    counted = client if way == "up" else server
    while left:
        for one in select.select(list(left), [], [], 5)[0]:
            try:
                if one is counted and not after:
                    end((client, server), resets)
                    return True
                got = one.recv(min(after, 65536) if one is counted else 65536)
                if one is counted:
                    after -= len(got)
                if got:
                    (server if one is client else client).sendall(got)
                else:
                    left.pop(one).shutdown(socket.SHUT_WR)
            except OSError:
                left = {}
                break
    end((client, server), False)
    return False


def try_once(sockx, listener, port, pin, way, after, resets):
    at = str(listener.getsockname()[1])
    client = subprocess.Popen([sockx, "echo", "--tls", "--tls-pin", pin, "-H", "127.0.0.1", "-p", at, TEXT],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    one, _ = listener.accept()
    cut = pump(one, socket.create_connection(("127.0.0.1", port)), way, after, resets)
    out, said = client.communicate(timeout=5)
    what = f"{way} {after} {'reset' if resets else 'end'}: {client.returncode} {out} {said.decode()}"
    assert b"Sanitizer" not in said and b"runtime error" not in said, what
    assert client.returncode in (0, 4, 8), what
    assert TEXT.encode().startswith(out.rstrip(b"\n")), what
    if client.returncode == 0:
        assert out.rstrip(b"\n") == TEXT.encode(), what
    else:
        assert said.startswith(b"sockx: "), what
    return cut, client.returncode


def main():
    sockx, port, pin, way = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
    listener = socket.create_server(("127.0.0.1", 0))
    seen = {0: 0, 4: 0, 8: 0}
    for resets in (False, True):
        after, cut = 0, True
        while cut:
            cut, status = try_once(sockx, listener, port, pin, way, after, resets)
            seen[status] += 1
            after += STEP
    print(seen)
    assert seen[4] and seen[8] and seen[0]


main()
