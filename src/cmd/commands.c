#include "cmd/commands.h"

#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/text.h"
#include "cli/foreign.h"
#include "cli/line.h"
#include "cli/netcat.h"
#include "cli/socat.h"
#include "cmd/suggest.h"
#include "cmd/where.h"

const struct command *const commands[] = {&command_serve, &command_connect, &command_echo,
	&command_greet, &command_analyze, &command_help, NULL};

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static const char *commands_name_at(const void *arg, size_t i)
{
	(void)arg;
	return commands[i] ? commands[i]->name : NULL;
}

/* What other programs call our commands. */
static const char *commands_meant(const char *typed)
{
	static const struct {
		const char *theirs, *ours;
	} same[] = {{"listen", "serve"}, {"client", "connect"}};

	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++)
		if (strcmp(typed, same[i].theirs) == 0)
			return same[i].ours;
	return text_suggest(typed, commands_name_at, NULL);
}

/* "sockx COMMAND WORDS", or as much of it as our parser takes. */
static int commands_hint_command(
	const char *command, const char *const *words, size_t count, struct err *err)
{
	char line[256], hint[320];

	snprintf(line, sizeof(line), "sockx %s", command);
	if (line_add_words(line, sizeof(line), words, count)) {
		snprintf(hint, sizeof(hint), "did you mean '%s'?", line);
		if (suggestion_holds(hint))
			return err_hint(err, "%s", hint);
	}
	return err_hint(err, "did you mean 'sockx %s'?", command);
}

/* The options of the program itself, which are few. */
static const char *commands_option_at(const void *arg, size_t i)
{
	static const char *const options[] = {"help", "version", NULL};

	(void)arg;
	return options[i];
}

/* An option that was typed before its command. Returns false where none of the words is one. */
static bool commands_hint_order(const char *const *words, size_t count, struct err *err)
{
	const char *others[16];
	size_t at = 0;

	while (at < count && !command_find(words[at]))
		at++;
	if (at == count || count > sizeof(others) / sizeof(*others))
		return false;
	memcpy(others, words, at * sizeof(*words));
	memcpy(others + at, words + at + 1, (count - at - 1) * sizeof(*words));
	commands_hint_command(words[at], others, count - 1, err);
	return true;
}

/* An address of ours, or a URL. */
static int commands_hint_address(const char *const *words, size_t count, struct err *err)
{
	const struct where_conf conf = {.sockets = SOCKET_OPTIONS_NONE};
	const struct opt_args args = {.words = words, .count = count};
	struct where where;
	struct err why = {0};

	if (where_read(&conf, &args, NULL, false, "connect", &where, &why) < 0)
		return err_hint(err, "%s", why.hint);
	return commands_hint_command("connect", words, count, err);
}

static bool commands_has_socat(const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (socat_is_address(words[i]))
			return true;
	return false;
}

/* What a whole line of another program is here. Returns false where nothing can be said. */
static bool commands_hint_line(const char *const *words, size_t count, struct err *err)
{
	char hint[320];

	if (count && (strcmp(words[0], "nc") == 0 || strcmp(words[0], "ncat") == 0 ||
			     strcmp(words[0], "netcat") == 0 || strcmp(words[0], "socat") == 0)) {
		words++;
		count--;
	}
	if (!count || !(commands_has_socat(words, count)
				      ? socat_hint(words, count, "", hint, sizeof(hint))
				      : netcat_hint(words, count, hint, sizeof(hint))))
		return false;
	if (suggestion_holds(hint))
		err_hint(err, "%s", hint);
	return err->hint[0] != '\0';
}

int command_unknown(const char *const *words, size_t count, struct err *err)
{
	const char *typed = words[0];
	const char *meant = commands_meant(typed);
	char buffer[256];
	const char *hint = foreign_hint(NULL, typed, buffer, sizeof(buffer));

	err_set(err, ERR_USAGE, "unknown command %s", quoted(typed).text);
	if (strstr(typed, "://") || strncmp(typed, "unix", strlen("unix")) == 0)
		return commands_hint_address(words, count, err);
	if (meant && strlen(typed) > 2)
		return commands_hint_command(meant, words + 1, count - 1, err);
	if ((typed[0] == '-' && commands_hint_order(words, count, err)) ||
		commands_hint_line(words, count, err))
		return -1;
	if (hint)
		return err_hint(err, "%s", hint);
	if (strncmp(typed, "--", 2) == 0)
		meant = text_suggest(typed + 2, commands_option_at, NULL);
	if (meant)
		return err_hint(err, "did you mean 'sockx %s%s'?",
			strncmp(typed, "--", 2) == 0 ? "--" : "", meant);
	return err_hint(err, "'sockx -h' shows the commands");
}
