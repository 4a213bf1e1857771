#ifndef SOCKX_CORE_LINK_H
#define SOCKX_CORE_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/span.h"
#include "core/addr.h"

/*
 * The transport seam: how bytes travel. A transport is one file and one row (struct transport); it
 * sees its link and nothing above it. Nothing here waits.
 */

struct reporter;

/* What became of a move of bytes, or of a step of the handshake. */
enum io {
	IO_DONE,
	IO_AGAIN, /* not now: wait until the descriptor is ready */
	IO_EOF,   /* read: the peer's end, in order */
	IO_FAIL,  /* link.error is the errno */
};

/* One end of one way for bytes. The connection that holds it owns its descriptor. */
struct link {
	const struct transport *via;
	struct reporter *to;
	int fd;        /* what the loop watches */
	int origin;    /* the inherited descriptor (0, 1, 2) that fd stands for, or -1 */
	int error;     /* the errno behind the last IO_FAIL */
	bool terminal; /* a terminal is behind it */
	bool vacates;  /* closing gives origin back, so that its other end is told */
};

/* NULL slots: the link cannot do it, and is never asked to. */
struct transport {
	const char *name; /* "tcp": as users read it */

	/* Make a socket, bind it to at and listen. Puts it in *fd. Returns 0, or -1 with err. */
	int (*listen)(
		struct reporter *to, const struct addr *at, int backlog, int *fd, struct err *err);

	/* Take one waiting client: fills link and peer. IO_FAIL: errno in link->error. */
	enum io (*accept)(struct reporter *to, int listener, struct link *link, struct addr *peer);

	/* Begin to connect to an address, from source if its len is not 0. IO_AGAIN: wait until
	 * writable, then ask ready. IO_FAIL closes what it had opened; *source_failed tells that it
	 * was the source. */
	enum io (*connect)(struct link *link, const struct addr *at, const struct addr *source,
		bool *source_failed);

	/* The verdict on a connect that was not decided at once. IO_AGAIN: still undecided. */
	enum io (*ready)(struct link *link);

	/* Read once into room; *got says how much came. */
	enum io (*read)(struct link *link, uint8_t *room, size_t size, size_t *got);

	/* Write once; *taken says how much the kernel took, perhaps less than there is. */
	enum io (*write)(struct link *link, struct span out, size_t *taken);

	/* Tell the peer that nothing more will come. NULL: only closing can. */
	int (*finish)(struct link *link);

	/* How much has been written and not yet arrived; -1: nobody can say. NULL: nobody can. */
	int (*unsent)(struct link *link);

	/* A pending error that no read or write has met yet, or 0. NULL: none. */
	int (*pending)(struct link *link);

	/* Close. Returns 0, or the errno of a write that only now turned out to have failed. */
	int (*close)(struct link *link);
};

#endif
