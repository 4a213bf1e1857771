#ifndef SOCKX_CORE_CONN_H
#define SOCKX_CORE_CONN_H

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "base/span.h"
#include "base/addr.h"
#include "core/budget.h"
#include "core/link.h"
#include "core/scratch.h"
#include "os/loop.h"

/*
 * A connection: one link, what waits to be written to it, and its handler (struct
 * handler). The two directions are independent; it is over when both have ended. A link that only
 * reads or only writes (standard input, standard output) is a connection whose other direction has
 * ended from the start.
 *
 * Bounds: a connection keeps at most CONN_QUEUE_MAX_BYTES and one read (CONN_READ_BYTES) for a
 * handler that stops on -1, and no buffer at all while nothing waits.
 *
 * Where the link keeps messages whole (conn_message_max), each conn_write is one and each call of
 * handler.data is one, an empty one, too.
 */

struct conn;
struct report;
struct step;
struct step_entry;

enum {
	CONN_READ_BYTES = SCRATCH_ROOM_BYTES, /* taken from the kernel at a time */
	CONN_QUEUE_MAX_BYTES = 64 * 1024,     /* conn_write says stop from here on */
	CONN_LINGER_MS = 2000,                /* conn_close: how long for the peer's end */
	CONN_LINGER_BYTES = 4 << 20,          /* ... and how much of its input is thrown away */
	CONN_SEE_OFF_MS = 10000,              /* without progress, what is unacknowledged is lost */
	CONN_READ_OFF_MS = 2000, /* ... where the peer has to read it, and we leave at once */
};

/*
 * The handler seam: what happens on a connection. Server modes and client commands fill the same
 * struct. NULL slots mean the default. A callback may call any conn_ function on any connection;
 * none of them ends a connection within the call: closed comes later, once, and last.
 */
struct handler {
	/* It is there. Default: nothing. */
	void (*open)(struct conn *c);
	/* Bytes came, or a message; they are the loop's, and gone after the call. Default: they are
	 * dropped. */
	void (*data)(struct conn *c, struct span in);
	/* There is something to read: let the kernel move it (conn_move). Returns whether that was
	 * done, or has to wait for the one it goes to, with c paused; if not, it is read as usual.
	 * Default: bytes are read. */
	bool (*move)(struct conn *c);
	/* All that waited has been taken by the kernel. Default: nothing. */
	void (*drained)(struct conn *c);
	/* What is written would be read by none any more, though nothing is being written: standard
	 * output's reader has gone. Default: the next write will meet it. */
	void (*hung_up)(struct conn *c);
	/* The time that conn_after set has come. Default: nothing. */
	void (*later)(struct conn *c);
	/* The peer will send no more. Default: conn_finish. */
	void (*eof)(struct conn *c);
	/* The peer ended, but not in order: what came may lack its end. Returns whether that
	 * matters: then the connection ends as lost, once what is written has gone. Default: it is
	 * lost now.
	 */
	bool (*cut)(struct conn *c);
	/* Whether an answer is on its way that the handler writes in parts, and ends by conn_close:
	 * a server that stops lets it go on. Default: no; what is queued is all there is. */
	bool (*answering)(struct conn *c);
	/* It is over. why is NULL if all that was written was taken and both sides ended in order.
	 */
	void (*closed)(struct conn *c, const struct err *why);
	/* It is sent away, for what it holds or for taking too long: free what conn_peer holds now,
	 * in whatever callback this is called. Default: nothing. */
	void (*let_go)(struct conn *c);
	/* Free what conn_peer holds: once for each connection, also for one that ends without a
	 * callback. Default: nothing. */
	void (*release)(struct conn *c);
	/* Bytes for conn_peer, zeroed at open. */
	size_t peer_size;
	/* conn_limit_reads, from the first read on; messages that are kept whole are not cut. */
	size_t read_max;
};

/* What the connections of one server, or one client's, have in common. It outlives them. */
struct conn_owner {
	struct loop *loop;
	struct reporter *to;
	struct scratch *scratch;  /* one a worker */
	const struct handler *on; /* of each that is made, until conn_hand_over */
	void *ctx;                /* the handler's own, for conn_ctx */
	int64_t idle_ms;          /* end one that is silent for so long; not above 0: never */
	uint64_t receive_max;     /* bytes that one may send us: more ends it (ERR_WRONG); 0: any */
	struct budget *budget;    /* of what all of them hold together; NULL: not counted */
	bool see_off;      /* before it counts as done, wait until the peer's kernel has it all */
	const char *local; /* "standard output"; NULL: these are connections to a peer */
	bool onward; /* a server has made them for its clients: a dump tells them from those */
	/* Those that conn_begin takes (core/step.h), within opening_ms (not above 0: any time).
	 * NULL: none. */
	const struct step_entry *steps;
	int64_t opening_ms;
	/* One that began will not be open, for a step failed (at, or NULL for another cause) or it
	 * was ended (why NULL). c as for gone; the handler is not called. NULL: nothing to do.
	 */
	void (*unopened)(struct conn_owner *owner, struct conn *c, const struct step *at,
		const struct err *why);
	/* The first bytes came: those of a socket are read, though the kernel could move them by
	 * itself. NULL: they matter to none.
	 */
	void (*first)(struct conn_owner *owner, struct conn *c, struct span in);
	/* The first byte of c has moved, one way or the other. NULL: it matters to none. */
	void (*moved)(struct conn_owner *owner, struct conn *c);
	/* Called at every end, after the handler; why as there. c is off the list: call
	 * only its accessors. The owner may be freed here. */
	void (*gone)(struct conn_owner *owner, struct conn *c, const struct err *why);
	/* Where it is kept what the kernel knows of the path of one that ends: gone finds it there.
	 * NULL: it is not asked. */
	struct link_path *path;
	struct list conns; /* all of them; conn_owner_init makes it */
	uint64_t opened;   /* how many there have been: the source of conn_id */
	size_t open_now;
	size_t opening_now; /* of those: not open yet */
};

/* Make an owner's list; the caller has filled the rest. */
void conn_owner_init(struct conn_owner *owner);

/* End every connection of an owner at once, without a callback. */
void conn_owner_free(struct conn_owner *owner);

/* The connection whose node is in an owner's list. */
struct conn *conn_of_node(struct list *node);

enum conn_sides { CONN_BOTH, CONN_READS, CONN_WRITES };

/* Make a connection of a link, which it owns from now on. peer may be NULL. Nothing happens on it
 * before conn_open. Returns NULL with errno set if memory is out: then the link is the caller's. */
struct conn *conn_new(struct conn_owner *owner, const struct link *link, const struct addr *peer,
	enum conn_sides sides);

/* Announce it (handler.open) and begin to read, unless it was paused. */
void conn_open(struct conn *c);

/* Take the owner's steps (core/step.h), which may take several turns, and then conn_open. If one of
 * them fails, or owner.opening_ms pass first, c is gone and owner.unopened is called. */
void conn_begin(struct conn *c);

/* The same with steps of its own, in place of the owner's; NULL: none. */
void conn_begin_with(struct conn *c, const struct step_entry *steps);

/* From now on another handler is called, with another context: to negotiate first, then serve. The
 * old one's release is called, conn_peer is zeroed and conn_after and conn_await forgotten; then
 * the new one's open is called. Its peer_size must not be above that of the owner's handler.
 * Returns 0, or -1 where it is, or c is over: then nothing has changed. */
int conn_hand_over(struct conn *c, const struct handler *on, void *ctx);

/* Give back what data did not use: it is passed again, to the handler of that time. Where
 * messages are kept whole it is one of them. Returns 0, or -1 when memory is out. */
int conn_unread(struct conn *c, struct span bytes);

/* Send out: at once what the kernel takes, a queued copy of the rest. Returns 0, or -1 once
 * CONN_QUEUE_MAX_BYTES wait: they are kept, but stop until handler.drained. After conn_finish, or
 * on a connection that is lost, nothing is sent and 0 returned. Any callback may call it. */
int conn_write(struct conn *c, struct span out);

/* The same for bytes that data got: what is not taken stays where it was read. */
int conn_pass(struct conn *c, struct span in);

enum moved {
	MOVED_NOTHING, /* nothing could be moved: read and write, which tell the end and every error
	                */
	MOVED_SOME,
	MOVED_LATER, /* `to` takes no more for now: its drained comes once it does */
};

/* Move once, in the kernel, what has come for `from` to `to`: where both links' descriptors let it
 * (link.bulk), and no call is traced. It counts as read and written. What fails ends the one that
 * failed, or is left to be met again by read and write. */
enum moved conn_move(struct conn *from, struct conn *to);

/* Send of out what the kernel takes at once, and keep nothing of the rest: for a handler that can
 * make its output again, and waits with conn_want_drained. Returns how much was taken: 0 while
 * something is queued, and where conn_write would send nothing. Of a message it is all or nothing.
 */
size_t conn_offer(struct conn *c, struct span out);

/* Call handler.drained when the kernel can take more, even if nothing waits; never once a write has
 * failed. */
void conn_want_drained(struct conn *c);

/* Nothing more will be written: tell the peer so once all that waits is gone. */
void conn_finish(struct conn *c);

/* We are done with it: finish, throw away what still comes, and end it when the peer ends, or after
 * linger_ms or CONN_LINGER_BYTES. Closing with unread input would make the kernel send a reset,
 * which may destroy the reply before the peer reads it (RFC 1122 section 4.2.2.13). */
void conn_close(struct conn *c, int64_t linger_ms);

/* We stop, and its peer has not ended: conn_close, reported as ERR_LOST, for what the peer still
 * had to send is lost. One that has ended, but for what waits, is closed in order. */
void conn_cut(struct conn *c, int64_t linger_ms);

/* End it now, dropping what waits; closed gets NULL, for the caller knows why. */
void conn_abort(struct conn *c);

/* Our side of it has failed: the peer must not take what came so far for all there was. What was
 * written already is delivered, as long as that makes progress (CONN_SEE_OFF_MS); then it ends by a
 * reset, where there is one (Unix sockets leave what they have not read unread). closed gets
 * NULL, as by conn_abort. */
void conn_fail(struct conn *c);

/* The same, reported as why, of which a copy is kept; closed gets it. */
void conn_fail_with(struct conn *c, const struct err *why);

/* What the peer sent cannot be served: tell it why, in a line "error: WHY", and conn_close. The end
 * is ERR_RUNTIME with that reason, which outlives c. */
void conn_refuse(struct conn *c, const char *why);

/* End it now by a reset, dropping what waits, and tell so; why outlives c. */
void conn_expel(struct conn *c, const char *why);

/* Call handler.later in ms; negative: not any more. There is one such time a connection, the one
 * set last, and none after conn_close, or once our side has failed. */
void conn_after(struct conn *c, int64_t ms);

/* The peer owes a message: unless conn_got is called within ms, it is refused (ms not above 0: it
 * may take any time). After conn_close it owes none. */
void conn_await(struct conn *c, int64_t ms);

/* What the peer owed has come. */
void conn_got(struct conn *c);

/* Of the peers that owe a message, refuse the one that has been silent for longest, if that is ms
 * at least, and end it without waiting for its end: conn_gave_place. Returns whether there is one;
 * if not, *next_ms is how long it takes at least until there may be one. */
bool conn_refuse_silent(struct conn_owner *owner, int64_t ms, const char *why, int64_t *next_ms);

/* conn_refuse_silent chose it. */
bool conn_gave_place(const struct conn *c);

/* The handler keeps so many bytes for c, all in all; the queue is not among them. Where the owner
 * has a budget they count until the handler says otherwise, or c ends. Returns 0, or -1 if c is to
 * get no more, perhaps because of this: then handler.let_go may have been called. */
int conn_holds(struct conn *c, size_t bytes);

/* Stop and resume reading. */
void conn_pause(struct conn *c);
void conn_resume(struct conn *c);

/* At most so many bytes are to be read at a time; 0: as many as there is room for. */
void conn_limit_reads(struct conn *c, size_t bytes);

/* Where messages are kept whole: so many of them may come at a time (0, the default: one). Those
 * that are there are then taken in one turn, 64 at most. */
void conn_expect_messages(struct conn *c, size_t count);

/* For links without a descriptor: something came for it; there may be room again for what waits. */
void conn_deliver(struct conn *c, struct span in);
void conn_writable(struct conn *c);

/* It has failed with an errno that no read or write met: such a link's, or a lack of ours. */
void conn_lost(struct conn *c, int error);

/* A remark about it for those who learn: whole sentences (report/trace.h). */
void conn_explain(const struct conn *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Whom the calls of its link are traced to from now on. Returns whom they were. */
struct reporter *conn_trace_to(struct conn *c, struct reporter *to);

/* Fill err: datagrams came that the kernel had no room for. */
void missed_error(struct err *err, uint64_t count);

/* 0: a stream of bytes. Else messages are kept whole, those that are not longer for certain. */
size_t conn_message_max(const struct conn *c);
/* Neither side sees the other's end: datagrams. */
bool conn_connectionless(const struct conn *c);
/* How many hops what came last may travel if it is passed on; 0: as usual; -1: none. */
int conn_onward_hops(const struct conn *c);
/* What is sent from now on may travel so many hops; 0: as usual. Only datagrams have such a limit.
 */
void conn_limit_hops(struct conn *c, int hops);

bool conn_is_opening(const struct conn *c); /* conn_begin has begun, and conn_open not come */
void *conn_ctx(const struct conn *c);
void *conn_peer(struct conn *c);                /* handler.peer_size bytes */
uint64_t conn_id(const struct conn *c);         /* counted from 1 by its owner */
struct addr conn_address(const struct conn *c); /* len 0: none */
int64_t conn_idle_ms(const struct conn *c);     /* owner.idle_ms */
int64_t conn_began_ms(const struct conn *c);    /* when it was made; loop.now_ms then */
int64_t conn_active_ms(const struct conn *c);   /* when bytes last moved; loop.now_ms then */
bool conn_moved(const struct conn *c);          /* a byte has, either way */
uint64_t conn_received(const struct conn *c);   /* bytes */
uint64_t conn_sent(const struct conn *c);       /* bytes the kernel took */
size_t conn_queued(const struct conn *c);       /* bytes waiting */
/* Bytes that the kernel took and that have not arrived (transport.unsent), or 0. */
size_t conn_unsent(struct conn *c);
bool conn_is_terminal(const struct conn *c);
bool conn_peer_ended(const struct conn *c);   /* it will send no more, or is no longer heard */
bool conn_end_is_final(const struct conn *c); /* our end, passed on, ends the peer's, too */
bool conn_end_closes(const struct conn *c);   /* link.end_closes */
bool conn_judged_late(const struct conn *c);  /* link.judged_late */
bool conn_finished(const struct conn *c);     /* our end has been passed on, or is under way */
bool conn_refused_us(const struct conn *c);   /* a write failed: it is still read, and then lost */
bool conn_answering(struct conn *c);          /* handler.answering says so */
bool conn_closing(const struct conn *c);      /* conn_close was called, or it is over */

/* ---- for programs that serve a connection: conn_socket.c ---- */

struct ucred;

/* Our own address; len 0: none. */
struct addr conn_local_address(const struct conn *c);

/* Which process is at the other end of a Unix socket, or was when it connected. Returns 0, or -1.
 */
int conn_credentials(const struct conn *c, struct ucred *out);

/* A copy of its descriptor, on which calls wait: those of conn_ do not. Returns it, or -1 with
 * errno. */
int conn_copy_socket(const struct conn *c);

/* How many bytes have come and were not read yet. */
size_t conn_unread_bytes(const struct conn *c);

/* An error that no read or write has met yet, or 0. The kernel says it once. */
int conn_take_error(struct conn *c);

/* The same, where c is not read: with such an error it is lost. */
void conn_look_for_loss(struct conn *c);

/* ---- for reports: conn_tell.c ---- */

/* Fill in what a report tells of c, which may be over, beside its bytes: how it ended, the
 * messages, the first byte's time from since_ms on, and path (NULL: ask for it; c is not over).
 * What was filled in of another connection is added to, or kept. */
void conn_tell(struct conn *c, int64_t since_ms, const struct link_path *path, struct report *what);

#endif
