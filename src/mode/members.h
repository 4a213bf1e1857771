#ifndef SOCKX_MODE_MEMBERS_H
#define SOCKX_MODE_MEMBERS_H

#include "core/conn.h"

/*
 * The members of a mode whose clients hear each other: who is there, who is to hear what another
 * says, and the bounds of both. Each client of such a mode has a struct member in its conn_peer;
 * what becomes of one that does not read is the mode's to decide.
 */

enum {
	MEMBERS_TURN_BYTES = 2048,          /* of a member's are passed on in a turn */
	MEMBERS_BEHIND_MAX_BYTES = 1 << 20, /* how much may wait for one that takes nothing */
};

struct member {
	struct list node; /* in members.list, while it is there */
	struct conn *conn;
};

struct members {
	struct list list;
	size_t count;
};

/* There are none yet. */
void members_init(struct members *all);

/* One has come, or has gone. */
void members_join(struct members *all, struct member *m, struct conn *c);
void members_leave(struct members *all, struct member *m);

/* The member after m, or the first for NULL; NULL: there is none. A member may be ended meanwhile.
 */
struct member *members_next(const struct members *all, const struct member *m);

/* The same of those that hear what `from` says: all others that we may still write to. from may be
 * NULL. */
struct member *members_next_hearer(
	const struct members *all, const struct member *m, const struct member *from);

/* Whether one is there beside `but`, and not about to leave. but may be NULL. */
bool members_has_other(const struct members *all, const struct member *but);

#endif
