#include "base/packet.h"

#include <string.h>

enum {
	IPV4_BYTES = 20,
	IPV6_BYTES = 40,
	TCP_BYTES = 20,
	TCP_OPTION_BYTES = 8,
	UDP_BYTES = 8,
	ICMP_BYTES = 8,

	HOPS = 64,
	WINDOW = 65535, /* times 2^14, as the options of SYN say (RFC 7323 section 2) */
	WINDOW_SHIFT = 14,
};

/* ---- addresses ---- */

/* An IPv4 address takes the first four bytes. Returns its length, 0: it is none. */
static size_t packet_host(uint8_t out[16], const struct addr *a)
{
	if (a->len && a->sa.sa_family == AF_INET) {
		memcpy(out, &a->in.sin_addr, 4);
		return 4;
	}
	if (!a->len || a->sa.sa_family != AF_INET6)
		return 0;
	memcpy(out, &a->in6.sin6_addr, 16);
	return 16;
}

/* An IPv6 address that stands for an IPv4 one as well: mapped, or any. */
static bool packet_is_ipv4(const uint8_t host[16], size_t len)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return len == 4 || memcmp(host, mapped, sizeof(mapped)) == 0;
}

static bool packet_is_any(const uint8_t host[16])
{
	static const uint8_t any[16];

	return memcmp(host, any, sizeof(any)) == 0;
}

static void packet_to_ipv4(uint8_t host[16], size_t len)
{
	if (len == 16)
		memmove(host, host + 12, 4);
	memset(host + 4, 0, 12);
}

static void packet_to_ipv6(uint8_t host[16], size_t len)
{
	if (len == 16)
		return;
	memcpy(host + 12, host, 4);
	memset(host, 0, 10);
	memset(host + 10, 0xff, 2);
}

int packet_path_of(struct packet_path *out, const struct addr *from, const struct addr *to)
{
	size_t from_len, to_len;
	bool from_ipv4, to_ipv4;

	*out = (struct packet_path){0};
	from_len = packet_host(out->from, from);
	to_len = packet_host(out->to, to);
	if (!from_len || !to_len)
		return -1;
	from_ipv4 = packet_is_ipv4(out->from, from_len);
	to_ipv4 = packet_is_ipv4(out->to, to_len);
	out->ipv6 = !((from_ipv4 || packet_is_any(out->from)) &&
		      (to_ipv4 || packet_is_any(out->to)) && (from_ipv4 || to_ipv4));
	if (out->ipv6) {
		packet_to_ipv6(out->from, from_len);
		packet_to_ipv6(out->to, to_len);
	} else {
		packet_to_ipv4(out->from, from_len);
		packet_to_ipv4(out->to, to_len);
	}
	out->from_port = addr_port(from);
	out->to_port = addr_port(to);
	return 0;
}

struct packet_path packet_path_back(const struct packet_path *path)
{
	struct packet_path back = {
		.ipv6 = path->ipv6, .from_port = path->to_port, .to_port = path->from_port};

	memcpy(back.from, path->to, sizeof(back.from));
	memcpy(back.to, path->from, sizeof(back.to));
	return back;
}

/* ---- bytes ---- */

static void put_u16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put_u32(uint8_t *at, uint32_t value)
{
	put_u16(at, value >> 16);
	put_u16(at + 2, value);
}

/* RFC 1071: the sum of 16 bits each, to be folded. Each part but the last has an even length. */
static uint64_t packet_sum(uint64_t sum, struct span part)
{
	size_t i;

	for (i = 0; i + 1 < part.len; i += 2)
		sum += (uint64_t)part.data[i] << 8 | part.data[i + 1];
	if (i < part.len)
		sum += (uint64_t)part.data[i] << 8;
	return sum;
}

static uint16_t packet_folded(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* The part of the checksum that is about the addresses (RFC 9293 section 3.1, RFC 8200
 * section 8.1). */
static uint64_t packet_pseudo_sum(const struct packet_path *path, int protocol, size_t len)
{
	const size_t host = path->ipv6 ? 16 : 4;
	uint64_t sum = (uint64_t)protocol + (len >> 16) + (len & 0xffff);

	sum = packet_sum(sum, (struct span){path->from, host});
	return packet_sum(sum, (struct span){path->to, host});
}

/* ---- headers ---- */

static size_t packet_ip_bytes(const struct packet_path *path)
{
	return path->ipv6 ? IPV6_BYTES : IPV4_BYTES;
}

/* The header of IP at `at`, for len bytes that follow it. */
static void packet_ip(uint8_t *at, const struct packet_path *path, int protocol, size_t len)
{
	memset(at, 0, packet_ip_bytes(path));
	if (path->ipv6) {
		at[0] = 6 << 4;
		put_u16(at + 4, len);
		at[6] = (uint8_t)protocol;
		at[7] = HOPS;
		memcpy(at + 8, path->from, 16);
		memcpy(at + 24, path->to, 16);
		return;
	}
	at[0] = 4 << 4 | IPV4_BYTES / 4;
	put_u16(at + 2, IPV4_BYTES + len);
	at[6] = 0x40; /* not to be fragmented: the identification may be 0 (RFC 6864) */
	at[8] = HOPS;
	at[9] = (uint8_t)protocol;
	memcpy(at + 12, path->from, 4);
	memcpy(at + 16, path->to, 4);
	put_u16(at + 10, packet_folded(packet_sum(0, (struct span){at, IPV4_BYTES})));
}

/* The checksum over a header of `bytes` bytes, whose own field for it is 0, and what follows it. */
static uint16_t packet_checksum(const struct packet_path *path, int protocol, const uint8_t *header,
	size_t bytes, struct span data, size_t missing)
{
	uint64_t sum = packet_pseudo_sum(path, protocol, bytes + data.len + missing);

	return packet_folded(packet_sum(packet_sum(sum, (struct span){header, bytes}), data));
}

/* The largest segment, nothing, and the shift of the window. */
static void packet_tcp_options(uint8_t *at)
{
	const uint8_t options[TCP_OPTION_BYTES] = {
		2, 4, PACKET_TCP_MOST >> 8, PACKET_TCP_MOST & 0xff, 1, 3, 3, WINDOW_SHIFT};

	memcpy(at, options, sizeof(options));
}

void packet_tcp(struct packet_head *out, const struct packet_path *path,
	const struct packet_segment *segment, struct span data, size_t missing)
{
	const bool syn = segment->flags & PACKET_SYN;
	const size_t bytes = TCP_BYTES + (syn ? TCP_OPTION_BYTES : 0);
	uint8_t *at = out->bytes + packet_ip_bytes(path);

	packet_ip(out->bytes, path, IPPROTO_TCP, bytes + data.len + missing);
	memset(at, 0, TCP_BYTES);
	put_u16(at, path->from_port);
	put_u16(at + 2, path->to_port);
	put_u32(at + 4, segment->seq);
	put_u32(at + 8, segment->ack);
	at[12] = (uint8_t)(bytes / 4 << 4);
	at[13] = segment->flags;
	put_u16(at + 14, segment->flags & PACKET_RST ? 0 : WINDOW);
	if (syn)
		packet_tcp_options(at + TCP_BYTES);
	put_u16(at + 16, packet_checksum(path, IPPROTO_TCP, at, bytes, data, missing));
	out->len = packet_ip_bytes(path) + bytes;
}

static void packet_udp_header(
	uint8_t *at, const struct packet_path *path, struct span data, size_t missing)
{
	uint16_t sum;

	memset(at, 0, UDP_BYTES);
	put_u16(at, path->from_port);
	put_u16(at + 2, path->to_port);
	put_u16(at + 4, UDP_BYTES + data.len + missing);
	if (missing && !path->ipv6)
		return; /* none (RFC 768) */
	sum = packet_checksum(path, IPPROTO_UDP, at, UDP_BYTES, data, missing);
	put_u16(at + 6, sum ? sum : 0xffff);
}

void packet_udp(
	struct packet_head *out, const struct packet_path *path, struct span data, size_t missing)
{
	packet_ip(out->bytes, path, IPPROTO_UDP, UDP_BYTES + data.len + missing);
	packet_udp_header(out->bytes + packet_ip_bytes(path), path, data, missing);
	out->len = packet_ip_bytes(path) + UDP_BYTES;
}

void packet_unreachable(struct packet_head *out, const struct packet_path *path)
{
	const struct packet_path sent = packet_path_back(path);
	const struct span none = {0};
	const size_t ip = packet_ip_bytes(path), bytes = ICMP_BYTES + ip + UDP_BYTES;
	const int protocol = path->ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	uint8_t *at = out->bytes + ip;

	packet_ip(out->bytes, path, protocol, bytes);
	memset(at, 0, ICMP_BYTES);
	at[0] = path->ipv6 ? 1 : 3; /* destination unreachable: */
	at[1] = path->ipv6 ? 4 : 3; /* its port */
	packet_ip(at + ICMP_BYTES, &sent, IPPROTO_UDP, UDP_BYTES);
	packet_udp_header(at + ICMP_BYTES + ip, &sent, none, 0);
	/* Only that of IPv6 counts the addresses. */
	put_u16(at + 2, path->ipv6 ? packet_checksum(path, protocol, at, bytes, none, 0)
				   : packet_folded(packet_sum(0, (struct span){at, bytes})));
	out->len = ip + bytes;
}
