#include <stdio.h>

#include "check.h"
#include "core/peers.h"

TestSuite(peers, .timeout = 20);

static struct addr at(const char *host, uint16_t port)
{
	struct addr a;

	cr_assert(eq(int, addr_from_numeric(&a, AF_UNSPEC, host, port), 0));
	return a;
}

static int join(struct peers *p, const char *host, uint16_t port)
{
	const struct addr a = at(host, port);
	uint64_t refused = 0;

	return peers_join(p, &a, &refused);
}

static void leave(struct peers *p, const char *host, uint16_t port)
{
	const struct addr a = at(host, port);

	peers_leave(p, &a);
}

Test(peers, a_host_is_one_whatever_its_port_and_others_are_others)
{
	struct peers p;

	cr_assert(eq(int, peers_init(&p, 2), 0));
	cr_assert(eq(int, join(&p, "10.0.0.1", 1000), 0));
	cr_assert(eq(int, join(&p, "10.0.0.1", 1001), 0));
	cr_assert(eq(int, join(&p, "10.0.0.1", 1002), 1));
	cr_assert(eq(int, join(&p, "10.0.0.2", 1000), 0));
	leave(&p, "10.0.0.1", 1000);
	cr_assert(eq(int, join(&p, "10.0.0.1", 1003), 0));
	cr_assert(eq(int, join(&p, "10.0.0.1", 1004), 1));
	peers_free(&p);
}

Test(peers, an_ipv4_mapped_address_is_the_ipv4_address)
{
	struct peers p;

	cr_assert(eq(int, peers_init(&p, 1), 0));
	cr_assert(eq(int, join(&p, "::ffff:10.0.0.1", 5), 0));
	cr_assert(eq(int, join(&p, "10.0.0.1", 6), 1));
	leave(&p, "10.0.0.1", 5);
	cr_assert(eq(sz, p.hosts, 0));
	peers_free(&p);
}

Test(peers, ipv6_hosts_differ_by_all_of_their_address_and_by_its_zone)
{
	struct peers p;

	cr_assert(eq(int, peers_init(&p, 1), 0));
	cr_assert(eq(int, join(&p, "2001:db8::1", 5), 0));
	cr_assert(eq(int, join(&p, "2001:db8::1", 6), 1));
	cr_assert(eq(int, join(&p, "2001:db8::2", 5), 0));
	cr_assert(eq(int, join(&p, "fe80::1%1", 5), 0));
	cr_assert(eq(int, join(&p, "fe80::1%2", 5), 0));
	cr_assert(eq(int, join(&p, "fe80::1%2", 6), 1));
	peers_free(&p);
}

Test(peers, the_refused_ones_of_a_host_are_counted_as_long_as_it_has_clients)
{
	const struct addr a = at("10.0.0.1", 1);
	uint64_t refused = 0;
	struct peers p;

	cr_assert(eq(int, peers_init(&p, 1), 0));
	for (int round = 0; round < 2; round++) {
		cr_assert(eq(int, peers_join(&p, &a, &refused), 0));
		for (uint64_t i = 1; i <= 5; i++) {
			cr_assert(eq(int, peers_join(&p, &a, &refused), 1));
			cr_assert(eq(u64, refused, i));
		}
		peers_leave(&p, &a);
	}
	cr_assert(eq(sz, p.hosts, 0));
	peers_free(&p);
}

Test(peers, many_hosts_are_told_apart)
{
	enum { HOSTS = 5000 };
	struct peers p;
	char host[20];

	cr_assert(eq(int, peers_init(&p, 1), 0));
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < HOSTS; i++) {
			snprintf(host, sizeof(host), "10.0.%d.%d", i >> 8, i & 255);
			cr_assert(eq(int, join(&p, host, 1), round));
		}
	cr_assert(eq(sz, p.hosts, HOSTS));
	cr_assert(ge(sz, p.chain_count, HOSTS / 2), "the chains stay short");
	for (int i = 0; i < HOSTS; i++) {
		snprintf(host, sizeof(host), "10.0.%d.%d", i >> 8, i & 255);
		leave(&p, host, 2);
	}
	cr_assert(eq(sz, p.hosts, 0));
	peers_free(&p);
}

Test(peers, without_a_limit_nothing_is_counted)
{
	struct peers p;

	cr_assert(eq(int, peers_init(&p, 0), 0));
	for (int i = 0; i < 10; i++)
		cr_assert(eq(int, join(&p, "10.0.0.1", 1), 0));
	leave(&p, "10.0.0.1", 1);
	cr_assert(eq(sz, p.hosts, 0));
	peers_free(&p);
}
