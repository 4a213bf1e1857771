#include <errno.h>
#include <stdlib.h>

#include "check.h"
#include "core/conn_state.h"
#include "core/elsewhere.h"
#include "script.h"

/* Without a connection nothing but an answer shows that anybody listens: what was refused before
 * it is sent again, all of it, to the next address. */
TestSuite(elsewhere, .timeout = 20);

enum { PLACES = 3 };

/* One client, and the peers at the addresses it has: ports 1, 2 and 3. */
struct journey {
	struct scene sc;
	struct script places[PLACES];
	size_t place_count, at;
	unsigned asked;
	int error; /* what the last question was for */
	struct conn *c;
};

static struct addr place(size_t i)
{
	return addr_loopback(AF_INET, (uint16_t)(1 + i));
}

static bool on_elsewhere(void *arg, int error, struct link *link, struct addr *at)
{
	struct journey *j = arg;

	j->asked++;
	j->error = error;
	if (j->at + 1 >= j->place_count)
		return false;
	*link = scene_link(&j->sc, &j->places[++j->at]);
	*at = place(j->at);
	return true;
}

/* Places are filled by the test first. */
static void set_out(struct journey *j, const struct handler *on)
{
	const struct elsewhere_conf conf = {.next = on_elsewhere, .arg = j};
	const struct addr at = place(0);
	struct link link;

	for (size_t i = 0; i < PLACES; i++) {
		j->places[i].message_max = 60000;
		j->places[i].connectionless = true;
		j->places[i].stays = true;
	}
	scene_begin(&j->sc, on);
	link = scene_link(&j->sc, &j->places[0]);
	if (j->place_count)
		cr_assert(eq(int, elsewhere_over(&link, &at, &conf), 0));
	j->c = conn_new(&j->sc.owner, &link, &at, CONN_BOTH);
	conn_open(j->c);
}

static void come_home(struct journey *j)
{
	scene_end(&j->sc);
	for (size_t i = 1; i <= j->at; i++)
		cr_expect(eq(uint, j->places[i].closed, 1), "place %zu", i);
}

static void write_three(struct conn *c)
{
	conn_write(c, span_of("one"));
	conn_write(c, (struct span){0});
	conn_write(c, span_of("three"));
}

static void nothing(struct conn *c)
{
	(void)c;
}

static const struct handler talker = {.open = write_three, .eof = nothing};
static const struct handler listener = {.eof = nothing};
static char three[] = "[one][][three]";

static uint16_t port_of(const struct conn *c)
{
	const struct addr at = conn_address(c);

	return addr_port(&at);
}

/* ---- before the first answer ---- */

Test(elsewhere, a_refusal_that_a_read_tells_sends_everything_again_in_order)
{
	struct journey j = {
		.place_count = 2, .places = {{.fail_read_at = 1, .error = ECONNREFUSED}}};

	set_out(&j, &talker);
	scene_turn(&j.sc, 3);
	cr_assert(eq(str, j.places[0].outgoing, three));
	cr_assert(eq(str, j.places[1].outgoing, three));
	cr_assert(eq(int, j.error, ECONNREFUSED));
	cr_assert(eq(uint, j.asked, 1));
	cr_assert(eq(uint, j.places[0].closed, 1));
	cr_assert(eq(str, j.places[0].told, "open"), "the connection does not notice");
	cr_assert(eq(int, port_of(j.c), 2), "at another address");
	cr_assert(eq(u64, conn_sent(j.c), strlen("onethree")), "counted once");
	come_home(&j);
}

Test(elsewhere, a_limit_of_hops_holds_at_the_next_address_too)
{
	struct journey j = {
		.place_count = 2, .places = {{.fail_read_at = 1, .error = ECONNREFUSED}}};

	set_out(&j, &talker);
	conn_limit_hops(j.c, 17);
	cr_assert(eq(int, j.places[0].hops, 17));
	scene_turn(&j.sc, 3);
	cr_assert(eq(str, j.places[1].outgoing, three));
	cr_assert(eq(int, j.places[1].hops, 17));
	come_home(&j);
}

Test(elsewhere, a_refusal_that_a_write_tells_loses_nothing_and_sends_nothing_twice)
{
	for (unsigned at = 1; at <= 3; at++) {
		struct journey j = {
			.place_count = 2, .places = {{.fail_write_at = at, .error = ECONNREFUSED}}};

		set_out(&j, &talker);
		scene_turn(&j.sc, 3);
		cr_assert(eq(str, j.places[1].outgoing, three), "%u", at);
		come_home(&j);
	}
}

Test(elsewhere, what_waited_goes_after_what_is_sent_again)
{
	struct journey j = {.place_count = 2, .places = {{.reads_nothing = true}}};

	set_out(&j, &listener);
	conn_write(j.c, span_of("one"));
	j.places[0].deaf = true;
	conn_write(j.c, (struct span){0});
	conn_write(j.c, span_of("three"));
	j.places[0].reads_nothing = false;
	j.places[0].fail_read_at = 1;
	j.places[0].error = EHOSTUNREACH;
	scene_turn(&j.sc, 3);
	cr_assert(eq(str, j.places[0].outgoing, "[one]"));
	cr_assert(eq(str, j.places[1].outgoing, three));
	cr_assert(eq(int, j.error, EHOSTUNREACH));
	come_home(&j);
}

Test(elsewhere, a_queued_message_that_is_refused_is_not_lost)
{
	struct journey j = {.place_count = 2,
		.places = {{.deaf = true, .fail_write_at = 2, .error = ECONNREFUSED}}};

	set_out(&j, &talker);
	j.places[0].deaf = false;
	scene_turn(&j.sc, 3);
	cr_assert(eq(str, j.places[0].outgoing, "[one]"));
	cr_assert(eq(str, j.places[1].outgoing, three));
	come_home(&j);
}

Test(elsewhere, each_address_is_given_all_of_it_until_one_takes_it)
{
	struct journey j = {.place_count = 3,
		.places = {{.fail_read_at = 1, .error = ECONNREFUSED},
			{.fail_write_at = 3, .error = ECONNREFUSED}}};

	set_out(&j, &talker);
	scene_turn(&j.sc, 5);
	cr_assert(eq(str, j.places[1].outgoing, "[one][]"));
	cr_assert(eq(str, j.places[2].outgoing, three));
	cr_assert(eq(uint, j.asked, 2));
	cr_assert(eq(int, port_of(j.c), 3));
	come_home(&j);
}

Test(elsewhere, what_is_written_later_goes_to_the_new_address_alone)
{
	struct journey j = {
		.place_count = 2, .places = {{.fail_read_at = 1, .error = ECONNREFUSED}}};

	set_out(&j, &talker);
	scene_turn(&j.sc, 3);
	conn_write(j.c, span_of("more"));
	cr_assert(eq(str, j.places[0].outgoing, three));
	cr_assert(eq(str, j.places[1].outgoing, "[one][][three][more]"));
	come_home(&j);
}

Test(elsewhere, when_no_address_is_left_it_could_not_be_reached)
{
	struct journey j = {.place_count = 2,
		.places = {{.fail_read_at = 1, .error = ECONNREFUSED},
			{.fail_read_at = 1, .error = ECONNREFUSED}}};
	const struct err *why = &j.places[0].why;

	set_out(&j, &talker);
	scene_play(&j.sc);
	cr_assert(eq(uint, j.asked, 2));
	cr_assert(eq(uint, j.places[0].ended, 1));
	cr_assert(eq(int, why->kind, ERR_REFUSED));
	cr_assert(eq(int, why->sys, ECONNREFUSED));
	cr_assert(strstr(why->what, "127.0.0.1:2") != NULL, "%s", why->what);
	cr_assert(eq(str, (char *)why->hint, "scripted advice"));
	come_home(&j);
}

Test(elsewhere, a_link_without_it_ends)
{
	struct journey j = {.places = {{.fail_read_at = 1, .error = ECONNREFUSED}}};

	set_out(&j, &listener);
	conn_write(j.c, span_of("one"));
	scene_play(&j.sc);
	cr_assert(eq(int, j.places[0].why.kind, ERR_REFUSED));
	come_home(&j);
}

Test(elsewhere, a_lack_of_ours_before_the_first_answer_is_reported)
{
	struct journey j = {.place_count = 2, .places = {{.reads_nothing = true}}};

	set_out(&j, &talker);
	conn_lost(j.c, ENOMEM);
	scene_play(&j.sc);
	cr_assert(eq(uint, j.asked, 0));
	cr_assert(eq(int, j.places[0].why.sys, ENOMEM));
	cr_assert(eq(int, j.places[0].why.kind, ERR_RUNTIME));
	come_home(&j);
}

Test(elsewhere, what_we_lack_is_lacking_at_the_next_address_too)
{
	struct journey j = {.place_count = 2, .places = {{.fail_read_at = 1, .error = ENOMEM}}};

	set_out(&j, &talker);
	scene_play(&j.sc);
	cr_assert(eq(uint, j.asked, 0));
	cr_assert(eq(int, j.places[0].why.kind, ERR_RUNTIME), "%s", j.places[0].why.what);
	come_home(&j);
}

/* ---- not after it ---- */

static const char *const answer[] = {"answer", NULL};

Test(elsewhere, after_an_answer_a_failure_is_a_loss)
{
	struct journey j = {.place_count = 2,
		.places = {{.messages = answer, .fail_read_at = 2, .error = ECONNREFUSED}}};

	set_out(&j, &talker);
	scene_turn(&j.sc, 1);
	cr_assert(eq(sz, elsewhere_kept(&j.c->link), 0), "what was kept is given back");
	scene_play(&j.sc);
	cr_assert(eq(uint, j.asked, 0));
	cr_assert(eq(int, j.places[0].why.kind, ERR_LOST));
	come_home(&j);
}

Test(elsewhere, after_an_answer_nothing_is_kept)
{
	struct journey j = {.place_count = 2, .places = {{.messages = answer}}};

	set_out(&j, &talker);
	cr_assert(gt(sz, elsewhere_kept(&j.c->link), strlen("onethree")));
	scene_turn(&j.sc, 1);
	conn_write(j.c, span_of("more"));
	cr_assert(eq(sz, elsewhere_kept(&j.c->link), 0));
	come_home(&j);
}

Test(elsewhere, an_empty_answer_is_one)
{
	static const char *const empty[] = {"", NULL};
	struct journey j = {.place_count = 2,
		.places = {{.messages = empty, .fail_read_at = 2, .error = ECONNREFUSED}}};

	set_out(&j, &talker);
	scene_play(&j.sc);
	cr_assert(eq(uint, j.asked, 0));
	cr_assert(eq(int, j.places[0].why.kind, ERR_LOST));
	come_home(&j);
}

/* ---- the limit ---- */

static void write_bytes(struct conn *c, size_t bytes)
{
	char *text = script_bytes(50000);

	for (size_t len; bytes > 0; bytes -= len) {
		len = bytes < 50000 ? bytes : 50000;
		conn_write(c, (struct span){(const uint8_t *)text, len});
	}
	free(text);
}

Test(elsewhere, up_to_a_megabyte_is_kept_and_with_more_there_is_no_second_try)
{
	for (int more = 0; more < 2; more++) {
		struct journey j = {.place_count = 2, .places = {{.reads_nothing = true}}};
		size_t bytes = more ? ELSEWHERE_MAX_BYTES + 1 : ELSEWHERE_MAX_BYTES - 50000;

		set_out(&j, &listener);
		write_bytes(j.c, bytes);
		cr_assert(eq(int, elsewhere_kept(&j.c->link) == 0, more), "none or all of it");
		j.places[0].reads_nothing = false;
		j.places[0].fail_read_at = 1;
		j.places[0].error = ECONNREFUSED;
		scene_turn(&j.sc, 3);
		cr_assert(eq(uint, j.asked, more ? 0 : 1));
		cr_assert(eq(uint, j.places[0].ended, (unsigned)more));
		if (!more)
			cr_assert(eq(u64, conn_sent(j.c), bytes));
		come_home(&j);
	}
}

/* ---- at our end ---- */

Test(elsewhere, a_refusal_found_at_our_end_sends_everything_again_and_ends_there)
{
	struct journey j = {.place_count = 2, .places = {{.reads_nothing = true}}};

	set_out(&j, &talker);
	j.places[0].pending_error = ECONNREFUSED;
	conn_finish(j.c);
	cr_assert(eq(uint, j.asked, 1));
	scene_turn(&j.sc, 3);
	cr_assert(eq(str, j.places[1].outgoing, three));
	cr_assert(conn_finished(j.c));
	cr_assert(eq(uint, j.places[0].ended, 0), "an answer may still come");
	conn_write(j.c, span_of("nothing is said behind the end"));
	cr_assert(eq(str, j.places[1].outgoing, three));
	come_home(&j);
}

Test(elsewhere, closing_after_such_a_refusal_waits_until_all_is_sent_again)
{
	struct journey j = {.place_count = 2, .places = {{.reads_nothing = true}, {.deaf = true}}};

	set_out(&j, &talker);
	j.places[0].pending_error = ECONNREFUSED;
	conn_close(j.c, 0);
	scene_turn(&j.sc, 3);
	cr_assert(eq(uint, j.places[0].ended, 0));
	j.places[1].deaf = false;
	scene_play(&j.sc);
	cr_assert(eq(str, j.places[1].outgoing, three));
	cr_assert(not(j.places[0].failed));
	come_home(&j);
}

Test(elsewhere, a_refusal_found_at_our_end_is_one_if_there_is_nowhere_else)
{
	struct journey j = {.place_count = 1, .places = {{.reads_nothing = true}}};

	set_out(&j, &talker);
	j.places[0].pending_error = ECONNREFUSED;
	conn_finish(j.c);
	scene_play(&j.sc);
	cr_assert(eq(uint, j.asked, 1));
	cr_assert(eq(int, j.places[0].why.kind, ERR_REFUSED));
	come_home(&j);
}

Test(elsewhere, a_refusal_of_what_was_not_written_here_is_followed_by_the_end_at_the_next_address)
{
	struct journey j = {.place_count = 2, .places = {{.reads_nothing = true}}};

	set_out(&j, &listener);
	j.places[0].pending_error = ECONNREFUSED;
	conn_close(j.c, 0);
	scene_play(&j.sc);
	cr_assert(eq(uint, j.asked, 1));
	cr_assert(eq(sz, j.places[1].outgoing_len, 0));
	cr_assert(not(j.places[0].failed));
	come_home(&j);
}

Test(elsewhere, there_is_no_waiting_for_the_end_of_a_peer_that_never_tells_it)
{
	struct journey j = {.place_count = 1, .places = {{.reads_nothing = true}}};

	set_out(&j, &talker);
	conn_close(j.c, CONN_LINGER_MS);
	scene_turn(&j.sc, 2);
	cr_assert(eq(uint, j.places[0].ended, 1));
	cr_assert(not(j.places[0].failed));
	come_home(&j);
}
