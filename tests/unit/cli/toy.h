#ifndef UNIT_CLI_TOY_H
#define UNIT_CLI_TOY_H

#include "cli/command.h"

/* Two made-up commands, for what is generated from tables: every kind of option, and texts
 * that each shell and roff would trip over. */
extern const struct command *const toys[];

enum { TOY_SERVE, TOY_HELP };

#endif
