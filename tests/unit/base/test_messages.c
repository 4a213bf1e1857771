#include <stdlib.h>

#include "base/messages.h"
#include "check.h"

TestSuite(messages, .timeout = 20);

static bool first_is(const struct buf *queue, const char *text)
{
	const struct span first = messages_first(queue);

	return first.len == strlen(text) && span_starts_with(first, span_of(text));
}

Test(messages, come_out_whole_in_their_order_the_empty_ones_too)
{
	static const char *const texts[] = {"one", "", "three", "", ""};
	struct buf queue = {0};

	for (size_t i = 0; i < 5; i++)
		cr_assert(eq(int, messages_add(&queue, span_of(texts[i])), 0));
	for (size_t i = 0; i < 5; i++) {
		cr_assert(gt(sz, queue.len, 0));
		cr_assert(first_is(&queue, texts[i]), "%zu", i);
		messages_drop_first(&queue);
	}
	cr_assert(eq(sz, queue.len, 0));
	cr_assert(eq(ptr, queue.data, NULL), "an empty queue holds no memory");
}

Test(messages, of_every_length_keep_it)
{
	uint8_t *bytes = calloc(1, 70000);
	struct buf queue = {0};

	for (size_t len = 0; len <= 70000; len += 7000)
		cr_assert(eq(int, messages_add(&queue, (struct span){bytes, len}), 0));
	for (size_t len = 0; len <= 70000; len += 7000) {
		cr_assert(eq(sz, messages_first(&queue).len, len));
		messages_drop_first(&queue);
	}
	cr_assert(eq(sz, queue.len, 0));
	free(bytes);
}

Test(messages, two_queues_of_them_become_one_by_joining_their_bytes)
{
	struct buf queue = {0}, more = {0};

	messages_add(&queue, span_of("a"));
	messages_add(&more, span_of("b"));
	cr_assert(eq(int, buf_add(&queue, buf_span(&more)), 0));
	messages_drop_first(&queue);
	cr_assert(first_is(&queue, "b"));
	buf_free(&queue);
	buf_free(&more);
}
