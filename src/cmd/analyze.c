/* sockx analyze: have the words of a text counted, check the report, and show it. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analysis/findings.h"
#include "cli/line.h"
#include "cmd/ask.h"
#include "cmd/commands.h"
#include "os/sys_file.h"
#include "os/sys_terminal.h"
#include "report/report.h"

enum {
	SHOW_BYTES = 64 * 1024, /* of the report, put out at a time */
	/* A report is at most some times as long as its text: each word has a line with its count,
	 * and a text of Han is all words. What is longer is no report, and passed on as it comes.
	 */
	REPORT_TIMES = 8,
	REPORT_HEAD_BYTES = 4096,
	JSON_ANSWER_MAX_BYTES = 1024 * 1024,
};

struct analyze_client_conf {
	struct client_conf client; /* first: see struct talk_conf */
	uint64_t top;
	const char *sort;
	bool raw;
};

struct analyze_client_run {
	struct ask ask;
	const struct analyze_client_conf *conf;
	struct buf answer;        /* collected, as long as it may be a report */
	bool passes;              /* it is none, and is passed on as it comes */
	struct findings findings; /* of the answer */
	bool found;               /* it is a report */
	struct findings_cursor cursor;
	uint8_t last; /* byte that was put out */
};

static bool analyze_client_sort_choice(size_t i, struct opt_choice *out)
{
	static const struct opt_choice choices[] = {{"first", "as they appeared in the text"},
		{"count", "the most frequent first"}, {"alpha", "by their letters"}};

	if (i >= sizeof(choices) / sizeof(choices[0]))
		return false;
	*out = choices[i];
	return true;
}

static const struct opt analyze_rows[] = {
	{.name = "top",
		.kind = OPT_NUMBER,
		OPT_FIELD(struct analyze_client_conf, top),
		.arg = "N",
		.common = true,
		.help = "show the first N words only (0: all)"},
	{.name = "sort",
		.kind = OPT_CHOICE,
		OPT_FIELD(struct analyze_client_conf, sort),
		.arg = "ORDER",
		.fallback = "first",
		.choice = analyze_client_sort_choice,
		.common = true,
		.help = "the order of the words"},
	{.name = "max-answer",
		.kind = OPT_SIZE,
		OPT_FIELD(struct analyze_client_conf, client.max_answer),
		.arg = "SIZE",
		.fallback = "1G",
		.help = "exit with status 9 if the answer is longer (0: any length)"},
	{.name = "raw",
		.kind = OPT_FLAG,
		OPT_FIELD(struct analyze_client_conf, raw),
		.help = "pass the peer's control characters to a terminal as they are"},
};

static void analyze_options(struct opt_set *set)
{
	set->conf_size = sizeof(struct analyze_client_conf);
	client_options(set);
	opt_set_add(set, "Report", analyze_rows, sizeof(analyze_rows) / sizeof(analyze_rows[0]), 0);
}

/* ---- the answer comes ---- */

static int analyze_client_put_out(struct analyze_client_run *run, struct span out)
{
	if (out.len)
		run->last = out.data[out.len - 1];
	return run->ask.answers.to ? screen_write(&run->ask.screen, out) : 0;
}

static void analyze_client_out_of_memory(struct analyze_client_run *run)
{
	client_blame(
		&run->ask.client, &(struct err){ERR_RUNTIME, .what = "analyze: out of memory"});
}

static void analyze_client_too_long(struct analyze_client_run *run)
{
	struct err why = {0};

	err_set(&why, ERR_WRONG, "%s: the answer is too long to be a report of this text",
		run->ask.client.dial.typed);
	err_hint(&why,
		"is it an analysis server? without -j an answer in another form may be longer");
	ask_fail(&run->ask, &why);
}

/* It is too long for a report of this text. In another form, it is passed on from here on. */
static int analyze_client_pass_on(struct analyze_client_run *run)
{
	struct findings any;
	const char *wrong;
	int verdict = findings_read(&any, buf_span(&run->answer), &wrong);

	findings_free(&any);
	if (verdict < 0) {
		ask_fail(&run->ask, &(struct err){ERR_RUNTIME, .what = "analyze: out of memory"});
		return 0;
	}
	if (verdict != FINDINGS_NONE) {
		analyze_client_too_long(run);
		return 0;
	}
	run->passes = true;
	verdict = analyze_client_put_out(run, buf_span(&run->answer));
	buf_free(&run->answer);
	return verdict;
}

static int analyze_client_on_said(struct ask *a, struct span in)
{
	struct analyze_client_run *run = container_of(a, struct analyze_client_run, ask);
	size_t most = REPORT_HEAD_BYTES + REPORT_TIMES * a->question.len;

	if (run->passes)
		return analyze_client_put_out(run, in);
	if (buf_add(&run->answer, in) < 0)
		ask_fail(a, &(struct err){ERR_RUNTIME, .what = "analyze: out of memory"});
	else if (!a->client.conf->talk.json && run->answer.len > most)
		return analyze_client_pass_on(run);
	else if (run->answer.len > most + JSON_ANSWER_MAX_BYTES)
		analyze_client_too_long(run);
	return 0;
}

/* ---- it is over ---- */

/* A report of another text than was sent is no answer to it. */
static void analyze_client_check_findings(struct analyze_client_run *run)
{
	const struct client *client = &run->ask.client;
	struct err why = {0};

	if (run->findings.counts.bytes == run->ask.question.len)
		return;
	err_set(&why, ERR_WRONG, "%s: the report counts %ju bytes, but %zu were sent",
		client->dial.typed, (uintmax_t)run->findings.counts.bytes, run->ask.question.len);
	err_hint(&why, "the server took a part for the whole text: give it a longer --settle");
	client_blame(&run->ask.client, &why);
}

/* The answer is a report that was cut short, or cannot be: it is shown in no form. */
static void analyze_client_refuse_answer(struct analyze_client_run *run, const char *wrong)
{
	const struct client *client = &run->ask.client;
	struct err why = {0};

	if (wrong) {
		err_set(&why, ERR_WRONG, "%s: the report contradicts itself: %s",
			client->dial.typed, wrong);
		err_hint(&why, "the server is faulty, or something on the way changed the report");
	} else {
		err_set(&why, ERR_LOST, "%s: the report is incomplete: it ended after %zu bytes",
			client->dial.typed, run->answer.len);
		err_hint(&why, "the server stopped before it had written the whole report");
	}
	client_blame(&run->ask.client, &why);
}

static enum findings_order analyze_client_order_of(const char *name)
{
	if (strcmp(name, "count") == 0)
		return FINDINGS_BY_COUNT;
	return strcmp(name, "alpha") == 0 ? FINDINGS_ALPHA : FINDINGS_FIRST;
}

static void analyze_client_use_findings(struct analyze_client_run *run)
{
	analyze_client_check_findings(run);
	if (findings_sort(&run->findings, analyze_client_order_of(run->conf->sort)) < 0)
		analyze_client_out_of_memory(run);
	if (run->conf->top && run->conf->top < run->findings.len)
		findings_cut(&run->findings, (size_t)run->conf->top);
}

static void analyze_client_read_findings(struct analyze_client_run *run)
{
	const char *wrong;
	int verdict = findings_read(&run->findings, buf_span(&run->answer), &wrong);

	run->found = verdict == FINDINGS_READ;
	if (verdict < 0)
		analyze_client_out_of_memory(run);
	else if (run->found)
		analyze_client_use_findings(run);
	else if (verdict != FINDINGS_NONE)
		analyze_client_refuse_answer(run, wrong);
}

static void analyze_client_put_json(struct analyze_client_run *run)
{
	struct json j = {0};

	json_open(&j);
	json_event(&j, "analyze");
	json_str(&j, "address", span_of(run->ask.client.dial.typed));
	if (run->found)
		findings_json(&run->findings, &j);
	else
		json_str(&j, "answer", buf_span(&run->answer));
	json_close(&j);
	if (j.failed)
		analyze_client_out_of_memory(run);
	else
		conn_write(run->ask.answers.to, buf_span(&j.out));
	buf_free(&j.out);
}

/* Of what another program says, its own form. */
static void analyze_client_put_answer(struct analyze_client_run *run)
{
	if (!run->passes)
		analyze_client_put_out(run, buf_span(&run->answer));
	screen_end(&run->ask.screen);
	if (run->ask.head.len && run->last != '\n')
		conn_write(run->ask.answers.to, span_of("\n"));
}

static void analyze_client_on_over(struct ask *a, const struct err *why)
{
	struct analyze_client_run *run = container_of(a, struct analyze_client_run, ask);

	if (!why && !run->passes && !a->client.verdict.kind)
		analyze_client_read_findings(run);
	ask_judge(a, why);
	if (a->client.verdict.kind)
		run->found = false; /* never a wrong report */
	else if (a->client.conf->talk.json)
		analyze_client_put_json(run);
	else if (!run->found)
		analyze_client_put_answer(run);
}

/* The report's next part. */
static bool analyze_client_on_more(struct ask *a)
{
	struct analyze_client_run *run = container_of(a, struct analyze_client_run, ask);
	struct buf part = {0};
	int rc = 0;

	if (!run->found || a->client.conf->talk.json)
		return false;
	rc = findings_text(&run->findings, &run->cursor, &part, SHOW_BYTES);
	if (rc < 0)
		analyze_client_out_of_memory(run);
	else
		analyze_client_put_out(run, buf_span(&part));
	buf_free(&part);
	return rc > 0;
}

/* A file's name was typed where its text was meant, perhaps: a person may like to know. */
static void analyze_client_tell_file(struct reporter *to, const char *word)
{
	char meant[160];
	struct stat there;

	if (!sys_isatty(STDERR_FILENO) || sys_lstatat(AT_FDCWD, word, &there) < 0 ||
		!S_ISREG(there.st_mode))
		return;
	snprintf(meant, sizeof(meant), "for the file of that name: sockx analyze <%s",
		line_is_plain(word) && strlen(word) < 100 ? word : "FILE");
	report(to, &(struct report){
			   .kind = REPORT_FILE_MEANT, .name = span_of(word), .reason = meant});
}

static int analyze_check(
	void *conf, const struct opt_set *set, const struct opt_args *args, struct err *err)
{
	const struct analyze_client_conf *typed = conf;

	(void)set;
	(void)args;
	return client_check(&typed->client, "analyze", NULL, err);
}

static int analyze_command(struct reporter *to, void *conf, const struct opt_set *set,
	const struct opt_args *args, struct err *err)
{
	struct analyze_client_run run = {.conf = conf};
	int rc = -1;

	(void)set;
	if (ask_init(&run.ask, to, &run.conf->client, err) < 0)
		return -1;
	run.ask.what = "report";
	run.ask.said = analyze_client_on_said;
	run.ask.over = analyze_client_on_over;
	run.ask.more = analyze_client_on_more;
	run.ask.screen.raw = run.conf->raw;
	if (ask_words(&run.ask, args, err) == 0 && ask_aim(&run.ask, "analyze", err) == 0)
		rc = ask_run(&run.ask, args->count == 0, err);
	if (rc == 0 && args->count == 1)
		analyze_client_tell_file(to, args->words[0]);
	ask_free(&run.ask);
	findings_free(&run.findings);
	buf_free(&run.answer);
	return rc;
}

const struct command command_analyze = {
	.name = "analyze",
	.summary = "have a server count the words of a text",
	.purpose =
		"Send TEXT, its words joined by one space, or else all of standard input to an "
		"analysis server, and show its report: length, words, distinct words, and how "
		"often each was met. A report on more or fewer bytes than were sent is status 9.",
	.usage = {"[OPTION...] [TEXT...]"},
	.examples = {{"sockx analyze 'to be or not to be'", "count the words of a sentence"},
		{"sockx analyze --sort count --top 10 <book.txt", "the ten most common of a book"},
		{"sockx analyze -j <book.txt", "the whole report as JSON"}},
	.words = WORDS_TEXT,
	.options = analyze_options,
	.check = analyze_check,
	.run = analyze_command,
};
