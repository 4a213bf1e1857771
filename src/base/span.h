#ifndef SOCKX_BASE_SPAN_H
#define SOCKX_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes that belong to other code, and how many. Valid only as long as their owner says. */
struct span {
	const uint8_t *data;
	size_t len;
};

/* The bytes of a string, without its NUL. */
static inline struct span span_of(const char *text)
{
	return (struct span){(const uint8_t *)text, strlen(text)};
}

/* What is left of s after its first n bytes; n <= s.len. */
static inline struct span span_from(struct span s, size_t n)
{
	return (struct span){n ? s.data + n : s.data, s.len - n};
}

/* Whether s begins with all of start. */
static inline bool span_starts_with(struct span s, struct span start)
{
	return start.len == 0 || (s.len >= start.len && memcmp(s.data, start.data, start.len) == 0);
}

#endif
