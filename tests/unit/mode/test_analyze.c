#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "mode/analyze.h"
#include "sanitized.h"
#include "script.h"

TestSuite(mode_analyze, .timeout = 20);

enum { SETTLE_MS = 100000 }; /* a stalled machine does not reach it by itself */

struct stage {
	struct scene sc;
	struct mode_env env;
	struct analyze_conf conf;
	struct mode_shared shared;
	struct analyze_run run;
};

static struct stage *stage(struct analyze_conf conf)
{
	struct stage *st = calloc(1, sizeof(*st));
	struct err err = {0};

	st->conf = conf;
	st->shared.settle_ms = SETTLE_MS;
	scene_begin_for(&st->sc, &mode_analyze.on, &st->run);
	st->env = (struct mode_env){
		.loop = &st->sc.loop, .conf = &st->conf, .shared = &st->shared, .state = &st->run};
	cr_assert(eq(int, mode_analyze.begin(&st->env, &err), 0));
	return st;
}

static void end(struct stage *st)
{
	conn_owner_free(&st->sc.owner);
	mode_analyze.end(&st->env);
	scene_end(&st->sc);
	free(st);
}

static const struct analyze_conf usual = {.max_message = 1 << 20};

/* What a peer is answered, from its coming to its end. */
static void is_answered(struct analyze_conf conf, struct script peer, const char *report)
{
	struct stage *st = stage(conf);

	scene_join(&st->sc, &peer);
	scene_play(&st->sc);
	cr_assert(eq(str, peer.outgoing, (char *)report));
	cr_assert(not(peer.failed));
	end(st);
}

#define TO_BE "length: 18\nbytes: 18\nwords: 6\nunique: 4\nTo 2\nbe 2\nor 1\nnot 1\n"

Test(mode_analyze, reports_what_came_before_the_half_close)
{
	is_answered(usual, (struct script){.incoming = "To be or not to be"}, TO_BE);
	is_answered(usual, (struct script){.incoming = "To be or not to be", .per_read = 1}, TO_BE);
	is_answered(
		usual, (struct script){.incoming = "To be or not to be", .ragged = true}, TO_BE);
}

Test(mode_analyze, an_empty_text_has_a_report_too)
{
	is_answered(usual, (struct script){0}, "length: 0\nbytes: 0\nwords: 0\nunique: 0\n");
}

Test(mode_analyze, exact_words_are_the_same_byte_for_byte)
{
	is_answered((struct analyze_conf){.exact = true, .max_message = 100},
		(struct script){.incoming = "To to TO to"},
		"length: 11\nbytes: 11\nwords: 4\nunique: 3\nTo 1\nto 2\nTO 1\n");
}

Test(mode_analyze, bytes_that_are_no_text_are_counted)
{
	is_answered(usual,
		(struct script){.incoming = "a\xff\xfe"
					    "b \xc3\xa9"},
		"length: 6\nbytes: 7\ninvalid: 2\nwords: 3\nunique: 3\na 1\nb 1\n\xc3\xa9 1\n");
}

Test(mode_analyze, a_short_text_without_an_end_is_whole_when_it_is_quiet)
{
	struct script peer = {.incoming = "To be or not to be", .stays = true, .per_read = 5};
	struct stage *st = stage(usual);

	scene_join(&st->sc, &peer);
	scene_turn(&st->sc, 20);
	cr_assert(eq(str, peer.outgoing, ""));
	scene_pass_ms(&st->sc, SETTLE_MS);
	cr_assert(eq(str, peer.outgoing, TO_BE));
	cr_assert(eq(uint, peer.finished, 1));
	end(st);
}

Test(mode_analyze, a_longer_one_ends_only_where_it_says_so)
{
	char *text = script_bytes(ANALYZE_SETTLE_MAX_BYTES + 1);
	struct script peer = {.incoming = text, .stays = true};
	struct stage *st = stage(usual);

	scene_join(&st->sc, &peer);
	scene_turn(&st->sc, 20);
	scene_pass_ms(&st->sc, 10 * (int64_t)SETTLE_MS);
	cr_assert(eq(str, peer.outgoing, ""));
	end(st);
	free(text);
}

static void is_limited(size_t len, bool passes)
{
	char *text = script_bytes(len);
	struct script peer = {.incoming = text, .incoming_len = len};
	struct stage *st = stage((struct analyze_conf){.max_message = 1000});

	scene_join(&st->sc, &peer);
	scene_play(&st->sc);
	if (passes)
		cr_assert(strncmp(peer.outgoing, "length: ", 8) == 0);
	else
		cr_assert(eq(str, peer.outgoing, "error: a text may have at most 1000 bytes\n"));
	cr_assert(eq(int, peer.failed, !passes));
	end(st);
	free(text);
}

Test(mode_analyze, a_text_past_the_bound_is_refused)
{
	is_limited(1000, true);
	is_limited(1001, false);
	is_limited(300000, false);
}

/* So many different words. */
static char *vocabulary(unsigned words)
{
	char *text = malloc((size_t)words * 9 + 1), *p = text;

	for (unsigned i = 0; i < words; i++)
		p += sprintf(p, "w%06u ", i);
	return text;
}

Test(mode_analyze, a_report_is_as_long_as_it_is_and_its_reader_as_slow)
{
	enum { WORDS = 50000 };
	char *text = vocabulary(WORDS);
	struct script peer = {.incoming = text, .per_write = 20000, .again_every = 3};
	struct stage *st = stage(usual);
	struct conn *c = scene_join(&st->sc, &peer);
	size_t most = 0;

	while (!peer.ended) {
		scene_turn(&st->sc, 1);
		if (!peer.ended && conn_queued(c) > most)
			most = conn_queued(c);
	}
	cr_assert(eq(sz, peer.outgoing_len,
		strlen("length: 400000\nbytes: 400000\nwords: 50000\nunique: 50000\n") +
			WORDS * strlen("w000000 1\n")));
	cr_assert(le(sz, most, 2 * ANALYZE_WRITE_BYTES), "it is not kept twice");
	cr_assert(not(peer.failed));
	end(st);
	free(text);
}

static bool is_swept(struct stage *st)
{
	return st->run.left_over == NULL;
}

Test(mode_analyze, what_a_long_text_leaves_is_freed_a_part_at_a_time)
{
	enum { WORDS = SANITIZED_MEMORY ? 400000 : 600000 };
	char *text = vocabulary(WORDS);
	struct script peer = {.incoming = text};
	struct stage *st = stage((struct analyze_conf){.max_message = 1 << 30});
	unsigned turns = 0;

	scene_join(&st->sc, &peer);
	while (is_swept(st) && !peer.ended)
		scene_turn(&st->sc, 1);
	for (; !is_swept(st) && turns < 100; turns++)
		scene_turn(&st->sc, 1);
	cr_assert(ge(uint, turns, 2), "others are served in between");
	cr_assert(lt(uint, turns, 100));
	scene_play(&st->sc);
	cr_assert(not(peer.failed));
	end(st);
	free(text);
}

Test(mode_analyze, what_is_still_to_be_freed_is_freed_at_the_end)
{
	enum { WORDS = SANITIZED_MEMORY ? 400000 : 600000 };
	char *text = vocabulary(WORDS);
	struct script peer = {.incoming = text};
	struct stage *st = stage((struct analyze_conf){.max_message = 1 << 30});

	scene_join(&st->sc, &peer);
	while (is_swept(st) && !peer.ended)
		scene_turn(&st->sc, 1);
	cr_assert(not(is_swept(st)));
	end(st);
	free(text);
}

Test(mode_analyze, a_peer_that_leaves_in_the_middle_leaves_nothing_behind)
{
	struct script peer = {
		.incoming = "one two three", .per_read = 4, .fail_read_at = 3, .error = ECONNRESET};
	struct stage *st = stage(usual);

	scene_join(&st->sc, &peer);
	scene_play(&st->sc);
	cr_assert(peer.failed);
	end(st);
}

Test(mode_analyze, each_datagram_is_a_text)
{
	static const char *const texts[] = {"a b a", "", "c", NULL};
	struct script peer = {
		.message_max = 1000, .connectionless = true, .messages = texts, .stays = true};
	struct stage *st = stage(usual);

	scene_join(&st->sc, &peer);
	scene_turn(&st->sc, 20);
	cr_assert(eq(str, peer.outgoing,
		"[length: 5\nbytes: 5\nwords: 3\nunique: 2\na 2\nb 1\n]"
		"[length: 0\nbytes: 0\nwords: 0\nunique: 0\n]"
		"[length: 1\nbytes: 1\nwords: 1\nunique: 1\nc 1\n]"));
	cr_assert(eq(uint, peer.ended, 0));
	end(st);
}

Test(mode_analyze, where_messages_are_whole_the_end_of_none_is_an_empty_text)
{
	static const char *const none[] = {NULL}, *const one[] = {"a", NULL};

	is_answered(usual, (struct script){.message_max = 1000, .messages = none},
		"[length: 0\nbytes: 0\nwords: 0\nunique: 0\n]");
	is_answered(usual, (struct script){.message_max = 1000, .messages = one},
		"[length: 1\nbytes: 1\nwords: 1\nunique: 1\na 1\n]");
}

Test(mode_analyze, a_report_that_is_no_message_is_refused)
{
	static const char *const texts[] = {"a b c d e f g h", NULL};
	struct script peer = {
		.message_max = 70, .connectionless = true, .messages = texts, .stays = true};
	struct stage *st = stage(usual);

	scene_join(&st->sc, &peer);
	scene_turn(&st->sc, 20);
	cr_assert(eq(str, peer.outgoing, "[error: the report is too long for one message\n]"));
	end(st);
}
