/* Every hint that what is typed in the way of other programs gets: each command in it is one that
 * our own parser takes, and it neither listens more widely than was typed nor does less without
 * saying so. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cmd/commands.h"
#include "cmd/suggest.h"

TestSuite(suggest, .timeout = 60);

__asm__(".pushsection .rodata\nforeign_lines: .incbin \"tests/unit/cmd/foreign.txt\"\n"
	".byte 0\n.popsection\n");
extern const char foreign_lines[];

enum { WORDS_MAX = 16, LINES_LEAST = 300 };

struct typed {
	char line[256], copy[256];
	char *words[WORDS_MAX + 1];
	size_t count;
	struct err err;
};

static void split(struct typed *t, const char *line, size_t len)
{
	char *rest = NULL;

	*t = (struct typed){0};
	cr_assert(lt(sz, len, sizeof(t->line)));
	memcpy(t->line, line, len);
	memcpy(t->copy, line, len);
	for (char *word = strtok_r(t->copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		cr_assert(lt(sz, t->count, WORDS_MAX), "%s", t->line);
		t->words[t->count++] = word;
	}
}

static void refuse_after_command(struct typed *t, const struct command *command)
{
	struct opt_set set = {0};
	struct opt_args args;
	enum opt_result result;
	void *conf;

	command->options(&set);
	conf = calloc(1, set.conf_size);
	cr_assert(conf != NULL);
	result = opts_parse(
		&set, command->name, conf, (int)t->count - 1, t->words + 1, &args, &t->err);
	if (result == OPTS_RUN && command->check)
		command->check(conf, &set, &args, &t->err);
	free(conf);
}

static void refuse(struct typed *t)
{
	const struct command *command = command_find(t->words[0]);

	if (command)
		refuse_after_command(t, command);
	else
		command_unknown((const char *const *)t->words, t->count, &t->err);
}

static bool has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

static bool is_suggested(const char *hint, const char *command)
{
	char begin[64];

	snprintf(begin, sizeof(begin), "did you mean 'sockx %s", command);
	return has(hint, begin);
}

/* What was typed for one address alone is not answered with a server on all of them. */
static bool listens_more_widely(const char *line, const char *hint)
{
	if (!has(hint, "sockx serve") || has(hint, "ADDR"))
		return false;
	return (has(line, "127.0.0.1") && !has(hint, "127.0.0.1")) ||
	       (has(line, "::1") && !has(hint, "::1"));
}

/* An echo stays one, datagrams stay datagrams, and so on. What goes missing, or NULL. */
static const char *does_less(const char *line, const char *hint)
{
	bool serves = is_suggested(hint, "serve"), connects = is_suggested(hint, "connect");

	if (!serves && !connects)
		return NULL;
	if (serves &&
		(has(line, "PIPE") || has(line, "/cat") || has(line, " cat") ||
			has(line, ":cat")) &&
		!has(hint, " -m echo"))
		return "the echo";
	if (has(line, "UDP") && !has(hint, " -u"))
		return "UDP";
	if (has(line, "SSL") && !has(hint, "tls"))
		return "TLS";
	if (has(line, "fork") && !has(hint, " -m echo") && !has(hint, " -k") &&
		((!has(hint, " -m exec") && !has(hint, " -m relay")) || has(hint, " -1")))
		return "more than one client";
	if (has(line, "LISTEN") && has(line, " TCP:") && !has(hint, " -m relay"))
		return "the relay";
	if ((has(line, "SYSTEM") || has(line, "/sh")) && !has(hint, " -m exec"))
		return "the program";
	return NULL;
}

static void is_right(const struct typed *t)
{
	const char *hint = t->err.hint;

	cr_expect(eq(int, t->err.kind, ERR_USAGE), "%s", t->line);
	cr_expect(hint[0] && !strpbrk(hint, "\n\x1b{}"), "%s: %s", t->line, hint);
	cr_expect(lt(sz, strlen(hint), 160), "%s: %s", t->line, hint);
	cr_expect(suggestion_holds(hint), "%s: %s", t->line, hint);
	cr_expect(not(has(hint, " yet")), "%s: %s", t->line, hint);
	cr_expect(not(listens_more_widely(t->line, hint)), "%s: %s", t->line, hint);
	cr_expect(has(t->line, "verify=0") || !has(hint, "no-verify"), "%s: %s", t->line, hint);
	cr_expect(not(has(t->line, "-zu") && has(hint, "nc -zu")), "%s: %s", t->line, hint);
	cr_expect(does_less(t->line, hint) == NULL, "%s: %s: %s", t->line, hint,
		does_less(t->line, hint));
}

Test(suggest, every_line_of_other_programs_gets_a_hint_that_is_right)
{
	size_t lines = 0, len;

	for (const char *at = foreign_lines; *at; at += len + 1) {
		struct typed t;

		len = strcspn(at, "\n");
		if (*at == '#')
			continue;
		split(&t, at, len);
		refuse(&t);
		is_right(&t);
		lines++;
	}
	cr_assert(ge(sz, lines, LINES_LEAST));
}

static void says(const char *line, const char *hint)
{
	struct typed t;

	split(&t, line, strlen(line));
	refuse(&t);
	cr_expect(eq(str, t.err.hint, (char *)hint), "for: %s", line);
}

Test(suggest, a_misspelt_command_keeps_its_words)
{
	says("server 8080", "did you mean 'sockx serve 8080'?");
	says("serv 8080", "did you mean 'sockx serve 8080'?");
	says("listen 127.0.0.1 9000", "did you mean 'sockx serve 127.0.0.1 9000'?");
	says("conect host 80 -q 1", "did you mean 'sockx connect host 80 -q 1'?");
	says("server -p 80 -m nosuch", "did you mean 'sockx serve'?");
	says("-v connect host 80", "did you mean 'sockx connect -v host 80'?");
	says("--verison", "did you mean 'sockx --version'?");
	says("version", "did you mean 'sockx --version'?");
	says("tcp://host:80", "did you mean 'sockx connect tcp://host:80'?");
	says("unix:/run/x", "did you mean 'sockx connect unix:/run/x'?");
}

Test(suggest, a_line_of_socat_does_the_same_or_is_said_to_be_none_of_ours)
{
	says("TCP4-LISTEN:47000,bind=127.0.0.1,fork PIPE",
		"did you mean 'sockx serve -m echo -H 127.0.0.1 -p 47000'?");
	says("serve -k TCP-LISTEN:9000,bind=127.0.0.1",
		"did you mean 'sockx serve -k -H 127.0.0.1 -p 9000'?");
	says("UNIX-LISTEN:/run/x,fork TCP:host:80",
		"did you mean 'sockx serve -m relay unix:/run/x --to host:80'?");
	says("TCP-LISTEN:8080,fork UDP:host:80",
		"its form is 'sockx serve -m relay [ADDRESS] --to ADDRESS'");
	says("TCP-LISTEN:9000,bind=127.0.0.1,fork SYSTEM:ls",
		"did you mean 'sockx serve -m exec -H 127.0.0.1 -p 9000 -- ls'?");
	says("TCP-LISTEN:9000,range=127.0.0.1/32 -",
		"sockx has nothing for socat's option 'range=127.0.0.1/32'; socat has it");
	says("-u OPEN:FILE TCP:host:80", "did you mean 'sockx connect --send-only host:80 <FILE'?");
	says("connect -w 3 tcp:host:80", "did you mean 'sockx connect -w 3 host:80'?");
}

Test(suggest, a_line_that_our_parser_refuses_does_not_hold)
{
	cr_expect(suggestion_holds("no command at all"));
	cr_expect(suggestion_holds("sockx connects to one port"));
	cr_expect(suggestion_holds("its form is 'sockx serve -m exec -p PORT -- sh -c LINE'"));
	cr_expect(not(suggestion_holds("its form is 'sockx serve -m exec -p PORT cat'")));
	cr_expect(suggestion_holds("did you mean 'sockx connect -w DUR HOST PORT'?"));
	cr_expect(suggestion_holds("to start a server: sockx serve -p 80 -m echo"));
	cr_expect(suggestion_holds("use 'echo hi | sockx connect HOST PORT' or 'sockx -h'"));
	cr_expect(not(suggestion_holds("did you mean 'sockx nosuch'?")));
	cr_expect(not(suggestion_holds("did you mean 'sockx serve -p 80000'?")));
	cr_expect(not(suggestion_holds("did you mean 'sockx serve --nosuch'?")));
	cr_expect(not(suggestion_holds("did you mean 'sockx serve -m echo -q 1'?")));
	cr_expect(not(suggestion_holds("either 'sockx serve' or 'sockx connect a b c'")));
	cr_expect(not(suggestion_holds("to start a server: sockx serve -y")));
}

Test(suggest, words_for_what_the_manual_has_lead_there)
{
	static const char *const lines[] = {"help nc", "help ncat", "help socat", "help json",
		"help udp", "help unix", "help examples", "help lab", "help serve", "help"};

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct typed t;

		split(&t, lines[i], strlen(lines[i]));
		refuse(&t);
		cr_expect(eq(int, t.err.kind, ERR_NONE), "%s", lines[i]);
	}
	says("help chat", "it is a mode: 'sockx help serve' explains it");
}
