#include "base/hash.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"

struct sip {
	uint64_t v[4];
};

static uint64_t rotated(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void sip_round(struct sip *s)
{
	uint64_t *v = s->v;

	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotated(v[1], 13) ^ v[0];
	v[3] = rotated(v[3], 16) ^ v[2];
	v[0] = rotated(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotated(v[1], 17) ^ v[2];
	v[3] = rotated(v[3], 21) ^ v[0];
	v[2] = rotated(v[2], 32);
}

/* Up to eight bytes as a little-endian number. */
static uint64_t word_at(const uint8_t *at, size_t bytes)
{
	uint64_t word = 0;

	for (size_t i = 0; i < bytes; i++)
		word |= (uint64_t)at[i] << (8 * i);
	return word;
}

static void sip_word(struct sip *s, uint64_t word)
{
	s->v[3] ^= word;
	sip_round(s);
	sip_round(s);
	s->v[0] ^= word;
}

uint64_t hash_siphash(const struct hash_key *key, struct span in)
{
	struct sip s = {{key->k[0] ^ 0x736f6d6570736575, key->k[1] ^ 0x646f72616e646f6d,
		key->k[0] ^ 0x6c7967656e657261, key->k[1] ^ 0x7465646279746573}};
	uint64_t last = (uint64_t)in.len << 56;

	for (; in.len >= 8; in = span_from(in, 8))
		sip_word(&s, word_at(in.data, 8));
	sip_word(&s, last | word_at(in.data, in.len));
	s.v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(&s);
	return s.v[0] ^ s.v[1] ^ s.v[2] ^ s.v[3];
}

struct hash_key hash_key_random(void)
{
	struct hash_key key;

	/* getrandom(2): so few bytes come whole, once the system has any. Else the clock must do.
	 */
	if (getrandom(&key, sizeof(key), GRND_NONBLOCK) != (ssize_t)sizeof(key))
		key = (struct hash_key){{(uint64_t)clock_ns(), (uint64_t)clock_ns()}};
	return key;
}

struct list *hash_chains_make(size_t count)
{
	struct list *chains = calloc(count, sizeof(*chains));

	for (size_t i = 0; chains && i < count; i++)
		list_init(&chains[i]);
	return chains;
}
