#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "cmd/advice.h"
#include "core/resolve.h"
#include "memory.h"
#include "script.h"

TestSuite(resolve, .timeout = 20);

/* The resolver refuses it by itself: no name server is asked. */
#define NO_NAME "no..name"

/* An answer, as it was told. */
struct told {
	struct loop loop;
	unsigned times;
	struct resolved answer;
	struct err why;
};

static void on_done(void *arg, const struct resolved *answer, const struct err *why)
{
	struct told *t = arg;

	t->times++;
	cr_assert(eq(int, answer == NULL, why != NULL), "an answer or a reason, never both");
	if (answer)
		t->answer = *answer;
	else
		t->why = *why;
	loop_stop(&t->loop);
}

static void begin(struct told *t)
{
	struct err err;

	*t = (struct told){0};
	cr_assert(eq(int, loop_init(&t->loop, &err), 0));
}

static struct resolve *start(struct told *t, const struct resolve_query *query)
{
	struct err err;
	struct resolve *r = resolve_start(&t->loop, query, on_done, t, &err);

	cr_assert(r != NULL);
	return r;
}

static void look_up(struct told *t, const struct resolve_query *query)
{
	struct err err;

	begin(t);
	start(t, query);
	cr_assert(eq(int, loop_run(&t->loop, &err), 0));
	loop_free(&t->loop);
}

/* ---- without a thread ---- */

static int at_once(
	const char *host, int family, bool numeric, struct resolved *out, struct err *err)
{
	const struct resolve_query query = {
		.host = host, .port = 80, .family = family, .numeric = numeric};

	int known;

	*err = (struct err){0};
	known = resolve_at_once(&query, out, err);
	advise(err);
	return known;
}

Test(resolve, a_numeric_address_needs_no_look_up)
{
	struct resolved out;
	struct err err;

	cr_assert(eq(int, at_once("192.0.2.1", AF_UNSPEC, false, &out, &err), 1));
	cr_assert(eq(sz, out.count, 1));
	cr_assert(eq(str, addr_text(&out.at[0]).text, "192.0.2.1:80"));
	cr_assert(eq(int, at_once("2001:db8::1", AF_INET6, true, &out, &err), 1));
	cr_assert(eq(str, addr_text(&out.at[0]).text, "[2001:db8::1]:80"));
}

Test(resolve, an_address_of_the_family_that_was_excluded_is_a_usage_error)
{
	struct resolved out;
	struct err err;

	cr_assert(eq(int, at_once("::1", AF_INET, false, &out, &err), -1));
	cr_assert(eq(int, err.kind, ERR_USAGE));
	cr_assert(eq(str, err.what, "'::1' is not an IPv4 address"));
	cr_assert(strstr(err.hint, "-4") != NULL);
	cr_assert(eq(int, at_once("127.0.0.1", AF_INET6, false, &out, &err), -1));
	cr_assert(eq(str, err.what, "'127.0.0.1' is not an IPv6 address"));
}

Test(resolve, a_name_is_a_usage_error_where_look_ups_are_forbidden)
{
	struct resolved out;
	struct err err;

	cr_assert(eq(int, at_once("example.org", AF_UNSPEC, true, &out, &err), -1));
	cr_assert(eq(int, err.kind, ERR_USAGE));
	cr_assert(eq(int, at_once("localhost", AF_UNSPEC, true, &out, &err), -1));
	cr_assert(eq(int, err.kind, ERR_USAGE));
	cr_assert(strstr(err.what, "--numeric") != NULL);
	cr_assert(err.hint[0] != '\0');
}

Test(resolve, localhost_is_the_loopback_addresses_and_needs_no_look_up)
{
	struct resolved out;
	struct err err;

	cr_assert(eq(int, at_once("localhost", AF_UNSPEC, false, &out, &err), 1));
	cr_assert(eq(sz, out.count, 2));
	cr_assert(eq(str, addr_text(&out.at[0]).text, "[::1]:80"));
	cr_assert(eq(str, addr_text(&out.at[1]).text, "127.0.0.1:80"));
	cr_assert(eq(int, at_once("LocalHost", AF_INET, false, &out, &err), 1));
	cr_assert(eq(sz, out.count, 1));
	cr_assert(eq(str, addr_text(&out.at[0]).text, "127.0.0.1:80"));
	cr_assert(eq(int, at_once("localhost", AF_INET6, false, &out, &err), 1));
	cr_assert(eq(sz, out.count, 1));
	cr_assert(eq(str, addr_text(&out.at[0]).text, "[::1]:80"));
}

Test(resolve, any_other_name_takes_a_look_up)
{
	static const char *const names[] = {"example.org", "localhost.", "127.1", "x", ""};
	struct resolved out;
	struct err err;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_assert(eq(int, at_once(names[i], AF_UNSPEC, false, &out, &err), 0));
}

/* ---- beside the loop ---- */

Test(resolve, an_answer_comes_from_the_loop_with_the_port_that_was_asked_for)
{
	const struct resolve_query query = {.host = "127.0.0.1", .port = 4711};
	struct told t;

	look_up(&t, &query);
	cr_assert(eq(uint, t.times, 1));
	cr_assert(eq(sz, t.answer.count, 1), "one for each address, not for each socket type");
	cr_assert(eq(str, addr_text(&t.answer.at[0]).text, "127.0.0.1:4711"));
}

Test(resolve, an_unknown_name_is_told_with_its_name_and_what_to_do)
{
	const struct resolve_query query = {.host = NO_NAME};
	struct told t;

	look_up(&t, &query);
	cr_assert(eq(int, t.why.kind, ERR_NAME));
	cr_assert(strstr(t.why.what, "'" NO_NAME "'") != NULL);
	cr_assert(t.why.hint[0] != '\0');
}

Test(resolve, names_that_cannot_be_names_are_no_more_than_unknown)
{
	char longest[4000];
	const char *names[] = {"", " ", "a b", "..", "-", "\xff\xfe", "%", longest, "x\ny"};

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct resolve_query query = {.host = names[i]};
		struct told t;

		look_up(&t, &query);
		cr_assert(eq(int, t.why.kind, ERR_NAME), "name %zu", i);
		cr_assert(strchr(t.why.what, '\n') == NULL);
	}
}

Test(resolve, the_name_may_be_gone_once_the_look_up_has_begun)
{
	char host[] = "127.0.0.1";
	const struct resolve_query query = {.host = host};
	struct told t;
	struct err err;

	begin(&t);
	start(&t, &query);
	memset(host, 'x', sizeof(host) - 1);
	cr_assert(eq(int, loop_run(&t.loop, &err), 0));
	cr_assert(eq(sz, t.answer.count, 1));
	loop_free(&t.loop);
}

Test(resolve, a_cancelled_one_tells_nothing_whether_the_answer_had_come_or_not)
{
	static const char *const names[] = {"127.0.0.1", NO_NAME, "localhost"};
	unsigned before = open_descriptors();
	struct told t;

	begin(&t);
	for (int i = 0; i < 1000; i++) {
		const struct resolve_query query = {.host = names[i % 3]};
		struct resolve *r = start(&t, &query);

		if (i % 5 == 4)
			usleep(200); /* time for an answer */
		resolve_cancel(r);
	}
	loop_free(&t.loop);
	cr_assert(eq(uint, t.times, 0));
	/* The helper threads close what is theirs when they are through. */
	for (int i = 0; i < 2000 && open_descriptors() > before; i++)
		usleep(1000);
	cr_assert(eq(uint, open_descriptors(), before));
}

Test(resolve, nobody_waits_for_a_name_server_once_the_wish_is_gone)
{
	const struct resolve_query query = {.host = "nonexistent.invalid"};
	int64_t began_ms = clock_ms();
	struct told t;

	begin(&t);
	for (int i = 0; i < 10; i++)
		resolve_cancel(start(&t, &query));
	loop_free(&t.loop);
	cr_assert(lt(i64, clock_ms() - began_ms, 500));
}

/* Something else that is ready in the same batch as the answer. */
struct canceller {
	struct watch watch;
	struct resolve *resolve;
};

static void cancel(struct watch *w, uint32_t events)
{
	struct canceller *c = container_of(w, struct canceller, watch);

	(void)events;
	resolve_cancel(c->resolve);
	w->ready = NULL;
}

Test(resolve, may_be_cancelled_by_a_callback_of_the_batch_that_brings_its_answer)
{
	const struct resolve_query query = {.host = "127.0.0.1"};
	int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
	struct canceller c = {.watch = {.fd = fd, .ready = cancel}};
	struct told t;
	struct err err;

	begin(&t);
	loop_watch(&t.loop, &c.watch, EPOLLIN);
	c.resolve = start(&t, &query);
	usleep(50000); /* the answer is there when the turn begins */
	cr_assert(eq(int, loop_turn(&t.loop, &err), 0));
	cr_assert(eq(uint, t.times, 0));
	loop_unwatch(&t.loop, &c.watch);
	loop_free(&t.loop);
	close(fd);
}

Test(resolve, the_loop_turns_while_a_name_is_looked_up)
{
	const struct resolve_query query = {.host = "nonexistent.invalid"};
	int64_t began_ms = clock_ms();
	struct told t;
	struct err err;
	int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
	struct canceller c = {.watch = {.fd = fd, .ready = cancel}};

	begin(&t);
	c.resolve = start(&t, &query);
	loop_watch(&t.loop, &c.watch, EPOLLIN);
	cr_assert(eq(int, loop_turn(&t.loop, &err), 0));
	cr_assert(lt(i64, clock_ms() - began_ms, 3000), "a resolver waits 5 s for a server");
	loop_unwatch(&t.loop, &c.watch);
	loop_free(&t.loop);
	close(fd);
}

/* ---- look-ups that are shared ---- */

static unsigned under_way(const struct resolve_shared *shared)
{
	unsigned count = 0;

	for (struct list *node = shared->lookups.next; node != &shared->lookups; node = node->next)
		count++;
	return count;
}

static void on_shared_done(void *arg, const struct resolved *answer, const struct err *why)
{
	struct told *t = arg;

	(void)why;
	t->times++;
	if (answer)
		t->answer = *answer;
}

static struct resolve *start_shared(struct told *t, const struct resolve_query *query)
{
	struct err err;
	struct resolve *r = resolve_start(&t->loop, query, on_shared_done, t, &err);

	cr_assert(r != NULL);
	return r;
}

Test(resolve, wishes_for_the_same_name_share_a_look_up)
{
	struct resolve_shared shared;
	const struct resolve_query query = {.host = "127.0.0.1", .port = 7, .shared = &shared};
	const struct resolve_query other = {.host = "127.0.0.1", .port = 8, .shared = &shared};
	struct told t;
	struct err err;

	begin(&t);
	resolve_shared_init(&shared);
	for (int i = 0; i < 100; i++)
		start_shared(&t, &query);
	cr_assert(eq(uint, under_way(&shared), 1));
	resolve_cancel(start_shared(&t, &query));
	start_shared(&t, &other);
	cr_assert(eq(uint, under_way(&shared), 2));
	while (t.times < 101)
		cr_assert(eq(int, loop_turn(&t.loop, &err), 0));
	cr_assert(eq(uint, under_way(&shared), 0));
	cr_assert(eq(sz, t.answer.count, 1));
	resolve_shared_free(&shared);
	loop_free(&t.loop);
}

Test(resolve, a_shared_look_up_that_none_waits_for_goes_on_and_serves_the_next)
{
	struct resolve_shared shared;
	const struct resolve_query query = {.host = "127.0.0.1", .port = 7, .shared = &shared};
	unsigned before = open_descriptors();
	struct told t;
	struct err err;

	begin(&t);
	resolve_shared_init(&shared);
	resolve_cancel(start_shared(&t, &query));
	cr_assert(eq(uint, under_way(&shared), 1));
	start_shared(&t, &query);
	cr_assert(eq(uint, under_way(&shared), 1));
	while (!t.times)
		cr_assert(eq(int, loop_turn(&t.loop, &err), 0));
	resolve_cancel(start_shared(&t, &query));
	resolve_shared_free(&shared);
	loop_free(&t.loop);
	for (int i = 0; i < 2000 && open_descriptors() > before; i++)
		usleep(1000);
	cr_assert(eq(uint, open_descriptors(), before));
}

/* ---- what keeps it from beginning ---- */

Test(resolve, a_look_up_that_cannot_begin_says_why_and_leaves_nothing)
{
	const struct resolve_query query = {.host = NO_NAME, .port = 80, .family = AF_UNSPEC};
	struct resolve *r = NULL;
	struct rlimit before;
	unsigned nth = 0, open;
	struct told t;
	struct err err;

	begin(&t);
	open = open_descriptors();
	for (; !r; nth++) {
		err = (struct err){0};
		fail_allocation(nth + 1);
		r = resolve_start(&t.loop, &query, on_done, &t, &err);
		fail_allocation(0);
		cr_assert(eq(int, err.sys, r ? 0 : ENOMEM), "%s", err.what);
	}
	cr_assert(eq(uint, nth, 5), "four allocations");
	resolve_cancel(r);
	/* Its thread has one until it is over. */
	for (int i = 0; i < 2000 && open_descriptors() > open; i++)
		usleep(1000);
	before = allow_no_more_descriptors();
	r = resolve_start(&t.loop, &query, on_done, &t, &err);
	setrlimit(RLIMIT_NOFILE, &before);
	cr_assert(eq(ptr, r, NULL));
	cr_assert(eq(int, err.sys, EMFILE), "%s", err.what);
	loop_free(&t.loop);
	cr_assert(eq(uint, t.times, 0));
}
