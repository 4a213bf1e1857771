#include "mode/analyze.h"

#include <stdio.h>
#include <stdlib.h>

static const struct opt analyze_options[] = {
	{.name = "exact",
		.kind = OPT_FLAG,
		OPT_FIELD(struct analyze_conf, exact),
		.help = "take words for the same only if they are byte for byte, not also in "
			"another case or composition"},
	{.name = "max-message",
		.kind = OPT_SIZE,
		OPT_FIELD(struct analyze_conf, max_message),
		.arg = "SIZE",
		.fallback = "4M",
		.min = 1,
		.help = "refuse a text that is longer"},
};

static size_t analyze_text_memory(const struct analyze_text *text)
{
	return sizeof(*text) + analysis_memory(&text->analysis);
}

/* To free the memory of millions of words takes longer than others should have to wait. */
static void analyze_sweep(struct analyze_run *run)
{
	struct analyze_text *text = run->left_over;

	bool more = analysis_free_some(&text->analysis);
	size_t left = more ? analyze_text_memory(text) : 0;

	budget_freed(run->budget, text->left - left);
	text->left = left;
	if (more)
		return;
	run->left_over = text->next;
	if (text->whole >= ANALYZE_GIVE_BACK_BYTES)
		budget_give_back();
	free(text);
}

static bool analyze_on_reclaim(void *arg)
{
	struct analyze_run *run = arg;

	if (!run->left_over)
		return false;
	analyze_sweep(run);
	return true;
}

static void analyze_on_sweep(struct timer *t)
{
	struct analyze_run *run = container_of(t, struct analyze_run, sweep);

	if (analyze_on_reclaim(run) && run->left_over)
		timer_set_in(run->loop, &run->sweep, 0);
}

static void analyze_end_text(struct conn *c)
{
	struct analyze_run *run = conn_ctx(c);
	struct analyze_peer *p = conn_peer(c);

	p->cursor = (struct analysis_cursor){0};
	p->reporting = false;
	if (!p->text)
		return;
	p->text->left = p->text->whole = analyze_text_memory(p->text);
	conn_holds(c, 0);
	budget_leave(run->budget, p->text->left);
	p->text->next = run->left_over;
	run->left_over = p->text;
	p->text = NULL;
	analyze_sweep(run);
	if (run->left_over && !run->sweep.place)
		timer_set_in(run->loop, &run->sweep, 0);
}

static void analyze_out_of_memory(struct conn *c)
{
	analyze_end_text(c);
	conn_refuse(c, "out of memory");
}

/* Begin a text, if none has begun. Returns 0, or -1 with c refused. */
static int analyze_begin_text(struct conn *c)
{
	const struct analyze_run *run = conn_ctx(c);
	struct analyze_peer *p = conn_peer(c);

	if (p->text)
		return 0;
	p->text = malloc(sizeof(*p->text));
	if (!p->text) {
		analyze_out_of_memory(c);
		return -1;
	}
	analysis_init(&p->text->analysis, &run->key, run->conf->exact);
	return 0;
}

/* Count a part of a text. Returns 0, or -1 with c refused. */
static int analyze_add_text(struct conn *c, struct span in)
{
	const struct analyze_run *run = conn_ctx(c);
	struct analyze_peer *p = conn_peer(c);

	if (analyze_begin_text(c) < 0)
		return -1;
	if (analysis_counts(&p->text->analysis).bytes + in.len > run->conf->max_message) {
		analyze_end_text(c);
		conn_refuse(c, run->too_long);
		return -1;
	}
	if (analysis_add(&p->text->analysis, in) == 0)
		return conn_holds(c, analyze_text_memory(p->text));
	analyze_out_of_memory(c);
	return -1;
}

/* ---- a stream ---- */

/* Write the report's next part; the last closes the connection. */
static void analyze_report_more(struct conn *c)
{
	struct analyze_peer *p = conn_peer(c);
	struct buf part = {0};
	int rc = analysis_report(&p->text->analysis, &p->cursor, &part, ANALYZE_WRITE_BYTES);

	if (rc < 0)
		analyze_out_of_memory(c);
	else
		conn_write(c, buf_span(&part));
	buf_free(&part);
	if (rc == ANALYSIS_MORE) {
		conn_want_drained(c);
	} else if (rc == ANALYSIS_DONE) {
		analyze_end_text(c);
		conn_close(c, CONN_LINGER_MS);
	}
}

/* The text has ended: report. */
static void analyze_report_text(struct conn *c)
{
	struct analyze_peer *p = conn_peer(c);

	if (analyze_begin_text(c) < 0)
		return;
	conn_after(c, -1);
	conn_got(c);
	p->reporting = p->answered = true;
	if (analysis_end(&p->text->analysis) < 0)
		analyze_out_of_memory(c);
	else
		analyze_report_more(c);
}

/* ---- messages ---- */

static void analyze_answer_message(struct conn *c, struct span in)
{
	struct analyze_peer *p = conn_peer(c);
	struct buf whole = {0};
	int rc;

	p->answered = true;
	conn_got(c);
	if (analyze_add_text(c, in) < 0)
		return;
	rc = analysis_end(&p->text->analysis);
	if (rc == 0)
		rc = analysis_report(&p->text->analysis, &p->cursor, &whole, conn_message_max(c));
	if (rc < 0)
		analyze_out_of_memory(c);
	else if (rc == ANALYSIS_MORE || whole.len > conn_message_max(c))
		conn_refuse(c, "the report is too long for one message");
	else
		conn_write(c, buf_span(&whole));
	buf_free(&whole);
	analyze_end_text(c);
}

/* ---- the handler ---- */

static void analyze_open(struct conn *c)
{
	const struct analyze_run *run = conn_ctx(c);

	if (!conn_connectionless(c))
		conn_await(c, run->request_ms);
	if (!conn_message_max(c))
		conn_limit_reads(c, ANALYZE_READ_BYTES);
}

static void analyze_data(struct conn *c, struct span in)
{
	const struct analyze_run *run = conn_ctx(c);
	struct analyze_peer *p = conn_peer(c);

	if (conn_message_max(c)) {
		analyze_answer_message(c, in);
		return;
	}
	if (p->reporting || analyze_add_text(c, in) < 0)
		return; /* what comes behind a text that was taken for whole is too late */
	conn_after(c, analysis_counts(&p->text->analysis).bytes <= ANALYZE_SETTLE_MAX_BYTES
			      ? run->settle_ms
			      : -1);
}

static void analyze_drained(struct conn *c)
{
	struct analyze_peer *p = conn_peer(c);

	if (p->reporting)
		analyze_report_more(c);
}

static void analyze_eof(struct conn *c)
{
	struct analyze_peer *p = conn_peer(c);

	if (p->reporting)
		return; /* the report closes it */
	if (conn_message_max(c) && p->answered)
		conn_finish(c);
	else
		analyze_report_text(c);
}

static bool analyze_answering(struct conn *c)
{
	const struct analyze_peer *p = conn_peer(c);

	return p->reporting;
}

static int analyze_begin(struct mode_env *env, struct err *err)
{
	struct analyze_run *run = env->state;

	run->conf = env->conf;
	run->settle_ms = env->shared->settle_ms;
	run->request_ms = env->shared->request_ms;
	snprintf(run->too_long, sizeof(run->too_long), "a text may have at most %ju bytes",
		(uintmax_t)run->conf->max_message);
	run->key = hash_key_random();
	run->loop = env->loop;
	run->budget = env->budget;
	if (run->budget) {
		run->budget->reclaim = analyze_on_reclaim;
		run->budget->arg = run;
	}
	if (timer_init(run->loop, &run->sweep, analyze_on_sweep) == 0)
		return 0;
	return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
}

static void analyze_end(struct mode_env *env)
{
	struct analyze_run *run = env->state;

	timer_free(run->loop, &run->sweep);
	while (run->left_over)
		analyze_sweep(run);
}

const struct mode mode_analyze = {
	.name = "analyze",
	.summary = "count the words of what each client sends, and report them",
	.on = {.open = analyze_open,
		.data = analyze_data,
		.drained = analyze_drained,
		.later = analyze_report_text,
		.eof = analyze_eof,
		.answering = analyze_answering,
		.let_go = analyze_end_text,
		.release = analyze_end_text,
		.peer_size = sizeof(struct analyze_peer)},
	.options = analyze_options,
	.option_count = sizeof(analyze_options) / sizeof(analyze_options[0]),
	.conf_size = sizeof(struct analyze_conf),
	.takes = MODE_TAKES_SETTLE | MODE_TAKES_REQUEST,
	.state_size = sizeof(struct analyze_run),
	.amplifies = true,
	.begin = analyze_begin,
	.end = analyze_end,
};
