#ifndef SOCKX_ANALYSIS_ANALYSIS_H
#define SOCKX_ANALYSIS_ANALYSIS_H

#include "analysis/ascii.h"
#include "analysis/counts.h"
#include "analysis/segment.h"
#include "analysis/tally.h"

/* A part of a segment. */
struct segment_part {
	bool is_word;      /* holds a letter or number */
	bool beyond_ascii; /* holds a byte that is not ASCII */
};

/* The segment that has not ended. */
struct segment_so_far {
	struct texts_piece *held; /* its bytes from earlier pieces of the text, after held_from */
	size_t held_from;
	struct tally_hash hash;      /* of what is held, before the mark if one waits */
	struct tally_hash joined;    /* then: of all that is held */
	struct tally_hash behind;    /* and of what is held from the mark on */
	size_t mark;                 /* where the mark begins that waits, if one does */
	struct segment_part part[2]; /* before the mark, and from there on */
};

/*
 * Counts the words of a text that comes in pieces of any size; where it is cut does not matter.
 *
 * Words are the segments of UAX #29 that hold a letter or number. Two are the same if their keys
 * are (fold.h); what is not ASCII and longer than FOLD_MAX_BYTES is compared byte for byte. A byte
 * that belongs to no well-formed UTF-8 counts as one code point, and words end before and after
 * it.
 *
 * The text is not kept: memory is bounded by its distinct words and its longest segment. No piece
 * takes long for what it ends: long words are hashed as they come, and the table grows in steps.
 * What is asked of the machine is memory: a new word costs up to 1 us, so that 64 KiB of nothing
 * but short new words may take 10 ms. A server that others wait for feeds 16 KiB at a time.
 */
struct analysis {
	struct segmenter segmenter;
	struct ascii ascii;
	struct tally tally;
	struct counts counts; /* without unique */
	uint8_t short_of[4];  /* the beginning of a code point whose rest has not come */
	uint8_t short_len;
	struct segment_so_far segment;
};

/* A fresh one; it allocates nothing before the first byte. For key and exact see tally_init. */
void analysis_init(struct analysis *a, const struct hash_key *key, bool exact);
void analysis_free(struct analysis *a);

/* The same in parts, for a server that others wait for: some milliseconds' work at most each time,
 * where all of it may be some 30 ms for 10 million words. Returns whether there is more to free;
 * between the calls nothing else may be done with a. */
bool analysis_free_some(struct analysis *a);

/* The bytes it has allocated, also between the parts of its end. */
size_t analysis_memory(const struct analysis *a);

/* More of the text. Returns 0, or -1 when memory is out: then a can only be freed. */
int analysis_add(struct analysis *a, struct span in);

/* That was all of it. Returns as analysis_add. */
int analysis_end(struct analysis *a);

/* What was counted, once the text has ended. */
struct counts analysis_counts(const struct analysis *a);

/* How much of the report was written; all zero: nothing. */
struct analysis_cursor {
	bool begun;
	uint32_t entry; /* the next one to look at */
	size_t cut;     /* bytes written of a word that is longer than a piece */
};

enum { ANALYSIS_DONE = 0, ANALYSIS_MORE = 1 };

/* Append the report's next lines to out: as many as fit in about_bytes, and one at least. A line
 * that is longer itself comes in pieces of that size. Returns ANALYSIS_MORE until the last has
 * come; -1 when memory is out. */
int analysis_report(const struct analysis *a, struct analysis_cursor *cursor, struct buf *out,
	size_t about_bytes);

#endif
