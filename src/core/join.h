#ifndef SOCKX_CORE_JOIN_H
#define SOCKX_CORE_JOIN_H

#include "core/descriptor.h"

/*
 * A join: all that comes on one connection goes to another. It keeps their back-pressure, passes
 * ends and failures on, and keeps what comes while there is no other one. Where nothing stands in
 * it (join_on.pass) and the descriptors allow it, the kernel moves the bytes.
 *
 *   standard input --> sending --> the peer --> receiving --> standard output
 *
 * One end may be a descriptor, such as standard input, which the join opens and owns. Else it is a
 * connection that another object owns: its handler forwards what happens to the join.
 */

struct join;

/* What its user adds to a join. NULL slots mean the default. */
struct join_on {
	bool gathers; /* pass takes what comes even while there is no `to` */
	/* Take what came, in place of conn_pass to j->to. Returns as conn_write: -1 stops `from`
	 * until join_go_on. */
	int (*pass)(struct join *j, struct span in);
	/* The descriptor that is its `from` has ended. Default: nothing. */
	void (*ended)(struct join *j);
	/* The descriptor that is its `to` takes more, after a stop. Default: nothing beside
	 * join_go_on. */
	void (*drained)(struct join *j);
	/* ... has lost its reader. Default: it fails (EPIPE). */
	void (*hung_up)(struct join *j);
	/* Its own end is over, and no longer in j: why, or NULL if in order. */
	void (*closed)(struct join *j, const struct err *why);
};

struct join {
	const struct join_on *on;
	void *arg;               /* the user's own */
	struct conn *from, *to;  /* NULL: not there (yet, or any more) */
	struct conn_owner owner; /* of the end that join_open opened */
	struct buf held;         /* came while there was no `to` */
	bool whole;              /* ... as messages (base/messages.h) */
	bool hung_up; /* its terminal has: that was no failure of ours, and SIGHUP is to come */
	bool by_hand; /* the kernel is not to move bytes by itself */
};

/* Open a descriptor as a connection like those of `like`: one that we read as its `from`, which is
 * paused, one that we write as its `to`. Returns 0, or -1 when memory is out. */
int join_open(struct join *j, const struct descriptor *what, const struct conn_owner *like,
	descriptor_link *open_fd);

/* Something came on `from`: for its handler's data, and move. */
void join_data(struct join *j, struct span in);
bool join_move(struct join *j);

/* `from` may go on: `to` has taken what waited, say. */
void join_go_on(struct join *j);

/* From now on what comes goes to `to`, first what was kept for it, and `from` goes on. */
void join_begin(struct join *j, struct conn *to);

/* `to` is gone, or takes no more: `from` stops, and what it has read already is kept. */
void join_stop(struct join *j);

/* Let its own end go: `from` at once, `to` once it has taken all. Returns
 * whether it has gone already. */
bool join_close(struct join *j);

/* End its own end, telling nothing, and free what it keeps. Also for one that is all zero. */
void join_free(struct join *j);

#endif
