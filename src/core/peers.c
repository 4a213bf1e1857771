#include "core/peers.h"

#include <stdlib.h>

enum { CHAINS_FIRST = 64 };

struct peers_host {
	struct list chain;
	size_t clients;
	uint64_t refused;
	struct span key; /* its bytes follow the struct */
	uint8_t bytes[];
};

static struct list *peers_chain(const struct peers *p, struct span key)
{
	return &p->chains[hash_siphash(&p->key, key) & (p->chain_count - 1)];
}

static struct peers_host *peers_host_of(struct list *node)
{
	return container_of(node, struct peers_host, chain);
}

static struct peers_host *peers_find(const struct peers *p, struct span key)
{
	struct list *chain = peers_chain(p, key), *node;

	for (node = chain->next; node != chain; node = node->next) {
		struct peers_host *h = peers_host_of(node);

		if (h->key.len == key.len && span_starts_with(h->key, key))
			return h;
	}
	return NULL;
}

/* Keep the chains short. Where memory is out they grow longer, and that is all. */
static void peers_grow(struct peers *p)
{
	struct list *old = p->chains, *grown = hash_chains_make(p->chain_count * 2);
	size_t old_count = p->chain_count;

	if (!grown)
		return;
	p->chains = grown;
	p->chain_count *= 2;
	for (size_t i = 0; i < old_count; i++)
		while (!list_empty(&old[i])) {
			struct peers_host *h = peers_host_of(old[i].next);

			list_remove(&h->chain);
			list_push(peers_chain(p, h->key), &h->chain);
		}
	free(old);
}

static struct peers_host *peers_add(struct peers *p, struct span key)
{
	struct peers_host *h = calloc(1, sizeof(*h) + key.len);

	if (!h)
		return NULL;
	memcpy(h->bytes, key.data, key.len);
	h->key = (struct span){h->bytes, key.len};
	if (p->hosts >= p->chain_count)
		peers_grow(p);
	list_push(peers_chain(p, h->key), &h->chain);
	p->hosts++;
	return h;
}

static void peers_remove(struct peers *p, struct peers_host *h)
{
	list_remove(&h->chain);
	p->hosts--;
	free(h);
}

int peers_init(struct peers *p, size_t max)
{
	*p = (struct peers){.max = max};
	if (!max)
		return 0;
	p->key = hash_key_random();
	p->chains = hash_chains_make(CHAINS_FIRST);
	p->chain_count = p->chains ? CHAINS_FIRST : 0;
	return p->chains ? 0 : -1;
}

void peers_free(struct peers *p)
{
	for (size_t i = 0; i < p->chain_count; i++) {
		struct list *chain = &p->chains[i], *node, *next;

		for (node = chain->next; node != chain; node = next) {
			next = node->next;
			free(peers_host_of(node));
		}
	}
	free(p->chains);
	*p = (struct peers){0};
}

int peers_join(struct peers *p, const struct addr *at, uint64_t *refused)
{
	struct peers_host *h;
	struct addr host;

	if (!p->max)
		return 0;
	host = addr_host(at);
	h = peers_find(p, addr_bytes(&host));
	if (h && h->clients >= p->max) {
		*refused = ++h->refused;
		return 1;
	}
	if (!h)
		h = peers_add(p, addr_bytes(&host));
	if (!h)
		return -1;
	h->clients++;
	return 0;
}

void peers_leave(struct peers *p, const struct addr *at)
{
	struct peers_host *h;
	struct addr host;

	if (!p->max)
		return;
	host = addr_host(at);
	h = peers_find(p, addr_bytes(&host));
	if (h && --h->clients == 0)
		peers_remove(p, h);
}
