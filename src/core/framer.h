#ifndef SOCKX_CORE_FRAMER_H
#define SOCKX_CORE_FRAMER_H

#include "core/conn.h"

/*
 * What a peer says, message by message. On a stream a message is a line; LF ends it, and so does CR
 * LF. Many peers end nothing: they send once and wait. So what is not ended is a message, too, when
 * it is at most FRAMER_SETTLE_MAX_BYTES long and nothing more came for settle_ms, or when the peer
 * ends. Where messages are kept whole, each is one, less the line's end that it may have.
 *
 * A handler feeds it from its data, later and eof; conn_after is taken by it. All zero is a good
 * start; framer_free when the connection closes.
 */

enum {
	FRAMER_MAX_BYTES = 64 * 1024,      /* a longer line is refused */
	FRAMER_SETTLE_MAX_BYTES = 4 * 1024 /* a longer one ends only where it says so */
};

struct framer {
	struct buf held; /* of a line that has not ended */
};

/* Called with a message, without its end, which is the reader's and gone after the call. Returns
 * whether it wants more of c's: one that has ended c does not. */
typedef bool framer_said(struct conn *c, struct span message);

/* For handler.data: something came. settle_ms: see above; 0: at once. */
void framer_data(
	struct framer *f, struct conn *c, struct span in, int64_t settle_ms, framer_said *said);

/* For handler.later and handler.eof: what is held is whole. */
void framer_settled(struct framer *f, struct conn *c, framer_said *said);

/* c is read again after a pause, before which conn_after was taken back: what is held may go on, so
 * its quiet begins anew. */
void framer_resume(struct framer *f, struct conn *c, int64_t settle_ms);

void framer_free(struct framer *f);

#endif
