#ifndef SOCKX_MODE_ANALYZE_H
#define SOCKX_MODE_ANALYZE_H

#include "analysis/analysis.h"
#include "mode/mode.h"

/*
 * analyze: count the words of what a client sends, up to its half-close, and answer with a report
 * (analysis/counts.h). The text is counted as it comes and not kept: a client costs its distinct
 * words. Where messages are kept whole each is a text, and its report one message.
 */

enum {
	/* Counted in one turn: others are served in between. */
	ANALYZE_READ_BYTES = 16 * 1024,
	/* Of the report, written in one turn. */
	ANALYZE_WRITE_BYTES = 64 * 1024,
	/* A text that the client does not end counts as whole when it is quiet, up to here. */
	ANALYZE_SETTLE_MAX_BYTES = 4 * 1024,
	/* A text that took so much memory leaves gaps that the allocator would keep. */
	ANALYZE_GIVE_BACK_BYTES = 1024 * 1024,
};

struct analyze_conf {
	bool exact;
	uint64_t max_message;
};

/* One text of a peer's. */
struct analyze_text {
	struct analysis analysis;
	struct analyze_text *next; /* among those left over */
	size_t whole, left;        /* bytes, then: when it was done with, and now */
};

struct analyze_run {
	const struct analyze_conf *conf;
	struct loop *loop;
	struct budget *budget;          /* or NULL */
	struct analyze_text *left_over; /* texts that are done with, freed a part a turn */
	struct timer sweep;             /* ... by this */
	int64_t settle_ms, request_ms;
	struct hash_key key; /* of all tables: no client may choose words that collide */
	char too_long[64];   /* why a longer text is refused */
};

struct analyze_peer {
	struct analyze_text *text; /* NULL: none has begun */
	struct analysis_cursor cursor;
	bool reporting; /* the text has ended */
	bool answered;
};

#endif
