#ifndef SOCKX_CLI_COLOUR_H
#define SOCKX_CLI_COLOUR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "cli/opt.h"

/* The values of --color: auto, always, never. */
bool colour_choice(size_t i, struct opt_choice *out);

/* Whether to colour what goes to a terminal, or to what is none. when is a value of --color, or
 * NULL for auto: then NO_COLOR (no-color.org) forbids, else CLICOLOR_FORCE (bixense.com/clicolors)
 * demands it, else it takes a terminal whose TERM says that it has colours. */
bool colour_wanted(const char *when, bool terminal);

/* Append a page of help or of the manual with its headings bold and its options and commands
 * coloured. What a line is shows in how it is laid out, so pages are made, wrapped and compiled in
 * as plain text. Returns 0, or -1 when memory is out. */
int colour_page(struct span text, struct buf *out);

#endif
