#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "directory.h"
#include "net.h"
#include "peer.h"
#include "script.h"
#include "transport/options.h"
#include "transport/tcp.h"
#include "transport/udp.h"
#include "transport/unix.h"

/* What a user asks of sockets, and what the kernel then says of them. */
TestSuite(options, .timeout = 20);

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Values that no socket has by itself. */
static const struct socket_options all = {.ttl = 42,
	.receive_max = 9000,
	.send_max = 7000,
	.keepalive_ms = 60000,
	.dscp = "af21",
	.interface = "lo"};

/* One that the kernel says of a socket: of a size, what it allows for it. */
struct fact_of_socket {
	int level, option, value;
};

static const struct fact_of_socket buffers[] = {
	{SOL_SOCKET, SO_RCVBUF, 18000}, {SOL_SOCKET, SO_SNDBUF, 14000}};
static const struct fact_of_socket ipv4[] = {{IPPROTO_IP, IP_TTL, 42}, {IPPROTO_IP, IP_TOS, 72}};
static const struct fact_of_socket ipv6[] = {
	{IPPROTO_IPV6, IPV6_UNICAST_HOPS, 42}, {IPPROTO_IPV6, IPV6_TCLASS, 72}};
static const struct fact_of_socket probes[] = {{SOL_SOCKET, SO_KEEPALIVE, 1},
	{IPPROTO_TCP, TCP_KEEPIDLE, 30}, {IPPROTO_TCP, TCP_KEEPINTVL, 10},
	{IPPROTO_TCP, TCP_KEEPCNT, 3}};

static void are_true(int fd, const struct fact_of_socket *facts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		cr_expect(eq(int, net_get(fd, facts[i].level, facts[i].option), facts[i].value),
			"level %d, option %d", facts[i].level, facts[i].option);
}

static void is_bound_to(int fd, const char *interface)
{
	char name[IF_NAMESIZE] = "";
	socklen_t len = sizeof(name);

	cr_assert(eq(int, getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &len), 0));
	cr_expect(eq(str, name, (char *)interface));
}

static void has_all(int fd, int family, const struct transport *via)
{
	are_true(fd, buffers, COUNT(buffers));
	if (family == AF_INET)
		are_true(fd, ipv4, COUNT(ipv4));
	else
		are_true(fd, ipv6, COUNT(ipv6));
	if (via == &transport_tcp)
		are_true(fd, probes, COUNT(probes));
	is_bound_to(fd, "lo");
}

static struct listening listen_with(struct reporter *to, const struct transport *via,
	const struct addr *at, const struct socket_options *options)
{
	const struct listen_conf conf = {.backlog = 5, .permissions = 0600, .options = options};
	struct listening out;
	struct err err = {0};

	cr_assert(eq(int, via->listen(to, at, &conf, &out, &err), IO_DONE), "%s", err.what);
	return out;
}

/* A link that is connected, or about to be. */
static struct link dial(struct reporter *to, const struct transport *via, const struct addr *at,
	const struct socket_options *options)
{
	const struct dial_conf conf = {.options = options};
	struct link link = link_of(via, to);
	bool source_failed;

	cr_assert(ne(int, via->connect(&link, at, &conf, &source_failed), IO_FAIL), "%s",
		strerror(link.error));
	return link;
}

static void family_has_all(const struct transport *via, int family)
{
	const struct addr any = addr_loopback(family, 0);
	struct reporter to = silent_reporter();
	struct listening server = listen_with(&to, via, &any, &all);
	const struct addr at = net_name(server.fd);
	struct link client = dial(&to, via, &at, &all);

	has_all(server.fd, family, via);
	has_all(client.fd, family, via);
	via->close(&client);
	via->unlisten(&to, &server);
}

Test(options, servers_and_clients_have_what_was_asked_for)
{
	family_has_all(&transport_tcp, AF_INET);
	family_has_all(&transport_udp, AF_INET);
}

Test(options, ipv6_has_its_own)
{
	needs_ipv6();
	family_has_all(&transport_tcp, AF_INET6);
	family_has_all(&transport_udp, AF_INET6);
}

static void accepted_has_all(int family)
{
	const struct addr any = addr_loopback(family, 0);
	struct reporter to = silent_reporter();
	struct listening server = listen_with(&to, &transport_tcp, &any, &all);
	const struct addr at = net_name(server.fd);
	struct link accepted = link_of(&transport_tcp, &to);
	struct addr from;
	struct peer p;

	peer_connect(&p, &at);
	net_wait(server.fd, POLLIN);
	cr_assert(eq(int, transport_tcp.accept(&to, &server, &accepted, &from), IO_DONE));
	has_all(accepted.fd, family, &transport_tcp);
	transport_tcp.close(&accepted);
	transport_tcp.unlisten(&to, &server);
	peer_leave(&p);
}

Test(options, what_tcp_accepts_has_them_from_its_listener)
{
	accepted_has_all(AF_INET);
	needs_ipv6();
	accepted_has_all(AF_INET6);
}

Test(options, an_ipv4_mapped_address_has_those_of_both)
{
	const struct addr any = net_addr("::ffff:127.0.0.1", 0);
	struct reporter to = silent_reporter();
	struct listening server;

	needs_ipv6();
	server = listen_with(&to, &transport_udp, &any, &all);
	are_true(server.fd, ipv4, COUNT(ipv4));
	are_true(server.fd, ipv6, COUNT(ipv6));
	transport_udp.unlisten(&to, &server);
}

Test(options, datagrams_to_a_group_travel_as_far_as_was_asked)
{
	const struct socket_options far = {.ttl = 7, .keepalive_ms = -1};
	const struct dial_conf conf = {.options = &far};
	const struct addr group = net_addr("239.1.2.3", 9);
	struct reporter to = silent_reporter();
	struct link link = link_of(&transport_udp, &to);
	bool source_failed;

	link.one_way = true;
	if (transport_udp.connect(&link, &group, &conf, &source_failed) != IO_DONE)
		cr_skip_test("no route to groups here");
	cr_expect(eq(int, net_get(link.fd, IPPROTO_IP, IP_MULTICAST_TTL), 7));
	transport_udp.close(&link);
}

Test(options, with_none_the_socket_is_as_usual)
{
	const struct socket_options none = SOCKET_OPTIONS_NONE;
	const struct addr any = addr_loopback(AF_INET, 0);
	struct reporter to = silent_reporter();
	struct listening with = listen_with(&to, &transport_tcp, &any, &none);
	struct listening without = listen_with(&to, &transport_tcp, &any, NULL);
	static const int options[][2] = {{IPPROTO_IP, IP_TTL}, {IPPROTO_IP, IP_TOS},
		{SOL_SOCKET, SO_RCVBUF}, {SOL_SOCKET, SO_SNDBUF}, {SOL_SOCKET, SO_KEEPALIVE},
		{IPPROTO_TCP, TCP_KEEPIDLE}};

	for (size_t i = 0; i < COUNT(options); i++)
		cr_expect(eq(int, net_get(with.fd, options[i][0], options[i][1]),
			net_get(without.fd, options[i][0], options[i][1])));
	transport_tcp.unlisten(&to, &with);
	transport_tcp.unlisten(&to, &without);
}

/* ---- Unix sockets ---- */

Test(options, unix_sockets_have_a_send_buffer_and_so_has_what_they_accept, .init = directory_enter,
	.fini = directory_leave)
{
	static const struct transport *const ways[] = {
		&transport_unix, &transport_unix_seqpacket, &transport_unix_datagram};
	const struct socket_options sized = {.send_max = 7000, .keepalive_ms = -1};
	const struct addr at = unix_addr("at");
	struct reporter to = silent_reporter();

	for (size_t i = 0; i < COUNT(ways); i++) {
		struct listening server = listen_with(&to, ways[i], &at, &sized);
		struct link client = dial(&to, ways[i], &at, &sized), accepted;
		struct addr from;

		cr_expect(eq(int, net_get(server.fd, SOL_SOCKET, SO_SNDBUF), 14000));
		cr_expect(eq(int, net_get(client.fd, SOL_SOCKET, SO_SNDBUF), 14000));
		if (ways[i]->accept) {
			accepted = link_of(ways[i], &to);
			cr_assert(
				eq(int, ways[i]->accept(&to, &server, &accepted, &from), IO_DONE));
			cr_expect(eq(int, net_get(accepted.fd, SOL_SOCKET, SO_SNDBUF), 14000));
			link_close(&accepted);
		}
		link_close(&client);
		ways[i]->unlisten(&to, &server);
	}
}

/* ---- values ---- */

static int dscp_of_socket(const char *typed)
{
	const struct socket_options o = {.dscp = typed, .keepalive_ms = -1};
	const struct addr any = addr_loopback(AF_INET, 0);
	struct reporter to = silent_reporter();
	struct listening server = listen_with(&to, &transport_udp, &any, &o);
	int tos = net_get(server.fd, IPPROTO_IP, IP_TOS);

	transport_udp.unlisten(&to, &server);
	return tos;
}

Test(options, a_dscp_has_a_name_or_is_a_number)
{
	static const struct {
		const char *typed;
		int number;
	} cases[] = {{"cs0", 0}, {"cs1", 8}, {"cs7", 56}, {"af11", 10}, {"af13", 14}, {"af43", 38},
		{"ef", 46}, {"le", 1}, {"va", 44}, {"0", 0}, {"46", 46}, {"63", 63}};

	for (size_t i = 0; i < COUNT(cases); i++)
		cr_expect(eq(int, dscp_of_socket(cases[i].typed), cases[i].number << 2), "%s",
			cases[i].typed);
}

/* The time after which a peer that answers nothing is given up: tcp(7). */
static int patience_s(int64_t ms)
{
	const struct socket_options o = {.keepalive_ms = ms};
	const struct addr any = addr_loopback(AF_INET, 0);
	struct reporter to = silent_reporter();
	struct listening server = listen_with(&to, &transport_tcp, &any, &o);
	int on = net_get(server.fd, SOL_SOCKET, SO_KEEPALIVE);
	int s = net_get(server.fd, IPPROTO_TCP, TCP_KEEPIDLE) +
	        net_get(server.fd, IPPROTO_TCP, TCP_KEEPINTVL) *
	                net_get(server.fd, IPPROTO_TCP, TCP_KEEPCNT);

	transport_tcp.unlisten(&to, &server);
	return on ? s : 0;
}

Test(options, a_dead_peer_is_found_in_the_time_that_was_asked_for)
{
	static const struct {
		int64_t ms;
		int s;
	} cases[] = {{0, 0}, {1, 2}, {1000, 2}, {2000, 2}, {2001, 3}, {3000, 3}, {4000, 4},
		{5000, 5}, {10000, 10}, {61000, 61}, {7200000, 7200}, {64800000, 64800}};

	for (size_t i = 0; i < COUNT(cases); i++)
		cr_expect(eq(int, patience_s(cases[i].ms), cases[i].s), "%d ms", (int)cases[i].ms);
}

/* ---- what cannot be ---- */

Test(options, one_that_means_nothing_to_the_socket_is_a_usage_error)
{
	static const struct {
		struct socket_options options;
		const struct transport *via;
		const char *says; /* NULL: it is fine */
	} cases[] = {
		{{.ttl = 5, .keepalive_ms = -1}, &transport_unix, "'--ttl' is for TCP and UDP"},
		{{.dscp = "ef", .keepalive_ms = -1}, &transport_unix_datagram,
			"'--dscp' is for TCP and UDP"},
		{{.receive_max = 5, .keepalive_ms = -1}, &transport_unix_seqpacket,
			"'--rcvbuf' is for TCP and UDP"},
		{{.interface = "lo", .keepalive_ms = -1}, &transport_unix,
			"'--interface' is for TCP and UDP"},
		{{.keepalive_ms = 0}, &transport_udp, "'--keepalive' is for TCP"},
		{{.keepalive_ms = 0}, &transport_unix, "'--keepalive' is for TCP"},
		{{.send_max = 5, .keepalive_ms = -1}, &transport_unix, NULL},
		{{.send_max = 5, .keepalive_ms = -1}, &transport_udp, NULL},
		{{.keepalive_ms = 64800000}, &transport_tcp, NULL},
		{{.keepalive_ms = 64800001}, &transport_tcp,
			"'--keepalive' is longer than the kernel can wait"},
		{{.dscp = "64", .keepalive_ms = -1}, &transport_tcp,
			"'64' is not a DSCP for '--dscp'"},
		{{.dscp = "af44", .keepalive_ms = -1}, &transport_tcp,
			"'af44' is not a DSCP for '--dscp'"},
		{{.dscp = "", .keepalive_ms = -1}, &transport_tcp, "'' is not a DSCP for '--dscp'"},
		{{.interface = "", .keepalive_ms = -1}, &transport_tcp,
			"'' is not an interface for '--interface'"},
		{{.interface = "sixteen-letters-", .keepalive_ms = -1}, &transport_tcp,
			"'sixteen-letters-' is not an interface for '--interface'"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err err = {0};
		int rc = socket_options_check(&cases[i].options, cases[i].via, &err);

		cr_expect(eq(int, rc, cases[i].says ? -1 : 0), "case %zu", i);
		if (!cases[i].says)
			continue;
		cr_expect(eq(str, err.what, (char *)cases[i].says));
		cr_expect(eq(int, err.kind, ERR_USAGE));
		cr_expect(err.hint[0] != '\0');
	}
}

static const struct socket_options nowhere = {.interface = "nosuch", .keepalive_ms = -1};

static void listening_names_the_interface(const struct transport *via)
{
	const struct listen_conf conf = {.options = &nowhere};
	const struct addr any = addr_loopback(AF_INET, 0);
	struct reporter to = silent_reporter();
	unsigned before = open_descriptors();
	struct listening out;
	struct err err = {0};

	cr_assert(eq(int, via->listen(&to, &any, &conf, &out, &err), IO_FAIL));
	cr_expect(eq(int, err.kind, ERR_LISTEN));
	cr_expect(eq(str, err.what,
		"cannot listen on 127.0.0.1:0: --interface 'nosuch': No such device"));
	cr_expect(eq(uint, open_descriptors(), before));
}

static void connecting_names_the_interface(const struct transport *via)
{
	const struct dial_conf conf = {.options = &nowhere};
	const struct addr at = addr_loopback(AF_INET, 9);
	struct reporter to = silent_reporter();
	unsigned before = open_descriptors();
	struct link link = link_of(via, &to);
	bool source_failed = true;

	cr_assert(eq(int, via->connect(&link, &at, &conf, &source_failed), IO_FAIL));
	cr_assert(link_story(&link) != NULL);
	cr_expect(eq(int, link_story(&link)->kind, ERR_RUNTIME));
	cr_expect(eq(str, (char *)link_story(&link)->what,
		"cannot connect to 127.0.0.1:9: --interface 'nosuch': No such device"));
	cr_expect(eq(int, link.error, ENODEV));
	cr_expect(not(source_failed));
	cr_expect(eq(uint, open_descriptors(), before));
	link_forget(&link);
}

Test(options, one_that_the_kernel_refuses_is_named)
{
	listening_names_the_interface(&transport_tcp);
	listening_names_the_interface(&transport_udp);
	connecting_names_the_interface(&transport_tcp);
	connecting_names_the_interface(&transport_udp);
}

/* ---- interfaces ---- */

Test(options, a_link_local_address_is_one_of_the_interface)
{
	const struct socket_options o = {.interface = "tunnel", .keepalive_ms = -1};
	const struct dial_conf usual = {0};
	const struct addr any = net_addr("fe80::77", 0);
	struct reporter to = silent_reporter();
	struct listening server;
	struct link link, other = link_of(&transport_udp, &to);
	bool source_failed;
	struct addr at;
	int tunnel;

	net_of_our_own();
	tunnel = net_tunnel();
	server = listen_with(&to, &transport_udp, &any, &o);
	at = net_name(server.fd);
	at.in6.sin6_scope_id = 0;
	link = dial(&to, &transport_udp, &at, &o);
	cr_expect(eq(int, transport_udp.connect(&other, &at, &usual, &source_failed), IO_FAIL),
		"no zone, and no interface");
	link_close(&link);
	transport_udp.unlisten(&to, &server);
	close(tunnel);
}

/* ---- buffers ---- */

/* Without the right to go past net.core's limits, which only root has. */
static void drop_rights(void)
{
	if (geteuid() == 0 && seteuid(65534) != 0)
		cr_skip_test("cannot be another user");
}

Test(options, a_buffer_that_the_system_cuts_is_an_error)
{
	const struct socket_options huge = {.receive_max = INT_MAX / 2, .keepalive_ms = -1};
	const struct listen_conf conf = {.options = &huge};
	const struct addr any = addr_loopback(AF_INET, 0);
	struct reporter to = silent_reporter();
	struct listening out;
	struct err err = {0};

	drop_rights();
	cr_assert(eq(int, transport_tcp.listen(&to, &any, &conf, &out, &err), IO_FAIL));
	cr_assert(eq(int, seteuid(getuid()), 0));
	cr_expect(strstr(err.what, ": --rcvbuf: the system allows ") != NULL, "%s", err.what);
	cr_expect(strstr(err.hint, "net.core.rmem_max") != NULL, "%s", err.hint);
	cr_expect(eq(int, err.kind, ERR_LISTEN));
}

Test(options, root_may_have_any_buffer, .init = directory_enter, .fini = directory_leave)
{
	const struct socket_options huge = {.send_max = 64 << 20, .keepalive_ms = -1};
	const struct addr at = unix_addr("at");
	struct reporter to = silent_reporter();
	struct listening server;

	if (geteuid() != 0)
		cr_skip_test("only root may go past the system's limits");
	server = listen_with(&to, &transport_unix, &at, &huge);
	cr_expect(eq(int, net_get(server.fd, SOL_SOCKET, SO_SNDBUF), 128 << 20));
	transport_unix.unlisten(&to, &server);
}

/* ---- how far a UDP server's answers go ---- */

/* What an answer may have left, to a request that came with so many hops. */
static int hops_of_answer(uint64_t ttl, int request)
{
	const struct socket_options o = {.ttl = ttl, .keepalive_ms = -1};
	const struct addr any = addr_loopback(AF_INET, 0);
	struct reporter to = silent_reporter();
	struct listening server = listen_with(&to, &transport_udp, &any, &o);
	const struct addr own = net_name(server.fd);
	int peer = net_peer("127.0.0.1", 0);
	uint8_t room[100];
	struct datagram one = {.data = room, .len = sizeof(room)};
	struct came answer;

	net_set(peer, IPPROTO_IP, IP_TTL, request);
	net_say(peer, &own, "hi");
	net_wait(server.fd, POLLIN);
	cr_assert(eq(int, transport_udp.receive(&to, &server, &own, &one, 1), 1));
	cr_assert(eq(int, transport_udp.send(&to, server.fd, &one, 1), 1));
	answer = net_hear(peer);
	close(peer);
	transport_udp.unlisten(&to, &server);
	return answer.hops;
}

Test(options, an_answer_travels_the_less_of_ttl_and_one_below_the_request)
{
	static const struct {
		uint64_t ttl;
		int request, answer;
	} cases[] = {{0, 64, 63}, {0, 255, 63}, {0, 10, 9}, {5, 64, 5}, {5, 6, 5}, {5, 5, 4},
		{5, 2, 1}, {63, 255, 63}, {64, 64, 63}, {64, 65, 64}, {200, 64, 63},
		{200, 255, 200}, {255, 255, 254}, {255, 100, 99}, {1, 64, 1}};

	for (size_t i = 0; i < COUNT(cases); i++)
		cr_expect(eq(int, hops_of_answer(cases[i].ttl, cases[i].request), cases[i].answer),
			"--ttl %d, %d", (int)cases[i].ttl, cases[i].request);
}
