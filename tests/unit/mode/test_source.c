#include <errno.h>
#include <stdlib.h>

#include "check.h"
#include "mode/source.h"
#include "script.h"

TestSuite(mode_source, .timeout = 20);

/* A source's run, for peers that follow scripts. */
static void begin(struct scene *sc)
{
	struct source_run *run = calloc(1, sizeof(*run));
	struct mode_env env = {.state = run};
	struct err err;

	cr_assert(eq(int, mode_source.begin(&env, &err), 0));
	scene_begin_for(sc, &mode_source.on, run);
}

static void end(struct scene *sc)
{
	scene_end(sc);
	free(sc->owner.ctx);
}

enum { LINE = 74, PATTERN = 95 * LINE };

/* RFC 864: 72 of the 95 printable characters, each line beginning one further, CR LF. */
static char expected_at(size_t i)
{
	size_t line = i / LINE, column = i % LINE;

	if (column >= 72)
		return column == 72 ? '\r' : '\n';
	return (char)(' ' + (line + column) % 95);
}

static void is_the_pattern(const struct script *s)
{
	size_t len = s->outgoing_len < SCRIPT_OUT_MAX ? s->outgoing_len : SCRIPT_OUT_MAX;

	for (size_t i = 0; i < len; i++)
		cr_assert(eq(chr, s->outgoing[i], expected_at(i)), "byte %zu", i);
}

Test(mode_source, sends_the_pattern_of_rfc_864_over_and_over)
{
	struct script s = {.stays = true};
	struct scene sc;

	begin(&sc);
	scene_join(&sc, &s);
	scene_turn(&sc, 20);
	cr_assert(gt(sz, s.outgoing_len, 10 * PATTERN));
	is_the_pattern(&s);
	end(&sc);
}

Test(mode_source, the_pattern_has_no_seam_however_little_is_taken_at_a_time)
{
	struct script s = {.stays = true, .ragged = true, .again_every = 4};
	struct scene sc;
	struct conn *c;

	begin(&sc);
	c = scene_join(&sc, &s);
	scene_turn(&sc, 5000);
	cr_assert(gt(sz, s.outgoing_len, 2 * PATTERN));
	is_the_pattern(&s);
	cr_assert(eq(sz, conn_queued(c), 0));
	end(&sc);
}

Test(mode_source, a_peer_that_takes_all_at_once_leaves_the_others_their_turn)
{
	struct script s = {.stays = true}, other = {.stays = true};
	struct scene sc;

	begin(&sc);
	scene_join(&sc, &s);
	cr_assert(ge(sz, s.outgoing_len, 1000000));
	cr_assert(le(sz, s.outgoing_len, 1 << 20));
	scene_join(&sc, &other);
	scene_turn(&sc, 10);
	cr_assert(eq(sz, s.outgoing_len, other.outgoing_len));
	end(&sc);
}

Test(mode_source, waits_for_a_peer_that_takes_nothing)
{
	struct script s = {.stays = true, .deaf = true};
	struct scene sc;
	struct conn *c;

	begin(&sc);
	c = scene_join(&sc, &s);
	scene_turn(&sc, 1000);
	cr_assert(eq(sz, conn_queued(c), 0));
	s.deaf = false;
	scene_turn(&sc, 20);
	is_the_pattern(&s);
	end(&sc);
}

Test(mode_source, a_peer_that_has_nothing_to_say_is_served_all_the_same)
{
	struct script s = {.incoming = "give"};
	struct scene sc;

	begin(&sc);
	scene_join(&sc, &s);
	scene_turn(&sc, 100);
	cr_assert(gt(sz, s.outgoing_len, 50 * PATTERN));
	cr_assert(eq(uint, s.finished, 0));
	cr_assert(eq(uint, s.ended, 0));
	end(&sc);
}

Test(mode_source, ends_when_the_peer_has_had_enough)
{
	struct script s = {.fail_write_at = 10, .error = EPIPE};
	struct scene sc;

	begin(&sc);
	scene_join(&sc, &s);
	scene_play(&sc);
	cr_assert(s.failed);
	cr_assert(eq(int, s.why.kind, ERR_LOST));
	cr_assert(eq(sz, s.outgoing_len, 9 * SOURCE_PIECE_BYTES));
	end(&sc);
}

/* ---- over datagrams ---- */

/* What a datagram of such a length is answered. */
static void is_answered_by_its_own_length(size_t len)
{
	char *question = script_bytes(len);
	const char *const messages[] = {question, NULL};
	struct script s = {
		.message_max = 60000, .connectionless = true, .messages = messages, .stays = true};
	struct scene sc;

	begin(&sc);
	scene_join(&sc, &s);
	scene_turn(&sc, 5);
	cr_assert(eq(sz, s.outgoing_len, len + 2), "one datagram");
	for (size_t i = 0; i < len; i++)
		cr_assert(eq(chr, s.outgoing[1 + i], expected_at(i)), "byte %zu", i);
	end(&sc);
	free(question);
}

Test(mode_source, answers_a_datagram_with_one_that_is_not_longer)
{
	static const size_t lengths[] = {0, 1, 72, 74, 512, PATTERN + 1, 60000};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		is_answered_by_its_own_length(lengths[i]);
}

Test(mode_source, sends_nothing_to_a_datagram_peer_that_asks_for_nothing)
{
	struct script s = {.message_max = 60000, .connectionless = true, .stays = true};
	struct scene sc;

	begin(&sc);
	scene_join(&sc, &s);
	scene_turn(&sc, 5);
	cr_assert(eq(uint, s.writes, 0));
	end(&sc);
}

Test(mode_source, over_a_connection_of_messages_sends_the_pattern_as_over_a_stream)
{
	struct script s = {.message_max = 60000, .stays = true};
	struct scene sc;

	begin(&sc);
	scene_join(&sc, &s);
	scene_turn(&sc, 5);
	cr_assert(gt(uint, s.writes, 3));
	for (size_t i = 0; i < PATTERN; i++)
		cr_assert(eq(chr, s.outgoing[1 + i], expected_at(i)), "byte %zu", i);
	end(&sc);
}
