#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "check.h"
#include "cmd/advice.h"
#include "core/connector.h"
#include "peer.h"
#include "script.h"
#include "transport/inet.h"
#include "transport/tcp.h"

TestSuite(connector, .timeout = 20);

/* ---- RFC 8305 section 4: the order ---- */

/* "46644": a four is an IPv4 address; each address has its place in the text as its port. */
static struct resolved addresses_of(const char *families)
{
	struct resolved all = {0};

	for (; families[all.count]; all.count++)
		all.at[all.count] = addr_loopback(
			families[all.count] == '6' ? AF_INET6 : AF_INET, (uint16_t)all.count);
	return all;
}

struct ports {
	char text[RESOLVE_MAX + 1];
};

static struct ports interleaved(const char *families)
{
	struct resolved all = addresses_of(families);
	struct ports p = {""};

	connector_interleave(&all);
	for (size_t i = 0; i < all.count; i++)
		p.text[i] = (char)('0' + addr_port(&all.at[i]));
	return p;
}

Test(connector, the_families_take_turns_beginning_with_the_first_and_each_in_its_order)
{
	cr_assert(eq(str, interleaved("").text, ""));
	cr_assert(eq(str, interleaved("6").text, "0"));
	cr_assert(eq(str, interleaved("64").text, "01"));
	cr_assert(eq(str, interleaved("6644").text, "0213"));
	cr_assert(eq(str, interleaved("4466").text, "0213"));
	cr_assert(eq(str, interleaved("666644").text, "041523"));
	cr_assert(eq(str, interleaved("6444").text, "0123"));
	cr_assert(eq(str, interleaved("4666").text, "0123"));
	cr_assert(eq(str, interleaved("4444").text, "0123"));
	cr_assert(eq(str, interleaved("646464").text, "012345"));
	cr_assert(eq(str, interleaved("44444466").text, "06172345"));
}

Test(connector, none_is_lost_and_none_doubled_however_many_there_are)
{
	char families[RESOLVE_MAX + 1];

	for (size_t sixes = 0; sixes <= RESOLVE_MAX; sixes++) {
		bool seen[RESOLVE_MAX] = {0};
		struct resolved all;

		memset(families, '4', RESOLVE_MAX);
		memset(families, '6', sixes);
		families[RESOLVE_MAX] = '\0';
		all = addresses_of(families);
		connector_interleave(&all);
		cr_assert(eq(sz, all.count, RESOLVE_MAX));
		for (size_t i = 0; i < all.count; i++)
			seen[addr_port(&all.at[i])] = true;
		for (size_t i = 0; i < RESOLVE_MAX; i++)
			cr_assert(seen[i], "%zu of %zu", i, sixes);
	}
}

/* ---- the race, between scripted addresses ---- */

enum answer {
	NEVER,
	AT_ONCE,
	LATER,
	REFUSES_AT_ONCE,
	REFUSES_LATER,
	UNDECIDED_FIRST,
	UNWATCHABLE /* as where epoll watches no descriptor more */
};

enum { NO_DESCRIPTOR = 1 << 20 };

/* A transport whose nth attempt does what the nth answer says. localhost has two addresses: ::1,
 * then 127.0.0.1. */
struct dialer {
	struct transport row;
	enum answer answers[2];
	int error;     /* of those that refuse */
	unsigned full; /* so often there is no room for one more, and no descriptor */
	unsigned begun, closed, asked, turned_away;
	struct addr at[2];
	int64_t began_ms[2];
};

static struct dialer *dialer_of(const struct link *link)
{
	return container_of(link->via, struct dialer, row);
}

static int never_writable(void)
{
	const uint64_t most = UINT64_MAX - 1;
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	cr_assert(eq(sz, (size_t)write(fd, &most, sizeof(most)), sizeof(most)));
	return fd;
}

static enum io dial(
	struct link *link, const struct addr *at, const struct dial_conf *conf, bool *source_failed)
{
	struct dialer *d = dialer_of(link);
	unsigned i;

	(void)conf;
	*source_failed = false;
	if (d->turned_away < d->full) {
		d->turned_away++;
		return IO_AGAIN;
	}
	i = d->begun++;
	cr_assert(lt(uint, i, 2));
	d->at[i] = *at;
	d->began_ms[i] = clock_ms();
	if (d->answers[i] == REFUSES_AT_ONCE) {
		link->error = d->error;
		return IO_FAIL;
	}
	if (d->answers[i] == UNWATCHABLE) {
		link->fd = NO_DESCRIPTOR;
		return IO_AGAIN;
	}
	link->fd =
		d->answers[i] == NEVER ? never_writable() : eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return d->answers[i] == AT_ONCE ? IO_DONE : IO_AGAIN;
}

static enum io dialled(struct link *link)
{
	struct dialer *d = dialer_of(link);
	enum answer answer = d->answers[d->begun - 1];

	if (answer == UNDECIDED_FIRST && d->asked++ < 3)
		return IO_AGAIN;
	link->error = d->error;
	return answer == REFUSES_LATER ? IO_FAIL : IO_DONE;
}

static int hang_up(struct link *link)
{
	dialer_of(link)->closed++;
	close(link->fd);
	return 0;
}

static struct dialer dialer(enum answer first, enum answer second)
{
	return (struct dialer){.row = {.name = "dial",
				       .connect = dial,
				       .ready = dialled,
				       .advise = inet_advise,
				       .close = hang_up},
		.answers = {first, second},
		.error = ECONNREFUSED};
}

/* What became of one connector. */
struct outcome {
	struct loop loop;
	struct reporter to;
	struct lines lines;
	unsigned descriptors;
	unsigned times;
	bool connected;
	struct link link;
	struct addr at;
	struct resolved others;
	struct err why;
	int64_t took_ms;
};

static void on_done(void *arg, const struct connected *there, const struct err *why)
{
	struct outcome *o = arg;

	o->times++;
	cr_assert(eq(int, there == NULL, why != NULL));
	o->connected = there != NULL;
	if (there) {
		o->link = there->link;
		o->at = there->at;
		o->others = there->others;
	} else {
		o->why = *why;
		advise(&o->why);
	}
	loop_stop(&o->loop);
}

static void begin(struct outcome *o)
{
	struct err err;

	*o = (struct outcome){.descriptors = open_descriptors()};
	o->to = lines_reporter(&o->lines);
	cr_assert(eq(int, loop_init(&o->loop, &err), 0));
}

static struct connector *start(struct outcome *o, const struct connector_conf *conf)
{
	struct err err;
	struct connector *c = connector_start(&o->loop, &o->to, conf, on_done, o, &err);

	cr_assert(c != NULL, "%s", err.what);
	return c;
}

/* End it, and see that nothing but the link is left. */
static void end(struct outcome *o)
{
	if (o->connected)
		o->link.via->close(&o->link);
	cr_assert(eq(u32, o->loop.timers_counted, 0));
	loop_free(&o->loop);
	/* A helper thread that has answered may not be quite through. */
	for (int i = 0; i < 1000 && open_descriptors() != o->descriptors; i++)
		usleep(1000);
	cr_assert(eq(uint, open_descriptors(), o->descriptors), "no descriptor is left open");
}

static void connect_to(struct outcome *o, const struct connector_conf *conf)
{
	int64_t began_ms = clock_ms();
	struct err err;

	begin(o);
	start(o, conf);
	cr_assert(eq(uint, o->times, 0), "never within connector_start");
	cr_assert(eq(int, loop_run(&o->loop, &err), 0));
	o->took_ms = clock_ms() - began_ms;
	end(o);
	cr_assert(eq(uint, o->times, 1));
}

static struct connector_conf to_localhost(const struct dialer *d)
{
	return (struct connector_conf){.via = &d->row,
		.target = {.host = "localhost", .port = 80, .family = AF_UNSPEC},
		.typed = "localhost:80",
		.timeout_ms = 5000};
}

static struct outcome race(struct dialer *d, int64_t timeout_ms)
{
	struct connector_conf conf = to_localhost(d);
	struct outcome o;

	conf.timeout_ms = timeout_ms;
	connect_to(&o, &conf);
	return o;
}

Test(connector, the_first_address_that_answers_is_the_one)
{
	static const enum answer answers[] = {AT_ONCE, LATER, UNDECIDED_FIRST};

	for (size_t i = 0; i < 3; i++) {
		struct dialer d = dialer(answers[i], NEVER);
		struct outcome o = race(&d, 5000);

		cr_assert(o.connected);
		cr_assert(eq(str, addr_text(&o.at).text, "[::1]:80"));
		cr_assert(eq(uint, d.begun, 1));
		cr_assert(lt(i64, o.took_ms, 200));
	}
}

Test(connector, the_second_address_begins_250_ms_after_a_first_that_is_silent)
{
	struct dialer d = dialer(NEVER, LATER);
	struct outcome o = race(&d, 5000);
	int64_t between_ms = d.began_ms[1] - d.began_ms[0];

	cr_assert(o.connected);
	cr_assert(eq(str, addr_text(&o.at).text, "127.0.0.1:80"));
	cr_assert(ge(i64, between_ms, 249));
	cr_assert(lt(i64, between_ms, 450));
	cr_assert(eq(uint, d.closed, 2), "the loser at once, the winner by us");
}

Test(connector, the_next_address_begins_at_once_when_one_fails)
{
	static const enum answer failures[] = {REFUSES_AT_ONCE, REFUSES_LATER};

	for (size_t i = 0; i < 2; i++) {
		struct dialer d = dialer(failures[i], LATER);
		struct outcome o = race(&d, 5000);

		cr_assert(o.connected);
		cr_assert(lt(i64, d.began_ms[1] - d.began_ms[0], 100));
		cr_assert(strstr(o.lines.text, "[::1]:80: Connection refused\n") != NULL);
	}
}

Test(connector, an_attempt_that_cannot_be_watched_has_failed_and_the_next_begins)
{
	struct dialer d = dialer(UNWATCHABLE, LATER);
	struct outcome o = race(&d, 5000);

	cr_assert(o.connected);
	cr_assert(eq(u16, addr_port(&o.at), 80));
	cr_assert(eq(int, o.at.sa.sa_family, AF_INET));
	cr_assert(lt(i64, o.took_ms, 200));
	d = dialer(UNWATCHABLE, UNWATCHABLE);
	o = race(&d, 5000);
	cr_assert(eq(int, o.why.sys, EBADF));
	cr_assert(eq(uint, d.closed, 2));
}

Test(connector, when_all_refuse_it_is_refused)
{
	static const enum answer failures[] = {REFUSES_AT_ONCE, REFUSES_LATER};

	for (size_t i = 0; i < 4; i++) {
		struct dialer d = dialer(failures[i % 2], failures[i / 2]);
		struct outcome o = race(&d, 5000);

		cr_assert(eq(int, o.why.kind, ERR_REFUSED));
		cr_assert(eq(int, o.why.sys, ECONNREFUSED));
		cr_assert(strstr(o.why.what, "'localhost:80' (127.0.0.1:80)") != NULL);
		cr_assert(strstr(o.why.hint, "sockx serve -p 80") != NULL);
		cr_assert(lt(i64, o.took_ms, 200));
	}
}

static struct err why_not(int error)
{
	struct dialer d = dialer(REFUSES_AT_ONCE, REFUSES_LATER);
	struct connector_conf conf = to_localhost(&d);
	struct outcome o;

	d.error = error;
	conf.target.family = AF_INET;
	conf.typed = "127.0.0.1:80";
	connect_to(&o, &conf);
	cr_assert(not(o.connected));
	return o.why;
}

Test(connector, why_it_failed_is_reported_with_what_to_do)
{
	struct err why = why_not(EHOSTUNREACH);

	cr_assert(eq(int, why.kind, ERR_REFUSED));
	cr_assert(eq(str, why.what, "cannot connect to 127.0.0.1:80: No route to host"),
		"what was typed is not said twice");
	cr_assert(strstr(why.hint, "ip route get") != NULL);
	why = why_not(ECONNREFUSED);
	cr_assert(strstr(why.hint, "sockx serve -p 80") != NULL);
}

Test(connector, what_we_lack_ourselves_is_no_refusal)
{
	static const int lacks[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOSPC};

	for (size_t i = 0; i < sizeof(lacks) / sizeof(lacks[0]); i++) {
		struct err why = why_not(lacks[i]);

		cr_expect(eq(int, why.kind, ERR_RUNTIME), "%s", why.what);
		cr_expect(eq(int, why.sys, lacks[i]));
		cr_expect(strstr(why.hint, "ulimit") != NULL, "%s", why.hint);
	}
}

Test(connector, one_that_was_connected_and_reset_before_we_looked_is_lost)
{
	struct err why = why_not(ECONNRESET);

	cr_assert(eq(int, why.kind, ERR_LOST));
	cr_assert(eq(int, why.sys, ECONNRESET));
	cr_assert(why.hint[0] != '\0');
}

Test(connector, a_name_that_is_looked_up_is_raced_as_well)
{
	struct dialer d = dialer(LATER, NEVER);
	struct connector_conf conf = to_localhost(&d);
	struct outcome o;

	conf.target.host = conf.typed = "127.1"; /* the resolver reads it, we do not */
	connect_to(&o, &conf);
	cr_assert(o.connected, "%s", o.why.what);
	cr_assert(eq(str, addr_text(&o.at).text, "127.0.0.1:80"));
}

Test(connector, at_the_deadline_it_is_a_time_out_if_any_address_is_still_silent)
{
	static const enum answer others[] = {NEVER, REFUSES_AT_ONCE, REFUSES_LATER};

	for (size_t i = 0; i < 3; i++) {
		struct dialer d = dialer(others[i], NEVER);
		struct outcome o = race(&d, 40);

		cr_assert(eq(int, o.why.kind, ERR_TIMEOUT));
		cr_assert(eq(str, o.why.what, "cannot connect to 'localhost:80' within 40 ms"));
		cr_assert(ge(i64, o.took_ms, 39));
		cr_assert(lt(i64, o.took_ms, 240));
	}
}

Test(connector, with_patience_a_silent_address_does_not_outlast_a_refusal_for_long)
{
	static const enum answer pairs[][2] = {
		{NEVER, REFUSES_AT_ONCE}, {NEVER, REFUSES_LATER}, {REFUSES_AT_ONCE, NEVER}};

	for (size_t i = 0; i < 3; i++) {
		struct dialer d = dialer(pairs[i][0], pairs[i][1]);
		struct connector_conf conf = to_localhost(&d);
		struct outcome o;

		conf.patience_ms = 50;
		connect_to(&o, &conf);
		cr_assert(eq(int, o.why.kind, ERR_REFUSED));
		cr_assert(ge(i64, o.took_ms, 49));
		cr_assert(lt(i64, o.took_ms, 600));
		cr_assert(eq(uint, d.begun, 2));
	}
}

Test(connector, the_deadline_is_one_for_all_addresses)
{
	struct dialer d = dialer(NEVER, NEVER);
	struct outcome o = race(&d, 300);

	cr_assert(eq(int, o.why.kind, ERR_TIMEOUT));
	cr_assert(eq(uint, d.begun, 2));
	cr_assert(lt(i64, o.took_ms, 500));
	cr_assert(eq(uint, d.closed, 2));
}

Test(connector, each_attempt_is_reported_and_why_it_lost)
{
	struct dialer d = dialer(REFUSES_LATER, LATER);
	struct outcome o = race(&d, 5000);

	cr_assert(eq(str, o.lines.text,
		"trying [::1]:80\n[::1]:80: Connection refused\ntrying 127.0.0.1:80\n"));
}

Test(connector, a_cancelled_one_tells_nothing_and_leaves_nothing)
{
	for (int turns = 0; turns < 3; turns++) {
		struct dialer d = dialer(NEVER, NEVER);
		struct connector_conf conf = to_localhost(&d);
		struct outcome o;
		struct connector *c;
		struct err err;

		begin(&o);
		c = start(&o, &conf);
		for (int i = 0; i < turns; i++)
			cr_assert(eq(int, loop_turn(&o.loop, &err), 0));
		connector_cancel(c);
		end(&o);
		cr_assert(eq(uint, o.times, 0));
		cr_assert(eq(uint, d.closed, d.begun));
	}
}

Test(connector, may_be_cancelled_while_the_name_is_looked_up)
{
	struct dialer d = dialer(NEVER, NEVER);
	struct connector_conf conf = to_localhost(&d);
	struct outcome o;
	struct connector *c;

	conf.target.host = conf.typed = "nonexistent.invalid";
	begin(&o);
	c = start(&o, &conf);
	connector_cancel(c);
	loop_free(&o.loop);
	cr_assert(eq(uint, o.times, 0));
	cr_assert(eq(str, o.lines.text, "looking up nonexistent.invalid\n"));
}

Test(connector, an_unknown_name_is_reported_as_one)
{
	struct dialer d = dialer(NEVER, NEVER);
	struct connector_conf conf = to_localhost(&d);
	struct outcome o;
	struct err err;

	conf.target.host = conf.typed = "no..name"; /* no name server is asked */
	begin(&o);
	start(&o, &conf);
	cr_assert(eq(int, loop_run(&o.loop, &err), 0));
	loop_free(&o.loop);
	cr_assert(eq(int, o.why.kind, ERR_NAME));
	cr_assert(eq(uint, d.begun, 0));
}

Test(connector, a_name_where_none_is_allowed_does_not_even_begin)
{
	struct dialer d = dialer(NEVER, NEVER);
	struct connector_conf conf = to_localhost(&d);
	struct outcome o;
	struct err err;

	conf.target.numeric = true;
	begin(&o);
	cr_assert(eq(ptr, connector_start(&o.loop, &o.to, &conf, on_done, &o, &err), NULL));
	cr_assert(eq(int, err.kind, ERR_USAGE));
	end(&o);
	cr_assert(eq(uint, o.times, 0));
}

Test(connector, a_source_address_leaves_only_its_own_kind)
{
	struct dialer d = dialer(LATER, NEVER);
	struct connector_conf conf = to_localhost(&d);
	struct outcome o;

	conf.from.source = addr_loopback(AF_INET, 0);
	connect_to(&o, &conf);
	cr_assert(o.connected);
	cr_assert(eq(str, addr_text(&d.at[0]).text, "127.0.0.1:80"));
	cr_assert(eq(uint, d.begun, 1));
}

Test(connector, a_source_address_of_another_kind_is_a_usage_error)
{
	struct dialer d = dialer(LATER, LATER);
	struct connector_conf conf = to_localhost(&d);
	struct outcome o;

	conf.target.host = "127.0.0.1";
	conf.from.source = addr_loopback(AF_INET6, 0);
	connect_to(&o, &conf);
	cr_assert(eq(int, o.why.kind, ERR_USAGE));
	cr_assert(eq(uint, d.begun, 0));
}

Test(connector, an_address_that_is_given_is_not_looked_up)
{
	struct dialer d = dialer(LATER, NEVER);
	struct connector_conf conf = {.via = &d.row, .typed = "unix:/a", .timeout_ms = 5000};
	struct outcome o;

	addr_from_path(&conf.at, "/a");
	connect_to(&o, &conf);
	cr_assert(o.connected);
	cr_assert(addr_equal(&o.at, &conf.at));
	cr_assert(addr_equal(&d.at[0], &conf.at));
	cr_assert(eq(sz, o.others.count, 0));
	cr_assert(eq(str, o.lines.text, "trying unix:/a\n"));
}

Test(connector, the_addresses_that_were_not_tried_are_handed_over)
{
	static const struct {
		enum answer first, second;
		size_t others;
	} cases[] = {{AT_ONCE, NEVER, 1}, {LATER, NEVER, 1}, {REFUSES_AT_ONCE, AT_ONCE, 0},
		{REFUSES_LATER, LATER, 0}, {NEVER, LATER, 0}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dialer d = dialer(cases[i].first, cases[i].second);
		struct outcome o = race(&d, 5000);

		cr_assert(o.connected);
		cr_assert(eq(sz, o.others.count, cases[i].others), "%zu", i);
		if (cases[i].others)
			cr_assert(eq(str, addr_text(&o.others.at[0]).text, "127.0.0.1:80"));
	}
}

/* ---- a server that has no room for one more ---- */

Test(connector, where_there_is_no_room_the_same_address_is_tried_again_soon_and_reported_once)
{
	struct dialer d = dialer(AT_ONCE, NEVER);
	struct outcome o;

	d.full = 3;
	o = race(&d, 5000);
	cr_assert(o.connected);
	cr_assert(eq(str, addr_text(&o.at).text, "[::1]:80"));
	cr_assert(eq(str, o.lines.text, "trying [::1]:80\n"));
	cr_assert(eq(sz, o.others.count, 1));
	cr_assert(ge(i64, o.took_ms, 3 * 10 - 3), "without spinning");
	cr_assert(lt(i64, o.took_ms, 500));
}

Test(connector, where_the_room_that_there_is_leads_to_a_refusal_the_next_address_has_its_turn)
{
	struct dialer d = dialer(REFUSES_AT_ONCE, AT_ONCE);
	struct outcome o;

	d.full = 2;
	o = race(&d, 5000);
	cr_assert(o.connected);
	cr_assert(eq(str, o.lines.text,
		"trying [::1]:80\n[::1]:80: Connection refused\ntrying 127.0.0.1:80\n"));
}

Test(connector, where_there_never_is_room_the_deadline_ends_it_and_says_so)
{
	struct dialer d = dialer(NEVER, NEVER);
	struct outcome o;

	d.full = UINT32_MAX;
	o = race(&d, 60);
	cr_assert(eq(int, o.why.kind, ERR_TIMEOUT));
	cr_assert(strstr(o.why.hint, "accepts no connection") != NULL);
	cr_assert(strstr(o.why.hint, "-w") != NULL);
	cr_assert(le(uint, d.turned_away, 7));
	cr_assert(ge(uint, d.turned_away, 2));
	cr_assert(eq(uint, d.begun, 0));
}

Test(connector, the_longer_there_is_no_room_the_more_seldom_it_is_tried)
{
	struct dialer d = dialer(NEVER, NEVER);

	d.full = UINT32_MAX;
	race(&d, 800);
	cr_assert(le(uint, d.turned_away, 14));
	cr_assert(ge(uint, d.turned_away, 6));
}

/* ---- one after the other, later ---- */

static bool next_of(struct outcome *o, const struct dialer *d, struct resolved *left)
{
	const struct connector_conf conf = {.via = &d->row, .typed = "there"};

	o->to = lines_reporter(&o->lines);
	return connector_next(&o->to, &conf, left, &o->link, &o->at, &o->why);
}

Test(connector, the_next_address_that_does_not_refuse_is_taken_out_with_those_before_it)
{
	struct resolved left = addresses_of("4646");
	struct dialer d = dialer(REFUSES_AT_ONCE, AT_ONCE);
	struct outcome o = {0};

	cr_assert(next_of(&o, &d, &left));
	cr_assert(eq(int, addr_port(&o.at), 1));
	cr_assert(eq(int, o.link.fd >= 0, true));
	cr_assert(eq(sz, left.count, 2));
	cr_assert(eq(int, addr_port(&left.at[0]), 2));
	cr_assert(eq(int, addr_port(&left.at[1]), 3));
	cr_assert(eq(str, o.lines.text,
		"trying 127.0.0.1:0\n127.0.0.1:0: Connection refused\ntrying [::1]:1\n"));
	o.link.via->close(&o.link);
}

Test(connector, when_all_the_next_ones_refuse_none_is_left_and_the_last_refusal_is_reported)
{
	struct resolved left = addresses_of("46"), none = {0};
	struct dialer d = dialer(REFUSES_AT_ONCE, REFUSES_AT_ONCE);
	struct outcome o = {0};

	cr_assert(not(next_of(&o, &d, &left)));
	cr_assert(eq(sz, left.count, 0));
	cr_assert(eq(int, o.why.kind, ERR_REFUSED));
	cr_assert(strstr(o.why.what, "[::1]:1") != NULL);
	cr_assert(not(next_of(&o, &d, &none)));
	cr_assert(eq(uint, d.begun, 2));
}

/* ---- over TCP ---- */

static struct outcome over_tcp(const char *host, uint16_t port, const struct addr *source)
{
	const struct connector_conf conf = {.via = &transport_tcp,
		.target = {.host = host, .port = port},
		.typed = "there",
		.from.source = source ? *source : (struct addr){0},
		.timeout_ms = 5000};
	struct outcome o;

	connect_to(&o, &conf);
	return o;
}

Test(connector, reaches_a_listener_after_a_loopback_address_that_refuses)
{
	struct addr at;
	int fd = bound_socket(AF_INET, 5, &at);
	struct outcome o = over_tcp("localhost", addr_port(&at), NULL);

	cr_assert(o.connected, "%s", o.why.what);
	cr_assert(addr_equal(&o.at, &at));
	close(fd);
}

Test(connector, a_port_without_a_listener_is_refused)
{
	struct addr at;
	int fd = bound_socket(AF_INET, 0, &at);
	struct outcome o = over_tcp("127.0.0.1", addr_port(&at), NULL);

	cr_assert(eq(int, o.why.kind, ERR_REFUSED));
	cr_assert(eq(int, o.why.sys, ECONNREFUSED));
	close(fd);
}

Test(connector, meeting_oneself_is_being_refused)
{
	struct addr at;
	struct outcome o;

	close(bound_socket(AF_INET, 0, &at));
	o = over_tcp("127.0.0.1", addr_port(&at), &at);
	cr_assert(not(o.connected));
	cr_assert(eq(int, o.why.kind, ERR_REFUSED));
	cr_assert(eq(int, o.why.sys, ECONNREFUSED));
}

Test(connector, a_source_that_is_not_ours_is_a_failure_of_its_own)
{
	struct addr at, source;
	int fd = bound_socket(AF_INET, 5, &at);
	struct outcome o;

	addr_from_numeric(&source, AF_INET, "192.0.2.1", 0);
	o = over_tcp("127.0.0.1", addr_port(&at), &source);
	cr_assert(eq(int, o.why.kind, ERR_RUNTIME));
	cr_assert(strstr(o.why.what, "192.0.2.1") != NULL);
	cr_assert(strstr(o.why.hint, "--source") != NULL);
	close(fd);
}

Test(connector, connects_from_the_source_that_was_asked_for)
{
	struct addr at, source, peer = {.len = sizeof(peer.room)};
	int fd = bound_socket(AF_INET, 5, &at), accepted;
	struct outcome o;

	addr_from_numeric(&source, AF_INET, "127.0.0.9", 0);
	o = over_tcp("127.0.0.1", addr_port(&at), &source);
	cr_assert(o.connected);
	accepted = accept(fd, &peer.sa, &peer.len);
	addr_set_port(&peer, 0);
	cr_assert(addr_equal(&peer, &source));
	close(accepted);
	close(fd);
}
