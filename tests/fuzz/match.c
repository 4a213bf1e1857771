/* The matcher: however a stream is cut, a text is found where memmem(3) finds it first. */
#include "fuzz.h"

#include "base/match.h"

/* Where text ends first in whole; 0: nowhere. */
static size_t expected_of(struct span whole, struct span text)
{
	const uint8_t *at = whole.len ? memmem(whole.data, whole.len, text.data, text.len) : NULL;

	return at ? (size_t)(at - whole.data) + text.len : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = {data, size}, text, left;
	const size_t len = choose(&input) % 16 + 1, at_a_time = choose(&input) % 16 + 1;
	size_t expected, before = 0;
	struct match m;

	if (input.len < len)
		return 0;
	text = (struct span){input.data, len};
	left = span_from(input, len);
	expected = expected_of(left, text);
	HOLDS(match_init(&m, text) == 0);
	while (left.len) {
		const size_t n = left.len < at_a_time ? left.len : at_a_time;
		uint8_t *part = exact_copy((struct span){left.data, n});
		const size_t found = match_find(&m, (struct span){part, n});

		free(part);
		HOLDS(found ? before + found == expected : !expected || before + n < expected);
		if (found)
			break;
		before += n;
		left = span_from(left, n);
	}
	match_free(&m);
	return 0;
}
