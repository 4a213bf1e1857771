"""An analysis server of another make: takes clients one after the other, reads to the half-close.

    text_server.py KIND [BYTES | ANSWER [LINES]]

half      reports the first half of the text, in the usual form
cut       reports as usual, but only the first BYTES of it
says      answers ANSWER, whatever the text, and then so many LINES "a 1"
other     answers in a form of its own: the sorted list of words and the length
endless   writes until the client leaves
silent    closes without a word
deaf      reads and never answers
steering  answers what would steer a terminal

Says `ready PORT` on standard error.
"""

import socket
import sys

kind = sys.argv[1]


def read_all(client):
    text = b""
    while data := client.recv(65536):
        text += data
    return text


def report(text):
    words = {}
    for word in text.split():
        words[word] = words.get(word, 0) + 1
    lines = [b"%s %d\n" % pair for pair in words.items()]
    head = b"length: %d\nbytes: %d\nwords: %d\nunique: %d\n" % (
        len(text), len(text), sum(words.values()), len(words))
    return head + b"".join(lines)


def answer(client, text):
    if kind == "half":
        client.sendall(report(text[: len(text) // 2]))
    elif kind == "cut":
        client.sendall(report(text)[: int(sys.argv[2])])
    elif kind == "says":
        client.sendall(sys.argv[2].encode())
        if len(sys.argv) > 3:
            client.sendall(b"a 1\n" * int(sys.argv[3]))
    elif kind == "other":
        client.sendall(f"{sorted(set(text.decode().split()))} {len(text)}".encode())
    elif kind == "endless":
        while True:
            client.sendall(b"x" * 65536)
    elif kind == "steering":
        client.sendall("\x1b[2Ja\u202eb".encode())


with socket.create_server(("127.0.0.1", 0)) as server:
    print("ready", server.getsockname()[1], file=sys.stderr, flush=True)
    held = []
    while True:
        client, _ = server.accept()
        try:
            answer(client, read_all(client))
        except OSError:
            pass
        if kind == "deaf":
            held.append(client)
        else:
            client.close()
