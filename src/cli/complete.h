#ifndef SOCKX_CLI_COMPLETE_H
#define SOCKX_CLI_COMPLETE_H

#include "cli/command.h"

/* The shells' completion scripts and the manual's option lists, generated from the tables. `all`
 * is a NULL-ended array of commands. Each appends to out; 0, or -1 when memory is out. */
int complete_bash(const struct command *const *all, struct buf *out);
int complete_zsh(const struct command *const *all, struct buf *out);
int complete_fish(const struct command *const *all, struct buf *out);

/* The options of one command as an mdoc list (.Bl -tag ... .El), group by group under .Ss. */
int manual_options(const struct command *command, struct buf *out);

#endif
