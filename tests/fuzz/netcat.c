/* What nc and ncat are called with, as sockx says it: a line that a shell takes as it stands, or
 * nothing; and a hint for what was refused. */
#include "words.h"

#include "cli/foreign.h"
#include "cli/netcat.h"
#include "cmd/commands.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = {data, size};
	const size_t room = 32U + choose(&input); /* the command and its flags fit */
	struct words w;

	words_split(&w, input);
	is_translated(&w, room);
	is_hinted(&w);
	words_free(&w);
	return 0;
}
