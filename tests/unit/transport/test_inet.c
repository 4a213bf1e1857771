#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "check.h"
#include "cmd/advice.h"
#include "net.h"
#include "peer.h"
#include "script.h"
#include "transport/inet.h"

/* What TCP and UDP share. */
TestSuite(inet, .timeout = 20);

static sa_family_t prepared_family;

static void prepare(struct reporter *to, int fd, const struct addr *at)
{
	const struct addr unbound = net_name(fd);

	(void)to;
	cr_assert(eq(int, addr_port(&unbound), 0), "before it is bound");
	prepared_family = at->sa.sa_family;
}

static int bind_at(const char *host, uint16_t port, struct err *err)
{
	struct reporter to = silent_reporter();
	const struct addr at = net_addr(host, port);

	return inet_bind(&to, &at, SOCK_DGRAM, &(struct listen_conf){0}, prepare, err);
}

Test(inet, an_ipv6_socket_leaves_ipv4_alone_unless_that_is_what_it_is_for)
{
	static const struct {
		const char *host;
		int v6only;
	} cases[] = {{"::", 1}, {"::1", 1}, {"::ffff:127.0.0.1", 0}, {"::ffff:0.0.0.0", 0}};
	struct err err;

	needs_ipv6();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = bind_at(cases[i].host, 0, &err);

		cr_assert(ge(int, fd, 0), "%s: %s", cases[i].host, err.what);
		cr_expect(eq(int, net_get(fd, IPPROTO_IPV6, IPV6_V6ONLY), cases[i].v6only));
		cr_expect(eq(int, prepared_family, AF_INET6));
		close(fd);
	}
}

Test(inet, a_socket_that_cannot_be_bound_is_closed_and_reported)
{
	unsigned before = open_descriptors();
	struct err err = {0};

	cr_assert(eq(int, bind_at("203.0.113.1", 0, &err), -1));
	cr_assert(eq(int, err.kind, ERR_LISTEN));
	cr_assert(strstr(err.what, "cannot listen on 203.0.113.1:0: bind: ") != NULL);
	cr_assert(eq(uint, open_descriptors(), before));
}

Test(inet, a_socket_that_cannot_be_made_is_reported)
{
	struct rlimit before = allow_no_more_descriptors();
	struct err err = {0};
	int rc = bind_at("127.0.0.1", 0, &err);

	setrlimit(RLIMIT_NOFILE, &before);
	cr_assert(eq(int, rc, -1));
	cr_assert(eq(int, err.sys, EMFILE));
	cr_assert(strstr(err.what, "cannot listen on 127.0.0.1:0: socket: ") != NULL);
}

Test(inet, a_socket_that_cannot_be_made_connects_to_nothing)
{
	struct reporter to = silent_reporter();
	struct link link = {.to = &to, .fd = 77};
	const struct addr at = net_addr("127.0.0.1", 9);
	const struct dial_conf none = {0};
	struct rlimit before = allow_no_more_descriptors();
	bool source_failed = true;
	enum io verdict = inet_connect(&link, &at, &none, SOCK_DGRAM, prepare, &source_failed);

	setrlimit(RLIMIT_NOFILE, &before);
	cr_assert(eq(int, verdict, IO_FAIL));
	cr_assert(eq(int, link.error, EMFILE));
	cr_assert(eq(int, link.fd, -1));
	cr_assert(not(source_failed));
}

static struct err why_not(int error)
{
	const struct addr at = net_addr("127.0.0.1", 80);
	struct err err = {0};

	cr_assert(eq(int, inet_cannot_listen(&err, "bind", error, &at), -1));
	cr_assert(eq(int, err.sys, error));
	advise(&err);
	return err;
}

Test(inet, what_to_do_about_a_port_or_an_address_is_said)
{
	cr_assert(strstr(why_not(EADDRINUSE).hint, "another program has port 80") != NULL);
	cr_assert(strstr(why_not(EACCES).hint, "below 1024") != NULL);
	cr_assert(strstr(why_not(EADDRNOTAVAIL).hint, "-H") != NULL);
	cr_assert(eq(str, why_not(EIO).hint, ""));
}

static struct err advice(const char *host, int error)
{
	struct reporter to = silent_reporter();
	const struct addr at = net_addr(host, 4711);
	struct err err = {0};

	inet_advise(&to, &err, error, &at);
	advise(&err);
	return err;
}

Test(inet, what_to_do_about_a_server_is_said)
{
	cr_assert(strstr(advice("127.0.0.1", ECONNREFUSED).hint, "sockx serve -p 4711") != NULL);
	cr_assert(strstr(advice("127.0.0.1", ECONNRESET).hint, "gave it up") != NULL);
	cr_assert(strstr(advice("127.0.0.1", ENETUNREACH).hint, "ip route get") != NULL);
}

Test(inet, a_server_is_suggested_on_an_address_of_this_machine_alone)
{
	int tunnel;

	net_of_our_own();
	tunnel = net_tunnel();
	cr_expect(strstr(advice("::1", ECONNREFUSED).hint, "serve -p 4711") != NULL);
	cr_expect(strstr(advice("fe80::77%tunnel", ECONNREFUSED).hint, "serve -p 4711") != NULL);
	cr_expect(strstr(advice("::ffff:127.0.0.1", ECONNREFUSED).hint, "serve -p 4711") != NULL);
	cr_expect(strstr(advice("192.0.2.1", ECONNREFUSED).hint, "serve") == NULL);
	cr_expect(strstr(advice("192.0.2.1", ECONNREFUSED).hint,
			  "check the address, and port 4711") != NULL);
	cr_expect(strstr(advice("fe80::78%tunnel", ECONNREFUSED).hint, "serve") == NULL);
	close(tunnel);
}

Test(inet, a_socket_that_is_bound_where_it_connects_has_met_itself)
{
	struct reporter to = silent_reporter();
	struct link link = {.to = &to, .fd = net_peer("127.0.0.1", 0)};
	struct addr own = net_name(link.fd), other = own;

	cr_assert(inet_met_itself(&link, &own));
	addr_set_port(&other, (uint16_t)(addr_port(&own) ^ 1));
	cr_assert(not(inet_met_itself(&link, &other)));
	close(link.fd);
	cr_assert(not(inet_met_itself(&link, &own)), "nor has one that is none");
}

Test(inet, a_group_is_no_place_to_listen)
{
	static const char *const groups[] = {
		"224.0.0.1", "239.255.77.7", "::ffff:239.255.77.7", "ff02::1", "ff05::7"};

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		struct err err = {0};

		cr_expect(eq(int, bind_at(groups[i], 0, &err), -1));
		cr_expect(eq(int, err.kind, ERR_LISTEN));
		cr_expect(eq(int, err.fact, FACT_GROUP), "%s", groups[i]);
	}
}

Test(inet, datagrams_come_to_a_broadcast_address_and_streams_do_not)
{
	static const char *const all[] = {"127.255.255.255", "255.255.255.255"};
	struct reporter to = silent_reporter();

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const struct addr at = net_addr(all[i], 0);
		struct err err = {0};
		int fd = bind_at(all[i], 0, &err);

		cr_assert(ge(int, fd, 0), "%s", err.what);
		close(fd);
		cr_expect(eq(int,
			inet_bind(&to, &at, SOCK_STREAM, &(struct listen_conf){0}, prepare, &err),
			-1));
		cr_expect(eq(int, err.kind, ERR_LISTEN));
		cr_expect(strstr(err.what, "it is a broadcast address") != NULL, "%s", err.what);
	}
}

Test(inet, an_address_that_needs_its_interface_says_so)
{
	struct err err = {0};

	needs_ipv6();
	cr_assert(eq(int, bind_at("fe80::1", 0, &err), -1));
	cr_assert(strstr(err.hint, "needs its interface") != NULL, "%s", err.hint);
}

Test(inet, a_broadcast_address_is_not_one_of_ours_to_send_from)
{
	struct reporter to = silent_reporter();
	const struct addr at = net_addr("127.0.0.1", 9);
	const struct dial_conf conf = {.source = net_addr("127.255.255.255", 0)};
	struct link link = {.to = &to};
	bool source_failed = false;

	cr_assert(eq(int, inet_connect(&link, &at, &conf, SOCK_DGRAM, prepare, &source_failed),
		IO_FAIL));
	cr_assert(source_failed);
	cr_assert(eq(int, link.error, EADDRNOTAVAIL));
	cr_assert(eq(int, link.fd, -1));
}
