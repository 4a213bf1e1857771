#include "base/packet.h"

#include <string.h>

#include "check.h"

TestSuite(packet, .timeout = 20);

static struct addr numeric(const char *host, uint16_t port)
{
	struct addr a;

	cr_assert(eq(int, addr_from_numeric(&a, AF_UNSPEC, host, port), 0));
	return a;
}

static struct packet_path between(
	const char *from, uint16_t from_port, const char *to, uint16_t to_port)
{
	const struct addr a = numeric(from, from_port), b = numeric(to, to_port);
	struct packet_path path;

	cr_assert(eq(int, packet_path_of(&path, &a, &b), 0));
	return path;
}

static unsigned u16_at(const struct packet_head *head, size_t at)
{
	return (unsigned)head->bytes[at] << 8 | head->bytes[at + 1];
}

static struct span whole(const struct packet_head *head)
{
	return (struct span){head->bytes, head->len};
}

/* RFC 1071 once more, one bit of the sum at a time: over a right packet it is all ones. */
static unsigned sum_of(unsigned sum, const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		sum += i % 2 ? at[i] : (unsigned)at[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

/* ... over what follows the header of IP, with the addresses and protocol that are in there. */
static unsigned sum_of_packet(const struct packet_head *head, struct span data)
{
	const bool ipv6 = head->bytes[0] >> 4 == 6;
	const size_t ip = ipv6 ? 40 : 20, hosts = ipv6 ? 32 : 8;
	unsigned sum = sum_of(0, head->bytes + ip - hosts, hosts);

	sum += head->bytes[ipv6 ? 6 : 9] + (unsigned)(head->len - ip + data.len);
	sum = sum_of(sum, head->bytes + ip, head->len - ip);
	sum = sum_of(sum, data.data, data.len);
	return (sum & 0xffff) + (sum >> 16);
}

/* An example that many books have: 4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7. */
Test(packet, the_header_of_ipv4_is_that_of_a_known_packet)
{
	static const uint8_t known[] = {0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0xb8, 0x61,
		0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0, 0xc7};
	const struct packet_path path = between("192.168.0.1", 1, "192.168.0.199", 2);
	static const uint8_t data[0x73 - 28];
	struct packet_head head;

	packet_udp(&head, &path, (struct span){data, sizeof(data)}, 0);
	cr_assert(eq(span, ((struct span){head.bytes, sizeof(known)}),
		((struct span){known, sizeof(known)})));
}

/* RFC 1071 section 3 adds up 0001 f203 f4f5 f6f7 to ddf2; with the pseudo-header 17 (protocol)
 * + 16 (length), the ports 0 and the length 16, that is de23, and its complement 21dc. */
Test(packet, the_checksum_is_that_of_the_rfc)
{
	static const uint8_t example[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
	const struct packet_path path = between("0.0.0.0", 0, "0.0.0.0", 0);
	struct packet_head head;

	packet_udp(&head, &path, (struct span){example, sizeof(example)}, 0);
	cr_assert(eq(uint, u16_at(&head, 20 + 6), 0x21dc));
}

Test(packet, tcp_over_ipv4_and_ipv6_has_right_checksums)
{
	static const char *const hosts[][2] = {
		{"10.1.2.3", "192.0.2.255"}, {"2001:db8::1", "fe80::ffff:1"}};
	const struct span texts[] = {span_of(""), span_of("a"), span_of("four"), span_of("hello")};

	for (size_t i = 0; i < 2; i++)
		for (size_t n = 0; n < sizeof(texts) / sizeof(texts[0]); n++) {
			const struct packet_path path =
				between(hosts[i][0], 65535, hosts[i][1], 80);
			const struct packet_segment tcp = {
				.seq = 0xfffffff0, .ack = 7, .flags = PACKET_ACK | PACKET_PSH};
			struct packet_head head;

			packet_tcp(&head, &path, &tcp, texts[n], 0);
			cr_expect(eq(sz, head.len, (i ? 40u : 20u) + 20u));
			cr_expect(eq(uint, sum_of_packet(&head, texts[n]), 0xffff),
				"%zu bytes over %s", texts[n].len, hosts[i][0]);
		}
}

Test(packet, a_syn_tells_the_largest_segment_and_the_scale_of_the_window)
{
	static const uint8_t known[] = {2, 4, 65475 >> 8, 65475 & 0xff, 1, 3, 3, 14};
	const struct packet_path path = between("127.0.0.1", 1, "127.0.0.1", 2);
	const struct packet_segment tcp = {.seq = 0x01020304, .flags = PACKET_SYN};
	struct packet_head head;

	packet_tcp(&head, &path, &tcp, (struct span){0}, 0);
	cr_assert(eq(sz, head.len, 48));
	cr_expect(eq(uint, u16_at(&head, 2), 48));
	cr_expect(eq(span, ((struct span){head.bytes + 20, 8}),
		((struct span){(const uint8_t *)"\0\1\0\2\1\2\3\4", 8})));
	cr_expect(eq(uint, head.bytes[20 + 12], 0x70));
	cr_expect(eq(uint, head.bytes[20 + 13], PACKET_SYN));
	cr_expect(eq(span, ((struct span){head.bytes + 40, 8}), ((struct span){known, 8})));
	cr_expect(eq(uint, sum_of_packet(&head, (struct span){0}), 0xffff));
}

Test(packet, of_a_datagram_that_was_cut_the_lengths_are_those_of_all_of_it)
{
	const struct packet_path four = between("127.0.0.1", 1, "127.0.0.1", 2);
	const struct packet_path six = between("::1", 1, "::1", 2);
	struct packet_head head;

	packet_udp(&head, &four, span_of("abc"), 997);
	cr_expect(eq(uint, u16_at(&head, 2), 1028));
	cr_expect(eq(uint, u16_at(&head, 24), 1008));
	cr_expect(eq(uint, u16_at(&head, 26), 0)); /* none */
	packet_udp(&head, &six, span_of("abc"), 997);
	cr_expect(eq(uint, u16_at(&head, 4), 1008));
	cr_expect(eq(uint, u16_at(&head, 44), 1008));
	cr_expect(ne(uint, u16_at(&head, 46), 0)); /* IPv6 has always one */
}

/* 0 would mean that there is none. */
Test(packet, a_checksum_of_udp_that_is_zero_is_written_as_ones)
{
	static const uint8_t data[] = {0xff, 0xff - 17 - 20};
	const struct packet_path path = between("0.0.0.0", 0, "0.0.0.0", 0);
	struct packet_head head;

	packet_udp(&head, &path, (struct span){data, sizeof(data)}, 0);
	cr_assert(eq(uint, u16_at(&head, 26), 0xffff));
}

Test(packet, an_unreachable_port_is_told_with_the_headers_of_what_was_sent)
{
	const struct packet_path sent = between("10.0.0.1", 5, "10.0.0.2", 6);
	const struct packet_path back = packet_path_back(&sent);
	struct packet_head head, datagram;

	packet_unreachable(&head, &back);
	packet_udp(&datagram, &sent, (struct span){0}, 0);
	cr_assert(eq(sz, head.len, 56));
	cr_expect(eq(uint, u16_at(&head, 20), 0x0303));
	cr_expect(eq(uint, sum_of(0, head.bytes + 20, 36), 0xffff));
	cr_expect(eq(span, ((struct span){head.bytes + 28, 28}), whole(&datagram)));
}

Test(packet, so_it_is_over_ipv6)
{
	const struct packet_path sent = between("fe80::1", 5, "fe80::2", 6);
	const struct packet_path back = packet_path_back(&sent);
	struct packet_head head, datagram;

	packet_unreachable(&head, &back);
	packet_udp(&datagram, &sent, (struct span){0}, 0);
	cr_assert(eq(sz, head.len, 96));
	cr_expect(eq(uint, u16_at(&head, 40), 0x0104));
	cr_expect(eq(uint, sum_of_packet(&head, (struct span){0}), 0xffff));
	cr_expect(eq(span, ((struct span){head.bytes + 48, 48}), whole(&datagram)));
}

Test(packet, mapped_addresses_are_those_of_ipv4)
{
	const struct packet_path plain = between("127.0.0.1", 1, "127.0.0.2", 2);
	const struct packet_path mapped = between("::ffff:127.0.0.1", 1, "::ffff:127.0.0.2", 2);
	const struct packet_path any = between("::", 1, "::ffff:127.0.0.2", 2);
	const struct packet_path six = between("::", 1, "::", 2);

	cr_expect(not(mapped.ipv6));
	cr_expect(eq(span, ((struct span){mapped.from, 16}), ((struct span){plain.from, 16})));
	cr_expect(eq(span, ((struct span){mapped.to, 16}), ((struct span){plain.to, 16})));
	cr_expect(not(any.ipv6));
	cr_expect(eq(span, ((struct span){any.to, 16}), ((struct span){plain.to, 16})));
	cr_expect(six.ipv6);
}

Test(packet, one_that_is_no_ipv4_address_makes_both_of_ipv6)
{
	const struct packet_path path = between("192.0.2.1", 1, "2001:db8::1", 2);
	static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 1};

	cr_expect(path.ipv6);
	cr_expect(eq(span, ((struct span){path.from, 16}), ((struct span){mapped, 16})));
	cr_expect(eq(uint, path.from_port, 1));
	cr_expect(eq(uint, path.to_port, 2));
}

Test(packet, other_addresses_have_no_path)
{
	const struct addr ip = addr_loopback(AF_INET, 1), none = {0};
	struct packet_path path;
	struct addr local;

	cr_assert(eq(int, addr_from_path(&local, "/run/x"), 0));
	cr_expect(eq(int, packet_path_of(&path, &ip, &local), -1));
	cr_expect(eq(int, packet_path_of(&path, &local, &ip), -1));
	cr_expect(eq(int, packet_path_of(&path, &none, &ip), -1));
	cr_expect(eq(int, packet_path_of(&path, &ip, &none), -1));
}
