#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "measure/flight.h"

static struct flight made(size_t max)
{
	struct flight f;

	cr_assert(eq(int, flight_init(&f, max), 0));
	return f;
}

static void send_many(struct flight *f, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		flight_room(f);
		flight_send(f, (int64_t)f->next * 10);
	}
}

static void expect(struct flight *f, uint64_t number, enum flight_verdict verdict)
{
	struct flight_answered answer = flight_answer(f, number);

	cr_assert(answer.verdict == verdict, "%ju: %d", (uintmax_t)number, (int)answer.verdict);
	if (verdict == FLIGHT_ANSWERED)
		cr_assert(eq(i64, answer.since_ns, (int64_t)number * 10));
}

Test(flight, an_answer_yields_the_time_of_its_message_once)
{
	struct flight f = made(64);

	send_many(&f, 3);
	cr_assert(eq(u32, f.waiting, 3));
	expect(&f, 1, FLIGHT_ANSWERED);
	expect(&f, 1, FLIGHT_AGAIN);
	expect(&f, 0, FLIGHT_ANSWERED);
	expect(&f, 3, FLIGHT_NEVER_SENT);
	expect(&f, UINT64_MAX, FLIGHT_NEVER_SENT);
	cr_assert(eq(u32, f.waiting, 1));
	flight_free(&f);
}

/* RFC 4737 section 3.3: reordered is what is less than the next that was expected. */
Test(flight, out_of_order_is_what_a_later_one_overtook)
{
	static const struct {
		uint64_t number;
		bool late;
	} answers[] = {{0, false}, {3, false}, {1, true}, {2, true}, {5, false}, {4, true}};
	struct flight f = made(64);

	send_many(&f, 6);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		cr_assert(eq(
			int, flight_answer(&f, answers[i].number).out_of_order, answers[i].late));
	flight_free(&f);
}

Test(flight, the_oldest_is_the_first_that_waits)
{
	struct flight f = made(64);
	uint64_t number = 99;

	cr_assert(not(flight_oldest(&f, &number)));
	send_many(&f, 4);
	expect(&f, 0, FLIGHT_ANSWERED);
	expect(&f, 1, FLIGHT_ANSWERED);
	expect(&f, 3, FLIGHT_ANSWERED);
	cr_assert(flight_oldest(&f, &number));
	cr_assert(eq(u64, number, 2));
	expect(&f, 2, FLIGHT_ANSWERED);
	cr_assert(not(flight_oldest(&f, &number)));
	flight_free(&f);
}

Test(flight, what_was_given_up_waits_no_more_but_may_still_be_answered)
{
	struct flight f = made(64);
	struct flight_answered answer;
	uint64_t number;

	send_many(&f, 5);
	expect(&f, 1, FLIGHT_ANSWERED);
	cr_assert(eq(u32, flight_give_up(&f, 30), 2)); /* 0 and 2 */
	cr_assert(eq(u32, f.waiting, 2));
	cr_assert(flight_oldest(&f, &number));
	cr_assert(eq(u64, number, 3));
	answer = flight_answer(&f, 0);
	cr_assert(answer.verdict == FLIGHT_ANSWERED && answer.given_up && answer.since_ns == 0);
	cr_assert(eq(u32, f.waiting, 2));
	expect(&f, 0, FLIGHT_AGAIN);
	cr_assert(eq(u32, flight_give_up(&f, INT64_MAX), 2));
	cr_assert(eq(u32, flight_give_up(&f, INT64_MAX), 0));
	cr_assert(not(flight_oldest(&f, &number)));
	flight_free(&f);
}

Test(flight, grows_while_something_waits_and_forgets_nothing)
{
	struct flight f = made(1024);

	send_many(&f, 1000);
	cr_assert(eq(u32, f.waiting, 1000));
	cr_assert(eq(u32, f.cap, 1024));
	for (uint64_t i = 0; i < 1000; i += 2)
		expect(&f, i, FLIGHT_ANSWERED);
	for (uint64_t i = 1; i < 1000; i += 2)
		expect(&f, i, FLIGHT_ANSWERED);
	cr_assert(eq(u32, f.waiting, 0));
	flight_free(&f);
}

Test(flight, does_not_grow_where_all_is_answered)
{
	struct flight f = made(FLIGHT_MAX_MESSAGES);

	for (uint64_t i = 0; i < 1000; i++) {
		send_many(&f, 1);
		expect(&f, i, FLIGHT_ANSWERED);
	}
	cr_assert(eq(u32, f.cap, FLIGHT_FIRST_MESSAGES));
	expect(&f, 999, FLIGHT_AGAIN);
	expect(&f, 1000 - FLIGHT_FIRST_MESSAGES, FLIGHT_AGAIN);
	expect(&f, 1000 - FLIGHT_FIRST_MESSAGES - 1, FLIGHT_FORGOTTEN);
	flight_free(&f);
}

Test(flight, past_its_bound_there_is_no_room_and_the_oldest_is_forgotten)
{
	struct flight f = made(100); /* 128 */
	uint64_t number;

	send_many(&f, 128);
	cr_assert(not(flight_room(&f)));
	flight_send(&f, 1280);
	cr_assert(eq(u32, f.waiting, 128));
	cr_assert(flight_oldest(&f, &number));
	cr_assert(eq(u64, number, 1));
	expect(&f, 0, FLIGHT_FORGOTTEN);
	expect(&f, 1, FLIGHT_ANSWERED);
	cr_assert(flight_room(&f));
	flight_free(&f);
}

Test(flight, what_was_forgotten_before_it_grew_stays_so)
{
	struct flight f = made(1024);

	for (uint64_t i = 0; i < 100; i++) {
		send_many(&f, 1);
		expect(&f, i, FLIGHT_ANSWERED);
	}
	send_many(&f, 100);
	cr_assert(eq(u32, f.cap, 128));
	send_many(&f, 100);
	cr_assert(eq(u32, f.cap, 256));
	expect(&f, 0, FLIGHT_FORGOTTEN);  /* beyond the ring */
	expect(&f, 50, FLIGHT_FORGOTTEN); /* in it, but not when it grew */
	expect(&f, 100, FLIGHT_ANSWERED);
	flight_free(&f);
}

Test(flight, counts_those_that_wait_since_a_time)
{
	struct flight f = made(64);

	send_many(&f, 10);
	expect(&f, 7, FLIGHT_ANSWERED);
	cr_assert(eq(u32, flight_since(&f, 60), 3)); /* 6, 8, 9 */
	cr_assert(eq(u32, flight_since(&f, 0), 9));
	cr_assert(eq(u32, flight_since(&f, 91), 0));
	flight_free(&f);
}

/* Everything against a plain array that forgets nothing. The ring has its full length from the
 * start, for what it forgets while it grows is another test's. */
Test(flight, does_as_a_plain_list_does_over_many_random_steps)
{
	enum { STEPS = 200000, MAX = 512 };
	struct flight f = made(MAX);
	/* 0: not sent, 1: waits, 2: given up, 3: answered */
	uint8_t *states = calloc(STEPS, 1);
	uint32_t waiting = 0;
	uint64_t x = 7, number, oldest = 0;

	send_many(&f, MAX);
	for (uint64_t i = 0; i < MAX; i++, states[i - 1] = 3)
		expect(&f, i, FLIGHT_ANSWERED);
	for (uint64_t step = 0; step < STEPS; step++) {
		x = x * 6364136223846793005 + 1442695040888963407;
		number = f.next > 80 ? f.next - 1 - (x >> 33) % 80 : (x >> 33) % 90;
		if (x >> 62 == 0 && waiting < MAX / 4) {
			cr_assert(flight_room(&f));
			states[flight_send(&f, (int64_t)f.next * 10)] = 1;
			waiting++;
		} else if (x >> 56 == 255) {
			uint32_t given_up = 0;

			for (uint64_t i = oldest; i < number && i < f.next; i++)
				if (states[i] == 1) {
					states[i] = 2;
					given_up++;
				}
			cr_assert(eq(u32, flight_give_up(&f, (int64_t)number * 10), given_up));
			waiting -= given_up;
		} else if (number >= f.next) {
			expect(&f, number, FLIGHT_NEVER_SENT);
		} else if (number + f.cap < f.next) {
			cr_assert(states[number] != 1);
			expect(&f, number, FLIGHT_FORGOTTEN);
		} else {
			struct flight_answered answer = flight_answer(&f, number);

			cr_assert(answer.verdict ==
				  (states[number] == 3 ? FLIGHT_AGAIN : FLIGHT_ANSWERED));
			if (answer.verdict == FLIGHT_ANSWERED) {
				cr_assert(eq(int, answer.given_up, states[number] == 2));
				waiting -= states[number] == 1;
				states[number] = 3;
			}
		}
		while (oldest < f.next && states[oldest] != 1)
			oldest++;
		cr_assert(eq(u32, f.waiting, waiting));
		if (waiting) {
			cr_assert(flight_oldest(&f, &number));
			cr_assert(eq(u64, number, oldest));
		}
	}
	cr_assert(f.next > STEPS / 10);
	free(states);
	flight_free(&f);
}

Test(flight, a_number_is_known_by_its_last_bits)
{
	uint64_t number = 0;

	for (unsigned bits = 1; bits <= 64; bits += 7) {
		uint64_t mask = bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX;
		uint64_t back = mask < 50 ? mask : 50;

		for (uint64_t sent = 999999 - back; sent < 1000000; sent++) {
			cr_assert(flight_number(1000000, sent & mask, bits, &number));
			cr_assert(eq(u64, number, sent));
		}
	}
}

Test(flight, a_number_that_was_never_sent_is_not_known)
{
	uint64_t number = 77;

	cr_assert(not(flight_number(0, 0, 8, &number)));
	cr_assert(not(flight_number(5, 5, 8, &number)));
	cr_assert(not(flight_number(5, 255, 8, &number)));
	cr_assert(not(flight_number(5, 5, 64, &number)));
	cr_assert(not(flight_number(300, 256, 8, &number)));
	cr_assert(eq(u64, number, 77));
	cr_assert(flight_number(1, 0, 8, &number));
	cr_assert(eq(u64, number, 0));
	cr_assert(flight_number(257, 0, 8, &number));
	cr_assert(eq(u64, number, 256));
	/* Of no bits, it is the latest. */
	cr_assert(flight_number(9, 0, 0, &number));
	cr_assert(eq(u64, number, 8));
}
