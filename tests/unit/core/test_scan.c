#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "core/scan.h"
#include "memory.h"
#include "net.h"
#include "peer.h"
#include "script.h"
#include "transport/tcp.h"
#include "transport/udp.h"

TestSuite(core_scan, .timeout = 20);

enum { RANGES_MAX = 4 };

/* A scan of ports of 127.0.0.1 from a loop of its own. */
struct survey {
	struct loop loop;
	struct reporter to;
	struct resolved host;
	struct scan_range ranges[RANGES_MAX];
	struct scan scan;
	char told[200]; /* "open refused silent ", in order */
	unsigned holds; /* so many verdicts are followed by "tell no more" */
	unsigned over;
	struct err why;
	unsigned descriptors;
};

static int on_told(struct scan *s, const struct scan_place *at, enum scan_verdict verdict)
{
	static const char *const words[] = {"pending ", "open ", "refused ", "silent "};
	struct survey *v = container_of(s, struct survey, scan);

	cr_assert(eq(sz, at->host, 0));
	cr_assert(le(int, v->ranges[at->range].first, at->port));
	strcat(v->told, words[verdict]);
	if (!v->holds)
		return 0;
	v->holds--;
	return -1;
}

static void on_over(struct scan *s, const struct err *why)
{
	struct survey *v = container_of(s, struct survey, scan);

	v->over++;
	if (why)
		v->why = *why;
}

static void prepare(struct survey *v, const struct transport *via, size_t ports)
{
	struct err err;

	*v = (struct survey){.to = silent_reporter(), .descriptors = open_descriptors()};
	cr_assert(eq(int, loop_init(&v->loop, &err), 0));
	v->host = (struct resolved){.at = {addr_loopback(AF_INET, 0)}, .count = 1};
	v->scan = (struct scan){.loop = &v->loop,
		.to = &v->to,
		.via = via,
		.hosts = &v->host,
		.host_count = 1,
		.ranges = v->ranges,
		.range_count = ports,
		.at_once = 10,
		.told = on_told,
		.over = on_over};
}

static void add_port(struct survey *v, size_t i, uint16_t port)
{
	v->ranges[i] = (struct scan_range){port, port};
}

static void play(struct survey *v)
{
	cr_assert(eq(int, scan_begin(&v->scan), 0));
	TURN_UNTIL(&v->loop, v->over);
	turn_for_ms(&v->loop, 0);
	cr_assert(eq(uint, v->over, 1));
}

static void clear_away(struct survey *v)
{
	scan_free(&v->scan);
	cr_assert(eq(u32, v->loop.timers_counted, 0));
	loop_free(&v->loop);
	cr_assert(eq(uint, open_descriptors(), v->descriptors));
}

/* A port where nothing listens, and none else can begin to. */
static int held_port(uint16_t *port)
{
	struct addr at;
	int fd = bound_socket(AF_INET, 0, &at);

	*port = addr_port(&at);
	return fd;
}

static int served_port(uint16_t *port)
{
	struct addr at;
	int fd = bound_socket(AF_INET, 10, &at);

	*port = addr_port(&at);
	return fd;
}

Test(core_scan, each_port_is_told_in_order)
{
	struct survey v;
	uint16_t open, refused;
	int server = served_port(&open), none = held_port(&refused);

	prepare(&v, &transport_tcp, 3);
	add_port(&v, 0, refused);
	add_port(&v, 1, open);
	add_port(&v, 2, refused);
	play(&v);
	cr_assert(eq(str, v.told, "refused open refused "));
	cr_assert(eq(int, v.why.kind, 0));
	clear_away(&v);
	close(server);
	close(none);
}

Test(core_scan, who_is_told_may_hold_it_until_there_is_room)
{
	struct survey v;
	uint16_t open;
	int server = served_port(&open);

	prepare(&v, &transport_tcp, 3);
	for (size_t i = 0; i < 3; i++)
		add_port(&v, i, open);
	v.holds = 2;
	cr_assert(eq(int, scan_begin(&v.scan), 0));
	turn_for_ms(&v.loop, 10);
	cr_assert(eq(str, v.told, "open "));
	scan_go_on(&v.scan);
	cr_assert(eq(str, v.told, "open open "));
	turn_for_ms(&v.loop, 10);
	cr_assert(eq(uint, v.over, 0));
	scan_go_on(&v.scan);
	cr_assert(eq(str, v.told, "open open open "));
	cr_assert(eq(uint, v.over, 1));
	scan_go_on(&v.scan);
	cr_assert(eq(uint, v.over, 1));
	clear_away(&v);
	close(server);
}

Test(core_scan, a_port_that_does_not_answer_is_silent_and_so_is_its_next_address)
{
	struct survey v;
	struct full_listener full;
	uint16_t refused;
	int none = held_port(&refused);

	full_listener_open(&full);
	prepare(&v, &transport_tcp, 2);
	add_port(&v, 0, full.port);
	add_port(&v, 1, refused);
	v.host.at[1] = net_addr("127.0.0.2", 0);
	v.host.count = 2;
	v.scan.timeout_ms = 30;
	play(&v);
	cr_assert(eq(str, v.told, "silent refused "), "%s", v.told);
	clear_away(&v);
	full_listener_close(&full);
	close(none);
}

Test(core_scan, ended_in_the_middle_it_tells_nothing_more)
{
	struct survey v;
	struct full_listener full;

	full_listener_open(&full);
	prepare(&v, &transport_tcp, 1);
	add_port(&v, 0, full.port);
	cr_assert(eq(int, scan_begin(&v.scan), 0));
	turn_for_ms(&v.loop, 5);
	clear_away(&v);
	cr_assert(eq(str, v.told, ""));
	cr_assert(eq(uint, v.over, 0));
	full_listener_close(&full);
}

Test(core_scan, over_datagrams_an_answer_is_open_and_silence_is_not)
{
	struct survey v;
	int answers = net_peer("127.0.0.1", 0), silent = net_peer("127.0.0.1", 0);
	struct addr at = net_name(answers), other = net_name(silent);
	struct came came;

	prepare(&v, &transport_udp, 2);
	add_port(&v, 0, addr_port(&at));
	add_port(&v, 1, addr_port(&other));
	v.scan.text = span_of("ping");
	v.scan.timeout_ms = 60;
	cr_assert(eq(int, scan_begin(&v.scan), 0));
	turn_for_ms(&v.loop, 1);
	came = net_hear(answers);
	cr_assert(eq(str, came.text, "ping"));
	net_say(answers, &came.from, "pong");
	TURN_UNTIL(&v.loop, v.over);
	cr_assert(eq(str, v.told, "open silent "));
	clear_away(&v);
	close(answers);
	close(silent);
}

/* ---- what ends it ---- */

Test(core_scan, a_source_that_is_not_ours_ends_it)
{
	struct survey v;
	uint16_t open;
	int server = served_port(&open);

	prepare(&v, &transport_tcp, 2);
	add_port(&v, 0, open);
	add_port(&v, 1, open);
	v.scan.from.source = net_addr("192.0.2.1", 0);
	play(&v);
	cr_assert(eq(str, v.told, "refused "), "%s", v.told);
	cr_assert(eq(int, v.why.kind, ERR_RUNTIME));
	cr_assert(eq(int, v.why.sys, EADDRNOTAVAIL), "%s", v.why.what);
	clear_away(&v);
	close(server);
}

static enum io tells_why(
	struct link *link, const struct addr *at, const struct dial_conf *conf, bool *source_failed)
{
	(void)at;
	(void)conf;
	*source_failed = false;
	return link_fail_with(link, &(struct err){ERR_USAGE, .what = "its own story"});
}

Test(core_scan, what_a_transport_says_of_a_failure_ends_it)
{
	struct transport row = transport_tcp;
	struct survey v;

	row.connect = tells_why;
	prepare(&v, &row, 2);
	add_port(&v, 0, 1);
	add_port(&v, 1, 2);
	play(&v);
	cr_assert(eq(int, v.why.kind, ERR_USAGE));
	cr_assert(eq(str, v.why.what, "its own story"));
	clear_away(&v);
}

Test(core_scan, no_descriptor_left_ends_it_and_is_said)
{
	struct rlimit before;
	struct survey v;
	uint16_t open;
	int server = served_port(&open);

	prepare(&v, &transport_tcp, 1);
	add_port(&v, 0, open);
	cr_assert(eq(int, scan_begin(&v.scan), 0));
	before = allow_no_more_descriptors();
	turn_for_ms(&v.loop, 1);
	setrlimit(RLIMIT_NOFILE, &before);
	cr_assert(eq(uint, v.over, 1));
	cr_assert(eq(int, v.why.kind, ERR_RUNTIME));
	cr_assert(eq(int, v.why.sys, EMFILE), "%s", v.why.what);
	cr_assert(strstr(v.why.what, "cannot probe 127.0.0.1:") != NULL, "%s", v.why.what);
	clear_away(&v);
	close(server);
}

Test(core_scan, without_memory_it_does_not_begin)
{
	struct survey v;
	unsigned failing = 0;
	int rc = -1;

	for (; rc < 0; failing++) {
		prepare(&v, &transport_tcp, 1);
		add_port(&v, 0, 1);
		fail_allocation(failing + 1);
		rc = scan_begin(&v.scan);
		fail_allocation(0);
		clear_away(&v);
		cr_assert(eq(uint, v.over, 0));
	}
	cr_assert(gt(uint, failing, 3));
}
