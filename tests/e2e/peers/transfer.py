"""transfer.py PORT FILE: sends FILE to an echo server, ends its side, and reads to the server's
end. Says how many bytes came back; fails unless they are FILE's."""

import hashlib
import socket
import sys
import threading

CHUNK = 256 << 10


def send_all(conn, path, digest):
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            conn.sendall(chunk)
            digest.update(chunk)
    conn.shutdown(socket.SHUT_WR)


def main():
    port, path = int(sys.argv[1]), sys.argv[2]
    conn = socket.create_connection(("127.0.0.1", port), 10)
    sent, received, total = hashlib.sha256(), hashlib.sha256(), 0
    sender = threading.Thread(target=send_all, args=(conn, path, sent))
    sender.start()
    while chunk := conn.recv(CHUNK):
        received.update(chunk)
        total += len(chunk)
    sender.join()
    print(total)
    if sent.digest() != received.digest():
        sys.exit("what came back differs from what was sent")


main()
