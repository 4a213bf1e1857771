#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "core/framer.h"
#include "mode/analyze.h"
#include "script.h"

TestSuite(budget, .timeout = 20);

#define SENT_AWAY "error: the server's memory limit is reached\n"

/* A handler that keeps what a peer says first, and lets go of it. */
struct keeper {
	uint8_t *kept;
};

static void let_go(struct conn *c)
{
	struct keeper *k = conn_peer(c);

	free(k->kept);
	k->kept = NULL;
}

static void keep(struct conn *c, struct span in)
{
	struct keeper *k = conn_peer(c);

	if (k->kept)
		return;
	k->kept = malloc(in.len);
	conn_holds(c, in.len);
}

static void stay(struct conn *c)
{
	(void)c;
}

static const struct handler keeps = {.data = keep,
	.eof = stay,
	.let_go = let_go,
	.release = let_go,
	.peer_size = sizeof(struct keeper)};

/* One that answers with what it gets, as long as that takes. */
static void answer(struct conn *c, struct span in)
{
	conn_write(c, in);
}

static const struct handler answers = {.data = answer, .eof = stay};

struct stand {
	struct scene sc;
	struct budget budget;
};

static void begin(struct stand *st, const struct handler *on, size_t max)
{
	*st = (struct stand){.budget.max = max};
	scene_begin(&st->sc, on);
	st->sc.owner.budget = &st->budget;
}

static void end(struct stand *st)
{
	scene_end(&st->sc);
	cr_assert(eq(sz, st->budget.held, 0), "all that was counted was given back");
}

Test(budget, the_largest_holder_is_sent_away_and_the_small_are_served)
{
	char *bytes = script_bytes(700);
	struct script large = {.incoming = bytes, .incoming_len = 600, .stays = true};
	struct script small = {.incoming = bytes, .incoming_len = 100, .stays = true};
	struct script last = {.incoming = bytes, .incoming_len = 400, .stays = true};
	struct stand st;

	begin(&st, &keeps, 1000);
	scene_join(&st.sc, &large);
	scene_join(&st.sc, &small);
	scene_turn(&st.sc, 3);
	cr_assert(eq(sz, st.budget.held, 700));
	scene_join(&st.sc, &last);
	scene_turn(&st.sc, 3);
	cr_assert(eq(str, large.outgoing, SENT_AWAY));
	cr_assert(eq(str, small.outgoing, ""));
	cr_assert(eq(str, last.outgoing, ""));
	cr_assert(eq(sz, st.budget.held, 500));
	end(&st);
	free(bytes);
}

Test(budget, one_that_alone_is_past_it_is_sent_away_itself)
{
	struct script s = {.incoming = "more than there is", .stays = true};
	struct stand st;

	begin(&st, &keeps, 10);
	scene_join(&st.sc, &s);
	scene_turn(&st.sc, 3);
	cr_assert(eq(str, s.outgoing, SENT_AWAY));
	scene_pass_ms(&st.sc, CONN_LINGER_MS);
	scene_play(&st.sc);
	cr_assert(s.failed);
	cr_assert(eq(int, s.why.kind, ERR_RUNTIME));
	end(&st);
}

/* What waits for it would come before the reason. */
Test(budget, one_that_does_not_read_is_ended_with_what_waits_for_it)
{
	char *bytes = script_bytes(8000);
	struct script deaf = {.incoming = bytes, .incoming_len = 8000, .deaf = true, .stays = true};
	struct script other = {
		.incoming = bytes, .incoming_len = 3000, .deaf = true, .stays = true};
	struct stand st;

	begin(&st, &answers, 10000);
	scene_join(&st.sc, &deaf);
	scene_turn(&st.sc, 2);
	cr_assert(eq(uint, deaf.ended, 0));
	scene_join(&st.sc, &other);
	scene_turn(&st.sc, 3);
	cr_assert(eq(uint, deaf.ended, 1));
	cr_assert(deaf.failed);
	cr_assert(eq(str, deaf.outgoing, ""));
	cr_assert(eq(uint, other.ended, 0));
	end(&st);
	free(bytes);
}

Test(budget, a_queue_that_has_drained_counts_no_more)
{
	struct script s = {.incoming = "a few bytes", .deaf = true, .stays = true};
	struct stand st;

	begin(&st, &answers, 0);
	scene_join(&st.sc, &s);
	scene_turn(&st.sc, 2);
	cr_assert(gt(sz, st.budget.held, 0), "counted also without a limit");
	s.deaf = false;
	scene_turn(&st.sc, 2);
	cr_assert(eq(sz, st.budget.held, 0));
	end(&st);
}

/* Each path by which a connection loses its queue. */
Test(budget, an_end_of_any_kind_gives_back_what_was_held)
{
	struct script fails = {.incoming = "one",
		.stays = true,
		.again_every = 2,
		.fail_write_at = 1,
		.error = EPIPE};
	struct script aborted = {.incoming = "two", .deaf = true, .stays = true};
	struct script expelled = {.incoming = "three", .deaf = true, .stays = true};
	struct script message = {.messages = (const char *const[]){"four", "five", NULL},
		.message_max = 100,
		.deaf = true,
		.stays = true};
	struct conn *a, *e;
	struct stand st;

	begin(&st, &answers, 100000);
	scene_join(&st.sc, &fails);
	a = scene_join(&st.sc, &aborted);
	e = scene_join(&st.sc, &expelled);
	scene_join(&st.sc, &message);
	scene_turn(&st.sc, 3);
	cr_assert(gt(sz, st.budget.held, 0));
	conn_abort(a);
	conn_expel(e, "told to");
	message.deaf = false;
	scene_turn(&st.sc, 3);
	cr_assert(eq(str, message.outgoing, "[four][five]"));
	cr_assert(eq(sz, st.budget.held, 0));
	end(&st);
}

/* ---- the handlers ---- */

static bool ignore(struct conn *c, struct span message)
{
	(void)c;
	(void)message;
	return true;
}

static void frame(struct conn *c, struct span in)
{
	framer_data(conn_peer(c), c, in, -1, ignore);
}

static void free_frame(struct conn *c)
{
	framer_free(conn_peer(c));
}

static const struct handler frames = {.data = frame,
	.eof = stay,
	.let_go = free_frame,
	.release = free_frame,
	.peer_size = sizeof(struct framer)};

Test(budget, a_line_counts_until_it_ends)
{
	struct script ends = {.incoming = "a line that ends\n", .per_read = 5, .stays = true};
	struct script goes_on = {.incoming = "a line that does not", .per_read = 5, .stays = true};
	struct stand st;

	begin(&st, &frames, 100000);
	scene_join(&st.sc, &ends);
	scene_turn(&st.sc, 10);
	cr_assert(eq(sz, st.budget.held, 0));
	scene_join(&st.sc, &goes_on);
	scene_turn(&st.sc, 10);
	cr_assert(gt(sz, st.budget.held, 0));
	st.budget.max = 10;
	scene_join(&st.sc, &(struct script){.incoming = "x", .stays = true});
	scene_turn(&st.sc, 2);
	cr_assert(le(sz, st.budget.held, 300));
	end(&st);
}

/* So many distinct words that their memory takes several turns to free. */
static char *words(size_t count)
{
	char *text = malloc(count * 9 + 1);

	for (size_t i = 0; i < count; i++)
		snprintf(text + i * 9, 10, "w%07x ", (unsigned)i & 0xfffffff);
	return text;
}

struct analyzers {
	struct scene sc;
	struct mode_env env;
	struct mode_shared shared;
	struct analyze_conf conf;
	struct analyze_run run;
	struct budget budget;
};

static struct analyzers *analyzers(size_t max)
{
	struct analyzers *a = calloc(1, sizeof(*a));
	struct err err;

	a->conf.max_message = 1 << 30;
	a->shared.settle_ms = 100000;
	a->budget.max = max;
	scene_begin_for(&a->sc, &mode_analyze.on, &a->run);
	a->sc.owner.budget = &a->budget;
	a->env = (struct mode_env){
		.loop = &a->sc.loop, .conf = &a->conf, .shared = &a->shared, .budget = &a->budget};
	a->env.state = &a->run;
	cr_assert(eq(int, mode_analyze.begin(&a->env, &err), 0));
	return a;
}

static void end_analyzers(struct analyzers *a)
{
	conn_owner_free(&a->sc.owner);
	mode_analyze.end(&a->env);
	scene_end(&a->sc);
	cr_assert(eq(sz, a->budget.held, 0), "all that was counted was given back");
	free(a);
}

/* What the first leaves is freed in parts, and counts meanwhile: no reason to send others away. */
Test(budget, of_two_large_texts_one_is_refused_and_a_small_one_is_answered)
{
	enum { WORDS = 200000, LIMIT = 16 << 20 };
	char *text = words(WORDS);
	struct script one = {.incoming = text, .stays = true};
	struct script two = {.incoming = text, .stays = true};
	struct script small = {.incoming = "hello"};
	struct analyzers *a = analyzers(LIMIT);
	size_t most = 0;

	scene_join(&a->sc, &one);
	scene_join(&a->sc, &two);
	for (int i = 0; i < 400; i++) {
		scene_turn(&a->sc, 1);
		most = a->budget.held > most ? a->budget.held : most;
	}
	scene_join(&a->sc, &small);
	scene_turn(&a->sc, 5);
	cr_assert(eq(str, small.outgoing, "length: 5\nbytes: 5\nwords: 1\nunique: 1\nhello 1\n"));
	cr_assert(
		ne(int, one.outgoing_len > 0, two.outgoing_len > 0), "one of them, and one alone");
	cr_assert(eq(str, one.outgoing_len ? one.outgoing : two.outgoing, SENT_AWAY));
	/* A table that doubles is counted once it is there. */
	cr_assert(lt(sz, most, LIMIT + LIMIT / 2));
	end_analyzers(a);
	free(text);
}

Test(budget, a_text_that_was_answered_counts_until_it_is_freed)
{
	char *text = words(200000);
	struct script peer = {.incoming = text};
	struct analyzers *a = analyzers(0);

	scene_join(&a->sc, &peer);
	for (int i = 0; i < 1000 && !a->run.left_over; i++)
		scene_turn(&a->sc, 1);
	cr_assert(gt(sz, a->budget.held, 1 << 20), "some of it is left");
	for (int i = 0; i < 100 && a->budget.held; i++)
		scene_turn(&a->sc, 1);
	cr_assert(eq(sz, a->budget.held, 0));
	end_analyzers(a);
	free(text);
}

Test(budget, what_a_text_counts_for_is_near_what_it_takes)
{
	enum { WORDS = 100000 };
	const struct hash_key key = hash_key_random();
	struct analysis analysis;
	char *text = words(WORDS);
	size_t memory;

	analysis_init(&analysis, &key, false);
	cr_assert(eq(sz, analysis_memory(&analysis), 0));
	cr_assert(eq(int, analysis_add(&analysis, span_of(text)), 0));
	memory = analysis_memory(&analysis);
	cr_assert(ge(sz, memory, (size_t)WORDS * 48)); /* see tally.h */
	cr_assert(le(sz, memory, (size_t)WORDS * 80));
	while (analysis_free_some(&analysis)) {
		cr_assert(le(sz, analysis_memory(&analysis), memory + (8 << 20)));
	}
	cr_assert(eq(sz, analysis_memory(&analysis), 0));
	free(text);
}
