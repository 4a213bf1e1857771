#ifndef SOCKX_ANALYSIS_TEXTS_H
#define SOCKX_ANALYSIS_TEXTS_H

#include <stdbool.h>

#include "base/span.h"

/*
 * Texts that stay where they are until all are freed, one after the other in a few large pieces:
 * no allocation a word. A text that is so large that it should not be copied is built in a piece of
 * its own, and handed over with it.
 */
struct texts_piece {
	struct texts_piece *next;
	size_t used, size; /* of bytes */
	uint8_t bytes[];
};

/* All zero holds none. */
struct texts {
	struct texts_piece *pieces; /* the first is being filled */
	size_t bytes;               /* that the pieces have room for */
};

/* Keep a copy of a text. Returns where it is, or NULL when memory is out. */
const uint8_t *texts_add(struct texts *t, struct span text);

/* Take over a piece. */
void texts_take(struct texts *t, struct texts_piece *piece);

/* Free some of it, a few milliseconds' work at most. Returns whether there is more. */
bool texts_free_some(struct texts *t);

void texts_free(struct texts *t);

/* Append to a piece of one's own, NULL at first; it moves as it grows. Returns 0, or -1 when memory
 * is out: then nothing changed. Freed with free(). */
int texts_piece_add(struct texts_piece **piece, struct span more);

#endif
