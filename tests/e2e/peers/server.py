"""A server that behaves in one named way; says `ready PORT` on standard error.

    server.py [--six] BEHAVIOUR [NUMBER]

Each function below is a behaviour. It meets every client in a thread of its own.
"""

import select
import socket
import struct
import sys
import threading
import time

HELD = []  # connections that stay open until we are ended


def reset(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def read_all(client):
    whole = bytearray()
    while data := client.recv(65536):
        whole += data
    return bytes(whole)


def echo(client, _):
    """Every byte back, then the end."""
    while data := client.recv(65536):
        client.sendall(data)
    client.close()


def store(client, _):
    """Answers only once it has everything."""
    client.sendall(read_all(client))
    client.close()


def store_slowly(client, number):
    """Answers number milliseconds after it has everything."""
    whole = read_all(client)
    time.sleep(number / 1000)
    client.sendall(whole)
    client.close()


def slow(client, _):
    """Echoes byte by byte, with pauses longer than a client's --settle."""
    while data := client.recv(65536):
        for byte in data:
            time.sleep(0.08)
            client.sendall(bytes([byte]))
    client.close()


def cut(client, number):
    """Echoes number bytes, then ends."""
    client.sendall(client.recv(65536)[:number])
    client.shutdown(socket.SHUT_WR)
    read_all(client)
    client.close()


def alter(client, number):
    """An echo whose byte at place number (from 0) is another."""
    at = 0
    while data := bytearray(client.recv(65536)):
        if at <= number < at + len(data):
            data[number - at] ^= 1
        at += len(data)
        client.sendall(data)
    client.close()


def extra(client, number):
    """An echo, and number bytes behind it."""
    client.sendall(client.recv(65536) + b"+" * number)
    client.shutdown(socket.SHUT_WR)
    read_all(client)
    client.close()


def extra_later(client, number):
    """An echo, and number bytes behind it once the client has said that it is done."""
    client.sendall(read_all(client) + b"+" * number)
    client.close()


def trickle(client, number):
    """Echoes its first bytes, and nothing more."""
    client.sendall(client.recv(65536)[:number])
    HELD.append(client)


def silent(client, _):
    """Reads, answers nothing, ends when the client does."""
    read_all(client)
    client.close()


def mute(client, _):
    """Reads, answers nothing, never ends."""
    read_all(client)
    HELD.append(client)


def stay(client, number):
    """Sends number bytes and never ends."""
    client.sendall(b"g" * number)
    HELD.append(client)


def greet(client, number):
    """Sends number bytes and ends; then reads until the client ends, and prints what came."""
    client.sendall(b"g" * number)
    client.shutdown(socket.SHUT_WR)
    sys.stdout.buffer.write(read_all(client))
    sys.stdout.flush()
    client.close()


def has_ended(client, seconds=0):
    return bool(select.select([client], [], [], seconds)[0]) and not client.recv(1, socket.MSG_PEEK)


def drop(client, number):
    """Answers a question with number bytes, as nginx and redis do: looks for the client's end half
    way, and drops the rest at it, ending in order. Stays where there was none."""
    client.recv(65536)
    client.sendall(b"a" * (number // 2))
    if not has_ended(client, 0.1):
        client.sendall(b"a" * (number - number // 2))
        read_all(client)
    client.close()


def think(client, number):
    """Answers a question after number milliseconds, unless the client ended before, as nginx and
    haproxy before a slow backend do; ends then."""
    question = client.recv(65536)
    if not has_ended(client, number / 1000):
        client.sendall(question)
    client.close()


def http(client, number):
    """Answers a request after number milliseconds, whatever comes."""
    request = b""
    while b"\r\n\r\n" not in request and (data := client.recv(65536)):
        request += data
    time.sleep(number / 1000)
    client.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 11\r\n\r\nthe answer\n")
    client.close()


def say(client, _):
    """Sends our standard input and ends; reads what comes."""
    client.sendall(sys.stdin.buffer.read())
    client.shutdown(socket.SHUT_WR)
    read_all(client)
    client.close()


def take(client, _):
    """Prints what comes as it comes; ends when the client does."""
    while data := client.recv(65536):
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    print("end", file=sys.stderr, flush=True)
    client.close()


def keep(client, _):
    """Prints what comes as it comes, notes the end, and never ends itself."""
    take(client.dup(), 0)
    HELD.append(client)


def reset_sending(client, number):
    """Sends number bytes and resets."""
    client.sendall(b"r" * number)
    reset(client)


def reset_answering(client, number):
    """Waits for a byte, sends number bytes and resets."""
    client.recv(1)
    reset_sending(client, number)


def reset_receiving(client, number):
    """Receives number bytes and resets."""
    while number > 0:
        number -= len(client.recv(min(number, 65536)))
    reset(client)


def slam(client, _):
    """Closes at once: what comes is refused."""
    client.close()
    print("slammed", file=sys.stderr, flush=True)


def chatter(client, number):
    """Sends (number bytes, or without end) while it prints what comes."""
    talker = threading.Thread(target=counted if number else source, args=(client.dup(), number))
    talker.daemon = True
    talker.start()
    take(client, 0)


def deaf(client, number):
    """Sends number bytes and reads nothing; holds on."""
    client.sendall(b"d" * number)
    HELD.append(client)


def source(client, _):
    """Sends without end; gone when the client is."""
    try:
        while True:
            client.sendall(b"s" * 65536)
    except OSError:
        print("refused", file=sys.stderr, flush=True)


def counted(client, number):
    """Sends number bytes as fast as they go, telling how many went when the client is gone."""
    sent = 0
    try:
        while sent < number:
            sent += client.send(b"c" * min(65536, number - sent))
        client.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    print("sent", sent, file=sys.stderr, flush=True)
    HELD.append(client)


def black_hole(server):
    """No connection is accepted and the queue is full: a new client hears nothing."""
    server.listen(0)
    while True:
        client = socket.socket(server.family, socket.SOCK_STREAM)
        client.settimeout(0.3)
        HELD.append(client)
        try:
            client.connect(server.getsockname())
        except TimeoutError:
            return


def main():
    words = [word for word in sys.argv[1:] if word != "--six"]
    number = int(words[1]) if len(words) > 1 else 0
    six = "--six" in sys.argv
    server = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("::1" if six else "127.0.0.1", 0))
    if words[0] == "black_hole":
        black_hole(server)
    else:
        server.listen(64)
    print("ready", server.getsockname()[1], file=sys.stderr, flush=True)
    while words[0] == "black_hole":
        time.sleep(60)
    while True:
        client, _ = server.accept()
        threading.Thread(target=globals()[words[0]], args=(client, number), daemon=True).start()


main()
