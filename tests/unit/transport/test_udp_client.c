#include <errno.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "cmd/advice.h"
#include "net.h"
#include "peer.h"
#include "script.h"
#include "transport/udp.h"

/* A client's socket, which has one peer. A server's: test_udp.c. */
TestSuite(udp_client, .timeout = 20);

struct client {
	struct reporter to;
	struct link link;
	struct addr own, at;
	int peer; /* the server's socket; -1: there is none */
	uint8_t room[65536];
	size_t got;
};

static enum io dial(struct client *c, const struct addr *source)
{
	const struct dial_conf conf = {.source = source ? *source : (struct addr){0}};
	bool source_failed = true;
	enum io verdict;

	c->to = silent_reporter();
	c->link = link_of(&transport_udp, &c->to);
	verdict = transport_udp.connect(&c->link, &c->at, &conf, &source_failed);
	if (verdict == IO_DONE)
		c->own = net_name(c->link.fd);
	else
		cr_assert(eq(int, c->link.fd, -1), "what failed is closed");
	cr_assert(eq(int, source_failed, verdict == IO_FAIL && c->link.error == EADDRNOTAVAIL));
	return verdict;
}

static struct client *begin(const char *host)
{
	struct client *c = calloc(1, sizeof(*c));

	c->peer = net_peer(host, 0);
	c->at = net_name(c->peer);
	cr_assert(eq(int, dial(c, NULL), IO_DONE));
	return c;
}

static void end(struct client *c)
{
	cr_assert(eq(int, transport_udp.close(&c->link), 0));
	if (c->peer >= 0)
		close(c->peer);
	free(c);
}

/* The server goes away, so that nothing listens at its port. */
static void lose_peer(struct client *c)
{
	close(c->peer);
	c->peer = -1;
}

static enum io read_once(struct client *c)
{
	c->got = 0;
	return transport_udp.read(&c->link, c->room, sizeof(c->room), &c->got);
}

static enum io write_text(struct client *c, const char *text)
{
	size_t taken = 0;
	enum io verdict = transport_udp.write(&c->link, span_of(text), &taken);

	if (verdict == IO_DONE)
		cr_assert(eq(sz, taken, strlen(text)));
	return verdict;
}

/* ---- datagrams ---- */

Test(udp_client, each_write_is_a_datagram_and_each_datagram_a_read)
{
	struct client *c = begin("127.0.0.1");

	cr_assert(eq(int, read_once(c), IO_AGAIN));
	cr_assert(eq(int, write_text(c, "one"), IO_DONE));
	cr_assert(eq(int, write_text(c, ""), IO_DONE));
	cr_assert(eq(str, net_hear(c->peer).text, "one"));
	cr_assert(eq(sz, net_hear(c->peer).len, 0));
	net_say(c->peer, &c->own, "");
	net_say(c->peer, &c->own, "answer");
	net_wait(c->link.fd, POLLIN);
	cr_assert(eq(int, read_once(c), IO_DONE), "an empty one is no end");
	cr_assert(eq(sz, c->got, 0));
	cr_assert(eq(int, read_once(c), IO_DONE));
	cr_assert(eq(sz, c->got, 6));
	cr_assert(eq(int, transport_udp.unsent(&c->link), 0));
	cr_assert(eq(u32, transport_udp.missed(&c->to, c->link.fd), 0));
	cr_assert(eq(int, transport_udp.pending(&c->link), 0));
	end(c);
}

Test(udp_client, over_ipv6_it_is_the_same)
{
	struct client *c;

	needs_ipv6();
	c = begin("::1");
	cr_assert(eq(int, write_text(c, "one"), IO_DONE));
	cr_assert(eq(str, net_hear(c->peer).text, "one"));
	net_say(c->peer, &c->own, "answer");
	net_wait(c->link.fd, POLLIN);
	cr_assert(eq(int, read_once(c), IO_DONE));
	lose_peer(c);
	cr_assert(eq(int, write_text(c, "two"), IO_DONE));
	net_wait(c->link.fd, POLLERR);
	cr_assert(eq(int, read_once(c), IO_FAIL));
	cr_assert(eq(int, c->link.error, ECONNREFUSED));
	end(c);
}

Test(udp_client, hears_only_its_peer)
{
	struct client *c = begin("127.0.0.1");
	int stranger = net_peer("127.0.0.1", 0);

	sendto(stranger, "x", 1, 0, &c->own.sa, c->own.len);
	net_say(c->peer, &c->own, "answer");
	net_wait(c->link.fd, POLLIN);
	cr_assert(eq(int, read_once(c), IO_DONE));
	cr_assert(eq(sz, c->got, 6));
	close(stranger);
	end(c);
}

Test(udp_client, one_that_is_too_long_is_refused_and_the_next_goes)
{
	struct client *c = begin("127.0.0.1");
	char *bytes = script_bytes(65508);
	struct span out = {(const uint8_t *)bytes, 65508};
	size_t taken = 0;

	cr_assert(eq(int, transport_udp.write(&c->link, out, &taken), IO_FAIL));
	cr_assert(eq(int, c->link.error, EMSGSIZE));
	out.len = 65507;
	cr_assert(eq(int, transport_udp.write(&c->link, out, &taken), IO_DONE));
	cr_assert(eq(sz, taken, 65507));
	cr_assert(eq(sz, net_hear(c->peer).len, 65507));
	free(bytes);
	end(c);
}

Test(udp_client, one_that_there_is_no_room_for_is_not_taken_for_a_shorter_one)
{
	struct client *c = begin("127.0.0.1");

	net_say(c->peer, &c->own, "answer");
	net_wait(c->link.fd, POLLIN);
	cr_assert(eq(int, transport_udp.read(&c->link, c->room, 5, &c->got), IO_FAIL));
	cr_assert(eq(int, c->link.error, EOVERFLOW));
	end(c);
}

Test(udp_client, what_came_too_fast_is_counted)
{
	struct client *c = begin("127.0.0.1");

	net_set(c->link.fd, SOL_SOCKET, SO_RCVBUF, 1);
	for (int i = 0; i < 50; i++)
		net_say(c->peer, &c->own, "a datagram");
	cr_assert(gt(u32, transport_udp.missed(&c->to, c->link.fd), 0));
	end(c);
}

/* ---- refusals ---- */

/* Send something to a port without a server, and wait for the answer to that. */
static struct client *refused_client(void)
{
	struct client *c = begin("127.0.0.1");

	lose_peer(c);
	cr_assert(eq(int, write_text(c, "anybody?"), IO_DONE), "the kernel took it");
	net_wait(c->link.fd, POLLERR);
	return c;
}

static void hears_nothing_more(struct client *c)
{
	struct pollfd one = {.fd = c->link.fd, .events = POLLIN};

	cr_assert(eq(int, read_once(c), IO_AGAIN));
	cr_assert(eq(int, poll(&one, 1, 0), 0), "or the loop would spin");
}

Test(udp_client, a_refusal_is_reported_by_the_next_read_and_once)
{
	struct client *c = refused_client();

	cr_assert(eq(int, read_once(c), IO_FAIL));
	cr_assert(eq(int, c->link.error, ECONNREFUSED));
	hears_nothing_more(c);
	end(c);
}

Test(udp_client, a_refusal_is_reported_by_the_next_write_and_once)
{
	struct client *c = refused_client();

	cr_assert(eq(int, write_text(c, "really?"), IO_FAIL));
	cr_assert(eq(int, c->link.error, ECONNREFUSED));
	hears_nothing_more(c);
	end(c);
}

Test(udp_client, a_refusal_can_be_asked_for_without_reading)
{
	struct client *c = refused_client();

	cr_assert(eq(int, transport_udp.pending(&c->link), ECONNREFUSED));
	cr_assert(eq(int, transport_udp.pending(&c->link), 0));
	cr_assert(eq(int, read_once(c), IO_FAIL), "reading tells it all the same");
	cr_assert(eq(int, c->link.error, ECONNREFUSED));
	hears_nothing_more(c);
	end(c);
}

Test(udp_client, many_refusals_are_one)
{
	struct client *c = begin("127.0.0.1");

	lose_peer(c);
	for (int i = 0; i < 10; i++)
		send(c->link.fd, "x", 1, 0); /* every other one tells of the one before */
	net_wait(c->link.fd, POLLERR);
	transport_udp.pending(&c->link);
	cr_assert(eq(int, read_once(c), IO_FAIL));
	hears_nothing_more(c);
	end(c);
}

/* ---- a path that takes less ---- */

static uint16_t sum(const void *data, size_t len)
{
	const uint16_t *words = data;
	uint32_t all = 0;

	for (size_t i = 0; i < len / 2; i++)
		all += words[i];
	all = (all & 0xffff) + (all >> 16);
	return (uint16_t) ~(all + (all >> 16));
}

/* As a router would: what c sent to its peer needed to be cut, but must not be. */
static void path_takes_less(struct client *c)
{
	struct {
		struct icmphdr icmp;
		struct iphdr ip;
		struct udphdr udp;
	} told = {.icmp = {.type = ICMP_DEST_UNREACH, .code = ICMP_FRAG_NEEDED},
		.ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP}};
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);

	if (fd < 0)
		cr_skip_test("no raw sockets here");
	told.icmp.un.frag.mtu = htons(1000);
	told.ip.saddr = c->own.in.sin_addr.s_addr;
	told.ip.daddr = c->at.in.sin_addr.s_addr;
	told.udp.source = c->own.in.sin_port;
	told.udp.dest = c->at.in.sin_port;
	told.icmp.checksum = sum(&told, sizeof(told));
	cr_assert(eq(i64, sendto(fd, &told, sizeof(told), 0, &c->own.sa, c->own.len),
		(int64_t)sizeof(told)));
	close(fd);
	net_wait(c->link.fd, POLLERR);
}

Test(udp_client, that_the_path_takes_less_is_no_failure_of_what_is_sent_next)
{
	struct client *c;

	net_of_our_own();
	c = begin("127.0.0.1");
	path_takes_less(c);
	cr_assert(eq(int, write_text(c, "next"), IO_DONE));
	cr_assert(eq(str, net_hear(c->peer).text, "next"));
	hears_nothing_more(c);
	end(c);
}

Test(udp_client, that_the_path_takes_less_is_no_failure_of_reading)
{
	struct client *c;

	net_of_our_own();
	c = begin("127.0.0.1");
	path_takes_less(c);
	cr_assert(eq(int, read_once(c), IO_AGAIN));
	hears_nothing_more(c);
	path_takes_less(c);
	cr_assert(eq(int, transport_udp.pending(&c->link), 0));
	hears_nothing_more(c);
	end(c);
}

Test(udp_client, a_path_that_takes_less_hides_no_refusal)
{
	struct client *c;

	net_of_our_own();
	c = refused_client();
	path_takes_less(c);
	cr_assert(eq(int, read_once(c), IO_FAIL));
	cr_assert(eq(int, c->link.error, ECONNREFUSED));
	end(c);
}

/* ---- connecting ---- */

Test(udp_client, connects_from_the_source_that_was_asked_for)
{
	struct client *c = calloc(1, sizeof(*c));
	struct addr source = net_addr("127.0.0.9", 0);

	c->peer = net_peer("127.0.0.1", 0);
	c->at = net_name(c->peer);
	cr_assert(eq(int, dial(c, &source), IO_DONE));
	addr_set_port(&c->own, 0);
	cr_assert(addr_equal(&c->own, &source));
	end(c);
}

Test(udp_client, a_source_that_is_not_ours_is_a_failure_of_its_own)
{
	struct client c = {.at = net_addr("127.0.0.1", 9)};
	struct addr source = net_addr("203.0.113.1", 0);
	unsigned before = open_descriptors();

	cr_assert(eq(int, dial(&c, &source), IO_FAIL));
	cr_assert(eq(int, c.link.error, EADDRNOTAVAIL));
	cr_assert(eq(uint, open_descriptors(), before));
}

Test(udp_client, meeting_oneself_is_being_refused)
{
	struct client c = {.peer = net_peer("127.0.0.1", 0)};

	c.at = net_name(c.peer);
	close(c.peer);
	cr_assert(eq(int, dial(&c, &c.at), IO_FAIL));
	cr_assert(eq(int, c.link.error, ECONNREFUSED));
}

static struct err advice(const char *host, int error)
{
	struct reporter to = silent_reporter();
	const struct addr at = net_addr(host, 4711);
	struct err err = {0};

	transport_udp.advise(&to, &err, error, &at);
	advise(&err);
	return err;
}

static const char *const to_many[] = {
	"127.255.255.255", "255.255.255.255", "239.255.77.7", "::ffff:239.255.77.7", "ff05::7"};

Test(udp_client, awaits_no_answer_from_a_group_or_from_all)
{
	needs_ipv6();
	for (size_t i = 0; i < sizeof(to_many) / sizeof(to_many[0]); i++) {
		struct client c = {.at = net_addr(to_many[i], 4711)};
		struct err why;

		cr_assert(eq(int, dial(&c, NULL), IO_FAIL));
		cr_assert(ne(ptr, (void *)link_story(&c.link), NULL));
		why = *link_story(&c.link);
		cr_expect(eq(int, why.kind, ERR_USAGE), "%s", to_many[i]);
		cr_expect(strstr(why.what, ": no answer comes from it") != NULL, "%s", why.what);
		advise(&why);
		cr_expect(strstr(why.hint, "--send-only") != NULL, "%s", why.hint);
		link_forget(&c.link);
	}
}

Test(udp_client, sends_to_all_where_no_answer_is_awaited)
{
	struct reporter to = silent_reporter();
	const struct dial_conf none = {0};
	int peer = net_peer("127.255.255.255", 0);
	const struct addr at = net_name(peer);
	struct link link = link_of(&transport_udp, &to);
	bool source_failed;
	size_t taken;
	char got[10];

	link.one_way = true;
	cr_assert(eq(int, transport_udp.connect(&link, &at, &none, &source_failed), IO_DONE));
	cr_assert(eq(int, transport_udp.write(&link, span_of("hi"), &taken), IO_DONE));
	cr_assert(eq(int, (int)recv(peer, got, sizeof(got), 0), 2));
	transport_udp.close(&link);
	close(peer);
}

Test(udp_client, what_to_do_about_a_failure_is_said)
{
	cr_assert(strstr(advice("127.0.0.1", ECONNREFUSED).hint, "sockx serve -u -p 4711") != NULL);
	cr_assert(strstr(advice("192.0.2.1", ECONNREFUSED).hint, "serve") == NULL);
	cr_assert(strstr(advice("127.0.0.1", EHOSTUNREACH).hint, "ip route get") != NULL);
}
