#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUF_FIRST_BYTES = 256 };

int buf_reserve(struct buf *b, size_t more)
{
	size_t need, cap = b->cap ? b->cap : BUF_FIRST_BYTES;
	uint8_t *grown;

	if (__builtin_add_overflow(b->len, more, &need) || need > SIZE_MAX / 4)
		return -1;
	if (b->cap - b->start >= need)
		return 0;
	/* Moving what waits to the front is worth it only where it frees at least half: else each
	 * add could move all. */
	if (b->cap >= need && b->start >= b->len) {
		memmove(b->data, b->data + b->start, b->len);
		b->start = 0;
		return 0;
	}
	while (cap - b->start < need)
		cap *= 2;
	grown = realloc(b->data, cap);
	if (!grown)
		return -1;
	b->data = grown;
	b->cap = cap;
	return 0;
}

int buf_add(struct buf *b, struct span in)
{
	if (in.len == 0)
		return 0;
	if (buf_reserve(b, in.len) < 0)
		return -1;
	memcpy(b->data + b->start + b->len, in.data, in.len);
	b->len += in.len;
	return 0;
}

int buf_puts(struct buf *b, const char *text)
{
	return buf_add(b, span_of(text));
}

int buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n == 0) /* not even room for the NUL: an empty buf holds no memory */
		return 0;
	if (n < 0 || buf_reserve(b, (size_t)n + 1) < 0)
		return -1;
	va_start(args, format);
	vsnprintf((char *)b->data + b->start + b->len, (size_t)n + 1, format, args);
	va_end(args);
	b->len += (size_t)n;
	return 0;
}

void buf_take(struct buf *b, size_t n)
{
	b->start += n;
	b->len -= n;
	if (b->len == 0)
		buf_free(b);
}

void buf_free(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}
