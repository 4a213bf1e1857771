#ifndef SOCKX_ANALYSIS_SCANNED_H
#define SOCKX_ANALYSIS_SCANNED_H

#include "analysis/ascii.h"
#include "analysis/tally.h"

/* Counting the words that ascii_scan found. They are counted in groups, step by step (tally.h), so
 * that the processor fetches what it needs for many of them at a time. */

struct scanned_word {
	struct block key; /* its first bytes */
	struct tally_entry *guess;
	uint32_t tag;
	uint16_t start, len;
};

/* A block of 64 bytes holds the end of 32 words at most; a group is counted once another block may
 * not fit. */
enum { SCANNED_GROUP = 96, SCANNED_FULL = SCANNED_GROUP - 32 };

/* What the work needs; large, and not to be set up for each scan. All zero at first. */
struct scanned {
	struct ascii_found scan;
	struct scanned_word group[SCANNED_GROUP];
	size_t grouped;
};

/* Count the words of s->scan, which looked at text, and add their number to *words. tally_prepare
 * came before. Returns 0, or -1 as tally_add does. */
int scanned_count(struct scanned *s, const struct ascii *a, struct tally *t, const uint8_t *text,
	uint64_t *words);

#endif
