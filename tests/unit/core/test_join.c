#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "core/conn_state.h"
#include "core/join.h"
#include "peer.h"
#include "report/trace.h"
#include "script.h"
#include "transport/fd.h"
#include "transport/stream.h"
#include "transport/tcp.h"
#include "transport/unix.h"

TestSuite(join, .timeout = 60);

/* Real descriptors joined: what goes in at one end is looked for at the other. */

enum kind { PIPE, NARROW_PIPE, SOCKET, TCP, STORED, APPENDED, NOWHERE };

static const char *const kind_names[] = {"pipe", "pipe of 4 KiB", "Unix socket", "TCP connection",
	"file", "file for appending", "/dev/null"};

enum { MANY_BYTES = 3000000, MARK = 0xA5 };

struct bridge {
	struct scene sc;
	struct conn_owner from_owner, to_owner;
	struct join join;
	int in, out; /* we write the one and read the other, or what out has become; -1: neither */
	bool out_is_file;
	unsigned from_closed, to_closed;
	bool failed;
	struct err why; /* of the end that failed */
	char *sent, *got;
	size_t len, put, taken;
	bool ended; /* out has */
};

static void from_data(struct conn *c, struct span in)
{
	join_data(&((struct bridge *)conn_ctx(c))->join, in);
}

static bool from_move(struct conn *c)
{
	return join_move(&((struct bridge *)conn_ctx(c))->join);
}

static void note_why(struct bridge *b, const struct err *why)
{
	if (!why)
		return;
	b->failed = true;
	b->why = *why;
}

/* The end is passed on; a socket's other direction ends with it. */
static void from_eof(struct conn *c)
{
	struct bridge *b = conn_ctx(c);

	conn_finish(c);
	if (b->join.to)
		conn_finish(b->join.to);
}

static void from_closed(struct conn *c, const struct err *why)
{
	struct bridge *b = conn_ctx(c);

	b->from_closed++;
	b->join.from = NULL;
	note_why(b, why);
}

static void to_drained(struct conn *c)
{
	join_go_on(&((struct bridge *)conn_ctx(c))->join);
}

static void to_closed(struct conn *c, const struct err *why)
{
	struct bridge *b = conn_ctx(c);

	b->to_closed++;
	join_stop(&b->join);
	note_why(b, why);
}

static const struct handler from_handler = {
	.data = from_data, .move = from_move, .eof = from_eof, .closed = from_closed};
static const struct handler to_handler = {.drained = to_drained, .closed = to_closed};
static const struct join_on as_it_is = {0};

static int scratch_file(int flags)
{
	char path[] = "/tmp/sockx-join.XXXXXX";
	int made = mkstemp(path), fd;

	cr_assert(ge(int, made, 0));
	fd = open(path, O_RDWR | O_CLOEXEC | flags);
	cr_assert(ge(int, fd, 0));
	unlink(path);
	close(made);
	return fd;
}

static void set_nonblocking(int fd)
{
	cr_assert(eq(int, fcntl(fd, F_SETFL, O_NONBLOCK), 0));
}

static struct link fd_link(struct bridge *b, int fd, enum conn_sides sides)
{
	struct link link;

	fd_open(&b->sc.to, fd, sides, &link);
	link.vacates = false; /* it is none of 0, 1, 2 */
	link.origin = -1;
	return link;
}

static struct link socket_link(struct bridge *b, const struct transport *via, int fd)
{
	struct link link = link_of(via, &b->sc.to);

	link.fd = fd;
	return link;
}

static void connect_tcp(int ends[2])
{
	struct addr at;
	int listener = bound_socket(AF_INET, 1, &at);

	ends[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert(eq(int, connect(ends[1], &at.sa, at.len), 0));
	ends[0] = accept(listener, NULL, NULL);
	cr_assert(ge(int, ends[0], 0));
	close(listener);
}

/* A link to one end of a kind of descriptor; other is what we hold of it. */
static struct link link_to(struct bridge *b, enum kind kind, enum conn_sides sides, int *other)
{
	int ends[2];

	switch (kind) {
	case SOCKET:
		cr_assert(eq(int,
			socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends),
			0));
		*other = ends[1];
		return socket_link(b, &transport_unix, ends[0]);
	case TCP:
		connect_tcp(ends);
		stream_keep_urgent(&b->sc.to, ends[0]);
		set_nonblocking(ends[0]);
		set_nonblocking(ends[1]);
		*other = ends[1];
		return socket_link(b, &transport_tcp, ends[0]);
	case PIPE:
	case NARROW_PIPE:
		cr_assert(eq(int, pipe2(ends, O_CLOEXEC), 0));
		if (kind == NARROW_PIPE)
			cr_assert(eq(int, fcntl(ends[0], F_SETPIPE_SZ, 4096), 4096));
		*other = ends[sides == CONN_READS];
		set_nonblocking(*other);
		return fd_link(b, ends[sides == CONN_WRITES], sides);
	case STORED:
	case APPENDED:
		*other = scratch_file(kind == APPENDED ? O_APPEND : 0);
		return fd_link(b, dup(*other), sides);
	case NOWHERE: break;
	}
	*other = -1;
	return fd_link(b, open("/dev/null", O_WRONLY | O_CLOEXEC), sides);
}

static bool is_socket(enum kind kind)
{
	return kind == SOCKET || kind == TCP;
}

static struct conn *end_of(struct bridge *b, struct conn_owner *owner, const struct handler *on,
	const struct link *link, enum conn_sides sides)
{
	struct conn *c;

	*owner = (struct conn_owner){.loop = &b->sc.loop,
		.to = &b->sc.to,
		.scratch = &b->sc.scratch,
		.on = on,
		.ctx = b,
		.local = sides == CONN_READS ? "input" : "output"};
	conn_owner_init(owner);
	c = conn_new(owner, link, NULL, sides);
	cr_assert(c != NULL);
	return c;
}

static struct bridge *build(enum kind from, enum kind to, bool by_hand)
{
	struct bridge *b = calloc(1, sizeof(*b));
	struct link in, out;

	signal(SIGPIPE, SIG_IGN);
	scene_begin_for(&b->sc, &from_handler, b);
	b->join = (struct join){.on = &as_it_is, .arg = b, .by_hand = by_hand};
	in = link_to(b, from, CONN_READS, &b->in);
	out = link_to(b, to, CONN_WRITES, &b->out);
	b->out_is_file = to == STORED || to == APPENDED;
	b->join.from = end_of(
		b, &b->from_owner, &from_handler, &in, is_socket(from) ? CONN_BOTH : CONN_READS);
	conn_pause(b->join.from);
	conn_open(b->join.from);
	b->join.to =
		end_of(b, &b->to_owner, &to_handler, &out, is_socket(to) ? CONN_BOTH : CONN_WRITES);
	conn_open(b->join.to);
	memset(b->sc.scratch.room, MARK, SCRATCH_ROOM_BYTES);
	b->sent = script_bytes(MANY_BYTES);
	b->got = calloc(1, MANY_BYTES);
	b->len = MANY_BYTES;
	if (from == STORED) {
		cr_assert(eq(sz, (size_t)write(b->in, b->sent, b->len), b->len));
		cr_assert(eq(int, (int)lseek(b->in, 0, SEEK_SET), 0));
		b->put = b->len;
	}
	join_begin(&b->join, b->join.to);
	return b;
}

static void demolish(struct bridge *b)
{
	conn_owner_free(&b->from_owner);
	conn_owner_free(&b->to_owner);
	join_free(&b->join);
	if (b->in >= 0)
		close(b->in);
	if (b->out >= 0)
		close(b->out);
	free(b->sent);
	free(b->got);
	scene_end(&b->sc);
	free(b);
}

/* Sizes between 1 and 200,000 bytes, and now and then nothing. */
static size_t some(unsigned *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 16 & 3 ? (*seed >> 8) % 200000 + 1 : 0;
}

static void feed(struct bridge *b, size_t most)
{
	ssize_t n;

	if (b->put < b->len && most) {
		n = write(b->in, b->sent + b->put, most < b->len - b->put ? most : b->len - b->put);
		b->put += n > 0 ? (size_t)n : 0;
	}
	if (b->put == b->len && b->in >= 0) {
		close(b->in);
		b->in = -1;
	}
}

static void drain(struct bridge *b, size_t most)
{
	ssize_t n;

	if (b->out < 0 || b->out_is_file || b->ended || !most)
		return;
	n = read(b->out, b->got + b->taken,
		most < b->len - b->taken + 1 ? most : b->len - b->taken + 1);
	b->taken += n > 0 ? (size_t)n : 0;
	b->ended = n == 0;
}

static bool is_over(const struct bridge *b)
{
	return b->out < 0 || b->out_is_file ? b->to_closed : b->ended;
}

static void collect_file(struct bridge *b)
{
	ssize_t n;

	cr_assert(eq(int, (int)lseek(b->out, 0, SEEK_SET), 0));
	while ((n = read(b->out, b->got + b->taken, b->len - b->taken)) > 0)
		b->taken += (size_t)n;
}

static bool room_is_untouched(const struct bridge *b)
{
	return b->sc.scratch.room[0] == MARK && b->sc.scratch.room[1] == MARK;
}

static void carry_all(enum kind from, enum kind to, bool by_hand, bool in_the_kernel)
{
	struct bridge *b = build(from, to, by_hand);
	unsigned seed = 7;
	int64_t limit_ms = clock_ms() + 20000;

	while (!is_over(b) && clock_ms() < limit_ms) {
		feed(b, some(&seed));
		scene_turn(&b->sc, 1);
		drain(b, some(&seed));
	}
	if (b->out_is_file)
		collect_file(b);
	cr_expect(is_over(b), "%s to %s: it comes to an end", kind_names[from], kind_names[to]);
	cr_expect(not(b->failed), "%s to %s: %s", kind_names[from], kind_names[to], b->why.what);
	if (to != NOWHERE)
		cr_expect(b->taken == b->len && memcmp(b->sent, b->got, b->len) == 0,
			"%s to %s: every byte arrives, once and in order (%zu of %zu)",
			kind_names[from], kind_names[to], b->taken, b->len);
	cr_expect(eq(int, room_is_untouched(b), in_the_kernel), "%s to %s", kind_names[from],
		kind_names[to]);
	demolish(b);
}

static const struct {
	enum kind from, to;
	bool in_the_kernel;
} ways[] = {
	{PIPE, SOCKET, true},
	{NARROW_PIPE, SOCKET, true},
	{STORED, SOCKET, true},
	{SOCKET, PIPE, true},
	{SOCKET, NARROW_PIPE, true},
	{SOCKET, STORED, true},
	{SOCKET, NOWHERE, true},
	{SOCKET, SOCKET, true},
	{TCP, PIPE, true},
	{TCP, NOWHERE, true},
	{TCP, TCP, true},
	{STORED, TCP, true},
	{SOCKET, APPENDED, false}, /* splice refuses it, with bytes in our pipe */
	{PIPE, STORED, false},
	{PIPE, PIPE, false},
};

Test(join, the_kernel_moves_the_bytes_where_it_can)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		carry_all(ways[i].from, ways[i].to, false, ways[i].in_the_kernel);
}

Test(join, by_hand_they_are_read_and_written)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		carry_all(ways[i].from, ways[i].to, true, false);
}

/* ---- what stops it ---- */

/* Turn until nothing has moved for a while. */
static unsigned settle(struct bridge *b)
{
	return turn_for_ms(&b->sc.loop, 100);
}

Test(join, a_reader_that_stops_stops_the_writer_and_costs_no_time)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct bridge *b;

		if (ways[i].to == STORED || ways[i].to == APPENDED || ways[i].to == NOWHERE)
			continue;
		b = build(ways[i].from, ways[i].to, false);
		for (int turn = 0; turn < 500; turn++) {
			if (b->in >= 0 && ways[i].from != STORED)
				b->put = 0; /* a pipe holds many times its size of large pages */
			feed(b, 100000);
			scene_turn(&b->sc, 1);
		}
		cr_expect(lt(uint, settle(b), 5), "%s to %s: it waits", kind_names[ways[i].from],
			kind_names[ways[i].to]);
		cr_expect(le(sz, conn_queued(b->join.to), SCRATCH_PIPE_BYTES));
		demolish(b);
	}
}

Test(join, what_waits_in_a_pipe_of_ours_is_queued_and_goes_before_the_end)
{
	struct bridge *b = build(SOCKET, SOCKET, false);

	while (!conn_queued(b->join.to)) {
		feed(b, 100000);
		scene_turn(&b->sc, 1);
	}
	conn_write(b->join.to, span_of("!"));
	conn_finish(b->join.to);
	for (int turn = 0; turn < 300 && !b->ended; turn++) {
		drain(b, 100000);
		scene_turn(&b->sc, 1);
	}
	cr_assert(b->ended);
	cr_assert(eq(chr, b->got[b->taken - 1], '!'));
	cr_assert(eq(int, memcmp(b->got, b->sent, b->taken - 1), 0));
	cr_assert(eq(u64, conn_sent(b->join.to), b->taken));
	demolish(b);
}

/* A pipe that is full is all that refuses now, and splice later: they take the number of the file.
 */
Test(join, what_is_written_by_hand_after_the_end_is_reported_is_not_lost)
{
	struct bridge *b = build(SOCKET, STORED, false);
	int file = scratch_file(O_APPEND), full[2], fd = b->join.to->link.fd;
	size_t waiting;

	cr_assert(eq(int, pipe2(full, O_CLOEXEC | O_NONBLOCK), 0));
	while (write(full[1], b->sent, 4096) > 0)
		;
	cr_assert(eq(int, dup2(full[1], fd), fd));
	while (!conn_queued(b->join.to)) {
		feed(b, 5000);
		scene_turn(&b->sc, 1);
	}
	waiting = conn_queued(b->join.to);
	conn_finish(b->join.to);
	cr_assert(eq(int, dup2(file, fd), fd));
	conn_writable(b->join.to);
	scene_turn(&b->sc, 1);
	cr_assert(eq(uint, b->to_closed, 1));
	cr_assert(not(b->failed), "%s", b->why.what);
	cr_assert(eq(sz, (size_t)lseek(file, 0, SEEK_END), waiting));
	close(full[0]);
	close(full[1]);
	close(file);
	demolish(b);
}

/* For a moment the socket may wait (move_off_socket): never where no byte can be had. */
Test(join, an_urgent_byte_holds_up_no_one)
{
	struct bridge *b = build(TCP, PIPE, false);
	int fd = b->join.from->link.fd;

	feed(b, 100000);
	cr_assert(eq(int, (int)send(b->in, "!", 1, MSG_OOB), 1));
	feed(b, 100000);
	for (int turn = 0; turn < 100; turn++) {
		int64_t began_ms = clock_ms();

		scene_turn(&b->sc, 1);
		cr_assert(lt(i64, clock_ms() - began_ms, 1000));
		cr_assert(ne(int, fcntl(fd, F_GETFL) & O_NONBLOCK, 0));
		drain(b, 200000);
	}
	cr_assert(eq(sz, b->taken, b->put + 1), "the urgent byte is one of them");
	demolish(b);
}

/* ---- what breaks ---- */

Test(join, a_peer_that_resets_in_the_middle_fails_its_own_side)
{
	for (int by_hand = 0; by_hand < 2; by_hand++) {
		struct bridge *b = build(PIPE, SOCKET, by_hand);

		feed(b, 65536);
		scene_turn(&b->sc, 5);
		close(b->out); /* with input unread */
		b->out = -1;
		for (int turn = 0; turn < 50 && !b->to_closed; turn++) {
			feed(b, 65536);
			turn_for_ms(&b->sc.loop, 5);
		}
		cr_assert(b->failed);
		cr_assert(b->why.sys == EPIPE || b->why.sys == ECONNRESET, "%s", b->why.what);
		demolish(b);
	}
}

Test(join, a_sender_that_resets_is_no_end_in_order)
{
	for (int by_hand = 0; by_hand < 2; by_hand++) {
		struct bridge *b = build(SOCKET, PIPE, by_hand);

		conn_write(b->join.from, span_of("it will not be read"));
		feed(b, 5000);
		close(b->in);
		b->in = -1;
		for (int turn = 0; turn < 50 && !b->from_closed; turn++)
			turn_for_ms(&b->sc.loop, 5);
		cr_assert(b->failed);
		cr_assert(eq(int, b->why.sys, ECONNRESET), "%s", b->why.what);
		drain(b, MANY_BYTES);
		cr_assert(eq(sz, b->taken, 5000), "what came before is passed on");
		demolish(b);
	}
}

Test(join, output_whose_reader_has_gone_fails_its_own_side)
{
	for (int by_hand = 0; by_hand < 2; by_hand++) {
		struct bridge *b = build(SOCKET, PIPE, by_hand);

		close(b->out);
		b->out = -1;
		feed(b, 5000);
		for (int turn = 0; turn < 50 && !b->to_closed; turn++)
			turn_for_ms(&b->sc.loop, 5);
		cr_assert(b->failed);
		cr_assert(eq(int, b->why.sys, EPIPE), "%s", b->why.what);
		cr_assert(eq(uint, b->from_closed, 0));
		demolish(b);
	}
}

/* ---- what it keeps ---- */

Test(join, what_comes_without_a_reader_waits_for_the_next)
{
	struct bridge *b = build(PIPE, SOCKET, false);

	conn_finish(b->join.to);
	feed(b, 5000);
	scene_turn(&b->sc, 5);
	cr_assert(eq(sz, b->join.held.len, 5000));
	join_stop(&b->join);
	cr_assert(eq(sz, b->put, 5000));
	demolish(b);
}

Test(join, a_traced_one_makes_the_usual_calls)
{
	struct bridge *b = build(PIPE, SOCKET, false);
	struct trace trace;

	trace_begin(&trace, &b->sc.to);
	feed(b, 5000);
	scene_turn(&b->sc, 5);
	cr_assert(not(room_is_untouched(b)));
	trace_end(&trace);
	demolish(b);
}
