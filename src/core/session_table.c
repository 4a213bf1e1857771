/* Who there is: a hash table of sessions by address, and their order by when they were heard. */
#include <stdlib.h>

#include "core/session.h"

enum { CHAINS_FIRST = 64 };

static struct list *session_chain_of(const struct sessions *ss, struct span peer)
{
	return &ss->chains[hash_siphash(&ss->key, peer) & (ss->chain_count - 1)];
}

struct session *session_find(const struct sessions *ss, const struct addr *peer)
{
	const struct span key = addr_bytes(peer);
	struct list *chain = session_chain_of(ss, key), *node;

	for (node = chain->next; node != chain; node = node->next) {
		struct session *s = container_of(node, struct session, chain);

		if (s->peer_len == key.len && span_starts_with(session_peer(s), key))
			return s;
	}
	return NULL;
}

/* Keep the chains short. Where memory is out they grow longer, and that is all. */
static void session_grow(struct sessions *ss)
{
	struct list *old = ss->chains, *grown = hash_chains_make(ss->chain_count * 2);
	struct list *node;

	if (!grown)
		return;
	ss->chains = grown;
	ss->chain_count *= 2;
	for (node = ss->heard.next; node != &ss->heard; node = node->next) {
		struct session *s = container_of(node, struct session, heard);

		list_remove(&s->chain);
		list_push(session_chain_of(ss, session_peer(s)), &s->chain);
	}
	free(old);
}

bool sessions_blocked(const struct sessions *ss)
{
	return !ss->conf.replaces && ss->unwilling > 0 && ss->unwilling == ss->count;
}

/* What was counted has changed. */
static void session_tell_change(struct sessions *ss, bool was_blocked)
{
	if (sessions_blocked(ss) != was_blocked)
		ss->conf.changed(ss->conf.arg);
}

void session_set_unwilling(struct session *s, bool unwilling)
{
	bool was_blocked = sessions_blocked(s->of);

	if (s->unwilling == unwilling)
		return;
	s->unwilling = unwilling;
	if (unwilling)
		s->of->unwilling++;
	else
		s->of->unwilling--;
	session_tell_change(s->of, was_blocked);
}

void session_insert(struct sessions *ss, struct session *s)
{
	bool was_blocked = sessions_blocked(ss);

	if (ss->count >= ss->chain_count)
		session_grow(ss);
	list_push(session_chain_of(ss, session_peer(s)), &s->chain);
	list_push(&ss->heard, &s->heard);
	ss->count++;
	session_tell_change(ss, was_blocked);
}

void session_remove(struct session *s)
{
	struct sessions *ss = s->of;
	bool was_blocked = sessions_blocked(ss);

	if (list_empty(&s->heard))
		return;
	if (s->unwilling)
		ss->unwilling--;
	s->unwilling = false;
	if (ss->waiting == s)
		ss->waiting = NULL;
	list_remove(&s->chain);
	list_remove(&s->heard);
	ss->count--;
	session_tell_change(ss, was_blocked);
}

int session_table_init(struct sessions *ss)
{
	list_init(&ss->heard);
	ss->chains = hash_chains_make(CHAINS_FIRST);
	ss->chain_count = CHAINS_FIRST;
	return ss->chains ? 0 : -1;
}
