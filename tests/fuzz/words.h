#ifndef FUZZ_WORDS_H
#define FUZZ_WORDS_H

#include "fuzz.h"

#include "base/utf8.h"

/* The words of a command line: what stands between the newlines of an input. */

enum { WORDS_MAX = 24 };

struct words {
	char *of[WORDS_MAX + 1]; /* and a NULL */
	size_t count;
};

static inline void words_split(struct words *w, struct span input)
{
	*w = (struct words){0};
	while (input.len && w->count < WORDS_MAX) {
		const uint8_t *end = memchr(input.data, '\n', input.len);
		const size_t len = end ? (size_t)(end - input.data) : input.len;

		w->of[w->count++] = text_of((struct span){input.data, len});
		input = span_from(input, end ? len + 1 : len);
	}
}

static inline void words_free(struct words *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->of[i]);
}

/* Whether a text may stand in one line on a terminal. */
static inline bool is_one_line(const char *text)
{
	struct span left = span_of(text);
	uint32_t code;

	while (left.len) {
		const int len = utf8_decode(left, &code);

		if (len <= 0 || utf8_is_hidden(code))
			return false;
		left = span_from(left, (size_t)len);
	}
	return true;
}

#endif
