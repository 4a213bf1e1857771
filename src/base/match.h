#ifndef SOCKX_BASE_MATCH_H
#define SOCKX_BASE_MATCH_H

#include "base/span.h"

/*
 * Finds a text in a stream of bytes, however it is cut: Knuth, Morris and Pratt's way, which looks
 * at each byte once and keeps none of them. The text may hold any bytes.
 */
struct match {
	uint8_t *text;
	size_t len;
	size_t *shorter; /* of each beginning of text: the longest shorter one that it ends with */
	size_t at;       /* how much of text the bytes so far end with */
};

/* Begin to look for a copy of text, which is not empty. Returns 0, or -1 when memory is out. */
int match_init(struct match *m, struct span text);

/* Look on in the bytes that follow. Returns how many of them there are up to the end of text, or 0:
 * it has not come. Once it has, the next call begins anew. */
size_t match_find(struct match *m, struct span in);

/* What follows is another stream. */
void match_restart(struct match *m);

/* Free what it holds. Also for one that is all zero. */
void match_free(struct match *m);

#endif
