#include <stdio.h>
#include <stdlib.h>

#include "analysis/mix.h"
#include "analysis/oracle.h"
#include "check.h"

Test(mix, products_are_folded_alike_on_every_machine)
{
	uint64_t seed = 9;

	cr_assert(eq(
		u64, mix_fold_portably(UINT64_MAX, UINT64_MAX), mix_fold(UINT64_MAX, UINT64_MAX)));
	cr_assert(eq(u64, mix_fold(0x100000000, 0x100000000), 1));
	cr_assert(eq(u64, mix_fold_portably(0x100000000, 0x100000000), 1));
	for (int i = 0; i < 10000; i++) {
		uint64_t a = oracle_random(&seed) * oracle_random(&seed);
		uint64_t b = oracle_random(&seed) * oracle_random(&seed);

		cr_assert(eq(u64, mix_fold_portably(a, b), mix_fold(a, b)));
	}
}

Test(mix, each_key_gives_secrets_of_its_own)
{
	struct mix one = mix_of(&(struct hash_key){{1, 2}});
	struct mix other = mix_of(&(struct hash_key){{1, 3}});

	cr_assert(ne(u64, one.secret[0], one.secret[1]));
	cr_assert(ne(u64, one.secret[0], other.secret[0]));
	cr_assert(ne(u64, one.secret[1], other.secret[1]));
	cr_assert(ne(u64, one.secret[0], 1));
}

/* 200,000 numbered words into 2^20 places of the upper bits: by chance some 18,000 meet another. */
Test(mix, words_that_differ_little_are_spread_as_by_chance)
{
	enum { WORDS = 200000, PLACES = 1 << 20 };
	uint8_t *taken = calloc(PLACES, 1);
	struct mix m = mix_of(&(struct hash_key){{3, 4}});
	unsigned met = 0;

	cr_assert(ne(ptr, taken, NULL));
	for (unsigned i = 0; i < WORDS; i++) {
		char text[BLOCK_BYTES] = "";

		snprintf(text, sizeof(text), "w%u", i);
		met += taken[mix_block(&m, block_at((uint8_t *)text, sizeof(text))) >> 44]++ > 0;
	}
	free(taken);
	cr_assert(gt(u32, met, 17200));
	cr_assert(lt(u32, met, 18700));
}

Test(mix, every_byte_and_the_length_of_a_long_word_count)
{
	struct mix m = mix_of(&(struct hash_key){{5, 6}});
	uint8_t text[48] = {0};
	uint64_t seen[2 * sizeof(text)];
	size_t count = 0;

	for (size_t i = 0; i <= sizeof(text); i++) {
		uint64_t hash = 0;

		if (i > 0)
			text[i - 1] ^= 1;
		for (size_t at = 0; at < 32; at += BLOCK_BYTES)
			hash = mix_next(&m, hash, block_at(text + at, BLOCK_BYTES));
		seen[count++] = mix_last(&m, hash, block_at(text + 32, 16), 48);
		if (i > 0)
			text[i - 1] ^= 1;
	}
	seen[count++] =
		mix_last(&m, mix_next(&m, mix_next(&m, 0, block_at(text, 16)), block_at(text, 16)),
			block_at(text, 15), 47);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			cr_assert(ne(u64, seen[i], seen[j]));
}
