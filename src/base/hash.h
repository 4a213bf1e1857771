#ifndef SOCKX_BASE_HASH_H
#define SOCKX_BASE_HASH_H

#include "base/list.h"
#include "base/span.h"

/* SipHash-2-4 (Aumasson and Bernstein, 2012): a hash that cannot be made to collide without the
 * key, for tables whose keys strangers choose. */
struct hash_key {
	uint64_t k[2];
};

/* A secret key: from getrandom(2). */
struct hash_key hash_key_random(void);

uint64_t hash_siphash(const struct hash_key *key, struct span in);

/* The empty chains of a table, count of them, for the caller to free; or NULL when memory is out.
 */
struct list *hash_chains_make(size_t count);

#endif
