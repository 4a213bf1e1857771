#include "mode/collect.h"

#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/timestamp.h"

struct collect_run {
	struct outlet out;
	const struct collect_conf *conf;
};

static const struct opt collect_options[] = {
	{.name = "prefix",
		.kind = OPT_FLAG,
		OPT_FIELD(struct collect_conf, prefix),
		.help = "put the time and the client before each line or datagram, and make its "
			"control characters visible"},
};

/* ---- what is written ---- */

/* Without the newline that it may end in, or CR LF. */
static struct span collect_less_end(struct span record)
{
	if (record.len && record.data[record.len - 1] == '\n')
		record.len--;
	if (record.len && record.data[record.len - 1] == '\r')
		record.len--;
	return record;
}

/* What stands before the records of a client: of one without an address, its number. */
struct collect_stamp {
	struct timestamp when;
	struct addr_shown whose;
};

static struct collect_stamp collect_stamp_of(const struct conn *c)
{
	const struct addr peer = conn_address(c);
	struct collect_stamp stamp = {timestamp_now(), addr_text(&peer)};

	if (!addr_is_named(&peer))
		snprintf(stamp.whose.text, sizeof(stamp.whose.text), "#%ju", (uintmax_t)conn_id(c));
	return stamp;
}

static int collect_add_prefixed(
	struct buf *out, const struct collect_stamp *stamp, struct span record)
{
	struct escaper one = {.one_line = true};

	if (buf_printf(out, "%s %s ", stamp->when.text, stamp->whose.text) == 0 &&
		escape_add(&one, collect_less_end(record), out) == 0 &&
		escape_end(&one, out) == 0 && buf_puts(out, "\n") == 0)
		return 0;
	return -1;
}

static int collect_add_plain(struct buf *out, struct span record)
{
	bool ended = record.len && record.data[record.len - 1] == '\n';

	return buf_add(out, record) < 0 || (!ended && buf_puts(out, "\n") < 0) ? -1 : 0;
}

/* made: 0, or -1 when memory is out. */
static void collect_put(struct conn *c, int made, struct buf *out)
{
	struct collect_run *run = conn_ctx(c);

	if (made < 0)
		outlet_lose(&run->out, c, "out of memory");
	else
		outlet_write(&run->out, buf_span(out));
	buf_free(out);
}

/* A datagram, a packet, or the end of a stream. */
static void collect_write_record(struct conn *c, struct span record)
{
	const struct collect_run *run = conn_ctx(c);
	struct buf out = {0};
	int made;

	if (run->conf->prefix) {
		const struct collect_stamp stamp = collect_stamp_of(c);

		made = collect_add_prefixed(&out, &stamp, record);
	} else {
		made = collect_add_plain(&out, record);
	}
	collect_put(c, made, &out);
}

/* Lines of a stream, each with its end. */
static void collect_write_lines(struct conn *c, struct span lines)
{
	struct collect_run *run = conn_ctx(c);
	struct collect_stamp stamp;
	struct buf out = {0};
	int made = 0;

	if (!run->conf->prefix) {
		outlet_write(&run->out, lines);
		return;
	}
	stamp = collect_stamp_of(c);
	while (made == 0 && lines.len) {
		const uint8_t *end = memchr(lines.data, '\n', lines.len);
		size_t len = end ? (size_t)(end - lines.data) + 1 : lines.len;

		made = collect_add_prefixed(&out, &stamp, (struct span){lines.data, len});
		lines = span_from(lines, len);
	}
	collect_put(c, made, &out);
}

/* ---- a stream ---- */

static void collect_drop_line(struct conn *c)
{
	struct collect_peer *p = conn_peer(c);

	buf_free(&p->line);
	conn_holds(c, 0);
}

static void collect_refuse(struct conn *c, const char *why)
{
	struct collect_run *run = conn_ctx(c);

	collect_drop_line(c);
	outlet_lose(&run->out, c, why);
	conn_refuse(c, why);
}

/* Keep a part of a line. Returns 0, or -1 with c refused. */
static int collect_hold(struct conn *c, struct span part)
{
	struct collect_peer *p = conn_peer(c);

	if (!part.len)
		return 0;
	if (p->line.len + part.len > COLLECT_LINE_MAX_BYTES + 1) {
		collect_refuse(c, "a line may have at most 65536 bytes");
		return -1;
	}
	if (buf_add(&p->line, part) == 0)
		return conn_holds(c, p->line.cap);
	collect_refuse(c, "out of memory");
	return -1;
}

/* The line that is held has ended. Returns 0, or -1 with c refused. */
static int collect_end_line(struct conn *c, struct span rest)
{
	struct collect_peer *p = conn_peer(c);

	if (collect_hold(c, rest) < 0)
		return -1;
	collect_write_lines(c, buf_span(&p->line));
	collect_drop_line(c);
	return 0;
}

static void collect_stream(struct conn *c, struct span in)
{
	const struct collect_peer *p = conn_peer(c);
	const uint8_t *last = memrchr(in.data, '\n', in.len);
	size_t whole = last ? (size_t)(last - in.data) + 1 : 0;

	if (whole && p->line.len) {
		const uint8_t *first = memchr(in.data, '\n', whole);
		size_t rest = (size_t)(first - in.data) + 1;

		if (collect_end_line(c, (struct span){in.data, rest}) < 0)
			return;
		in = span_from(in, rest);
		whole -= rest;
	}
	if (whole)
		collect_write_lines(c, (struct span){in.data, whole});
	collect_hold(c, span_from(in, whole));
}

/* The stream has ended: what it had begun is a line as well. */
static void collect_end_stream(struct conn *c)
{
	const struct collect_peer *p = conn_peer(c);

	if (p->line.len)
		collect_write_record(c, buf_span(&p->line));
	collect_drop_line(c);
}

/* ---- the handler ---- */

static struct outlet_peer *collect_at(struct conn *c)
{
	struct collect_peer *p = conn_peer(c);

	return &p->at;
}

static void collect_open(struct conn *c)
{
	struct collect_run *run = conn_ctx(c);

	outlet_join(&run->out, collect_at(c), c);
	if (run->conf->prefix)
		conn_limit_reads(c, COLLECT_PREFIX_READ_BYTES);
}

static bool collect_move(struct conn *c)
{
	struct collect_run *run = conn_ctx(c);

	return outlet_holds_up(&run->out, collect_at(c));
}

static void collect_data(struct conn *c, struct span in)
{
	struct collect_run *run = conn_ctx(c);

	if (!conn_message_max(c))
		collect_stream(c, in);
	else if (outlet_has_room(&run->out, c))
		collect_write_record(c, in);
}

static void collect_eof(struct conn *c)
{
	collect_end_stream(c);
	conn_finish(c);
}

static void collect_closed(struct conn *c, const struct err *why)
{
	(void)why;
	collect_end_stream(c);
}

/* It holds too much. */
static void collect_let_go(struct conn *c)
{
	struct collect_run *run = conn_ctx(c);
	const struct collect_peer *p = conn_peer(c);

	if (p->line.len)
		outlet_lose(&run->out, c, "there is no memory for its line");
	collect_drop_line(c);
}

static void collect_release(struct conn *c)
{
	struct collect_peer *p = conn_peer(c);

	outlet_leave(&p->at);
	buf_free(&p->line);
}

/* ---- the run ---- */

static int collect_begin(struct mode_env *env, struct err *err)
{
	struct collect_run *run = env->state;

	run->conf = env->conf;
	return outlet_begin(&run->out, env, false, err);
}

static void collect_finish(struct mode_env *env)
{
	struct collect_run *run = env->state;

	outlet_finish(&run->out);
}

static void collect_end(struct mode_env *env)
{
	struct collect_run *run = env->state;

	outlet_end(&run->out);
}

const struct mode mode_collect = {
	.name = "collect",
	.summary = "write what all clients send to standard output, line by line",
	.on = {.open = collect_open,
		.data = collect_data,
		.move = collect_move,
		.eof = collect_eof,
		.closed = collect_closed,
		.let_go = collect_let_go,
		.release = collect_release,
		.peer_size = sizeof(struct collect_peer),
		.read_max = COLLECT_LINE_MAX_BYTES},
	.options = collect_options,
	.option_count = sizeof(collect_options) / sizeof(collect_options[0]),
	.conf_size = sizeof(struct collect_conf),
	.state_size = sizeof(struct collect_run),
	.uses_std = true,
	.only_writes = true,
	.begin = collect_begin,
	.finish = collect_finish,
	.end = collect_end,
};
