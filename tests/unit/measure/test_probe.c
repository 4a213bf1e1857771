#include <stdlib.h>

#include "check.h"
#include "measure/probe.h"

static struct probe made(size_t size, bool alone)
{
	struct probe p;

	cr_assert(eq(int, probe_init(&p, size, alone), 0));
	return p;
}

/* The answer to a message, byte `at` of which is altered by `by`. */
static struct span answer_of(
	const struct probe *p, uint8_t *room, uint64_t number, size_t at, int by)
{
	struct span sent = probe_message(p, 3, number);

	memcpy(room, sent.data, sent.len);
	if (by)
		room[at] = (uint8_t)(room[at] ^ by);
	return (struct span){room, sent.len};
}

Test(probe, an_answer_that_is_the_same_is_known_and_compares)
{
	uint8_t room[100];

	for (size_t size = 1; size <= 100; size++) {
		struct probe p = made(size, true);

		for (uint64_t number = 0; number < 300; number += 13) {
			struct span in = answer_of(&p, room, number, 0, 0);
			uint64_t found = 999;

			cr_assert(probe_number(&p, in, number + 1, &found));
			cr_assert(eq(u64, found, number));
			cr_assert(probe_same(&p, 3, number, 0, in));
		}
		probe_free(&p);
	}
}

Test(probe, every_byte_that_is_altered_shows_and_is_named)
{
	uint8_t room[100];
	struct probe p = made(100, true);
	uint64_t found;

	for (size_t at = 0; at < 100; at++) {
		struct span in = answer_of(&p, room, 5, at, 0x40);
		struct probe_mismatch d = probe_difference(&p, 3, 5, 0, in);
		bool known = probe_number(&p, in, 6, &found);

		cr_assert(not(known && probe_same(&p, 3, found, 0, in)), "byte %zu", at);
		cr_assert(eq(sz, d.at, at));
		cr_assert(eq(u8, d.sent, d.got ^ 0x40));
	}
	probe_free(&p);
}

Test(probe, on_a_stream_every_part_of_a_message_compares_with_its_place)
{
	struct probe p = made(50, false);
	struct span sent = probe_message(&p, 3, 9);

	cr_assert(eq(sz, p.number, 0));
	for (size_t from = 0; from <= 50; from++)
		for (size_t len = 0; from + len <= 50; len++)
			cr_assert(probe_same(&p, 3, 9, from, (struct span){sent.data + from, len}));
	cr_assert(not(probe_same(&p, 3, 9, 1, sent)));
	cr_assert(eq(sz, probe_difference(&p, 3, 9, 10, (struct span){sent.data, 40}).at, 10));
	probe_free(&p);
}

Test(probe, what_was_sent_elsewhere_or_in_another_place_does_not_compare)
{
	struct probe p = made(16, false);

	for (uint64_t connection = 0; connection < 100; connection++)
		for (uint64_t number = 0; number < 100; number++)
			if (connection != 3 || number != 9)
				cr_assert(not(probe_same(
					&p, 3, 9, 0, probe_message(&p, connection, number))));
	probe_free(&p);
}

Test(probe, an_empty_message_is_one)
{
	struct probe p = made(0, true);

	cr_assert(eq(sz, probe_message(&p, 0, 0).len, 0));
	cr_assert(eq(sz, p.number, 0));
	cr_assert(probe_same(&p, 0, 0, 0, (struct span){0}));
	probe_free(&p);
}

Test(probe, an_answer_too_short_for_its_number_belongs_to_no_message)
{
	struct probe p = made(64, true);
	uint8_t room[64];
	struct span in = answer_of(&p, room, 5, 0, 0);
	uint64_t found;

	cr_assert(not(probe_number(&p, (struct span){in.data, 7}, 6, &found)));
	cr_assert(probe_number(&p, (struct span){in.data, 8}, 6, &found));
	cr_assert(eq(sz, probe_difference(&p, 3, 5, 0, (struct span){in.data, 7}).at, 7));
	probe_free(&p);
}
