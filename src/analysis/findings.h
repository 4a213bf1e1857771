#ifndef SOCKX_ANALYSIS_FINDINGS_H
#define SOCKX_ANALYSIS_FINDINGS_H

#include <stdbool.h>

#include "analysis/counts.h"
#include "base/json.h"

/*
 * A report as it was received (counts.h), and how it is shown.
 *
 * It is read once and as strictly as it is written: the lines in their order, numbers without a
 * sign or leading zero, no byte more; words are not empty and well-formed UTF-8. What has another
 * form is no report. What has this form and cannot be true is a wrong one: a number of more than 64
 * bits, more bytes, words or unique words than fit in what they are part of, more or fewer lines
 * than `unique` says, counts of 0 or that do not add up to `words`, one word twice.
 */
struct finding {
	struct span word; /* lies in the text that was read */
	uint64_t count;
};

struct findings {
	struct counts counts;
	struct finding *list; /* in order of first appearance, until sorted */
	size_t len;           /* how many there are */
};

enum findings_verdict {
	FINDINGS_NONE,  /* no report, but another answer */
	FINDINGS_READ,  /* a report */
	FINDINGS_CUT,   /* the beginning of one, be it within its first line */
	FINDINGS_WRONG, /* it has the form of one, and contradicts itself */
};

/* Read all of text, which must outlive f; of some hundred megabytes it takes some seconds, and 24
 * bytes of memory a word beside it, with up to 32 more meanwhile. Returns a verdict, or -1 when
 * memory is out; f holds nothing but after FINDINGS_READ. After FINDINGS_WRONG, *wrong says what
 * cannot be: "its length is more than its bytes"; else it is NULL. */
int findings_read(struct findings *f, struct span text, const char **wrong);
void findings_free(struct findings *f);

enum findings_order {
	FINDINGS_BY_COUNT, /* the most frequent first; those met equally often, as they appeared */
	FINDINGS_FIRST,    /* as they appeared */
	FINDINGS_ALPHA, /* by their keys (fold.h), code point by code point; words of one key, which
	                 * only an exact report has, by their spelling */
};

/* Put a list that was not sorted before in order. Returns 0, or -1 when memory is out: then it is
 * as it was. */
int findings_sort(struct findings *f, enum findings_order order);

/* Show only the first so many of them; the counts stay. */
void findings_cut(struct findings *f, size_t top);

/* The next part of f as text, in the form of the report. *at and *cut are 0 at first, and tell how
 * far it is written; returns as analysis_report does: more lines to come (1), done (0), or out of
 * memory (-1). */
struct findings_cursor {
	bool begun;
	size_t at, cut;
};
int findings_text(const struct findings *f, struct findings_cursor *cursor, struct buf *out,
	size_t about_bytes);

/* Add f to a JSON object that is open: "length", "bytes", "invalid", "words", "unique", and "list",
 * whose objects have "word" and "count". */
void findings_json(const struct findings *f, struct json *j);

#endif
