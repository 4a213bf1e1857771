/* sockx greet: say a name, if there is one, and print the greeting. */
#include "cmd/ask.h"
#include "cmd/commands.h"

#include "base/json.h"

struct greet_client_conf {
	struct client_conf client; /* first: see struct talk_conf */
	bool raw;
};

enum {
	/* A line is put out whole, with the newline that it may lack, as one pipe of many clients
	 * wants it (PIPE_BUF); but not held longer than a person would notice. */
	HELD_MAX_BYTES = 4096,
	HELD_MS = 50,
};

struct greet_client_run {
	struct ask ask;
	struct buf greeting; /* -j: all of it; else what is held of its last line */
	uint8_t last;        /* its last byte */
};

static const struct opt greet_rows[] = {
	{.name = "max-answer",
		.kind = OPT_SIZE,
		OPT_FIELD(struct greet_client_conf, client.max_answer),
		.arg = "SIZE",
		.fallback = "1M",
		.help = "exit with status 9 if the greeting is longer (0: any length)"},
	{.name = "raw",
		.kind = OPT_FLAG,
		OPT_FIELD(struct greet_client_conf, raw),
		.help = "pass the peer's control characters to a terminal as they are"},
};

static void greet_options(struct opt_set *set)
{
	set->conf_size = sizeof(struct greet_client_conf);
	client_options(set);
	opt_set_add(set, "Data", greet_rows, sizeof(greet_rows) / sizeof(greet_rows[0]), 0);
}

/* Returns as conn_write. */
static int greet_client_put_held(struct greet_client_run *run)
{
	struct ask *a = &run->ask;
	int rc = a->answers.to ? screen_write(&a->screen, buf_span(&run->greeting)) : 0;

	buf_free(&run->greeting);
	return rc;
}

static int greet_client_on_said(struct ask *a, struct span in)
{
	struct greet_client_run *run = container_of(a, struct greet_client_run, ask);

	if (in.len)
		run->last = in.data[in.len - 1];
	if (buf_add(&run->greeting, in) < 0) {
		ask_fail(a, &(struct err){ERR_RUNTIME, .what = "greet: out of memory"});
		return 0;
	}
	if (a->client.conf->talk.json)
		return 0;
	if (run->last == '\n' || run->greeting.len > HELD_MAX_BYTES)
		return greet_client_put_held(run);
	conn_after(a->client.net, HELD_MS);
	return 0;
}

static int greet_client_on_quiet(struct ask *a)
{
	struct greet_client_run *run = container_of(a, struct greet_client_run, ask);

	return a->client.conf->talk.json ? 0 : greet_client_put_held(run);
}

static void greet_client_write_json(struct greet_client_run *run)
{
	struct json j = {0};

	json_open(&j);
	json_event(&j, "greet");
	json_str(&j, "address", span_of(run->ask.client.dial.typed));
	json_str(&j, "greeting", buf_span(&run->greeting));
	json_close(&j);
	if (!j.failed)
		conn_write(run->ask.answers.to, buf_span(&j.out));
	buf_free(&j.out);
}

/* Many a server closes with our name unread, which resets the connection after its greeting: that
 * is its end. */
static void greet_client_on_over(struct ask *a, const struct err *why)
{
	struct greet_client_run *run = container_of(a, struct greet_client_run, ask);
	bool whole; /* or as much of it as there was: it was not given up */

	if (a->head.len && why && why->kind == ERR_LOST)
		why = NULL;
	whole = !a->client.verdict.kind && !(why && why->kind == ERR_WRONG);
	ask_judge(a, why);
	if (a->client.conf->talk.json) {
		if (whole)
			greet_client_write_json(run);
		return;
	}
	if (a->head.len && run->last != '\n' && buf_puts(&run->greeting, "\n") < 0)
		client_blame(
			&a->client, &(struct err){ERR_RUNTIME, .what = "greet: out of memory"});
	greet_client_put_held(run);
	screen_end(&a->screen);
}

static int greet_check(
	void *conf, const struct opt_set *set, const struct opt_args *args, struct err *err)
{
	const struct greet_client_conf *typed = conf;

	(void)set;
	(void)args;
	return client_check(&typed->client, "greet", NULL, err);
}

static int greet_command(struct reporter *to, void *conf, const struct opt_set *set,
	const struct opt_args *args, struct err *err)
{
	const struct greet_client_conf *typed = conf;
	struct greet_client_run run = {0};
	int rc = -1;

	(void)set;
	if (ask_init(&run.ask, to, &typed->client, err) < 0)
		return -1;
	run.ask.what = "greeting";
	run.ask.said = greet_client_on_said;
	run.ask.quiet = greet_client_on_quiet;
	run.ask.over = greet_client_on_over;
	run.ask.screen.raw = typed->raw;
	if (ask_words(&run.ask, args, err) == 0 && ask_aim(&run.ask, "greet", err) == 0)
		rc = ask_run(&run.ask, false, err);
	ask_free(&run.ask);
	buf_free(&run.greeting);
	return rc;
}

const struct command command_greet = {
	.name = "greet",
	.summary = "say a name and print the greeting",
	.purpose =
		"Connect to a greeting server, send it NAME if one is given, its words joined by "
		"one space, and print what it says until it closes. Standard input is not read. "
		"The status is 9 if it says nothing.",
	.usage = {"[OPTION...] [NAME...]"},
	.examples = {{"sockx greet", "hear what a server says by itself"},
		{"sockx greet Ada", "be greeted by name"},
		{"sockx greet -H example.org -p 9999 -j Ada", "elsewhere, as JSON"}},
	.words = WORDS_TEXT,
	.options = greet_options,
	.check = greet_check,
	.run = greet_command,
};
