#ifndef SOCKX_TTY_LINE_VIEW_H
#define SOCKX_TTY_LINE_VIEW_H

#include "base/buf.h"

/*
 * A text with a cursor in it on a terminal, over as many rows as it needs; where it is higher than
 * the screen, the rows around the cursor. Nothing but CR, LF and the sequences of ECMA-48 that a
 * VT100 has: CSI A, B, C, H, J and K. text is printable UTF-8 on one line, the prompt included.
 *
 * Every function that draws appends to screen, and returns 0, or -1 when memory is out.
 */

enum { VIEW_MIN_COLUMNS = 2, VIEW_USUAL_COLUMNS = 80, VIEW_USUAL_ROWS = 24 };

/* Where a letter stands. column == columns: the row is full, and the next begins another. */
struct place {
	size_t row, column;
};

struct line_view {
	size_t columns, rows;
	bool shown;
	size_t from;         /* the byte of the text that the first row on the screen begins with */
	struct place cursor; /* counted from that row */
	struct place end;    /* where what is drawn ends */
};

/* How large the terminal is; 0: unknown. */
void view_size(struct line_view *v, size_t columns, size_t rows);

/* Bring the screen up to date: text differs from what is shown from the byte `changed` on (text.len
 * or more: nowhere), and the cursor is to stand before the byte `at`. Puts it there if it is not
 * shown. */
int view_draw(struct line_view *v, struct span text, size_t at, size_t changed, struct buf *screen);

/* Take it off; the cursor is left where it began. */
int view_hide(struct line_view *v, struct buf *screen);

/* Leave it on the screen, all of it, and the cursor at the start of the row below. */
int view_leave(struct line_view *v, struct span text, struct buf *screen);

/* The terminal has another size now; what is shown is drawn anew. */
int view_resize(struct line_view *v, struct span text, size_t at, size_t columns, size_t rows,
	struct buf *screen);

#endif
