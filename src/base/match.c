#include "base/match.h"

#include <stdlib.h>

/* How much of text there is once a byte follows its first `at` bytes. */
static size_t match_step(const struct match *m, size_t at, uint8_t byte)
{
	while (at && m->text[at] != byte)
		at = m->shorter[at - 1];
	return at + (m->text[at] == byte);
}

int match_init(struct match *m, struct span text)
{
	*m = (struct match){.text = malloc(text.len),
		.len = text.len,
		.shorter = calloc(text.len, sizeof(*m->shorter))};
	if (!m->text || !m->shorter) {
		match_free(m);
		return -1;
	}
	memcpy(m->text, text.data, text.len);
	for (size_t i = 1; i < text.len; i++)
		m->shorter[i] = match_step(m, m->shorter[i - 1], text.data[i]);
	return 0;
}

size_t match_find(struct match *m, struct span in)
{
	for (size_t i = 0; i < in.len; i++) {
		m->at = match_step(m, m->at, in.data[i]);
		if (m->at == m->len) {
			m->at = 0;
			return i + 1;
		}
	}
	return 0;
}

void match_restart(struct match *m)
{
	m->at = 0;
}

void match_free(struct match *m)
{
	free(m->text);
	free(m->shorter);
	*m = (struct match){0};
}
