#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/span.h"

/* What fuzz targets share. Each is one file: libFuzzer calls its LLVMFuzzerTestOneInput. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What has to hold, whatever the input is. */
#define HOLDS(condition)                                                                         \
	do {                                                                                     \
		if (!(condition)) {                                                              \
			fprintf(stderr, "%s:%d: it does not hold that %s\n", __FILE__, __LINE__, \
				#condition);                                                     \
			abort();                                                                 \
		}                                                                                \
	} while (0)

/* A byte of the input that chooses; 0 once there is none. */
static inline uint8_t choose(struct span *input)
{
	const uint8_t byte = input->len ? *input->data : 0;

	*input = span_from(*input, input->len > 0);
	return byte;
}

/* A block of its own, of exactly len bytes: a sanitizer sees each one too many. */
static inline uint8_t *exact_copy(struct span bytes)
{
	uint8_t *copy = malloc(bytes.len ? bytes.len : 1);

	HOLDS(copy);
	if (bytes.len)
		memcpy(copy, bytes.data, bytes.len);
	return copy;
}

/* The input as a text, up to its first NUL; the caller frees it. */
static inline char *text_of(struct span input)
{
	const size_t len = input.len ? strnlen((const char *)input.data, input.len) : 0;
	char *text = malloc(len + 1);

	HOLDS(text);
	if (len)
		memcpy(text, input.data, len);
	text[len] = '\0';
	return text;
}

static inline bool span_equal(struct span a, struct span b)
{
	return a.len == b.len && (!a.len || memcmp(a.data, b.data, a.len) == 0);
}

#endif
