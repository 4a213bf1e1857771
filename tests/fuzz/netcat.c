/* What nc, ncat and socat are called with, as sockx says it: a line that a shell takes as it
 * stands, or nothing; and a hint for what was refused, of which our own parser takes every command.
 */
#include "words.h"

#include "cli/foreign.h"
#include "cli/netcat.h"
#include "cli/socat.h"
#include "cmd/commands.h"
#include "cmd/suggest.h"

enum { LINE_MAX_BYTES = 512 };

static void is_a_command_line(const char *line)
{
	char word[16] = {0};

	HOLDS(is_one_line(line));
	HOLDS(sscanf(line, "sockx %15s", word) == 1);
	HOLDS(command_find(word));
	HOLDS(!strpbrk(line, "\"'`$\\;&|>(){}*?~#!"));
}

static void is_translated(const struct words *w, size_t room)
{
	char whole[LINE_MAX_BYTES], *cut = malloc(room + 1);
	const bool fits = netcat_line((const char *const *)w->of, w->count, whole, sizeof(whole));

	HOLDS(cut);
	if (fits)
		is_a_command_line(whole);
	if (netcat_line((const char *const *)w->of, w->count, cut, room + 1))
		HOLDS(fits && strcmp(cut, whole) == 0);
	else
		HOLDS(!fits || strlen(whole) > room);
	free(cut);
}

static void is_hinted(const struct words *w)
{
	char hint[LINE_MAX_BYTES];

	for (size_t i = 0; i < w->count; i++) {
		const char *command = i % 2 ? NULL : commands[i / 2 % 5]->name;
		const char *told = foreign_hint(command, w->of[i], hint, sizeof(hint));

		HOLDS(!told || (*told && is_one_line(told)));
	}
}

/* A translation as it is made, before our parser has seen it, in a room of any size. */
static void is_explained(const struct words *w, size_t room)
{
	const char *const *words = (const char *const *)w->of;
	char *hint = malloc(room + 1);

	HOLDS(hint);
	if (netcat_hint(words, w->count, hint, room + 1))
		HOLDS(strlen(hint) <= room);
	if (socat_hint(words, w->count, "", hint, room + 1))
		HOLDS(strlen(hint) <= room);
	if (socat_hint(words, w->count, " -k --max-conns 3", hint, room + 1))
		HOLDS(strlen(hint) <= room);
	free(hint);
}

/* The words of a command of ours, parsed and checked as its run would. */
static void parse(const struct command *command, const struct words *w, struct err *err)
{
	struct opt_set set = {0};
	struct opt_args args;
	char *argv[WORDS_MAX + 1]; /* is put into another order */
	void *conf;

	memcpy(argv, w->of, sizeof(argv));
	command->options(&set);
	conf = calloc(1, set.conf_size);
	HOLDS(conf);
	if (opts_parse(&set, command->name, conf, (int)w->count - 1, argv + 1, &args, err) ==
			OPTS_RUN &&
		command->check)
		command->check(conf, &set, &args, err);
	free(conf);
}

/* What a user reads: each command in the hint is one that we take. */
static void is_answered(const struct words *w)
{
	const struct command *command = w->count ? command_find(w->of[0]) : NULL;
	struct err err = {0};

	if (!w->count)
		return;
	if (command)
		parse(command, w, &err);
	else
		command_unknown((const char *const *)w->of, w->count, &err);
	HOLDS(command || (err.kind == ERR_USAGE && *err.hint));
	HOLDS(suggestion_holds(err.hint));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = {data, size};
	const size_t room = 32U + choose(&input); /* the command and its flags fit */
	struct words w;

	words_split(&w, input);
	is_translated(&w, room);
	is_hinted(&w);
	is_explained(&w, room);
	is_answered(&w);
	words_free(&w);
	return 0;
}
