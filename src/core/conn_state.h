#ifndef SOCKX_CORE_CONN_STATE_H
#define SOCKX_CORE_CONN_STATE_H

#include "core/conn.h"

/* What conn.c (bytes that move) and conn_end.c (how it ends) share. Everybody else: core/conn.h. */

/* A connection's life. Each stage is entered once, in this order; some are left out. */
enum stage {
	STAGE_LIVE,
	STAGE_FAILING,    /* conn_fail: what waits is still written */
	STAGE_LINGERING,  /* finished by conn_close or a failed write: the peer's end is due */
	STAGE_SEEING_OFF, /* both sides ended; the peer's kernel has not all of it yet */
	STAGE_OVER,       /* ends in this turn of the loop */
};

enum ending {
	ENDED_IN_ORDER,
	ENDED_LOST,
	ENDED_IDLE,
	ENDED_UNACKNOWLEDGED,
	ENDED_MISSED,
	ENDED_REFUSED,
	ENDED_CUT,
	ENDED_TOO_LONG, /* more came than owner.receive_max */
};

struct conn {
	struct list node; /* first: loop_bury frees it */
	struct conn_owner *owner;
	const struct handler *on; /* the owner's, or what conn_hand_over put in its place ... */
	void *ctx;                /* ... and its context */
	struct link link;
	struct watch watch;
	struct timer timer; /* later and idleness, lingering, seeing off, or the end: as the stage
	                     * says */
	struct buf queue;   /* as it is, or as messages (base/messages.h) */
	union {
		const struct step_entry *steps; /* while opening: what it takes; NULL: none */
		size_t holds;                   /* then: bytes that the handler keeps for it */
	};
	size_t counted;    /* ... and the queue, as the owner's budget knows it */
	int64_t began_ms;  /* when it was made */
	int64_t active_ms; /* when bytes last moved */
	int64_t later_ms;  /* when handler.later is due; 0: never */
	union {
		void *step_state; /* while opening: the step's own */
		int64_t owed_ms;  /* then: when what the peer owes is due; 0: at no time */
	};
	const char *refused; /* conn_refuse: why; else NULL */
	uint64_t id, received, sent;
	uint32_t read_max; /* bytes a read takes at most */
	int write_error;   /* the errno that ended our side; the peer's is still read to its end */
	int32_t linger_ms;
	union {
		uint32_t thrown_away; /* while lingering: bytes */
		uint32_t unsent;      /* while seeing off: bytes at the last look */
		uint32_t missed;      /* at the end: datagrams that the kernel had no room for */
	};
	uint32_t first_ms;  /* from began_ms to when the first byte came */
	uint16_t counts_at; /* where its struct conn_counts is, in bytes; 0: it has none */
	uint16_t look_ms;   /* while seeing off: how long until the next look */
	uint8_t stage, ending;
	uint8_t step;         /* while opening: which of the owner's */
	uint8_t reads_a_turn; /* at most */
	bool paused : 1;
	bool told_now : 1;  /* a callback about it, or a walk through it, is going on: review later
	                     */
	bool retime : 1;    /* what the timer is for has changed */
	bool in_over : 1;   /* the peer will send no more, or we no longer care */
	bool closing : 1;   /* conn_close was called */
	bool finishing : 1; /* conn_finish was called */
	bool out_over : 1;  /* ... and the peer has been notified */
	bool finish_waits : 1; /* ... or is to be, once the link can */
	bool wants_drained : 1;
	bool piped : 1;   /* bytes wait in a pipe that the link holds, before those of the queue */
	bool opening : 1; /* its steps are being taken */
	bool waited : 1;  /* ... and one of them had to wait */
	bool opened : 1;  /* handler.open has been called */
	bool reads_only : 1;
	bool cut : 1;       /* conn_cut was called */
	bool cut_short : 1; /* the peer's end came, but not in order: handler.cut */
	bool answered : 1;  /* something has come */
	bool owes : 1;      /* the peer owes a message: conn_await */
	bool gave_place : 1;
	bool failed : 1; /* conn_fail was called, or its like: it ends by a reset */
	bool moved : 1;  /* owner.moved has been called */
	bool heard : 1;  /* a byte has come */
	bool notes : 1;  /* none has, or messages are counted, or it is dumped: input is to be noted
	                  */
	bool notes_out : 1; /* nothing has moved, or it is dumped: what is written is to be noted */
	bool dumps : 1;     /* its bytes are shown (report/dump.h) */
	bool idled : 1;     /* it ends for it has been silent */
};

/* Where messages are kept whole: how many. It lies after the struct, so that an idle connection of
 * a stream is no larger for it. */
struct conn_counts {
	uint64_t in, out;
};

static inline struct conn_counts *conn_counts_of(struct conn *c)
{
	return (void *)((char *)c + c->counts_at);
}

static inline bool conn_alive(const struct conn *c)
{
	return c->stage < STAGE_SEEING_OFF;
}

/* Whether bytes wait to be written. */
static inline bool conn_waits(const struct conn *c)
{
	return c->queue.len || c->piped || c->link.holds;
}

/* Write what waits in the pipe, as far as there is room. Returns whether that was all. */
bool conn_flush_pipe(struct conn *c);

/* Drop it, and what is in it. */
void conn_drop_pipe(struct conn *c);

/* So many bytes, or a message of so many, have moved. */
static inline void conn_note_moved(struct conn *c, size_t bytes)
{
	c->active_ms = c->owner->loop->now_ms;
	if (c->moved || !bytes)
		return;
	c->moved = true;
	if (c->owner->moved)
		c->owner->moved(c->owner, c);
}

/* So many bytes came, and none before them; or an empty message. */
void conn_note_first(struct conn *c, size_t bytes);

/* Show bytes of c, or a message, that were counted just now; c->dumps is set. */
void conn_dump(const struct conn *c, bool sent, struct span bytes);

void conn_note_written(struct conn *c, struct span out);

/* The link took those bytes, or that message; they have been counted. */
static inline void conn_note_out(struct conn *c, struct span out)
{
	c->active_ms = c->owner->loop->now_ms;
	if (c->notes_out)
		conn_note_written(c, out);
}

/* What it makes us hold: its handler's bytes, the queue, and what its link has taken. */
static inline size_t conn_held(const struct conn *c)
{
	size_t in_link = c->link.holds ? c->link.via->held(&c->link) : 0;

	return c->holds + c->queue.cap + in_link;
}

/* What c makes us hold has changed: count it (budget.c). c may be sent away for it. */
void conn_recount(struct conn *c);

static inline void conn_count(struct conn *c)
{
	if (conn_held(c) != c->counted)
		conn_recount(c);
}

/* Something came for c. */
void conn_take_in(struct conn *c, struct span in);

/* A write met an error: our side is over, or all of c. */
void conn_write_failed(struct conn *c, int error);

/* conn_write, and what becomes of its queue, where messages are kept whole. */
void conn_write_message(struct conn *c, struct span out);

/* Write bytes of a stream, or keep what is not taken, even after conn_finish. */
void conn_write_or_keep(struct conn *c, struct span out);
void conn_flush_messages(struct conn *c);

/* Keep the address that the link leads to now, for when it is closed. */
void conn_note_address(struct conn *c);

/* Act on what a read into the scratch room gave. */
void conn_was_read(struct conn *c, enum io verdict, size_t got);

/* What conn_opening.c does of a connection that is opening: go on; the time for it is over; it was
 * ended from outside; it no longer is. */
void conn_opening_go(struct conn *c);
void conn_opening_late(struct conn *c);
void conn_opening_ended(struct conn *c);
void conn_opening_over(struct conn *c);

/* A fact about c has changed: pass our end on if it is time, and derive the stage, what the loop is
 * to watch, and the timer. Every entry point ends with it; while a callback of c runs, once, when
 * that is over. */
void conn_review(struct conn *c);

/* Nothing more happens on c; it ends before this turn of the loop is over. */
void conn_end_soon(struct conn *c, enum ending ending, int error);

/* Our side has failed: has all that was written gone? */
void conn_review_failing(struct conn *c);

/* Where both sides have ended, or ours has and the peer's is waited for no longer: the next stage.
 */
void conn_review_stage(struct conn *c);

/* When a live connection is to be woken. */
void conn_review_timer(struct conn *c);

/* Cut in to what may still come (owner.receive_max); with more, c ends. Returns whether there is
 * anything to take in. */
bool conn_limit_input(struct conn *c, struct span *in);

/* Input that came after conn_close; lingering, there is a limit to it. */
void conn_throw_away(struct conn *c, size_t bytes);

/* Close c's link and free it when the turn ends, without a callback. */
void conn_drop(struct conn *c);

void conn_on_timer(struct timer *t);

#endif
