#include <stdlib.h>

#include "check.h"
#include "memory.h"
#include "tty/history.h"

TestSuite(history, .timeout = 20);

static bool line_is(const struct history *h, size_t back, const char *text)
{
	struct span line = history_line(h, back);

	return line.len == strlen(text) && memcmp(line.data, text, line.len) == 0;
}

Test(history, the_last_line_is_the_first_to_come_back)
{
	struct history h = {0};

	history_add(&h, span_of("one"));
	history_add(&h, span_of("two"));
	cr_assert(eq(sz, h.count, 2));
	cr_assert(line_is(&h, 1, "two"));
	cr_assert(line_is(&h, 2, "one"));
	history_free(&h);
}

Test(history, empty_lines_and_repetitions_are_not_kept)
{
	struct history h = {0};

	history_add(&h, span_of(""));
	history_add(&h, span_of("one"));
	history_add(&h, span_of("one"));
	history_add(&h, span_of("on"));
	history_add(&h, span_of("one"));
	cr_assert(eq(sz, h.count, 3));
	history_free(&h);
}

Test(history, it_keeps_no_more_than_its_bytes)
{
	static uint8_t much[60000];
	uint8_t *too_much = calloc(HISTORY_MAX_BYTES + 1, 1);
	struct history h = {0};

	cr_assert(ne(ptr, too_much, NULL));
	for (uint8_t i = 0; i < 10; i++) {
		memset(much, 'a' + i, sizeof(much));
		history_add(&h, (struct span){much, sizeof(much)});
	}
	history_add(&h, (struct span){too_much, HISTORY_MAX_BYTES + 1});
	cr_assert(eq(sz, h.count, 4));
	cr_assert(eq(sz, h.bytes, 4 * sizeof(much)));
	cr_assert(eq(int, history_line(&h, 1).data[0], 'j'));
	cr_assert(eq(int, history_line(&h, 4).data[0], 'g'));
	history_free(&h);
	cr_assert(eq(sz, h.bytes, 0));
	free(too_much);
}

Test(history, without_memory_a_line_is_not_kept)
{
	static uint8_t much[100000];
	struct history h = {0};
	struct rlimit before;

	history_add(&h, span_of("one"));
	before = allow_no_more_memory();
	hoard_memory();
	history_add(&h, (struct span){much, sizeof(much)});
	release_memory();
	allow_memory(&before);
	cr_assert(eq(sz, h.count, 1));
	cr_assert(line_is(&h, 1, "one"));
	history_free(&h);
}
