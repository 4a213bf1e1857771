#ifndef SOCKX_CMD_COMMANDS_H
#define SOCKX_CMD_COMMANDS_H

#include "cli/command.h"

extern const struct command command_serve, command_connect, command_echo, command_greet,
	command_analyze, command_help;

/* NULL-ended, in the order help lists them. */
extern const struct command *const commands[];

/* The command of that name, or NULL. */
const struct command *command_find(const char *name);

/* Fill err for words of which the first should have been a command: ERR_USAGE, with what was
 * probably meant. Returns -1. */
int command_unknown(const char *const *words, size_t count, struct err *err);

#endif
