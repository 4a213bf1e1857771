/* Keys and the line editor: however the bytes are cut, the same line with the same cursor; it is
 * plain text on one line, and the screen gets nothing that a VT100 does not know. */
#include "fuzz.h"

#include "base/utf8.h"
#include "tty/line_edit.h"

enum {
	SIZES = 250, /* a byte of the input from here on is a change of size */
	YANK = 0x19, /* Ctrl-Y: what was cut once more */
	YANKS = 6, /* more of them double the line until little else is tried in all the time there
	              is */
};

struct typist {
	struct line_edit e;
	struct buf lines; /* all that were ended */
	struct buf screen;
};

static void is_plain(struct span text, size_t at)
{
	const uint8_t *start = text.data;
	uint32_t code;
	bool stands = at == text.len;

	while (text.len) {
		const int len = utf8_decode(text, &code);

		HOLDS(len > 0 && !utf8_is_hidden(code));
		stands |= (size_t)(text.data - start) == at;
		text = span_from(text, (size_t)len);
	}
	HOLDS(stands);
}

static void is_sound(const struct line_edit *e)
{
	HOLDS(line_edit_line(e).len <= LINE_EDIT_MAX_BYTES && e->at >= e->prompt_len &&
		e->at <= e->len);
	is_plain((struct span){e->text, e->len}, e->at);
}

/* CSI, a number or none, and a letter; CR, LF, BEL and backspace; and text. */
static void is_for_a_screen(struct span out)
{
	uint32_t code;

	while (out.len) {
		const int len = utf8_decode(out, &code);

		HOLDS(len > 0);
		out = span_from(out, (size_t)len);
		if (code != 0x1b) {
			HOLDS(!utf8_is_hidden(code) || code == '\r' || code == '\n' ||
				code == '\a' || code == '\b');
			continue;
		}
		HOLDS(out.len && *out.data == '[');
		out = span_from(out, 1);
		while (out.len && strchr("0123456789;?", (char)*out.data) && *out.data)
			out = span_from(out, 1);
		HOLDS(out.len && strchr("ABCDHJKhl", (char)*out.data));
		out = span_from(out, 1);
	}
}

static void drain(struct typist *t)
{
	is_for_a_screen(buf_span(&t->screen));
	buf_free(&t->screen);
}

static void type(struct typist *t, struct span part)
{
	while (part.len) {
		const enum edit_verdict verdict = line_edit_keys(&t->e, &part, &t->screen);

		HOLDS(verdict != EDIT_NO_MEMORY);
		is_sound(&t->e);
		if (verdict == EDIT_LINE) {
			HOLDS(buf_add(&t->lines, line_edit_line(&t->e)) == 0);
			HOLDS(buf_puts(&t->lines, "\n") == 0);
		}
		if (verdict != EDIT_MORE)
			HOLDS(line_edit_show(&t->e, &t->screen) == 0);
	}
	drain(t);
}

static void resize(struct typist *t, uint8_t how)
{
	HOLDS(line_edit_resize(&t->e, how * 7U % 100, how * 3U % 30, &t->screen) == 0);
	HOLDS(how % 3 || line_edit_hide(&t->e, &t->screen) == 0);
	HOLDS(line_edit_show(&t->e, &t->screen) == 0);
	drain(t);
}

/* Types up to the next change of size, whole or byte by byte. */
static void type_all(struct typist *t, struct span input, bool byte_by_byte)
{
	HOLDS(line_edit_init(&t->e, "> ") == 0);
	HOLDS(line_edit_show(&t->e, &t->screen) == 0);
	while (input.len) {
		size_t len = 0;

		while (len < input.len && input.data[len] < SIZES && !(byte_by_byte && len))
			len++;
		if (len) {
			uint8_t *copy = exact_copy((struct span){input.data, len});

			type(t, (struct span){copy, len});
			free(copy);
		} else {
			resize(t, *input.data);
			len = 1;
		}
		input = span_from(input, len);
	}
}

static void leave(struct typist *t)
{
	line_edit_free(&t->e);
	buf_free(&t->lines);
	buf_free(&t->screen);
	free(t);
}

static void bound_yanks(uint8_t *keys, size_t size)
{
	int yanks = 0;

	for (size_t i = 0; i < size; i++)
		if (keys[i] == YANK && ++yanks > YANKS)
			keys[i] = 'y';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct typist *one = calloc(1, sizeof(*one)), *other = calloc(1, sizeof(*other));
	uint8_t *keys = exact_copy((struct span){data, size});

	HOLDS(one && other);
	bound_yanks(keys, size);
	type_all(one, (struct span){keys, size}, false);
	type_all(other, (struct span){keys, size}, true);
	HOLDS(span_equal(buf_span(&one->lines), buf_span(&other->lines)));
	HOLDS(span_equal(line_edit_line(&one->e), line_edit_line(&other->e)));
	HOLDS(one->e.at == other->e.at);
	leave(one);
	leave(other);
	free(keys);
	return 0;
}
