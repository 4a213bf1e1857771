#include "base/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/utf8.h"

static void add(struct json *j, struct span text)
{
	if (!j->failed && buf_add(&j->out, text) < 0)
		j->failed = true;
}

static void puts_to(struct json *j, const char *text)
{
	add(j, span_of(text));
}

static void add_key(struct json *j, const char *key)
{
	puts_to(j, j->some ? ",\"" : "\"");
	puts_to(j, key);
	puts_to(j, "\":");
	j->some = true;
}

/* The two-letter escapes of RFC 8259 section 7 (a solidus needs none). Returns 0 if there is none.
 */
static char short_escape(uint32_t code)
{
	switch (code) {
	case '"': return '"';
	case '\\': return '\\';
	case '\b': return 'b';
	case '\f': return 'f';
	case '\n': return 'n';
	case '\r': return 'r';
	case '\t': return 't';
	default: return 0;
	}
}

/* RFC 8259 asks for this below U+0020 only; the rest is for people who read the line on a terminal.
 */
static bool needs_escape(uint32_t code)
{
	return code == '"' || code == '\\' || utf8_is_hidden(code);
}

/* Beyond the basic plane, RFC 8259 section 7 wants a UTF-16 surrogate pair. */
static void add_escaped(struct json *j, uint32_t code)
{
	char text[sizeof("\\uD800\\uDC00")];
	char brief = short_escape(code);
	unsigned above = (unsigned)code - 0x10000;

	if (brief)
		snprintf(text, sizeof(text), "\\%c", brief);
	else if (code < 0x10000)
		snprintf(text, sizeof(text), "\\u%04x", (unsigned)code);
	else
		snprintf(text, sizeof(text), "\\u%04x\\u%04x", 0xd800 | (above >> 10 & 0x3ff),
			0xdc00 | (above & 0x3ff));
	puts_to(j, text);
}

/* How many bytes at the front may stand in a string as they are. */
static size_t passing(struct span in)
{
	size_t n = 0;
	uint32_t code;

	for (;;) {
		int len = utf8_decode(span_from(in, n), &code);

		if (len <= 0 || needs_escape(code))
			return n;
		n += (size_t)len;
	}
}

/* Add the one thing at the front that may not stand as it is. Returns its length in bytes. */
static size_t add_replaced(struct json *j, struct span in)
{
	uint32_t code;
	int len = utf8_decode(in, &code);

	if (len <= 0) {
		puts_to(j, "\xef\xbf\xbd"); /* U+FFFD, the replacement character */
		return 1;
	}
	add_escaped(j, code);
	return (size_t)len;
}

void json_open(struct json *j)
{
	*j = (struct json){0};
	puts_to(j, "{");
}

void json_event(struct json *j, const char *event)
{
	json_int(j, "v", JSON_EVENTS_VERSION);
	json_str(j, "event", span_of(event));
}

void json_str(struct json *j, const char *key, struct span value)
{
	add_key(j, key);
	puts_to(j, "\"");
	while (value.len > 0) {
		size_t run = passing(value);

		add(j, (struct span){value.data, run});
		value = span_from(value, run);
		if (value.len > 0)
			value = span_from(value, add_replaced(j, value));
	}
	puts_to(j, "\"");
}

void json_int(struct json *j, const char *key, int64_t value)
{
	char text[sizeof("-9223372036854775808")];

	snprintf(text, sizeof(text), "%" PRId64, value);
	add_key(j, key);
	puts_to(j, text);
}

/* RFC 8259 section 6 has no infinity and no NaN. */
void json_num(struct json *j, const char *key, double value)
{
	char text[sizeof("-.000") + 309]; /* DBL_MAX has 309 digits */

	snprintf(text, sizeof(text), "%.3f", value);
	add_key(j, key);
	puts_to(j, isfinite(value) ? text : "null");
}

void json_bool(struct json *j, const char *key, bool value)
{
	add_key(j, key);
	puts_to(j, value ? "true" : "false");
}

void json_list_open(struct json *j, const char *key)
{
	add_key(j, key);
	puts_to(j, "[");
	j->some = false;
}

void json_item_open(struct json *j)
{
	puts_to(j, j->some ? ",{" : "{");
	j->some = false;
}

/* What has just been closed was a member of what is open now. */
static void close_with(struct json *j, const char *bracket)
{
	puts_to(j, bracket);
	j->some = true;
}

void json_item_close(struct json *j)
{
	close_with(j, "}");
}

void json_list_close(struct json *j)
{
	close_with(j, "]");
}

void json_close(struct json *j)
{
	puts_to(j, "}\n");
}
