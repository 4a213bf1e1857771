#ifndef UNIT_VT_H
#define UNIT_VT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/*
 * A terminal as a person sees it: letters with their widths in rows, a cursor, and what has gone
 * off the top. It knows what a VT100 does, waits at its margin for the next letter, and lays its
 * rows out anew when it is made wider or narrower, as most terminals do.
 */

enum { VT_MAX_COLUMNS = 132, VT_LETTER_BYTES = 24 };

struct vt_cell {
	char text[VT_LETTER_BYTES]; /* "": nothing was written here */
	unsigned char width;        /* 0: the second half of a wide letter */
};

struct vt_row {
	struct vt_cell cells[VT_MAX_COLUMNS];
	bool wrapped; /* the next row goes on with it */
};

struct vt {
	size_t columns, rows;
	struct vt_row *all; /* those off the top, then the screen's */
	size_t count, cap;
	size_t top;         /* of all: the screen's first */
	size_t row, column; /* the cursor; column == columns: it waits at the margin */
	unsigned bells;
	unsigned strange; /* sequences and controls that it does not know */
	unsigned written; /* bytes */
	char sequence[32];
	size_t sequence_len;
	char held[8];
	size_t held_len;
};

void vt_begin(struct vt *t, size_t columns, size_t rows);
void vt_end(struct vt *t);

/* What a program writes. */
void vt_write(struct vt *t, struct span out);
void vt_puts(struct vt *t, const char *text);

void vt_resize(struct vt *t, size_t columns, size_t rows);

/* All that can be read on it, what is off the top first: a line a row, without blanks at their
 * ends, nor empty rows at its end. The caller frees it. */
char *vt_text(const struct vt *t);

/* The same, of the screen alone. */
char *vt_screen(const struct vt *t);

/* Where the next letter, so wide, would be put: row * columns + column, counted from the top of
 * what is off the screen. */
size_t vt_cursor(const struct vt *t, size_t width);

#endif
