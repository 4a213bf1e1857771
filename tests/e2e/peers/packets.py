#!/usr/bin/python3
"""What is in a pcapng file of packets that were made from calls (--pcap).

packets.py FILE            each packet on a line: `> 4000 7000 PA 1 1 5 | COMMENT`: which way, ports, flags of
                           TCP (or UDP, ICMP), relative sequence number and acknowledgement, bytes, comment
packets.py FILE in|out     the bytes that came or went, as they are, of all connections

A file is refused (status 1) whose blocks are not whole, and a packet that an analyst would stumble over: one
without a comment or with wrong lengths, a sequence number that is not the next one, an acknowledgement of what
was not sent, a time that goes back.
"""

import struct
import sys


def fail(what):
    print(f"packets: {what}", file=sys.stderr)
    sys.exit(1)


def blocks(data):
    at = 0
    while at < len(data):
        if at + 12 > len(data):
            fail("a block is cut")
        kind, length = struct.unpack_from("<II", data, at)
        if length % 4 or at + length > len(data):
            fail("a block is cut")
        if struct.unpack_from("<I", data, at + length - 4)[0] != length:
            fail("the lengths of a block differ")
        yield kind, data[at + 8 : at + length - 4]
        at += length


def options(body):
    found = {}
    at = 0
    while at + 4 <= len(body):
        code, length = struct.unpack_from("<HH", body, at)
        if code == 0:
            return found
        found[code] = bytes(body[at + 4 : at + 4 + length])
        at += 4 + (length + 3) // 4 * 4
    fail("options have no end")
    return found


class Side:
    """One direction of a connection."""

    def __init__(self):
        self.first = self.next = None

    def took(self, seq, length, flags):
        if self.next is None:
            self.first = self.next = seq
        if seq != self.next and "R" not in flags:
            fail(f"sequence number {seq}, not {self.next}")
        self.next = seq + length + ("S" in flags or "F" in flags)


class Reader:
    def __init__(self):
        self.sides = {}
        self.last_ns = 0
        self.lines = []
        self.payload = {">": [], "<": []}

    def tcp(self, ends, segment, missing):
        source, target, seq, ack, offset, bits = struct.unpack_from(">HHIIBB", segment)
        head = offset // 16 * 4
        flags = "".join(name for i, name in enumerate("FSRPA") if bits & 1 << i)
        key, back = (ends, source, target), (ends[::-1], target, source)
        if flags == "S":
            self.sides[key] = Side()
            self.sides[back] = Side()
        mine, other = self.sides.setdefault(key, Side()), self.sides.setdefault(back, Side())
        length = len(segment) - head + missing
        mine.took(seq, length, flags)
        if "A" in flags and other.next is not None and ack != other.next:
            fail(f"{ack} is acknowledged, {other.next} is next")
        relative = ack - other.first if "A" in flags and other.first is not None else 0
        shown = seq - mine.first if seq else 0
        return segment[head:], f"{source} {target} {flags} {shown} {relative} {length}"

    def ip(self, packet, length):
        missing = length - len(packet)
        if packet[0] >> 4 == 6:
            head, protocol, ends = 40, packet[6], (bytes(packet[8:24]), bytes(packet[24:40]))
            whole = 40 + struct.unpack_from(">H", packet, 4)[0]
        else:
            head, protocol, ends = 20, packet[9], (bytes(packet[12:16]), bytes(packet[16:20]))
            whole = struct.unpack_from(">H", packet, 2)[0]
        if whole != length:
            fail(f"{whole} bytes by its header, and {length} in the file")
        if protocol == 6:
            return self.tcp(ends, packet[head:], missing)
        if protocol == 17:
            source, target, length, _ = struct.unpack_from(">HHHH", packet, head)
            if length != whole - head:
                fail("a datagram of another length than its packet")
            return packet[head + 8 :], f"{source} {target} UDP {length - 8}"
        return b"", f"ICMP {packet[head]} {packet[head + 1]}"

    def packet(self, body):
        _, high, low, here, length = struct.unpack_from("<IIIII", body)
        told = options(body[20 + (here + 3) // 4 * 4 :])
        way = {1: "<", 2: ">"}[struct.unpack("<I", told[2])[0]]
        comment = told.get(1, b"").decode()
        if not comment:
            fail("a packet without a comment")
        now = high << 32 | low
        if now < self.last_ns:
            fail("the time goes back")
        self.last_ns = now
        data, line = self.ip(body[20 : 20 + here], length)
        self.payload[way].append(data)
        self.lines.append(f"{way} {line} | {comment}")


def main():
    reader = Reader()
    with open(sys.argv[1], "rb") as file:
        data = memoryview(file.read())
    kinds = []
    for kind, body in blocks(data):
        kinds.append(kind)
        if kind == 6:
            reader.packet(body)
    if kinds[:2] != [0x0A0D0D0A, 1] or set(kinds[2:]) - {6}:
        fail("not a section, an interface and packets")
    if len(sys.argv) == 2:
        for line in reader.lines:
            print(line)
    else:
        sys.stdout.buffer.writelines(reader.payload["<" if sys.argv[2] == "in" else ">"])


main()
