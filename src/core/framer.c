#include "core/framer.h"

enum { END_MAX_BYTES = 2 }; /* CR LF */

/* Without the line's end that it may have. */
static struct span framer_less_end(struct span line)
{
	if (line.len && line.data[line.len - 1] == '\n') {
		line.len--;
		if (line.len && line.data[line.len - 1] == '\r')
			line.len--;
	}
	return line;
}

static void framer_refuse(struct framer *f, struct conn *c)
{
	buf_free(&f->held);
	conn_holds(c, 0);
	conn_refuse(c, "a line may have at most 65536 bytes");
}

void framer_resume(struct framer *f, struct conn *c, int64_t settle_ms)
{
	bool settles = f->held.len && f->held.len <= FRAMER_SETTLE_MAX_BYTES;

	conn_after(c, settles ? settle_ms : -1);
}

/* Keep the part of a line at the end of what came. */
static void framer_hold(struct framer *f, struct conn *c, struct span part, int64_t settle_ms)
{
	if (f->held.len + part.len > FRAMER_MAX_BYTES + 1) { /* its CR may be there */
		framer_refuse(f, c);
		return;
	}
	if (buf_add(&f->held, part) < 0) {
		conn_refuse(c, "out of memory");
		return;
	}
	framer_resume(f, c, settle_ms);
	conn_holds(c, f->held.cap);
}

/* What was said is whole. Returns as framer_said. */
static bool framer_pass_on(struct framer *f, struct conn *c, struct span line, framer_said *said)
{
	line = framer_less_end(line);
	if (line.len <= FRAMER_MAX_BYTES)
		return said(c, line);
	framer_refuse(f, c);
	return false;
}

/* A line has ended: with what is held in front of it. Returns as framer_said. */
static bool framer_say(struct framer *f, struct conn *c, struct span line, framer_said *said)
{
	struct buf whole;
	bool more;

	if (f->held.len + line.len > FRAMER_MAX_BYTES + END_MAX_BYTES) {
		framer_refuse(f, c);
		return false;
	}
	if (!f->held.len)
		return framer_pass_on(f, c, line, said);
	if (buf_add(&f->held, line) < 0) {
		conn_refuse(c, "out of memory");
		return false;
	}
	whole = f->held;
	f->held = (struct buf){0};
	conn_holds(c, 0);
	more = framer_pass_on(f, c, buf_span(&whole), said);
	buf_free(&whole);
	return more;
}

void framer_data(
	struct framer *f, struct conn *c, struct span in, int64_t settle_ms, framer_said *said)
{
	const uint8_t *end;

	if (conn_message_max(c)) {
		framer_say(f, c, in, said);
		return;
	}
	while (in.len && (end = memchr(in.data, '\n', in.len))) {
		size_t len = (size_t)(end - in.data) + 1;

		if (!framer_say(f, c, (struct span){in.data, len}, said))
			return;
		in = span_from(in, len);
	}
	framer_hold(f, c, in, settle_ms);
}

void framer_settled(struct framer *f, struct conn *c, framer_said *said)
{
	struct buf whole = f->held;

	f->held = (struct buf){0};
	conn_holds(c, 0);
	if (whole.len)
		framer_pass_on(f, c, buf_span(&whole), said);
	buf_free(&whole);
}

void framer_free(struct framer *f)
{
	buf_free(&f->held);
}
