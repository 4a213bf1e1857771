#ifndef SOCKX_CMD_SHOW_H
#define SOCKX_CMD_SHOW_H

#include "base/buf.h"
#include "base/err.h"

struct reporter;

/* Write a page of help to descriptor 1, or 2 where it answers an error, waiting as long as it
 * takes; coloured where colour_wanted(colour) says so. Returns 0, or -1 with err. */
int show_page(struct reporter *to, int fd, struct span page, const char *colour, struct err *err);

/* The same on standard output, where a terminal gets it from its pager: PAGER, or less where that
 * is not set and less is there. Then this process becomes the pager. */
int show_paged(struct reporter *to, struct span page, const char *colour, struct err *err);

/* show_page for a page that was just made, with what its maker returned, and frees it. */
int show_made(struct reporter *to, int fd, int made, struct buf *page, const char *colour,
	struct err *err);

#endif
