#include "tty/key.h"

#include "base/utf8.h"

enum { ESC = 0x1b, DEL = 0x7f, SOFT_HYPHEN = 0xad };

enum state {
	PLAIN,
	ESCAPED,      /* after ESC */
	CSI,          /* after ESC [ */
	SS3,          /* after ESC O */
	CONSOLE,      /* after ESC [ [: a function key of the Linux console */
	MOUSE,        /* after ESC [ M: three bytes follow */
	STRING_BEGUN, /* after ESC and what begins an answer to a program that has gone */
	STRING,       /* within it: up to a control character */
};

/* What xterm adds to 1 for the modifiers of a key. */
enum { ALT = 2, CTRL = 4 };

static const enum key controls[32] = {
	[0x01] = KEY_HOME,
	[0x02] = KEY_LEFT,
	[0x03] = KEY_INTERRUPT,
	[0x04] = KEY_DELETE_OR_END,
	[0x05] = KEY_END,
	[0x06] = KEY_RIGHT,
	[0x08] = KEY_BACKSPACE,
	['\n'] = KEY_ENTER,
	[0x0b] = KEY_CUT_TO_END,
	[0x0c] = KEY_CLEAR,
	['\r'] = KEY_ENTER,
	[0x0e] = KEY_DOWN,
	[0x10] = KEY_UP,
	[0x15] = KEY_CUT_TO_START,
	[0x17] = KEY_CUT_BLANKS,
	[0x19] = KEY_YANK,
	[0x1a] = KEY_SUSPEND,
	[0x1c] = KEY_QUIT,
};

/* ---- sequences ---- */

static enum key key_of_letter(uint8_t final, bool by_word)
{
	switch (final) {
	case 'A': return KEY_UP;
	case 'B': return KEY_DOWN;
	case 'C': return by_word ? KEY_WORD_RIGHT : KEY_RIGHT;
	case 'D': return by_word ? KEY_WORD_LEFT : KEY_LEFT;
	case 'F': return KEY_END;
	case 'H': return KEY_HOME;
	default: return KEY_NONE;
	}
}

static enum key key_of_number(struct key_reader *r, bool by_word)
{
	switch (r->number[0]) {
	case 1:
	case 7: return KEY_HOME;
	case 3: return by_word ? KEY_CUT_NEXT_WORD : KEY_DELETE;
	case 4:
	case 8: return KEY_END;
	case 200: r->pasting = true; return KEY_NONE;
	case 201: r->pasting = false; return KEY_NONE;
	default: return KEY_NONE;
	}
}

/* modifiers: as xterm sends them, 1 being none; 0: not said. */
static bool key_moves_by_word(const struct key_reader *r, unsigned modifiers)
{
	return r->meta || (modifiers && ((modifiers - 1) & (ALT | CTRL)));
}

static enum key key_end_csi(struct key_reader *r, uint8_t final)
{
	bool by_word = r->numbers == 2 ? key_moves_by_word(r, r->number[1]) : r->meta;

	r->state = PLAIN;
	if (r->strange)
		return KEY_NONE;
	if (r->numbers == 0 && (final == '[' || final == 'M')) {
		r->state = final == '[' ? CONSOLE : MOUSE;
		r->awaited = 3;
		return KEY_NONE;
	}
	if (final == '~' || final == '^') /* rxvt: ^ with Ctrl */
		return key_of_number(r, by_word || final == '^');
	return key_of_letter(final, by_word);
}

static enum key key_end_ss3(struct key_reader *r, uint8_t final)
{
	bool by_word = r->numbers ? key_moves_by_word(r, r->number[r->numbers - 1]) : r->meta;

	r->state = PLAIN;
	switch (final) {
	case 'M': return KEY_ENTER; /* the keypad's */
	case 'c': return KEY_WORD_RIGHT;
	case 'd': return KEY_WORD_LEFT; /* rxvt's */
	default: return key_of_letter(final, by_word);
	}
}

static void key_take_digit(struct key_reader *r, uint8_t digit)
{
	uint16_t *n;

	if (r->numbers == 0)
		r->number[r->numbers++] = 0;
	n = &r->number[r->numbers - 1];
	if (*n < 1000)
		*n = (uint16_t)(*n * 10 + (digit - '0'));
}

/* ECMA-48, 5.4: parameters and what else stands before the final byte. */
static enum key key_in_csi(struct key_reader *r, uint8_t byte)
{
	if (byte >= 0x40)
		return r->state == CSI ? key_end_csi(r, byte) : key_end_ss3(r, byte);
	if (byte >= '0' && byte <= '9')
		key_take_digit(r, byte);
	else if (byte != ';' || r->numbers == 2)
		r->strange = true;
	else if (r->numbers == 0)
		r->number[0] = r->number[1] = 0, r->numbers = 2;
	else
		r->number[r->numbers++] = 0;
	return KEY_NONE;
}

static enum key key_of_meta(uint8_t byte)
{
	switch (byte) {
	case 'b': return KEY_WORD_LEFT;
	case 'f': return KEY_WORD_RIGHT;
	case 'd': return KEY_CUT_NEXT_WORD;
	case DEL: return KEY_CUT_WORD;
	default: return KEY_NONE;
	}
}

static enum key key_after_escape(struct key_reader *r, uint8_t byte)
{
	r->numbers = 0;
	r->strange = false;
	r->awaited = byte;
	switch (byte) {
	case '[': r->state = CSI; break;
	case 'O': r->state = SS3; break;
	case 'P':
	case ']':
	case '_': r->state = STRING_BEGUN; break;
	default: r->state = PLAIN; return key_of_meta(byte);
	}
	return KEY_NONE;
}

/* Whether it is an answer that begins so (DCS, OSC, APC), and not a person with Alt. */
static bool key_begins_string(uint8_t introducer, uint8_t byte)
{
	bool digit = byte >= '0' && byte <= '9';

	switch (introducer) {
	case 'P': return digit || byte == '>' || byte == '!' || byte == '$' || byte == '+';
	case ']': return digit;
	default: return byte == 'G';
	}
}

/* ---- letters ---- */

/* Whether a person is to see it. No two terminals agree on how wide a soft hyphen is. */
static bool key_may_stand(uint32_t code)
{
	return !utf8_is_hidden(code) && code != SOFT_HYPHEN;
}

static int key_decode_letter(const struct key_reader *r, uint32_t *code)
{
	return utf8_decode((struct span){r->letter, r->letter_len}, code);
}

static enum key key_take_letter_byte(struct key_reader *r, uint8_t byte)
{
	uint32_t code = 0;
	int len;

	r->letter[r->letter_len++] = byte;
	len = key_decode_letter(r, &code);
	if (len == UTF8_INVALID && r->letter_len > 1) {
		r->letter[0] = byte; /* it was cut off; this byte may begin the next */
		r->letter_len = 1;
		len = key_decode_letter(r, &code);
	}
	if (len == UTF8_SHORT)
		return KEY_NONE;
	r->letter_done = true;
	return len > 0 && !r->meta && key_may_stand(code) ? KEY_LETTER : KEY_NONE;
}

static enum key key_control(struct key_reader *r, uint8_t byte)
{
	bool second = byte == '\n' && r->after_cr; /* CR LF is one Enter */

	r->after_cr = byte == '\r';
	r->letter_done = true;
	if (byte == ESC) {
		r->meta = r->state == ESCAPED;
		r->state = ESCAPED;
		return KEY_NONE;
	}
	/* Alt and Backspace, as some send it */
	if (byte == 0x08 && r->state == ESCAPED) {
		r->state = PLAIN;
		return KEY_CUT_WORD;
	}
	r->state = PLAIN;
	r->meta = false;
	if (byte == '\t' && r->pasting) {
		r->letter_len = 0;
		return key_take_letter_byte(r, ' ');
	}
	return second ? KEY_NONE : byte == DEL ? KEY_BACKSPACE : controls[byte];
}

static enum key key_in_sequence(struct key_reader *r, uint8_t byte)
{
	switch ((enum state)r->state) {
	case ESCAPED: return key_after_escape(r, byte);
	case CSI:
	case SS3: return key_in_csi(r, byte);
	case CONSOLE: r->state = PLAIN; break;
	case MOUSE: r->state = --r->awaited ? MOUSE : PLAIN; break;
	case STRING_BEGUN:
	case STRING:
	case PLAIN: break;
	}
	return KEY_NONE;
}

static enum key key_read_byte(struct key_reader *r, uint8_t byte)
{
	if (byte < 0x20 || (byte == DEL && r->state != ESCAPED))
		return key_control(r, byte);
	r->after_cr = false;
	if (r->letter_done) {
		r->letter_len = 0;
		r->letter_done = false;
	}
	if (r->state == STRING_BEGUN)
		r->state = key_begins_string(r->awaited, byte) ? STRING : PLAIN;
	if (r->state == STRING)
		return KEY_NONE;
	if (r->state == PLAIN || (byte >= 0x80 && r->state != MOUSE)) {
		if (r->letter_len == 0)
			r->meta = r->state == ESCAPED; /* Alt and a letter */
		r->state = PLAIN;
		return key_take_letter_byte(r, byte);
	}
	return key_in_sequence(r, byte);
}

enum key key_byte(struct key_reader *r, uint8_t byte)
{
	enum key key = key_read_byte(r, byte);

	return r->pasting && key != KEY_LETTER && key != KEY_ENTER ? KEY_NONE : key;
}
