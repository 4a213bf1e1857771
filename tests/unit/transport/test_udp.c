#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "cmd/advice.h"
#include "net.h"
#include "peer.h"
#include "script.h"
#include "transport/udp.h"

/* A server's socket and its many peers. A client's: test_udp_client.c. */
TestSuite(udp, .timeout = 20);

enum { ROOM = 65536, MANY = 70 };

/* A socket that listens, and what has come to it. */
struct station {
	struct reporter to;
	struct listening socket;
	struct addr own;
	struct datagram in[MANY];
	uint8_t *rooms;
	int tunnel; /* net_tunnel's, or 0 */
};

static struct station *open_station(const char *host, uint16_t port)
{
	struct station *st = calloc(1, sizeof(*st));
	const struct listen_conf conf = {0};
	struct addr at;
	struct err err;

	st->to = silent_reporter();
	st->rooms = calloc(MANY, ROOM);
	cr_assert(eq(int, addr_from_numeric(&at, AF_UNSPEC, host, port), 0));
	cr_assert(eq(int, transport_udp.listen(&st->to, &at, &conf, &st->socket, &err), IO_DONE),
		"%s", err.what);
	st->own = net_name(st->socket.fd);
	return st;
}

static void close_station(struct station *st)
{
	int fd = st->socket.fd;

	transport_udp.unlisten(&st->to, &st->socket);
	cr_assert(lt(int, net_try_name(fd), 0), "its socket is closed");
	if (st->tunnel)
		close(st->tunnel);
	free(st->rooms);
	free(st);
}

/* Where a peer finds it. */
static struct addr station_at(const struct station *st, const char *host)
{
	return net_addr(host, addr_port(&st->own));
}

/* One call, with room for so many datagrams of such a size. */
static int receive(struct station *st, size_t count, size_t size)
{
	for (size_t i = 0; i < count; i++)
		st->in[i] = (struct datagram){.data = st->rooms + i * ROOM, .len = size};
	return transport_udp.receive(&st->to, &st->socket, &st->own, st->in, count);
}

static const struct datagram *take(struct station *st)
{
	net_wait(st->socket.fd, POLLIN);
	cr_assert(eq(int, receive(st, MANY, ROOM), 1));
	return &st->in[0];
}

static bool says(const struct datagram *d, const char *text)
{
	return d->len == strlen(text) && memcmp(d->data, text, d->len) == 0;
}

static int answer(struct station *st, const struct datagram *to, const char *text)
{
	char copy[100];
	struct datagram out = *to;

	snprintf(copy, sizeof(copy), "%s", text);
	out.data = (uint8_t *)copy;
	out.len = strlen(text);
	return transport_udp.send(&st->to, st->socket.fd, &out, 1);
}

/* ---- what came, and how ---- */

Test(udp, a_datagram_comes_with_its_sender_and_the_address_that_was_asked)
{
	struct station *st = open_station("0.0.0.0", 0);
	int peer = net_peer("127.0.0.9", 0);
	struct addr from = net_name(peer), asked = station_at(st, "127.0.0.2");
	const struct datagram *d;

	net_say(peer, &asked, "hello");
	d = take(st);
	cr_assert(says(d, "hello"));
	cr_assert(addr_equal(&d->peer, &from));
	cr_assert(addr_equal(&d->local, &asked));
	cr_assert(eq(ptr, (void *)d->forbidden, NULL));
	cr_assert(not(d->cut));
	close(peer);
	close_station(st);
}

Test(udp, an_answer_comes_from_the_address_that_was_asked_and_goes_as_far_as_it_may)
{
	struct station *st = open_station("0.0.0.0", 0);
	int peer = net_peer("127.0.0.9", 0);
	struct addr asked = station_at(st, "127.0.0.2");
	struct came back;

	net_say(peer, &asked, "hello");
	cr_assert(eq(int, answer(st, take(st), "welcome"), 1));
	back = net_hear(peer);
	cr_assert(eq(str, back.text, "welcome"));
	cr_assert(addr_equal(&back.from, &asked));
	cr_assert(eq(int, back.hops, 63), "one less than it had left");
	close(peer);
	close_station(st);
}

Test(udp, over_ipv6_it_is_the_same)
{
	struct station *st;
	struct addr asked;
	struct came back;
	int peer;

	needs_ipv6();
	st = open_station("::", 0);
	peer = net_peer("::1", 0);
	asked = station_at(st, "::1");
	net_say(peer, &asked, "hello");
	cr_assert(addr_equal(&take(st)->local, &asked));
	cr_assert(eq(int, answer(st, &st->in[0], "welcome"), 1));
	back = net_hear(peer);
	cr_assert(eq(str, back.text, "welcome"));
	cr_assert(addr_equal(&back.from, &asked));
	cr_assert(eq(int, back.hops, 63));
	close(peer);
	close_station(st);
}

Test(udp, to_an_ipv4_mapped_peer_ipv4_is_spoken)
{
	struct station *st;
	struct addr asked, from;
	struct came back;
	int peer = net_peer("127.0.0.1", 0);

	needs_ipv6();
	st = open_station("::ffff:0.0.0.0", 0);
	asked = station_at(st, "127.0.0.3");
	net_set(peer, IPPROTO_IP, IP_TTL, 20);
	net_say(peer, &asked, "hello");
	from = station_at(st, "::ffff:127.0.0.3");
	cr_assert(addr_equal(&take(st)->local, &from));
	cr_assert(eq(int, answer(st, &st->in[0], "welcome"), 1));
	back = net_hear(peer);
	cr_assert(eq(str, back.text, "welcome"));
	cr_assert(addr_equal(&back.from, &asked));
	cr_assert(eq(int, back.hops, 19));
	close(peer);
	close_station(st);
}

Test(udp, sizes_from_nothing_to_the_longest_come_whole)
{
	static const size_t sizes[] = {0, 1, 1472, 1473, 9000, 65506, 65507};
	struct station *st = open_station("127.0.0.1", 0);
	int peer = net_peer("127.0.0.1", 0);
	char *bytes = script_bytes(65507);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		net_send(peer, &st->own, bytes, sizes[i]);
		take(st);
		cr_expect(eq(sz, st->in[0].len, sizes[i]));
		cr_expect(eq(int, memcmp(st->in[0].data, bytes, sizes[i]), 0));
		cr_expect(not(st->in[0].cut));
	}
	cr_assert(eq(sz, transport_udp.message_max, 65507));
	cr_assert(ge(sz, transport_udp.datagram_max, 65527), "over IPv6 there are longer ones");
	free(bytes);
	close(peer);
	close_station(st);
}

Test(udp, one_that_is_longer_than_its_room_is_reported_as_cut)
{
	struct station *st = open_station("127.0.0.1", 0);
	int peer = net_peer("127.0.0.1", 0);

	net_say(peer, &st->own, "12345");
	net_say(peer, &st->own, "123456");
	net_wait(st->socket.fd, POLLIN);
	cr_assert(eq(int, receive(st, 2, 5), 2));
	cr_assert(says(&st->in[0], "12345"));
	cr_assert(not(st->in[0].cut));
	cr_assert(st->in[1].cut);
	close(peer);
	close_station(st);
}

Test(udp, many_are_taken_at_once_in_their_order_each_with_its_sender)
{
	struct station *st = open_station("127.0.0.1", 0);
	int peers[2] = {net_peer("127.0.0.1", 0), net_peer("127.0.0.1", 0)};
	struct addr names[2] = {net_name(peers[0]), net_name(peers[1])};
	char text[20];

	for (int i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "%d", i);
		net_say(peers[i % 2], &st->own, text);
	}
	net_wait(st->socket.fd, POLLIN);
	for (int taken = 0, came; taken < MANY; taken += came) {
		came = receive(st, MANY, ROOM);
		cr_assert(eq(int, came, taken ? MANY - 64 : 64), "64 are the most");
		for (int i = 0; i < came; i++) {
			snprintf(text, sizeof(text), "%d", taken + i);
			cr_expect(says(&st->in[i], text));
			cr_expect(addr_equal(&st->in[i].peer, &names[(taken + i) % 2]));
		}
	}
	close(peers[0]);
	close(peers[1]);
	close_station(st);
}

Test(udp, nothing_to_take_is_no_failure)
{
	struct station *st = open_station("127.0.0.1", 0);

	cr_assert(eq(int, receive(st, MANY, ROOM), -1));
	cr_assert(eq(int, errno, EAGAIN));
	close_station(st);
}

/* ---- loops ---- */

Test(udp, the_ports_of_services_that_answer_anything_are_not_answered)
{
	static const uint16_t ports[] = {7, 13, 17, 19, 37};
	struct station *st;
	char word[20];

	net_of_our_own();
	st = open_station("127.0.0.1", 0);
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		int peer = net_peer("127.0.0.1", ports[i]);

		net_say(peer, &st->own, "x");
		snprintf(word, sizeof(word), "port %u ", ports[i]);
		cr_assert(ne(ptr, (void *)take(st)->forbidden, NULL), "%s", word);
		cr_expect(ne(ptr, strstr(st->in[0].forbidden, word), NULL));
		close(peer);
	}
	for (uint16_t port = 1; port < 60; port++) {
		int peer = net_peer("127.0.0.1", port);

		net_say(peer, &st->own, "x");
		cr_expect(eq(int, take(st)->forbidden != NULL,
			port == 7 || port == 13 || port == 17 || port == 19 || port == 37));
		close(peer);
	}
	close_station(st);
}

static void is_our_own(struct station *st, const char *to)
{
	struct addr at = station_at(st, to);

	net_say(st->socket.fd, &at, "x");
	cr_assert(ne(ptr, (void *)take(st)->forbidden, NULL), "%s", to);
	cr_expect(ne(ptr, strstr(st->in[0].forbidden, "our own address"), NULL));
	close_station(st);
}

Test(udp, our_own_address_is_not_answered)
{
	is_our_own(open_station("127.0.0.1", 0), "127.0.0.1");
	is_our_own(open_station("127.0.0.5", 0), "127.0.0.5");
	is_our_own(open_station("0.0.0.0", 0), "127.0.0.1");
	is_our_own(open_station("0.0.0.0", 0), "127.0.0.77");
	needs_ipv6();
	is_our_own(open_station("::1", 0), "::1");
	is_our_own(open_station("::", 0), "::1");
	is_our_own(open_station("::ffff:127.0.0.1", 0), "::ffff:127.0.0.1");
	is_our_own(open_station("::ffff:0.0.0.0", 0), "::ffff:127.0.0.9");
}

/* IPv6 lets none be sent, IPv4 one at least. */
static void hops_are_counted(const char *host, int level, int name, int fewest)
{
	static const int hops_left[] = {2, 3, 32, 63, 64, 65, 128, 255};
	struct station *st = open_station(host, 0);
	int peer = net_peer(host, 0), went;

	for (int hops = fewest; hops <= 1; hops++) {
		net_set(peer, level, name, hops);
		net_say(peer, &st->own, "x");
		cr_assert(ne(ptr, (void *)take(st)->forbidden, NULL));
		cr_assert(ne(ptr, strstr(st->in[0].forbidden, "hops are used up"), NULL));
		cr_assert(eq(int, st->in[0].onward_hops, -1));
	}
	for (size_t i = 0; i < sizeof(hops_left) / sizeof(hops_left[0]); i++) {
		net_set(peer, level, name, hops_left[i]);
		net_say(peer, &st->own, "x");
		cr_assert(eq(ptr, (void *)take(st)->forbidden, NULL));
		cr_assert(eq(int, st->in[0].onward_hops, hops_left[i] - 1));
		cr_assert(eq(int, answer(st, &st->in[0], "y"), 1));
		went = net_hear(peer).hops;
		cr_expect(eq(int, went, hops_left[i] < 64 ? hops_left[i] - 1 : 63));
	}
	close(peer);
	close_station(st);
}

Test(udp, each_answer_may_go_one_hop_less_and_with_none_left_there_is_none)
{
	hops_are_counted("127.0.0.1", IPPROTO_IP, IP_TTL, 1);
	needs_ipv6();
	hops_are_counted("::1", IPPROTO_IPV6, IPV6_UNICAST_HOPS, 0);
}

/* What a client sends goes as far as it may, and then as usual again. */
static void a_client_limits_hops(const char *host)
{
	static const int hops[] = {64, 17, 1, 0};
	struct station *st = open_station(host, 0);
	const struct dial_conf plain = {0};
	struct link link = link_of(&transport_udp, &st->to);
	const struct addr at = station_at(st, host);
	bool source_failed;
	size_t taken;

	cr_assert(eq(int, transport_udp.connect(&link, &at, &plain, &source_failed), IO_DONE));
	for (size_t i = 0; i < sizeof(hops) / sizeof(hops[0]); i++) {
		int onward = hops[i] == 1 ? -1 : hops[i] - 1;

		transport_udp.limit_hops(&link, hops[i]);
		transport_udp.write(&link, (struct span){(const uint8_t *)"x", 1}, &taken);
		cr_expect(eq(int, take(st)->onward_hops, hops[i] ? onward : 63));
	}
	link_close(&link);
	close_station(st);
}

Test(udp, what_a_client_sends_may_travel_so_many_hops)
{
	a_client_limits_hops("127.0.0.1");
	needs_ipv6();
	a_client_limits_hops("::1");
	a_client_limits_hops("::ffff:127.0.0.1");
}

/* Groups are asked with few hops, and answered with the usual number. */
static void group_is_answered(struct station *st, int peer, const char *group)
{
	struct addr at = station_at(st, group);
	struct came back;

	net_say(peer, &at, "x");
	cr_assert(eq(ptr, (void *)take(st)->forbidden, NULL), "%s", group);
	cr_assert(eq(int, answer(st, &st->in[0], "y"), 1), "%s", group);
	back = net_hear(peer);
	cr_assert(eq(str, back.text, "y"));
	cr_assert(eq(int, back.hops, 64));
	cr_assert(eq(int, st->in[0].onward_hops, 0));
	close(peer);
	close_station(st);
}

Test(udp, what_was_broadcast_is_answered_from_an_address_of_ours_and_with_the_usual_hops)
{
	struct station *st = open_station("0.0.0.0", 0);
	int peer = net_peer("127.0.0.1", 0);

	net_set(peer, SOL_SOCKET, SO_BROADCAST, 1);
	net_set(peer, IPPROTO_IP, IP_TTL, 1);
	group_is_answered(st, peer, "127.255.255.255");
}

Test(udp, what_was_broadcast_to_a_socket_of_just_that_address_is_answered_as_well)
{
	struct station *st = open_station("127.255.255.255", 0);
	int peer = net_peer("127.0.0.1", 0);

	net_set(peer, SOL_SOCKET, SO_BROADCAST, 1);
	net_set(peer, IPPROTO_IP, IP_TTL, 1);
	group_is_answered(st, peer, "127.255.255.255");
}

Test(udp, what_was_broadcast_to_an_ipv4_mapped_socket_is_answered_as_well)
{
	struct station *st;
	int peer = net_peer("127.0.0.1", 0);

	needs_ipv6();
	st = open_station("::ffff:0.0.0.0", 0);
	net_set(peer, SOL_SOCKET, SO_BROADCAST, 1);
	net_set(peer, IPPROTO_IP, IP_TTL, 1);
	group_is_answered(st, peer, "127.255.255.255");
}

Test(udp, what_was_sent_to_a_group_is_answered_with_the_usual_hops)
{
	struct station *st = open_station("0.0.0.0", 0);
	int peer = net_peer("127.0.0.1", 0);

	net_join_group(st->socket.fd, "239.1.2.3");
	net_join_group(peer, NULL);
	net_set(peer, IPPROTO_IP, IP_MULTICAST_TTL, 1);
	group_is_answered(st, peer, "239.1.2.3");
}

/* All addresses, and a peer behind an interface that has one of its own. */
static struct station *open_beside_tunnel(int *peer)
{
	struct station *st;
	int tunnel;

	needs_ipv6();
	net_of_our_own();
	tunnel = net_tunnel();
	*peer = net_peer("fe80::77%tunnel", 0);
	st = open_station("::", 0);
	st->tunnel = tunnel;
	return st;
}

Test(udp, over_ipv6_groups_are_answered_with_the_usual_hops)
{
	int peer;
	struct station *st = open_beside_tunnel(&peer);

	net_join_group(st->socket.fd, "ff02::7%tunnel");
	net_set(peer, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1);
	group_is_answered(st, peer, "ff02::7%tunnel");
}

Test(udp, a_link_local_address_of_ours_is_one_on_its_interface)
{
	int peer;
	struct station *st = open_beside_tunnel(&peer);
	struct addr asked = station_at(st, "fe80::77%tunnel");
	struct came back;

	net_say(peer, &asked, "hello");
	cr_assert(addr_equal(&take(st)->local, &asked), "%s", addr_text(&st->in[0].local).text);
	cr_assert(eq(int, answer(st, &st->in[0], "welcome"), 1));
	back = net_hear(peer);
	cr_assert(addr_equal(&back.from, &asked));
	close(peer);
	close_station(st);
}

/* ---- what goes out ---- */

Test(udp, several_answers_go_in_one_call_up_to_the_first_that_is_refused)
{
	struct station *st = open_station("127.0.0.1", 0);
	int peer = net_peer("127.0.0.1", 0);
	char *bytes = script_bytes(65508);
	struct datagram out[MANY];
	struct came back;

	for (size_t i = 0; i < MANY; i++)
		out[i] = (struct datagram){
			.peer = net_name(peer), .data = (uint8_t *)bytes, .len = i};
	cr_assert(eq(int, transport_udp.send(&st->to, st->socket.fd, out, MANY), 64));
	for (size_t i = 0; i < 64; i++) {
		back = net_hear(peer);
		cr_assert(eq(sz, back.len, i));
	}
	out[2].len = 65508;
	cr_assert(eq(int, transport_udp.send(&st->to, st->socket.fd, out, 5), 2));
	cr_assert(eq(int, transport_udp.send(&st->to, st->socket.fd, out + 2, 3), -1));
	cr_assert(eq(int, errno, EMSGSIZE));
	free(bytes);
	close(peer);
	close_station(st);
}

static void refusal_is_told(const char *host, const char *peer_host)
{
	struct station *st = open_station(host, 0);
	int gone = net_peer(peer_host, 0);
	struct addr there = net_name(gone), peer;
	struct datagram out = {.peer = there, .data = st->rooms, .len = 1};

	close(gone);
	cr_assert(eq(int, transport_udp.failure(&st->to, st->socket.fd, &peer), 0));
	cr_assert(eq(int, transport_udp.send(&st->to, st->socket.fd, &out, 1), 1));
	net_wait(st->socket.fd, POLLERR);
	cr_assert(eq(int, transport_udp.failure(&st->to, st->socket.fd, &peer), ECONNREFUSED));
	cr_assert(addr_equal(&peer, &there), "%s", addr_text(&peer).text);
	cr_assert(eq(int, memcmp(&peer.room, &there.room, there.len), 0), "to the last byte");
	cr_assert(eq(int, transport_udp.failure(&st->to, st->socket.fd, &peer), 0), "and once");
	close_station(st);
}

Test(udp, a_refusal_is_reported_later_with_the_peer_that_it_is_about)
{
	refusal_is_told("127.0.0.1", "127.0.0.1");
	refusal_is_told("0.0.0.0", "127.0.0.4");
	needs_ipv6();
	refusal_is_told("::1", "::1");
	refusal_is_told("::ffff:127.0.0.1", "::ffff:127.0.0.1");
}

/* ---- sockets ---- */

Test(udp, a_second_server_on_a_port_is_refused)
{
	struct station *st = open_station("127.0.0.1", 0);
	const struct listen_conf conf = {0};
	struct listening second;
	struct err err;

	cr_assert(eq(int, transport_udp.listen(&st->to, &st->own, &conf, &second, &err), IO_FAIL));
	cr_assert(eq(int, err.kind, ERR_LISTEN));
	cr_assert(eq(int, err.sys, EADDRINUSE));
	advise(&err);
	cr_assert(strstr(err.hint, "-p 0") != NULL);
	close_station(st);
}

Test(udp, a_server_has_room_for_a_burst_and_counts_what_there_was_none_for)
{
	struct station *st = open_station("127.0.0.1", 0), *small;
	int peer = net_peer("127.0.0.1", 0);

	cr_assert(eq(u32, transport_udp.missed(&st->to, st->socket.fd), 0));
	cr_assert(ge(int, net_get(st->socket.fd, SOL_SOCKET, SO_RCVBUF), 200000));
	small = open_station("127.0.0.1", 0);
	net_set(small->socket.fd, SOL_SOCKET, SO_RCVBUF, 1);
	for (int i = 0; i < 50; i++)
		net_say(peer, &small->own, "a datagram");
	cr_assert(gt(u32, transport_udp.missed(&small->to, small->socket.fd), 0));
	cr_assert(lt(u32, transport_udp.missed(&small->to, small->socket.fd), 50));
	cr_assert(eq(u32, transport_udp.missed(&st->to, st->socket.fd), 0));
	close(peer);
	close_station(small);
	close_station(st);
}
