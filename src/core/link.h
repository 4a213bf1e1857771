#ifndef SOCKX_CORE_LINK_H
#define SOCKX_CORE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "base/addr.h"

/*
 * The transport seam: how bytes travel. A transport is one file and one row (struct transport); it
 * sees its link and nothing above it. Nothing here waits.
 */

struct reporter;
struct lent_pipe;
struct socket_options;

/* What became of a move of bytes, or of a step of the handshake. */
enum io {
	IO_DONE,
	IO_AGAIN, /* not now: wait until the descriptor is ready */
	IO_EOF,   /* read: the peer's end, in order */
	IO_FAIL,  /* link.error is the errno, unless there is a link_story */
};

/* How the kernel can move a link's bytes from or to another's descriptor, without us. */
enum bulk {
	BULK_NONE,   /* it cannot: only read and write will do */
	BULK_SOCKET, /* of a stream; it does not block */
	BULK_PIPE,
	BULK_FILE, /* a file, or a device that takes all: it never makes one wait */
};

/* One end of one way for bytes. The connection that holds it owns it, and its descriptor. */
struct link {
	const struct transport *via;
	struct reporter *to;
	void *held;               /* the transport's own, freed by its close; or NULL */
	struct link_aside *aside; /* what few links have: link_unread, link_fail_with */
	int fd;                   /* what the loop watches; -1: nothing, bytes are delivered */
	int error;                /* the errno of the last IO_FAIL */
	/* 0: a stream of bytes. Else what one write was given, one read returns, be it empty; and
	 * this is the longest that passes everywhere. */
	uint32_t message_max;
	uint8_t bulk;            /* enum bulk */
	int8_t origin;           /* the inherited descriptor (0, 1, 2) that fd stands for, or -1 */
	bool connectionless : 1; /* datagrams: no peer sees the other come or go */
	bool terminal : 1;       /* it leads to a terminal */
	bool left : 1;   /* the last read may have left something, though it gave less than asked */
	bool inside : 1; /* bytes wait in the link itself: no epoll tells of them */
	bool unread : 1; /* ... those that link_unread gave back */
	bool reset : 1;  /* the peer's reset has been seen; what it had sent comes first */
	bool moved : 1;  /* fd and address are others now */
	bool widened : 1; /* a pipe that was made to hold more */
	bool holds : 1;   /* what was written waits in it: a write, be it of nothing, goes on with
	                     that */
	bool end_closes : 1; /* peers take our end for the end of both directions, as a rule */
	bool cut : 1; /* with IO_FAIL: the peer ended, but not as the layer has it; writing goes on
	               */
	bool unheard : 1;     /* what may still come is dropped: its end need not be in order */
	bool ends_both : 1;   /* finish ends what the peer may send, too (TLS 1.2) */
	bool judged_late : 1; /* the peer may refuse us after its link is open here (TLS 1.3) */
	bool one_way : 1; /* to connect: no answer is awaited, so that it may go to many at once */
	bool vacates : 1; /* closing gives origin back, so that its other end sees it */
};

/* A link that has no descriptor yet, with the facts of its transport's row. */
struct link link_of(const struct transport *via, struct reporter *to);

/* Its terminal is gone: whether that was first asked less than so many ms ago. Without memory to
 * keep the time it was not. */
bool link_is_hanging_up(struct link *link, int64_t within_ms);

/* Read once into room; *got says how much came. What link_unread gave back comes first. */
enum io link_read(struct link *link, uint8_t *room, size_t size, size_t *got);

enum { LINK_DROP_BYTES = 1 << 20 }; /* taken from the kernel at a time and dropped */

/* The same for bytes that will not be looked at: where the transport can drop them, they are not
 * put into room, and *got may be more than size. A trace shows reads as usual. */
enum io link_drop(struct link *link, uint8_t *room, size_t size, size_t *got);

/* Give back what was read too much: the next link_read returns it. Where messages are kept whole it
 * is one message. Returns 0, or -1 when memory is out. */
int link_unread(struct link *link, struct span bytes);

/* Whether a read would find bytes that no epoll tells of. */
static inline bool link_has_bytes(const struct link *link)
{
	return link->inside || link->unread;
}

/* Bytes in a pipe wait to be written to the link: it holds the pipe (core/scratch.h) until it is
 * given NULL. Returns 0, or -1 when memory is out. */
int link_hold_pipe(struct link *link, struct lent_pipe *pipe);

/* The pipe it holds, or NULL. */
struct lent_pipe *link_held_pipe(const struct link *link);

/* The link has failed for a reason that no errno says ("the certificate has expired"): keep a copy
 * of the story. Returns IO_FAIL. */
enum io link_fail_with(struct link *link, const struct err *why);

/* The story that link_fail_with kept, or NULL: link->error says all. */
const struct err *link_story(const struct link *link);

/* What the kernel knows of the path to the peer, where it does. */
struct link_path {
	bool known;
	uint32_t rtt_us, retransmits, cwnd; /* smoothed; segments so far; segments */
};

/* Ask for it. */
struct link_path link_look(struct link *link);

/* Free what a link keeps that has no descriptor. */
void link_forget(struct link *link);

/* Close it, and free what it keeps. Returns as transport.close. */
int link_close(struct link *link);

/* A server's socket. */
struct listening {
	int fd;
	void *held;                           /* the transport's own, freed by unlisten; or NULL */
	const struct socket_options *options; /* as in its struct listen_conf */
};

struct listen_conf {
	uint64_t backlog;     /* listen(2): the kernel caps it at net.core.somaxconn */
	uint64_t permissions; /* of a socket that has a path */
	/* What the user asked of the socket (transport/options.h), or NULL. It must live as long as
	 * the socket. */
	const struct socket_options *options;
};

struct dial_conf {
	struct addr source;                   /* where from; len 0: any */
	uint16_t source_port;                 /* ... with this port of ours; 0: any */
	const struct socket_options *options; /* as above */
};

/* Where a connection to an address is to come from; len 0: from anywhere. */
struct addr dial_source(const struct dial_conf *conf, const struct addr *at);

/* A datagram of a socket that serves many peers, and how it came or is to go. */
struct datagram {
	struct addr peer;  /* its sender, or who is to get it */
	struct addr local; /* which address of ours was asked, or answers; len 0: any */
	int hops;          /* how many an answer may travel at most; 0: as usual */
	int onward_hops;   /* the same if it is passed on; -1: it must not be */
	bool cut;          /* it was longer than its room */
	/* Why it must not be answered, as a phrase ("it came from port 7"); NULL: it may be. */
	const char *forbidden;
	uint8_t *data;
	size_t len; /* to receive: the room there is, then what came */
};

/* What kind of socket it is, for options that some have (transport/options.h). */
enum socket_kind { SOCKET_OTHER = 0, SOCKET_TCP = 1, SOCKET_UDP = 2, SOCKET_UNIX = 4 };

/* NULL slots: the link cannot do it, and is never asked to. */
struct transport {
	const char *name; /* "tcp": as users read it */
	enum socket_kind kind;

	size_t message_max;  /* of its links */
	bool connectionless; /* its links are */
	enum bulk bulk;      /* its links', unless they say otherwise */
	/* A read that gives less than there is room for has taken all there was, so that it is
	 * enough for an event when more comes (epoll(7), on EPOLLET). */
	bool edges;
	/* To read takes no write, nor the other way round: what is there of what wants said is
	 * tried, and no more. */
	bool straight;
	/* What unsent counts is in the peer's socket, which has not read it. It can be read there
	 * even after we have closed. */
	bool unsent_is_unread;

	/* Make a socket, bind it to at, and listen. IO_AGAIN: the place cannot be had yet, try
	 * again soon. There and at IO_FAIL err is filled, and nothing is left open. */
	enum io (*listen)(struct reporter *to, const struct addr *at,
		const struct listen_conf *conf, struct listening *out, struct err *err);

	/* The same with a socket that listens already, bound to at: it is made ready to be used as
	 * our own, but its path is not ours. It is closed at IO_FAIL. NULL: there is no such
	 * socket.
	 */
	enum io (*adopt)(struct reporter *to, int fd, const struct addr *at,
		const struct listen_conf *conf, struct listening *out, struct err *err);

	/* Close it, and leave nothing behind. */
	void (*unlisten)(struct reporter *to, struct listening *socket);

	/* Take one waiting client: fills link and peer. IO_FAIL: errno in link->error. */
	enum io (*accept)(struct reporter *to, const struct listening *listener, struct link *link,
		struct addr *peer);

	/* Begin to connect to an address, as conf says. IO_AGAIN: wait until
	 * writable, then ask ready; or, with link->fd -1, try again soon. IO_FAIL closes what it
	 * had opened. *source_failed tells that it was the source that cannot be had, or not yet:
	 * then a link_story may say why. */
	enum io (*connect)(struct link *link, const struct addr *at, const struct dial_conf *conf,
		bool *source_failed);

	/* The verdict on a connect that was not decided at once. IO_AGAIN: still undecided. */
	enum io (*ready)(struct link *link);

	/* Add what to do next to the story of a connect that failed. */
	void (*advise)(struct reporter *to, struct err *err, int error, const struct addr *at);

	/* Read once into room; *got says how much came. */
	enum io (*read)(struct link *link, uint8_t *room, size_t size, size_t *got);

	/* As read of up to size bytes, but they are dropped, without a copy of them being made.
	 * EFAULT: this socket cannot. NULL: none can. */
	enum io (*drop)(struct link *link, size_t size, size_t *got);

	/* Write once; *taken says how much the kernel took, perhaps less than there is, but all or
	 * nothing of a message. A layer may take it before the kernel does (link.holds). */
	enum io (*write)(struct link *link, struct span out, size_t *taken);

	/* Tell the peer that nothing more will come. IO_AGAIN: not yet, wait for what wants says.
	 * NULL: only closing can. */
	enum io (*finish)(struct link *link);

	/* How much has been written and not yet arrived; -1: unknown. It may count the kernel's
	 * overhead as well. NULL: never known. */
	int (*unsent)(struct link *link);

	/* How many bytes that were written wait in the link, where it holds any. NULL: it never
	 * does.
	 */
	size_t (*held)(const struct link *link);

	/* What link_look gives. NULL: it is never known. */
	struct link_path (*look)(struct link *link);

	/* A pending error that no read or write has met yet, or 0. NULL: none. */
	int (*pending)(struct link *link);

	/* The connection waits for asked (EPOLLIN, EPOLLOUT, both or 0). Returns what its
	 * descriptor is to be watched for: to read, a layer may have to write. Once that is there,
	 * all that was asked is tried. NULL: for what is asked. */
	uint32_t (*wants)(struct link *link, uint32_t asked);

	/* The address it leads to now. NULL: always the one it was made for. */
	struct addr (*address)(const struct link *link);

	/* How many hops what came last may travel if it is passed on, as struct datagram has it;
	 * and set how many what is sent from now on may, 0: as usual. NULL: there are none. */
	int (*onward_hops)(const struct link *link);
	void (*limit_hops)(struct link *link, int hops);

	/* How many datagrams have come and were dropped, for want of room in the kernel. NULL: that
	 * cannot happen. */
	uint32_t (*missed)(struct reporter *to, int fd);

	/* Close. Returns 0, or the errno of a write that only now turned out to have failed. */
	int (*close)(struct link *link);

	/* Close, and let the peer meet a reset: nothing is left of the connection. NULL: there is
	 * no such thing. */
	void (*reset)(struct link *link);

	/* Sockets that serve all their peers themselves have the following in place of accept. */

	/* The longest datagram there can be, in bytes. */
	size_t datagram_max;

	/* Take up to count datagrams that came to a socket bound to own, with all there is to know
	 * about answering them. Returns how many came, or -1 with errno. */
	int (*receive)(struct reporter *to, const struct listening *socket, const struct addr *own,
		struct datagram *in, size_t count);

	/* Send datagrams in order. Returns how many the kernel took before it refused one, or -1
	 * with errno where that is the first. */
	int (*send)(struct reporter *to, int fd, struct datagram *out, size_t count);

	/* The next error that befell something sent to a peer, which is put in *peer: an errno, or
	 * 0 if there is none. NULL: send tells all. */
	int (*failure)(struct reporter *to, int fd, struct addr *peer);
};

#endif
