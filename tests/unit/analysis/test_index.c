#include <sys/resource.h>

#include "analysis/index.h"
#include "analysis/oracle.h"
#include "check.h"
#include "memory.h"

static bool has(const struct index *x, uint32_t tag, uint32_t number)
{
	struct index_probe probe = {.tag = tag};
	uint32_t found;

	while ((found = index_next(x, &probe)) != INDEX_NONE)
		if (found == number)
			return true;
	return false;
}

static void put(struct index *x, uint32_t tag, uint32_t number)
{
	cr_assert(eq(int, index_reserve(x), 0));
	cr_assert(index_put(x, tag, number));
}

Test(index, an_empty_one_finds_nothing)
{
	struct index x = {0};

	cr_assert(not(has(&x, 0, 0)));
	cr_assert(not(index_is_growing(&x)));
	index_free(&x);
}

Test(index, numbers_are_found_at_every_step_of_growing)
{
	enum { NUMBERS = 3000 };
	struct index x = {0};
	uint64_t seed = 11;
	static uint32_t tags[NUMBERS];
	int grown = 0;

	for (uint32_t n = 0; n < NUMBERS; n++) {
		tags[n] = (uint32_t)oracle_random(&seed);
		put(&x, tags[n], n);
		for (int i = 0; i < INDEX_MOVED_EACH && index_is_growing(&x); i++, grown++)
			cr_assert(eq(u32, index_move_one(&x), INDEX_NONE));
		for (uint32_t i = 0; i <= n; i += 1 + n / 50)
			cr_assert(has(&x, tags[i], i), "%u of %u", i, n);
		cr_assert(not(has(&x, ~tags[n], n)));
	}
	cr_assert(eq(sz, x.count, NUMBERS));
	cr_assert(gt(int, grown, 4000));
	index_free(&x);
}

Test(index, it_is_at_most_half_full)
{
	struct index x = {0};

	for (uint32_t n = 0; n < 700000; n++) {
		put(&x, n * 2654435761u, n);
		while (index_is_growing(&x))
			index_move_one(&x);
		cr_assert(le(sz, 2 * x.count, (size_t)1 << x.now.bits));
	}
	cr_assert(eq(u32, x.now.bits, 21));
	index_free(&x);
}

Test(index, a_chain_too_long_takes_no_more_and_is_searched_no_further)
{
	struct index_probe probe = {.tag = 0x80000002};
	struct index x = {0};
	uint32_t n = 0;

	for (uint32_t other = 1; other < 4000; other++) {
		put(&x, other * 2654435761u, UINT32_MAX - 1 - other);
		while (index_is_growing(&x))
			index_move_one(&x);
	}
	while (n < 2 * INDEX_PROBES_MAX && index_put(&x, 0x80000001, n))
		n++;
	cr_assert(le(u32, n, INDEX_PROBES_MAX));
	cr_assert(gt(u32, n, INDEX_PROBES_MAX / 2));
	for (uint32_t i = 0; i < n; i++)
		cr_assert(has(&x, 0x80000001, i));
	cr_assert(not(has(&x, 0x80000001, n)));
	/* And what stands behind them makes the chain no longer. */
	for (uint32_t i = 1; i < 64; i++)
		index_put(&x, 0x80000001 + (i << x.now.shift), n + i);
	cr_assert(eq(u32, index_next(&x, &probe), INDEX_NONE));
	cr_assert(eq(u32, probe.seen, INDEX_PROBES_MAX));
	index_free(&x);
}

Test(index, what_finds_no_place_when_it_moves_is_given_back)
{
	struct index x = {0};
	uint32_t kept = 0, lost = 0;

	/* All of one tag: they stay together, and one behind another chain has no place. */
	for (uint32_t n = 0; n < INDEX_PROBES_MAX + 300; n++) {
		bool taken;

		cr_assert(eq(int, index_reserve(&x), 0));
		taken = index_put(&x, 7, n);
		kept += taken;
		while (index_is_growing(&x))
			lost += index_move_one(&x) != INDEX_NONE;
		if (!taken)
			x.count++; /* as if it had been: so that it grows */
	}
	cr_assert(eq(u32, kept - lost, INDEX_PROBES_MAX));
	index_free(&x);
}

Test(index, without_memory_nothing_changes)
{
	struct rlimit before;
	struct index x = {0};
	int failed;

	before = allow_no_more_memory();
	hoard_memory();
	failed = index_reserve(&x);
	release_memory();
	allow_memory(&before);
	cr_assert(eq(int, failed, -1));
	cr_assert(eq(ptr, x.now.slots, NULL));
	put(&x, 1, 1);
	cr_assert(has(&x, 1, 1));
	index_free(&x);
}
