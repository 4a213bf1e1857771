#ifndef SOCKX_CLI_HELP_H
#define SOCKX_CLI_HELP_H

#include "cli/command.h"

/* What sockx tells about itself, read from the command and option tables alone. `all` is a
 * NULL-ended array of commands. Each appends to out and returns 0, or -1 when memory is out. */

/* `sockx -h`: one screen of at most 24 lines and 80 columns: the commands, three examples. */
int help_overview(const struct command *const *all, struct buf *out);

/* `sockx NAME -h`: one screen of at most 24 lines: purpose, usage, examples, common options. */
int help_short(const struct command *command, struct buf *out);

/* `sockx NAME --help`: everything, grouped, at most 80 columns wide. */
int help_long(const struct command *command, struct buf *out);

/* `sockx --help`: the overview, and what every command's pages have in common: the addresses and
 * the exit statuses. */
int help_everything(const struct command *const *all, struct buf *out);

#endif
