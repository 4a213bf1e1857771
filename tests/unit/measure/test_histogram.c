#include <stdlib.h>

#include "check.h"
#include "measure/histogram.h"
#include "sanitized.h"

enum { VALUES = 20000 };

static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;

	return (one > other) - (one < other);
}

static struct histogram *made_of(const uint64_t *values, size_t count)
{
	struct histogram *h = calloc(1, sizeof(*h));

	cr_assert(ne(ptr, h, NULL));
	for (size_t i = 0; i < count; i++)
		histogram_add(h, values[i]);
	return h;
}

/* Of count sorted values, h must tell each percentile as the sorted array has it (nearest rank), or
 * up to a 128th more. */
static void expect_like(const struct histogram *h, const uint64_t *sorted, size_t count)
{
	for (unsigned permille = 0; permille <= 1000; permille++) {
		size_t rank = (count * permille + 999) / 1000;
		uint64_t exact = sorted[rank ? rank - 1 : 0];
		uint64_t told = histogram_permille(h, permille);

		cr_assert(told >= exact && told - exact <= exact / 128, "%u: %ju for %ju", permille,
			(uintmax_t)told, (uintmax_t)exact);
		cr_assert(le(u64, told, sorted[count - 1]));
	}
}

static void check_values(uint64_t *values, size_t count)
{
	struct histogram *h = made_of(values, count);
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += values[i];
	qsort(values, count, sizeof(*values), by_value);
	expect_like(h, values, count);
	cr_assert(eq(u64, h->count, count));
	cr_assert(eq(u64, h->min, values[0]));
	cr_assert(eq(u64, h->max, values[count - 1]));
	cr_assert(eq(u64, histogram_mean(h), sum / count));
	cr_assert(eq(u64, histogram_between(h, 0, UINT64_MAX), count));
	free(h);
}

Test(histogram, tells_percentiles_as_a_sorted_array_would_to_a_128th)
{
	uint64_t *values = malloc(VALUES * sizeof(*values)), x = 42;

	for (unsigned bits = 4; bits <= 48; bits += 4) {
		/* As many of each length: over many powers of two. */
		for (size_t i = 0; i < VALUES; i++)
			values[i] = next_random(&x) >> (64 - 1 - i % bits);
		check_values(values, VALUES);
	}
	for (size_t i = 0; i < VALUES; i++)
		values[i] = i;
	check_values(values, VALUES);
	free(values);
}

Test(histogram, is_right_of_few_values)
{
	uint64_t one[] = {12345}, two[] = {7, 1000000}, same[] = {300, 300, 300};

	check_values(one, 1);
	check_values(two, 2);
	check_values(same, 3);
}

Test(histogram, keeps_small_values_exactly)
{
	for (uint64_t value = 0; value < 256; value++) {
		const uint64_t pair[] = {value, 100000};
		struct histogram *h = made_of(pair, 2);

		cr_assert(eq(u64, histogram_permille(h, 500), value));
		free(h);
	}
}

Test(histogram, has_room_for_every_value_there_is)
{
	for (unsigned bit = 0; bit < 64; bit += SANITIZED_MEMORY ? 3 : 1) {
		const uint64_t edge = UINT64_C(1) << bit;
		uint64_t values[] = {edge - 1, edge, edge + 1, UINT64_MAX};
		struct histogram *h = made_of(values, 4);

		expect_like(h, values, 4);
		free(h);
	}
}

Test(histogram, an_empty_one_tells_nothing)
{
	struct histogram *h = calloc(1, sizeof(*h));

	cr_assert(eq(u64, histogram_permille(h, 500), 0));
	cr_assert(eq(u64, histogram_permille(h, 1000), 0));
	cr_assert(eq(u64, histogram_mean(h), 0));
	cr_assert(eq(u64, histogram_between(h, 0, UINT64_MAX), 0));
	free(h);
}

Test(histogram, counts_between_two_values)
{
	const uint64_t values[] = {0, 5, 100, 5000, 5000000};
	struct histogram *h = made_of(values, 5);

	cr_assert(eq(u64, histogram_between(h, 0, 5), 1));
	cr_assert(eq(u64, histogram_between(h, 5, 101), 2));
	cr_assert(eq(u64, histogram_between(h, 1000, 10000), 1));
	cr_assert(eq(u64, histogram_between(h, 10000, UINT64_MAX), 1));
	free(h);
}
