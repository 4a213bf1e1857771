#ifndef SOCKX_CORE_PEERS_H
#define SOCKX_CORE_PEERS_H

#include "base/hash.h"
#include "base/list.h"
#include "base/addr.h"

/* How many clients each host has, where that is limited: a hash table by address, without the port.
 * A host is in it for as long as it has a client. */

struct peers {
	size_t max; /* clients of one host at once; 0: any number, and nothing is counted */
	struct hash_key key;
	struct list *chains; /* chain_count of them, a power of two */
	size_t chain_count, hosts;
};

/* Returns 0, or -1 when memory is out. All zero is a table without a limit. */
int peers_init(struct peers *p, size_t max);
void peers_free(struct peers *p);

/* A client came from an address. Returns 0, and it is counted until peers_leave; 1 where its host
 * has as many as it may have, with *refused the number of clients of it that this befell so far; or
 * -1 when memory is out. */
int peers_join(struct peers *p, const struct addr *at, uint64_t *refused);

/* A client that was counted has gone. */
void peers_leave(struct peers *p, const struct addr *at);

#endif
