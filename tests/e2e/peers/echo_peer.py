"""An echo server that misbehaves in one named way; says `ready PORT` on standard error.

    echo_peer.py KIND SIZE BEHAVIOUR [NUMBER...]

KIND is tcp or udp; SIZE the bytes of a message. Each function below is a behaviour: told of each
message, counted from 1, with how to answer it. It goes on until it is ended.
"""

import socket
import sys
import time


def well(number, data, answer):
    answer(data)


def mute(number, data, answer):
    pass


def mute_after(number, data, answer, last):
    if number <= last:
        answer(data)


def drop_every(number, data, answer, each):
    if number % each:
        answer(data)


def duplicate_every(number, data, answer, each):
    answer(data)
    if number % each == 0:
        answer(data)


def swap_pairs(number, data, answer, kept=[]):
    kept.append(data)
    if number % 2 == 0:
        answer(kept.pop())
        answer(kept.pop())


def stall_at(number, data, answer, which, for_ms):
    if number == which:
        time.sleep(for_ms / 1000)
    answer(data)


def alter_at(number, data, answer, which, byte):
    if number == which:
        data = data[: byte - 1] + bytes([data[byte - 1] ^ 1]) + data[byte:]
    answer(data)


def cut_at(number, data, answer, which, bytes_left):
    answer(data[:bytes_left] if number == which else data)


def end_at(number, data, answer, which, bytes_left):
    answer(data[:bytes_left] if number == which else data)
    if number == which:
        answer(None)


def lengthen_at(number, data, answer, which):
    answer(data + b"!" if number == which else data)


def in_pieces(number, data, answer):
    for at in range(len(data)):
        answer(data[at : at + 1])


def serve_udp(size, behave):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    print("ready", sock.getsockname()[1], file=sys.stderr, flush=True)
    number = 0
    while True:
        data, sender = sock.recvfrom(65536)
        number += 1
        behave(number, data, lambda out: sock.sendto(out, sender))


def converse(sock, size, behave):
    def answer(out):
        if out is None:
            sock.shutdown(socket.SHUT_WR)
        else:
            sock.sendall(out)

    number, kept = 0, b""
    while True:
        got = sock.recv(1 << 20)
        if not got:
            return
        kept += got
        while len(kept) >= size:
            number += 1
            behave(number, kept[:size], answer)
            kept = kept[size:]


def serve_tcp(size, behave):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen(8)
    print("ready", listener.getsockname()[1], file=sys.stderr, flush=True)
    while True:
        sock, _ = listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with sock:
            try:
                converse(sock, size, behave)
            except OSError:
                pass


def main():
    kind, size, name = sys.argv[1:4]
    numbers = [int(word) for word in sys.argv[4:]]

    def behave(number, data, answer):
        globals()[name](number, data, answer, *numbers)

    {"udp": serve_udp, "tcp": serve_tcp}[kind](int(size), behave)


main()
