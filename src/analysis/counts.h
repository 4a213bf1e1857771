#ifndef SOCKX_ANALYSIS_COUNTS_H
#define SOCKX_ANALYSIS_COUNTS_H

#include "base/buf.h"

/*
 * What a report says, and how: the lines
 *
 *     length: N     code points; an invalid byte counts as one
 *     bytes: N
 *     invalid: N    bytes that belong to no well-formed UTF-8; only if there are any
 *     words: N
 *     unique: N     distinct words
 *
 * and then for each distinct word a line: the word, a space, and how often it was met. A word holds
 * no newline. It may hold spaces (segment.h), so the count is after the last space of its line.
 */
struct counts {
	uint64_t length, bytes, invalid, words, unique;
};

/* Append the lines of the counts. Returns 0, or -1 when memory is out. */
int counts_put(const struct counts *c, struct buf *out);

/* Append the line of a word: what is left of it after its first *cut bytes, at most so many bytes
 * of the word if room is less than that. *cut becomes what was written so far, and 0 with the end
 * of the line. Returns as counts_put. */
int counts_put_word(
	struct span word, uint64_t count, size_t *cut, struct buf *out, size_t room_bytes);

#endif
