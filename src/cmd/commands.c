#include "cmd/commands.h"

#include <string.h>

#include "base/escape.h"
#include "base/text.h"
#include "cli/foreign.h"
#include "cli/netcat.h"

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

int command_unknown(const char *const *words, size_t count, struct err *err)
{
	const char *typed = words[0];
	const char *meant = text_suggest(typed, commands_name_at, NULL);
	char buffer[256], line[256];
	const char *hint = foreign_hint(NULL, typed, buffer, sizeof(buffer));

	err_set(err, ERR_USAGE, "unknown command %s", quoted(typed).text);
	if (hint && typed[0] != '-')
		return err_hint(err, "%s", hint);
	if (netcat_line(words, count, line, sizeof(line)))
		return err_hint(err, "did you mean '%s'?", line);
	if (hint)
		return err_hint(err, "%s", hint);
	if (meant)
		return err_hint(err, "did you mean 'sockx %s'?", meant);
	return err_hint(err, "'sockx -h' shows the commands");
}
