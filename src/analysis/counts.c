#include "analysis/counts.h"

#include <inttypes.h>

int counts_put(const struct counts *c, struct buf *out)
{
	if (buf_printf(out, "length: %" PRIu64 "\nbytes: %" PRIu64 "\n", c->length, c->bytes) < 0)
		return -1;
	if (c->invalid > 0 && buf_printf(out, "invalid: %" PRIu64 "\n", c->invalid) < 0)
		return -1;
	return buf_printf(out, "words: %" PRIu64 "\nunique: %" PRIu64 "\n", c->words, c->unique);
}

/* " N\n", as printf would write it; a report may have millions of them. */
static int put_count(uint64_t count, struct buf *out)
{
	uint8_t text[sizeof(" 18446744073709551615\n")];
	size_t at = sizeof(text);

	text[--at] = '\n';
	do {
		text[--at] = (uint8_t)('0' + count % 10);
		count /= 10;
	} while (count > 0);
	text[--at] = ' ';
	return buf_add(out, (struct span){text + at, sizeof(text) - at});
}

int counts_put_word(
	struct span word, uint64_t count, size_t *cut, struct buf *out, size_t room_bytes)
{
	struct span left = span_from(word, *cut);

	if (left.len > room_bytes) {
		left.len = room_bytes;
		*cut += room_bytes;
		return buf_add(out, left);
	}
	*cut = 0;
	return buf_add(out, left) < 0 ? -1 : put_count(count, out);
}
