#include "base/escape.h"

#include <stdio.h>

#include "base/utf8.h"

/* What stands at the front of the input. */
struct piece {
	size_t len;   /* bytes; 0: it goes on after the end of the input */
	bool passes;  /* is shown as itself */
	bool is_byte; /* belongs to no letter; code is that one byte */
	uint32_t code;
};

/* "\u{10FFFF}" and its NUL. */
enum { VISIBLE_SIZE = 11 };

static bool is_plain(uint8_t byte)
{
	return byte >= 0x20 && byte < 0x7f;
}

static struct piece look_at_byte(uint8_t byte)
{
	return (struct piece){.len = 1, .is_byte = true, .code = byte};
}

/* Only in front of a newline is CR the end of a line; elsewhere it lets text overwrite text. */
static struct piece look_at_cr(struct span in)
{
	struct piece cr = look_at_byte('\r');

	if (in.len == 1)
		cr.len = 0;
	else if (in.data[1] == '\n')
		cr = (struct piece){.len = 2, .passes = true};
	return cr;
}

static struct piece look(struct span in, bool one_line)
{
	uint32_t code = 0;
	int len = utf8_decode(in, &code);

	if (len == UTF8_INVALID)
		return look_at_byte(in.data[0]);
	if (code == '\r' && !one_line)
		return look_at_cr(in);
	return (struct piece){
		.len = (size_t)len,
		.passes = len != UTF8_SHORT &&
	                  (!utf8_is_hidden(code) || (!one_line && (code == '\n' || code == '\t'))),
		.is_byte = code < 0x80,
		.code = code,
	};
}

/* How many bytes at the front are shown as themselves. */
static size_t passing(struct span in, bool one_line)
{
	struct piece next;
	size_t n = 0;

	for (;;) {
		while (n < in.len && is_plain(in.data[n]))
			n++;
		if (n == in.len)
			return n;
		next = look(span_from(in, n), one_line);
		if (!next.passes)
			return n;
		n += next.len;
	}
}

static void make_visible(struct piece p, char out[VISIBLE_SIZE])
{
	if (!p.is_byte)
		snprintf(out, VISIBLE_SIZE, "\\u{%X}", (unsigned)p.code);
	else if (p.code == '\n')
		snprintf(out, VISIBLE_SIZE, "\\n");
	else if (p.code == '\r')
		snprintf(out, VISIBLE_SIZE, "\\r");
	else if (p.code == '\t')
		snprintf(out, VISIBLE_SIZE, "\\t");
	else
		snprintf(out, VISIBLE_SIZE, "\\x%02x", (unsigned)p.code);
}

static int add_visible(struct piece p, struct buf *out)
{
	char text[VISIBLE_SIZE];

	make_visible(p, text);
	return buf_puts(out, text);
}

/* Move in to out as far as its meaning is certain; *in becomes the rest. */
static int add_known(struct span *in, bool one_line, struct buf *out)
{
	while (in->len > 0) {
		size_t run = passing(*in, one_line);
		struct piece next;

		if (buf_add(out, (struct span){in->data, run}) < 0)
			return -1;
		*in = span_from(*in, run);
		next = look(*in, one_line);
		if (next.len == 0)
			return 0;
		if (add_visible(next, out) < 0)
			return -1;
		*in = span_from(*in, next.len);
	}
	return 0;
}

/* rest may lie within held. */
static void hold(struct escaper *e, struct span rest)
{
	memmove(e->held, rest.data, rest.len);
	e->held_len = (uint8_t)rest.len;
}

int escape_add(struct escaper *e, struct span in, struct buf *out)
{
	/* At most 3 bytes are ever held: with the fourth, a letter is whole or invalid. */
	while (e->held_len > 0 && in.len > 0) {
		struct span joined = {e->held, (size_t)e->held_len + 1};

		e->held[e->held_len] = in.data[0];
		in = span_from(in, 1);
		if (add_known(&joined, e->one_line, out) < 0)
			return -1;
		hold(e, joined);
	}
	if (in.len == 0)
		return 0;
	if (add_known(&in, e->one_line, out) < 0)
		return -1;
	hold(e, in);
	return 0;
}

int escape_end(struct escaper *e, struct buf *out)
{
	size_t len = e->held_len;

	e->held_len = 0;
	for (size_t i = 0; i < len; i++)
		if (add_visible(look_at_byte(e->held[i]), out) < 0)
			return -1;
	return 0;
}

/* The next letter of a text that ends where in does, as it may be shown. Returns its bytes in in.
 */
static size_t show_next(struct span in, char out[VISIBLE_SIZE])
{
	struct piece next = look(in, true);

	if (next.len == 0)
		next = look_at_byte(in.data[0]);
	if (next.passes)
		snprintf(out, VISIBLE_SIZE, "%.*s", (int)next.len, (const char *)in.data);
	else
		make_visible(next, out);
	return next.len;
}

struct quoted_text quoted(const char *text)
{
	return quoted_span(span_of(text));
}

struct quoted_text quoted_span(struct span in)
{
	enum { SHOWN_MAX = 100 };
	char shown[SHOWN_MAX + 1] = "", next[VISIBLE_SIZE];
	struct quoted_text q;
	size_t used = 0;

	while (in.len > 0) {
		in = span_from(in, show_next(in, next));
		if (used + strlen(next) > SHOWN_MAX) {
			snprintf(q.text, sizeof(q.text), "'%s...'", shown);
			return q;
		}
		memcpy(shown + used, next, strlen(next) + 1);
		used += strlen(next);
	}
	snprintf(q.text, sizeof(q.text), "'%s'", shown);
	return q;
}
