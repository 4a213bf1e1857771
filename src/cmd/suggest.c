#include "cmd/suggest.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cmd/commands.h"

enum { LINE_MAX_BYTES = 640, LINE_WORDS_MAX = 32 };

/* What a word in capitals may be. All others, such as HOST and PATH, are examples of themselves. */
static const char *suggestion_example(const char *word, size_t len)
{
	static const struct {
		const char *word, *example;
	} examples[] = {{"PORT", "80"}, {"ADDR", "127.0.0.1"}, {"DUR", "1s"}, {"DURATION", "1s"},
		{"N", "1"}, {"SIZE", "1K"}, {"TOPIC", "lab"}, {"WORD", "lab"}};

	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++)
		if (strlen(examples[i].word) == len && memcmp(examples[i].word, word, len) == 0)
			return examples[i].example;
	return NULL;
}

static bool suggestion_add(char *out, size_t *used, const char *text, size_t len)
{
	if (*used + len >= LINE_MAX_BYTES)
		return false;
	memcpy(out + *used, text, len);
	*used += len;
	out[*used] = '\0';
	return true;
}

/* Copy len bytes of a line, with examples in it. */
static bool suggestion_fill_in(char *out, const char *line, size_t len)
{
	size_t used = 0, word;

	*out = '\0';
	for (size_t i = 0; i < len; i += word) {
		const char *example;

		for (word = 0; i + word < len && isalnum((unsigned char)line[i + word]);)
			word++;
		/* "-N" is an option, "N" is not. */
		example = word && (i == 0 || line[i - 1] != '-')
		                  ? suggestion_example(line + i, word)
		                  : NULL;
		word = word ? word : 1;
		if (!suggestion_add(out, &used, example ? example : line + i,
			    example ? strlen(example) : word))
			return false;
	}
	return true;
}

static bool suggestion_parses(const struct command *command, char **argv, int argc)
{
	struct opt_set set = {0};
	struct opt_args args;
	struct err err = {0};
	enum opt_result result;
	bool parses;
	void *conf;

	command->options(&set);
	conf = calloc(1, set.conf_size);
	if (!conf)
		return false;
	result = opts_parse(&set, command->name, conf, argc, argv, &args, &err);
	parses = result == OPTS_RUN
	                 ? !command->check || command->check(conf, &set, &args, &err) == 0
	                 : result != OPTS_ERROR;
	free(conf);
	return parses;
}

/* Whether what comes after "sockx " can be run. */
static bool suggestion_line_holds(char *line)
{
	char *argv[LINE_WORDS_MAX], *rest = NULL;
	const struct command *command;
	int argc = 0;

	for (char *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		if (strchr("<>|", *word))
			break;
		if (argc == LINE_WORDS_MAX)
			return false;
		argv[argc++] = word;
	}
	if (argc == 1 && (strcmp(argv[0], "-h") == 0 || strcmp(argv[0], "--help") == 0 ||
				 strcmp(argv[0], "--version") == 0))
		return true;
	command = argc ? command_find(argv[0]) : NULL;
	if (!command)
		return false;
	/* "did you mean 'sockx serve'?" names the command alone. */
	return suggestion_parses(command, argv + 1, argc - 1);
}

/* How long the command line after "sockx " at at is; 0: these are other words. */
static size_t suggestion_len(const char *hint, const char *at)
{
	const char *line = at + strlen("sockx ");
	size_t before = (size_t)(at - hint);
	char name[16] = "";

	if (before >= 1 && at[-1] == '\'')
		return strcspn(line, "'");
	if (before >= 2 && at[-2] == '|')
		return strcspn(line, "'");
	memcpy(name, line, strcspn(line, " ") < sizeof(name) ? strcspn(line, " ") : 0);
	return before >= 2 && at[-2] == ':' && command_find(name) ? strcspn(line, ";(") : 0;
}

bool suggestion_holds(const char *hint)
{
	char line[LINE_MAX_BYTES];

	for (const char *at = hint; (at = strstr(at, "sockx ")); at++) {
		size_t len = suggestion_len(hint, at);

		if (len && (!suggestion_fill_in(line, at + strlen("sockx "), len) ||
				   !suggestion_line_holds(line)))
			return false;
	}
	return true;
}
