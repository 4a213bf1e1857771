#ifndef SOCKX_TTY_KEY_H
#define SOCKX_TTY_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

/* What a terminal sends for the keys of a line editor, read byte by byte: xterm's, VT100's, rxvt's
 * and the Linux console's sequences. */

enum key {
	KEY_NONE,
	KEY_LETTER, /* a code point that may be shown: key_letter */
	KEY_ENTER,
	KEY_BACKSPACE,
	KEY_DELETE,
	KEY_DELETE_OR_END, /* ^D */
	KEY_LEFT,
	KEY_RIGHT,
	KEY_UP,
	KEY_DOWN,
	KEY_HOME,
	KEY_END,
	KEY_WORD_LEFT,
	KEY_WORD_RIGHT,
	KEY_CUT_TO_END,
	KEY_CUT_TO_START,
	KEY_CUT_BLANKS,    /* ^W: back to a blank */
	KEY_CUT_WORD,      /* back to the start of a word */
	KEY_CUT_NEXT_WORD, /* forth to the end of one */
	KEY_YANK,
	KEY_CLEAR,
	KEY_INTERRUPT,
	KEY_QUIT,
	KEY_SUSPEND
};

/* All zero is a fresh one. */
struct key_reader {
	uint8_t letter[4]; /* as far as it has come */
	uint8_t letter_len;
	bool letter_done; /* the next byte begins another */
	uint8_t state;    /* where in a sequence */
	uint8_t awaited;  /* how many bytes of it are known to follow, or what began it */
	bool meta;        /* it began with two ESC, or the letter with one */
	bool strange;     /* it has what no key of ours has */
	uint8_t numbers;
	uint16_t number[2];
	bool after_cr;
	bool pasting; /* between the marks of a bracketed paste */
};

/*
 * Take one byte. Returns the key that it completes, or KEY_NONE. Sequences and letters may be cut
 * anywhere; unknown ones are swallowed whole; a control character in one ends it and counts. There
 * is no clock here: ESC alone becomes one with the key after it.
 *
 * Invalid UTF-8 and what utf8_is_hidden names is dropped. In a bracketed paste only letters and
 * line ends count; a tab there is a space.
 */
enum key key_byte(struct key_reader *r, uint8_t byte);

/* The bytes of the last KEY_LETTER. */
static inline struct span key_letter(const struct key_reader *r)
{
	return (struct span){r->letter, r->letter_len};
}

#endif
