#include "measure/flight.h"

#include <stdlib.h>

/* A ring's value: a time, while the message waits; -1 less its time, once it was given up; or
 * ANSWERED; or FORGOTTEN, of one that the ring had lost before it grew. */
#define ANSWERED  INT64_MIN
#define FORGOTTEN (INT64_MIN + 1)

static int64_t *flight_entry(const struct flight *f, uint64_t number)
{
	return &f->since_ns[number & (f->cap - 1)];
}

/* The least number that is remembered. */
static uint64_t flight_first_kept(const struct flight *f)
{
	return f->next > f->cap ? f->next - f->cap : 0;
}

int flight_init(struct flight *f, size_t max)
{
	*f = (struct flight){.cap = FLIGHT_FIRST_MESSAGES, .max = FLIGHT_FIRST_MESSAGES};
	while (f->max < max && f->max < FLIGHT_MAX_MESSAGES)
		f->max *= 2;
	f->since_ns = malloc(f->cap * sizeof(*f->since_ns));
	return f->since_ns ? 0 : -1;
}

void flight_free(struct flight *f)
{
	free(f->since_ns);
	f->since_ns = NULL;
}

/* Whether sending the next would overwrite one that waits. */
static bool flight_overwrites(const struct flight *f)
{
	return f->next >= f->cap && *flight_entry(f, f->next) >= 0;
}

static bool flight_grow(struct flight *f)
{
	struct flight grown = *f;

	grown.cap = f->cap * 2;
	grown.since_ns = malloc(grown.cap * sizeof(*grown.since_ns));
	if (!grown.since_ns)
		return false;
	for (uint64_t i = 0; i < grown.cap; i++)
		grown.since_ns[i] = FORGOTTEN;
	for (uint64_t n = flight_first_kept(f); n < f->next; n++)
		*flight_entry(&grown, n) = *flight_entry(f, n);
	free(f->since_ns);
	*f = grown;
	return true;
}

bool flight_room(struct flight *f)
{
	return !flight_overwrites(f) || (f->cap < f->max && flight_grow(f));
}

uint64_t flight_send(struct flight *f, int64_t since_ns)
{
	if (flight_overwrites(f))
		f->waiting--;
	*flight_entry(f, f->next) = since_ns;
	f->waiting++;
	return f->next++;
}

struct flight_answered flight_answer(struct flight *f, uint64_t number)
{
	struct flight_answered answer = {FLIGHT_NEVER_SENT};
	int64_t since_ns;

	if (number >= f->next)
		return answer;
	answer.verdict = FLIGHT_FORGOTTEN;
	if (number < flight_first_kept(f))
		return answer;
	since_ns = *flight_entry(f, number);
	if (since_ns == FORGOTTEN)
		return answer;
	answer.verdict = FLIGHT_AGAIN;
	if (since_ns == ANSWERED)
		return answer;
	answer.verdict = FLIGHT_ANSWERED;
	answer.given_up = since_ns < 0;
	answer.since_ns = answer.given_up ? -1 - since_ns : since_ns;
	/* RFC 4737 section 3.3: less than the next expected. */
	answer.out_of_order = number < f->expected;
	if (number >= f->expected)
		f->expected = number + 1;
	if (!answer.given_up)
		f->waiting--;
	*flight_entry(f, number) = ANSWERED;
	return answer;
}

bool flight_oldest(struct flight *f, uint64_t *number)
{
	if (f->waiting == 0)
		return false;
	if (f->oldest < flight_first_kept(f))
		f->oldest = flight_first_kept(f);
	while (*flight_entry(f, f->oldest) < 0)
		f->oldest++;
	*number = f->oldest;
	return true;
}

uint32_t flight_give_up(struct flight *f, int64_t before_ns)
{
	uint32_t given_up = 0;
	uint64_t number;

	while (flight_oldest(f, &number) && *flight_entry(f, number) < before_ns) {
		*flight_entry(f, number) = -1 - *flight_entry(f, number);
		f->waiting--;
		given_up++;
	}
	return given_up;
}

uint32_t flight_since(const struct flight *f, int64_t since_ns)
{
	uint32_t count = 0;

	for (uint64_t n = flight_first_kept(f); n < f->next; n++)
		count += *flight_entry(f, n) >= 0 && *flight_entry(f, n) >= since_ns;
	return count;
}

bool flight_number(uint64_t next, uint64_t low, unsigned bits, uint64_t *number)
{
	uint64_t mask = bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX;
	uint64_t back = (next - 1 - low) & mask; /* how far behind the latest it is */

	if (next == 0 || (low & ~mask) || back > next - 1)
		return false;
	*number = next - 1 - back;
	return true;
}
