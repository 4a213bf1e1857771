#ifndef SOCKX_ANALYSIS_MIX_H
#define SOCKX_ANALYSIS_MIX_H

#include "base/hash.h"

/*
 * The hash of words: two 64-bit numbers are multiplied, and their product of 128 bits folded in
 * two, twice over, as wyhash and foldhash do it, with secrets in the place of their constants. It
 * is several times as fast as SipHash on words of a few letters. Who does not know the secrets can
 * make no words collide; as that is not proven as it is for SipHash, no table depends on it alone:
 * chains are bounded (index.h), and what finds no place goes by SipHash (tally.c).
 */
struct mix {
	uint64_t secret[2];
};

/* The secrets tell nothing about the key that they are made from. */
static inline struct mix mix_of(const struct hash_key *key)
{
	return (struct mix){
		{hash_siphash(key, span_of("one")), hash_siphash(key, span_of("other"))}};
}

/* Both halves of a * b, one upon the other. */
static inline uint64_t mix_fold_portably(uint64_t a, uint64_t b)
{
	uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
	uint64_t middle = a1 * b0 + (a0 * b0 >> 32);
	uint64_t carry = a0 * b1 + (uint32_t)middle;

	return (a * b) ^ (a1 * b1 + (middle >> 32) + (carry >> 32));
}

static inline uint64_t mix_fold(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
	return mix_fold_portably(a, b);
#endif
}

/* 16 bytes of a word; a shorter word is filled up with zeros. */
struct block {
	uint64_t half[2];
};

enum { BLOCK_BYTES = sizeof(struct block) };

/* The first n bytes at `at`, at most BLOCK_BYTES. */
static inline struct block block_at(const uint8_t *at, size_t n)
{
	struct block b = {{0, 0}};

	memcpy(&b, at, n);
	return b;
}

static inline uint64_t mix_once(const struct mix *m, struct block b)
{
	return mix_fold(b.half[0] ^ m->secret[0], b.half[1] ^ m->secret[1]);
}

/* Once is not enough where a half is zero, as in words of up to 8 letters: what is left is a
 * product with a constant, which keeps words at even distances at even distances. */
static inline uint64_t mix_end(const struct mix *m, uint64_t hash)
{
	return mix_fold(hash, m->secret[0] | 1);
}

/* The hash of a word of one block. */
static inline uint64_t mix_block(const struct mix *m, struct block b)
{
	return mix_end(m, mix_once(m, b));
}

/* That of a longer one is made block by block: each step with what the last gave, 0 at first; */
static inline uint64_t mix_next(const struct mix *m, uint64_t before, struct block b)
{
	b.half[0] ^= before;
	return mix_once(m, b);
}

/* and the last with its last 1 to 16 bytes, and how many there are in all. */
static inline uint64_t mix_last(const struct mix *m, uint64_t before, struct block b, size_t len)
{
	return mix_end(m, mix_next(m, before, b) ^ len);
}

#endif
