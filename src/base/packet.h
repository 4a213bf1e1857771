#ifndef SOCKX_BASE_PACKET_H
#define SOCKX_BASE_PACKET_H

#include "base/addr.h"

/*
 * The headers of IP packets that carry TCP (RFC 9293), UDP (RFC 768), or the ICMP message that no
 * program has a port (RFC 792, RFC 4443), with their checksums. IPv4 (RFC 791) where both addresses
 * are IPv4 ones, mapped ones included (RFC 4291 section 2.5.5.2), else IPv6 (RFC 8200).
 */

struct packet_path {
	bool ipv6;
	uint8_t from[16], to[16]; /* IPv4: the first four bytes */
	uint16_t from_port, to_port;
};

/* Returns 0, or -1 where they are not both addresses of IP. */
int packet_path_of(struct packet_path *out, const struct addr *from, const struct addr *to);

struct packet_path packet_path_back(const struct packet_path *path);

/* What one packet can carry at most: IPv6 has longer headers, which count here. */
enum { PACKET_TCP_MOST = 65475, PACKET_UDP_MOST = 65507 };

enum {
	PACKET_FIN = 0x01,
	PACKET_SYN = 0x02, /* with options: the largest segment, and a window of 1 GiB */
	PACKET_RST = 0x04,
	PACKET_PSH = 0x08,
	PACKET_ACK = 0x10,
};

struct packet_segment {
	uint32_t seq, ack; /* ack: 0 without PACKET_ACK */
	uint8_t flags;
};

/* Headers, to be followed by the data that they were made for. */
struct packet_head {
	size_t len;
	uint8_t bytes[112];
};

/* missing: so many more bytes follow the data, which are not known: of the checksum they do not
 * count, and none is given where it may be left out. data and missing together are no more than
 * PACKET_TCP_MOST or PACKET_UDP_MOST. */
void packet_tcp(struct packet_head *out, const struct packet_path *path,
	const struct packet_segment *segment, struct span data, size_t missing);
void packet_udp(
	struct packet_head *out, const struct packet_path *path, struct span data, size_t missing);

/* A whole packet: what went the other way, an empty datagram, has found no program at its port. */
void packet_unreachable(struct packet_head *out, const struct packet_path *path);

#endif
