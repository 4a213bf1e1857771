/* The options of every command: any words are read, to the same result each time, or refused with a
 * story that may stand on a terminal. */
#include "words.h"

#include "cmd/commands.h"

static void is_told_well(const struct err *err)
{
	HOLDS(err->kind == ERR_USAGE && err->what[0]);
	HOLDS(is_one_line(err->what) && is_one_line(err->hint));
}

/* What was read: each positional word and value is one of those that were typed, or in one. */
static bool is_typed(const struct words *w, const char *value)
{
	for (size_t i = 0; i < w->count; i++)
		if (value >= w->of[i] && value <= w->of[i] + strlen(w->of[i]))
			return true;
	return false;
}

static void is_as_typed(const struct words *w, const struct opt_args *args)
{
	HOLDS(args->count <= w->count);
	for (size_t i = 0; i < args->count; i++)
		HOLDS(is_typed(w, args->words[i]));
	for (size_t i = 0; i < OPT_ROWS_MAX; i++) {
		const struct opt_given *given = &args->given[i];

		HOLDS(memchr(given->typed, '\0', sizeof(given->typed)));
		HOLDS(!given->typed[0] || given->typed[0] == '-');
		HOLDS(!given->value || is_typed(w, given->value));
	}
}

static enum opt_result parse(
	const struct opt_set *set, const struct command *command, const struct words *w, void *conf)
{
	char *slots[WORDS_MAX + 1];
	struct opt_args args = {0};
	struct err err = {0};
	enum opt_result result;

	memcpy(slots, w->of, sizeof(slots));
	result = opts_parse(set, command->name, conf, (int)w->count, slots, &args, &err);
	HOLDS(result >= OPTS_ERROR && result <= OPTS_VERSION);
	if (result == OPTS_ERROR)
		is_told_well(&err);
	else
		HOLDS(!err.kind);
	is_as_typed(w, &args);
	return result;
}

static void is_the_same_twice(const struct command *command, const struct words *w)
{
	struct opt_set set = {0};
	void *one, *other;

	command->options(&set);
	one = calloc(1, set.conf_size);
	other = calloc(1, set.conf_size);
	HOLDS(one && other);
	HOLDS(parse(&set, command, w, one) == parse(&set, command, w, other));
	HOLDS(memcmp(one, other, set.conf_size) == 0);
	free(one);
	free(other);
}

static void is_unknown(const struct words *w)
{
	struct err err = {0};

	if (!w->count || command_find(w->of[0]))
		return;
	HOLDS(command_unknown((const char *const *)w->of, w->count, &err) < 0);
	is_told_well(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = {data, size};
	uint8_t which = choose(&input) % 8;
	const struct command *const *command = commands;
	struct words w;

	words_split(&w, input);
	is_unknown(&w);
	while (which-- && *command)
		command++;
	if (*command)
		is_the_same_twice(*command, &w);
	words_free(&w);
	return 0;
}
