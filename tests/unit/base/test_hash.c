#include <stdlib.h>

#include "base/hash.h"
#include "check.h"

TestSuite(hash, .timeout = 20);

/* The key and inputs of the paper's appendix: bytes counting up from 0. */
static uint64_t hash_of_counted(size_t len)
{
	const struct hash_key key = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};
	uint8_t bytes[64];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	return hash_siphash(&key, (struct span){bytes, len});
}

Test(hash, siphash_gives_the_published_values)
{
	cr_expect(eq(u64, hash_of_counted(0), 0x726fdb47dd0e0e31));
	cr_expect(eq(u64, hash_of_counted(1), 0x74f839c593dc67fd));
	cr_expect(eq(u64, hash_of_counted(7), 0xab0200f58b01d137));
	cr_expect(eq(u64, hash_of_counted(8), 0x93f5f5799a932462));
	cr_expect(eq(u64, hash_of_counted(15), 0xa129ca6149be45e5));
	cr_expect(eq(u64, hash_of_counted(63), 0x958a324ceb064572));
}

Test(hash, no_two_keys_are_the_same)
{
	const struct hash_key one = hash_key_random(), other = hash_key_random();
	const struct span in = span_of("127.0.0.1:80");

	cr_assert(one.k[0] != other.k[0] && one.k[1] != other.k[1]);
	cr_assert(ne(u64, hash_siphash(&one, in), hash_siphash(&other, in)));
}

Test(hash, the_chains_of_a_table_are_empty)
{
	struct list *chains = hash_chains_make(3);

	cr_assert(chains != NULL);
	for (size_t i = 0; i < 3; i++)
		cr_assert(list_empty(&chains[i]));
	free(chains);
}
