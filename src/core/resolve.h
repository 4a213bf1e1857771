#ifndef SOCKX_CORE_RESOLVE_H
#define SOCKX_CORE_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/addr.h"
#include "os/loop.h"

struct reporter;

/* Names to addresses, beside the loop: getaddrinfo(3) runs in a helper thread of its own, so that
 * deadlines and signals hold while a name server is silent. */

enum { RESOLVE_MAX = 16 }; /* addresses of one name that are used */

struct resolved {
	size_t count;
	struct addr at[RESOLVE_MAX];
};

/* Look-ups that are shared: a wish for a name that is being looked up waits with those before it,
 * and a look-up goes on though none waits for it any more. So there are no more threads than names.
 */
struct resolve_shared {
	struct list lookups;
};

void resolve_shared_init(struct resolve_shared *shared);

/* Let go of what is under way; none may wait for it. Also for one that is all zero. */
void resolve_shared_free(struct resolve_shared *shared);

struct resolve_query {
	const char *host; /* as typed; copied */
	uint16_t port;
	int family;   /* AF_UNSPEC, AF_INET, AF_INET6 */
	bool numeric; /* host must be an address: no look-up (a name is ERR_USAGE) */
	bool passive; /* for a server */
	struct resolve_shared *shared; /* look-ups for the same purpose; NULL: it has its own */
};

/* Answer without a thread where that is possible: numeric addresses, and "localhost", which always
 * means the loopback addresses (RFC 6761 section 6.3). Returns 1 if answered, 0 if it takes a
 * look-up, -1 with err filled if there can be no answer. */
int resolve_at_once(const struct resolve_query *query, struct resolved *out, struct err *err);

struct resolve;

/* Look up. done is called once from the loop, with the answer or why there is none (ERR_NAME); not
 * at all after resolve_cancel, which may be called at any time but from done. The object is freed
 * after either. Returns NULL with err filled if it cannot even begin. */
struct resolve *resolve_start(struct loop *loop, const struct resolve_query *query,
	void (*done)(void *arg, const struct resolved *answer, const struct err *why), void *arg,
	struct err *err);
void resolve_cancel(struct resolve *r);

#endif
