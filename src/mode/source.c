/* source: RFC 864. Over a stream, bytes for as long as the client takes them; to a datagram, one of
 * its own length, so that a peer gets no more of it than it sent. */
#include "mode/source.h"

enum { TURN_BYTES = 8 * SOURCE_PIECE_BYTES }; /* to one client, until all others had a turn */

static void source_fill(uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		size_t line = i / SOURCE_LINE_BYTES % SOURCE_LINES, column = i % SOURCE_LINE_BYTES;

		out[i] = column == SOURCE_LINE_CHARS ? '\r'
		         : column > SOURCE_LINE_CHARS
		                 ? '\n'
		                 : (uint8_t)(' ' + (line + column) % SOURCE_LINES);
	}
}

/* Offer what follows in the pattern. Returns whether all of it was taken. */
static bool source_offer(struct conn *c, size_t *sent)
{
	const struct source_run *run = conn_ctx(c);
	struct source_peer *peer = conn_peer(c);
	size_t len = conn_message_max(c) ? SOURCE_PATTERN_BYTES : SOURCE_PIECE_BYTES;
	size_t taken = conn_offer(c, (struct span){run->bytes + peer->at, len});

	peer->at = (uint32_t)((peer->at + taken) % SOURCE_PATTERN_BYTES);
	*sent += taken;
	return taken == len;
}

/* Nothing is queued: what a client does not take now it gets from the same place later. */
static void source_more(struct conn *c)
{
	size_t sent = 0;

	if (conn_connectionless(c))
		return; /* to answer is all there is to do */
	while (source_offer(c, &sent) && sent < TURN_BYTES)
		;
	conn_want_drained(c);
}

static void source_answer(struct conn *c, struct span in)
{
	const struct source_run *run = conn_ctx(c);

	if (conn_connectionless(c))
		conn_write(c, (struct span){run->bytes, in.len});
}

/* That the client sends no more is no reason to stop: it may have had nothing to say. */
static void source_goes_on(struct conn *c)
{
	(void)c;
}

static int source_begin(struct mode_env *env, struct err *err)
{
	struct source_run *run = env->state;

	(void)err;
	source_fill(run->bytes, sizeof(run->bytes));
	return 0;
}

const struct mode mode_source = {
	.name = "source",
	.summary = "send printable characters without end",
	.on = {.open = source_more,
		.data = source_answer,
		.drained = source_more,
		.eof = source_goes_on,
		.peer_size = sizeof(struct source_peer)},
	.state_size = sizeof(struct source_run),
	.amplifies = true,
	.begin = source_begin,
};
