#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "cmd/scan.h"
#include "peer.h"
#include "script.h"
#include "words.h"

TestSuite(cmd_scan, .timeout = 20);

static struct err refused(const char *const *words)
{
	struct reporter to = silent_reporter();
	static struct outcome o;

	run_with(words, "", &to, &o);
	cr_assert(eq(int, o.rc, -1));
	cr_expect(eq(int, o.err.kind, ERR_USAGE), "%s", o.err.what);
	cr_expect(o.err.hint[0] || o.err.fact, "%s", o.err.what);
	return o.err;
}

/* text, so many times, and a comma between them; the caller frees it. */
static char *list_of(const char *text, size_t times)
{
	char *list = calloc(times, strlen(text) + 1), *end = list;

	for (size_t i = 0; i < times; i++)
		end += sprintf(end, "%s%s", i ? "," : "", text);
	return list;
}

static void is_too_long(const char *text, size_t times, bool hosts, const char *why)
{
	char *list = list_of(text, times);
	struct err err = refused(hosts ? WORDS("connect", "-z", list, "22,80")
				       : WORDS("connect", "-z", "127.0.0.1", list));

	cr_expect(strstr(err.what, why) != NULL, "%s", err.what);
	free(list);
}

Test(cmd_scan, lists_have_a_bound)
{
	is_too_long("22", 65, false, "more than 64 ranges of ports");
	is_too_long("127.0.0.1", 65, true, "more than 64 hosts");
	is_too_long("1", 5000, false, "too long");
	is_too_long("127.0.0.1", 1000, true, "too long");
}

static void are_refused(const char *hosts, const char *ports)
{
	struct reporter to = silent_reporter();
	static struct outcome o;

	run_with(WORDS("connect", "-z", hosts, ports), "", &to, &o);
	cr_expect(eq(int, o.rc, -1));
	cr_expect(eq(int, o.err.kind, ERR_REFUSED), "%s", o.err.what);
}

Test(cmd_scan, as_many_as_the_bound_are_scanned)
{
	struct addr at;
	int held = bound_socket(AF_INET, 0, &at);
	char port[8], *hosts = list_of("127.0.0.1", 64), *ports;

	snprintf(port, sizeof(port), "%u", addr_port(&at));
	ports = list_of(port, 64);
	are_refused("127.0.0.1", ports);
	snprintf(ports, 20, "%s-%s", port, port);
	are_refused(hosts, ports);
	close(held);
	free(hosts);
	free(ports);
}

Test(cmd_scan, a_word_after_the_ports_is_one_too_many)
{
	struct err err = refused(WORDS("connect", "-z", "127.0.0.1", "22,80", "443"));

	cr_expect(strstr(err.what, "'443' is one word too many") != NULL, "%s", err.what);
}

/* It hung: what fails before the loop turns did not end it. */
Test(cmd_scan, a_host_that_cannot_be_looked_up_at_once_ends_it)
{
	struct err err = refused(WORDS("connect", "-z", "-n", "name", "22,80"));

	cr_expect(strstr(err.what, "'name' is a name") != NULL, "%s", err.what);
	err = refused(WORDS("connect", "-z", "-4", "::1", "22,80"));
	cr_expect(strstr(err.what, "'::1' is not an IPv4 address") != NULL, "%s", err.what);
}

Test(cmd_scan, several_hosts_are_named_in_what_is_printed_and_ports_have_a_default)
{
	struct reporter to = silent_reporter();
	static struct outcome o;
	struct addr at;
	int server = bound_socket(AF_INET, 10, &at);
	char ports[20], said[40];

	snprintf(ports, sizeof(ports), "%u-%u", addr_port(&at), addr_port(&at));
	snprintf(
		said, sizeof(said), "127.0.0.1 %u\nlocalhost %u\n", addr_port(&at), addr_port(&at));
	run_with(WORDS("connect", "-z", "-4", "127.0.0.1,localhost", ports), "", &to, &o);
	cr_expect(eq(int, o.rc, 0), "%s", o.err.what);
	cr_expect(eq(str, o.said, said));
	close(server);
	run_with(WORDS("connect", "-z", "127.0.0.1,127.0.0.2"), "", &to, &o);
	cr_expect(eq(int, o.rc, -1));
	cr_expect(ne(int, o.err.kind, ERR_USAGE), "%s", o.err.what);
}

/* The first one does not answer: it has no place left. */
Test(cmd_scan, from_one_port_of_ours_is_one_after_the_other)
{
	struct reporter to = silent_reporter();
	static struct outcome o;
	struct full_listener full;
	struct addr at, own;
	int server = bound_socket(AF_INET, 10, &at), other = bound_socket(AF_INET, 0, &own);
	char ports[40], source[20], said[20];

	close(other);
	full_listener_open(&full);
	snprintf(ports, sizeof(ports), "%u,%u", full.port, addr_port(&at));
	snprintf(source, sizeof(source), ":%u", addr_port(&own));
	snprintf(said, sizeof(said), "%u\n", addr_port(&at));
	run_with(WORDS("connect", "-z", "-w", "30ms", "-s", source, "127.0.0.1", ports), "", &to,
		&o);
	cr_expect(eq(int, o.rc, -1));
	cr_expect(eq(str, o.err.what, ""), "some are open, and nothing else is to be said");
	cr_expect(eq(str, o.said, said));
	full_listener_close(&full);
	close(server);
}
