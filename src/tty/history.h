#ifndef SOCKX_TTY_HISTORY_H
#define SOCKX_TTY_HISTORY_H

#include "base/span.h"

/* The lines that were typed before, within bounds: the oldest make place. All zero is an empty
 * one. */
enum { HISTORY_MAX_LINES = 500, HISTORY_MAX_BYTES = 256 * 1024 };

struct history {
	struct history_entry {
		uint8_t *text;
		size_t len;
	} lines[HISTORY_MAX_LINES]; /* a ring */
	size_t oldest, count, bytes;
};

/* Keep a copy of line; but for an empty one, and one that equals the last. Without memory, it is
 * not kept. */
void history_add(struct history *h, struct span line);

/* The line of so many lines ago, the last being 1; back is at most h->count. */
struct span history_line(const struct history *h, size_t back);

void history_free(struct history *h);

#endif
