/* The escaping: what comes in pieces is shown as if it had come at once, and harmless. */
#include "fuzz.h"

#include "base/escape.h"
#include "base/utf8.h"

static void is_harmless(struct span text, bool one_line)
{
	uint32_t code;
	int len;

	for (; text.len; text = span_from(text, (size_t)len)) {
		len = utf8_decode(text, &code);
		HOLDS(len > 0);
		if (code == '\r')
			HOLDS(!one_line && text.len > 1 && text.data[1] == '\n');
		else if (code == '\n' || code == '\t')
			HOLDS(!one_line);
		else
			HOLDS(!utf8_is_hidden(code));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = {data, size}, left;
	const uint8_t way = choose(&input);
	struct escaper at_once = {.one_line = way & 1}, in_pieces = at_once;
	struct buf whole = {0}, joined = {0};
	struct quoted_text quoted = quoted_span(input);
	uint32_t at = way;

	HOLDS(escape_add(&at_once, input, &whole) == 0);
	HOLDS(escape_end(&at_once, &whole) == 0);
	for (left = input; left.len;) {
		const size_t want = way < 128 ? 1 : (at = at * 1103515245 + 12345) >> 16 & 7;
		const struct span part = {left.data, want < left.len ? want : left.len};
		uint8_t *copy = exact_copy(part);

		HOLDS(escape_add(&in_pieces, (struct span){copy, part.len}, &joined) == 0);
		free(copy);
		left = span_from(left, part.len);
	}
	HOLDS(escape_end(&in_pieces, &joined) == 0);
	HOLDS(!in_pieces.held_len && !at_once.held_len);
	HOLDS(span_equal(buf_span(&whole), buf_span(&joined)));
	is_harmless(buf_span(&whole), at_once.one_line);
	HOLDS(memchr(quoted.text, '\0', sizeof(quoted.text)));
	is_harmless(span_of(quoted.text), true);
	HOLDS(quoted.text[0] == '\'');
	buf_free(&whole);
	buf_free(&joined);
	return 0;
}
