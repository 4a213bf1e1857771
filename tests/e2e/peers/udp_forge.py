"""udp_forge.py SOURCE SOURCE_PORT TARGET TARGET_PORT TTL [TEXT]: one datagram whose sender is a lie, by
a raw socket, with an IP header of our own. Root's to run."""

import ipaddress
import socket
import struct
import sys


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def udp(source, source_port, target, target_port, data):
    """RFC 768; the checksum, which IPv6 insists on, is of a pseudo header, too."""
    length = 8 + len(data)
    if source.version == 6:
        pseudo = source.packed + target.packed + struct.pack("!IHBB", length, 0, 0, socket.IPPROTO_UDP)
    else:
        pseudo = source.packed + target.packed + struct.pack("!BBH", 0, socket.IPPROTO_UDP, length)
    head = struct.pack("!HHHH", source_port, target_port, length, 0)
    total = checksum(pseudo + head + data) or 0xFFFF
    return struct.pack("!HHHH", source_port, target_port, length, total) + data


def ip(source, target, ttl, payload):
    if source.version == 6:
        return struct.pack("!IHBB", 6 << 28, len(payload), socket.IPPROTO_UDP, ttl) + source.packed + target.packed
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, ttl, socket.IPPROTO_UDP, 0)
    head += source.packed + target.packed
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:]


def main():
    source, target = ipaddress.ip_address(sys.argv[1]), ipaddress.ip_address(sys.argv[3])
    source_port, target_port, ttl = int(sys.argv[2]), int(sys.argv[4]), int(sys.argv[5])
    data = (sys.argv[6] if len(sys.argv) > 6 else "x").encode()
    family = socket.AF_INET6 if source.version == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW) as sock:
        payload = udp(source, source_port, target, target_port, data)
        sock.sendto(ip(source, target, ttl, payload) + payload, (str(target), 0))


main()
