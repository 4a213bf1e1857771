#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mode/members.h"
#include "peer.h"
#include "script.h"

TestSuite(mode_broker, .timeout = 20);

/* As the mode's own options are: their one field. */
struct conf {
	const char *slow;
};

/* A broker whose members are scripts, and what it reports. */
struct stage {
	struct scene sc;
	struct mode_env env;
	struct conf conf;
	struct lines said;
	struct reporter to;
	struct script talker; /* of talks_past */
	char *talk;
	void *run;
};

static struct stage *stage(const char *slow)
{
	struct stage *st = calloc(1, sizeof(*st));
	struct err err = {0};

	st->run = calloc(1, mode_find("broker")->state_size);
	st->conf.slow = slow;
	scene_begin_for(&st->sc, &mode_broker.on, st->run);
	st->to = lines_reporter(&st->said);
	st->env = (struct mode_env){
		.loop = &st->sc.loop, .to = &st->to, .conf = &st->conf, .state = st->run};
	cr_assert(eq(int, mode_broker.begin(&st->env, &err), 0));
	return st;
}

static void end(struct stage *st)
{
	scene_end(&st->sc);
	free(st->talk);
	free(st->run);
	free(st);
}

#define COMES_TO(st, condition) TURN_UNTIL(&(st)->sc.loop, condition)

/* A few turns in which nothing of this kind should happen. */
static void rest(struct stage *st)
{
	scene_turn(&st->sc, 20);
}

static unsigned lines_with(const struct stage *st, const char *text)
{
	unsigned count = 0;

	for (const char *at = st->said.text; (at = strstr(at, text)); at++)
		count++;
	return count;
}

/* ---- who hears what ---- */

Test(mode_broker, each_hears_the_others_and_never_itself)
{
	struct script one = {.incoming = "un\x1b[2J\n", .stays = true, .reads_nothing = true};
	struct script two = {.incoming = "deux", .stays = true, .reads_nothing = true};
	struct script three = {.stays = true};
	struct stage *st = stage("close");

	scene_join(&st->sc, &one);
	scene_join(&st->sc, &two);
	scene_join(&st->sc, &three);
	one.reads_nothing = false;
	COMES_TO(st, three.outgoing_len);
	two.reads_nothing = false;
	COMES_TO(st, one.outgoing_len);
	rest(st);
	cr_assert(eq(str, one.outgoing, "deux"));
	cr_assert(eq(str, two.outgoing, "un\x1b[2J\n"), "bytes are passed on as they are");
	cr_assert(eq(str, three.outgoing, "un\x1b[2J\ndeux"));
	end(st);
}

Test(mode_broker, every_byte_arrives_in_order_through_ragged_moves)
{
	char *text = script_bytes(20000);
	struct script one = {.incoming = text, .stays = true, .ragged = true, .again_every = 3};
	struct script two = {.stays = true, .ragged = true, .again_every = 5};
	struct stage *st = stage("close");

	scene_join(&st->sc, &two);
	scene_join(&st->sc, &one);
	COMES_TO(st, two.outgoing_len >= 20000);
	cr_assert(eq(str, two.outgoing, text));
	free(text);
	end(st);
}

Test(mode_broker, messages_stay_whole_and_an_empty_one_is_one)
{
	static const char *const said[] = {"one", "", "three", NULL};
	struct script talker = {.message_max = 1000, .messages = said, .stays = true};
	struct script other = {.message_max = 1000, .stays = true};
	struct script late = {.message_max = 1000, .stays = true, .deaf = true};
	struct stage *st = stage("close");

	scene_join(&st->sc, &other);
	scene_join(&st->sc, &late);
	scene_join(&st->sc, &talker);
	COMES_TO(st, talker.messages_read == 3);
	rest(st);
	late.deaf = false;
	COMES_TO(st, strcmp(late.outgoing, "[one][][three]") == 0);
	cr_assert(eq(str, other.outgoing, "[one][][three]"));
	end(st);
}

enum { BURST = 10 * MEMBERS_TURN_BYTES };

Test(mode_broker, a_turn_passes_on_a_bounded_part_of_a_burst)
{
	char *text = script_bytes(BURST);
	struct script burst = {.incoming = text, .stays = true, .reads_nothing = true};
	struct script other = {.stays = true};
	struct stage *st = stage("close");

	scene_join(&st->sc, &other);
	scene_join(&st->sc, &burst);
	burst.reads_nothing = false;
	COMES_TO(st, other.outgoing_len);
	cr_assert(le(sz, other.outgoing_len, BURST / 5));
	COMES_TO(st, other.outgoing_len == BURST);
	cr_assert(eq(uint, other.writes, 10), "one write for each read");
	free(text);
	end(st);
}

/* ---- one that does not read ---- */

enum { TALK = 3 * MEMBERS_BEHIND_MAX_BYTES + 3 * MEMBERS_TURN_BYTES };

/* What a talker says is passed on to the end, though another reads nothing of it, for which never
 * more than the bound is kept. */
static void talks_past(struct stage *st, struct script *deaf, struct script *fine)
{
	struct conn *c = scene_join(&st->sc, deaf);

	st->talk = script_bytes(TALK);
	st->talker = (struct script){.incoming = st->talk, .stays = true};
	scene_join(&st->sc, fine);
	scene_join(&st->sc, &st->talker);
	while (fine->outgoing_len < TALK) {
		if (!deaf->ended)
			cr_assert(le(sz, conn_queued(c), MEMBERS_BEHIND_MAX_BYTES));
		scene_turn(&st->sc, 1);
	}
	cr_assert(eq(uint, fine->ended, 0));
	rest(st);
}

Test(mode_broker, one_that_does_not_read_is_closed_and_no_other_waits)
{
	struct script deaf = {.deaf = true, .stays = true, .reads_nothing = true};
	struct script fine = {.stays = true};
	struct stage *st = stage("close");

	talks_past(st, &deaf, &fine);
	cr_assert(eq(uint, deaf.ended, 1));
	cr_assert(strstr(deaf.why.what, "it does not read what others send") != NULL);
	end(st);
}

Test(mode_broker, or_it_misses_what_it_has_no_room_for_and_that_is_counted)
{
	struct script deaf = {.deaf = true, .stays = true, .reads_nothing = true};
	struct script fine = {.stays = true};
	struct stage *st = stage("drop");

	talks_past(st, &deaf, &fine);
	cr_assert(eq(uint, deaf.ended, 0));
	cr_assert(eq(uint, lines_with(st, "missed what others sent"), 11), "1, 2, 4 ... 1024");
	deaf.deaf = false;
	COMES_TO(st, deaf.outgoing_len == MEMBERS_BEHIND_MAX_BYTES);
	deaf.fail_read_at = deaf.reads + 1;
	deaf.error = ECONNRESET;
	deaf.reads_nothing = false;
	COMES_TO(st, deaf.ended);
	cr_assert(eq(uint, lines_with(st, "(1027 so far)"), 1), "%s", st->said.text);
	end(st);
}

Test(mode_broker, one_that_has_missed_something_hears_what_is_said_once_it_reads)
{
	struct script deaf = {.deaf = true, .stays = true, .reads_nothing = true};
	struct script fine = {.incoming = "hello", .stays = true, .reads_nothing = true};
	struct stage *st = stage("drop");

	talks_past(st, &deaf, &fine);
	deaf.deaf = false;
	COMES_TO(st, deaf.outgoing_len == MEMBERS_BEHIND_MAX_BYTES);
	fine.reads_nothing = false;
	COMES_TO(st, deaf.outgoing_len == MEMBERS_BEHIND_MAX_BYTES + strlen("hello"));
	end(st);
}

Test(mode_broker, where_memory_is_out_the_one_for_whom_it_was_wanted_is_lost_alone)
{
	struct script talker = {.incoming = "hello", .stays = true, .reads_nothing = true};
	struct script deaf = {.deaf = true, .stays = true}, fine = {.stays = true};
	struct stage *st = stage("drop");

	scene_join(&st->sc, &deaf);
	scene_join(&st->sc, &fine);
	scene_join(&st->sc, &talker);
	rest(st);
	talker.reads_nothing = false;
	fail_allocation(1);
	COMES_TO(st, strcmp(fine.outgoing, "hello") == 0);
	cr_assert(fail_allocation(0));
	COMES_TO(st, deaf.ended);
	cr_assert(strstr(deaf.why.what, "memory") != NULL, "%s", deaf.why.what);
	cr_assert(eq(uint, fine.ended + talker.ended, 0));
	end(st);
}

/* ---- those who leave ---- */

Test(mode_broker, one_that_has_ended_still_hears)
{
	struct script one = {.incoming = "last words"};
	struct script two = {.incoming = "answer", .stays = true, .reads_nothing = true};
	struct stage *st = stage("close");

	scene_join(&st->sc, &two);
	scene_join(&st->sc, &one);
	COMES_TO(st, strcmp(two.outgoing, "last words") == 0);
	rest(st);
	cr_assert(eq(uint, one.finished, 0), "its end is no end of what it hears");
	two.reads_nothing = false;
	COMES_TO(st, strcmp(one.outgoing, "answer") == 0);
	cr_assert(eq(uint, one.ended, 0));
	end(st);
}

Test(mode_broker, one_that_has_ended_and_then_closed_leaves_in_order)
{
	struct script one = {0},
		      two = {.incoming = "anyone?", .stays = true, .reads_nothing = true};
	struct stage *st = stage("close");

	scene_join(&st->sc, &one);
	scene_join(&st->sc, &two);
	rest(st);
	cr_assert(eq(uint, one.ended, 0));
	one.pending_error = EPIPE;
	two.reads_nothing = false;
	COMES_TO(st, one.ended);
	cr_assert(not(one.failed), "%s", one.why.what);
	cr_assert(eq(uint, one.writes, 0));
	cr_assert(eq(uint, two.ended, 0));
	end(st);
}

Test(mode_broker, of_so_many_clients_all_are_done_once_none_has_more_to_say)
{
	struct script one = {.incoming = "last words"};
	struct script two = {.incoming = "answer", .reads_nothing = true};
	struct stage *st = stage("close");

	st->env.vouches = true;
	cr_assert(eq(int, mode_broker.begin(&st->env, NULL), 0));
	scene_join(&st->sc, &two);
	scene_join(&st->sc, &one);
	COMES_TO(st, strcmp(two.outgoing, "last words") == 0);
	rest(st);
	cr_assert(eq(uint, one.ended, 0));
	two.reads_nothing = false;
	COMES_TO(st, one.ended && two.ended);
	cr_assert(eq(str, one.outgoing, "answer"));
	cr_assert(not(one.failed) && not(two.failed));
	end(st);
}

Test(mode_broker, one_that_is_reset_concerns_no_other)
{
	struct script one = {.incoming = "x", .fail_read_at = 2, .error = ECONNRESET};
	struct script two = {.incoming = "hello", .stays = true, .reads_nothing = true};
	struct script three = {.stays = true};
	struct stage *st = stage("close");

	scene_join(&st->sc, &two);
	scene_join(&st->sc, &three);
	scene_join(&st->sc, &one);
	COMES_TO(st, one.ended);
	cr_assert(one.failed);
	two.reads_nothing = false;
	COMES_TO(st, strcmp(three.outgoing, "xhello") == 0);
	end(st);
}
