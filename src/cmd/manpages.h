#ifndef SOCKX_CMD_MANPAGES_H
#define SOCKX_CMD_MANPAGES_H

#include <stdbool.h>

#include "base/span.h"

/* The manual, compiled in as text (`make docs` writes man/text), so that it can be read where
 * nothing is installed. */

/* The page of sockx-NAME, or of sockx itself for "sockx"; false: there is none. The text ends in a
 * newline and lasts as long as the program. */
bool manpage_find(const char *name, struct span *text);

/* The section of a page that begins with the line `heading` (where that ends in a colon: with a
 * line that starts so), and that line; false: there is none. */
bool manpage_section(struct span page, const char *heading, struct span *text);

#endif
