#ifndef SOCKX_TTY_LINE_EDIT_H
#define SOCKX_TTY_LINE_EDIT_H

#include "tty/history.h"
#include "tty/key.h"
#include "tty/line_view.h"

/*
 * A line editor as a state machine: the bytes of keys in, the bytes for the screen out. It owns no
 * descriptor and never waits, which is why it is none of the libraries that do.
 *
 * Keys: those of Emacs as bash has them, arrows, Home, End, Delete, by words with Ctrl or Alt;
 * history; bracketed paste. Letters are grapheme clusters. What tty/key.h says may not stand is
 * never in the line.
 *
 * Every function that draws appends to screen, and returns 0, or -1 when memory is out.
 */

enum {
	LINE_EDIT_MAX_BYTES = 64 * 1024 - 1,
	/* Marks that one letter may have; more are refused (UAX #15, Stream-Safe Text Format): what
	 * is drawn again for a key begins with the letter, and so would be all of them. */
	LINE_EDIT_MAX_MARKS = 30,
};

enum edit_verdict {
	EDIT_MORE,
	EDIT_LINE,      /* Enter: line_edit_line. It stays on the screen, the cursor below it;
	                   or not, where it vanishes */
	EDIT_END,       /* ^D on an empty line */
	EDIT_INTERRUPT, /* ^C */
	EDIT_QUIT,      /* ^\ */
	EDIT_SUSPEND,   /* ^Z */
	EDIT_NO_MEMORY
};

struct line_edit {
	struct key_reader keys;
	struct history history;
	struct line_view view;
	uint8_t *text; /* the prompt, then the line */
	size_t prompt_len, len, cap;
	size_t at;         /* where the cursor is, in text */
	size_t changed;    /* from where on the screen is out of date; SIZE_MAX: nowhere */
	size_t back;       /* which line of the history is shown; 0: the one being typed */
	struct buf typed;  /* ... which is kept here meanwhile */
	struct buf killed; /* what was cut last */
	bool over;         /* the line was passed on: the next key begins another */
	bool vanishes;     /* Enter takes the line off the screen; set by the owner */
	bool bell;         /* a key was refused */
	bool no_memory;
};

/* Begin with an empty line, not yet shown; prompt is one line of plain text. Returns 0, or -1 when
 * memory is out. */
int line_edit_init(struct line_edit *e, const char *prompt);
void line_edit_free(struct line_edit *e);

/* Put another prompt before the line, which is to be off the screen. Returns 0, or -1 when memory
 * is out. */
int line_edit_set_prompt(struct line_edit *e, const char *prompt);

/* Take keys, up to the end of *in or to the one that has a verdict, that one included. Any verdict
 * but EDIT_MORE leaves the line off the screen (EDIT_LINE: below it): go on with line_edit_show.
 * EDIT_NO_MEMORY: what is on the screen is no longer known. */
enum edit_verdict line_edit_keys(struct line_edit *e, struct span *in, struct buf *screen);

/* The line, without its prompt. After EDIT_LINE it stays until the next call that takes keys or
 * shows. */
struct span line_edit_line(const struct line_edit *e);

/* Take prompt and line off the screen, so that other lines can be written there, and show them
 * again: below, for what is written ends its line. */
int line_edit_hide(struct line_edit *e, struct buf *screen);
int line_edit_show(struct line_edit *e, struct buf *screen);

/* Another program had the terminal: what was shown is gone, and a key half read, and a paste. */
void line_edit_forget(struct line_edit *e);

/* The terminal has so many columns and rows (0: unknown) now. */
int line_edit_resize(struct line_edit *e, size_t columns, size_t rows, struct buf *screen);

#endif
