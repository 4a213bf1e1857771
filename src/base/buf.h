#ifndef SOCKX_BASE_BUF_H
#define SOCKX_BASE_BUF_H

#include <stdint.h>

#include "base/span.h"

/*
 * A growing queue of bytes: added at the end, taken from the front. All zero is an empty one.
 * It holds no memory while it is empty, so that an idle connection costs nothing here.
 */
struct buf {
	uint8_t *data;
	size_t start; /* the first byte not yet taken */
	size_t len;   /* bytes waiting */
	size_t cap;   /* bytes allocated at data */
};

/* Append a copy of in, which does not lie in b. Returns 0, or -1 when memory is out: then nothing
 * was added. */
int buf_add(struct buf *b, struct span in);

/* Make room for so many bytes after those that wait: the next buf_add of no more cannot fail.
 * Returns 0, or -1 when memory is out. */
int buf_reserve(struct buf *b, size_t more);

/* Append a string, or formatted text. Errors as buf_add. */
int buf_puts(struct buf *b, const char *text);
int buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The bytes waiting; valid until the next call that changes b. */
static inline struct span buf_span(const struct buf *b)
{
	/* No arithmetic on NULL, not even + 0: C17 leaves it undefined. */
	return b->data ? (struct span){b->data + b->start, b->len} : (struct span){0};
}

/* Drop the first n bytes; n <= b->len. Memory is freed with the last one. */
void buf_take(struct buf *b, size_t n);

/* Drop everything, and the memory. */
void buf_free(struct buf *b);

#endif
