#ifndef SOCKX_CORE_BUDGET_H
#define SOCKX_CORE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The memory that a server's clients make it hold, all of them together: their queues, which are
 * counted as they are, and what a handler keeps for them, which it tells by conn_holds.
 *
 * Past the limit the connection that holds most is sent away and its memory let go of, so that
 * small ones are served on. What a handler frees in parts counts until it is freed; but it is freed
 * before another client is sent away for it.
 */
struct budget {
	size_t max;  /* bytes; 0: no limit */
	size_t held; /* bytes */
	/* Free a part of what is done with. Returns whether there was any. NULL: there never is. */
	bool (*reclaim)(void *arg);
	void *arg;
	bool enforcing; /* what is said to one that is sent away is not counted against others */
};

/* So many bytes are left of a client that has ended, and are still to be freed; or were freed now.
 * b may be NULL. */
void budget_leave(struct budget *b, size_t bytes);
void budget_freed(struct budget *b, size_t bytes);

/* Have the allocator give the system what has been freed, also between what is in use: some
 * milliseconds' work. */
void budget_give_back(void);

#endif
