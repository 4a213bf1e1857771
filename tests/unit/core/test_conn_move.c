#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "core/conn.h"
#include "peer.h"
#include "report/trace.h"
#include "script.h"
#include "transport/fd.h"
#include "transport/tcp.h"

/* What one call of conn_move does, and what it says; what a whole join does is in test_join.c. */

TestSuite(conn_move, .timeout = 20);

/* Two connections; the test holds their other ends. */
struct pair {
	struct loop loop;
	struct reporter to;
	struct scratch scratch;
	struct conn_owner owners[2];
	struct conn *from, *into;
	unsigned closed;
	struct err why;
	int in, out;
	unsigned descriptors;
};

static void on_closed(struct conn *c, const struct err *why)
{
	struct pair *p = conn_ctx(c);

	p->closed++;
	if (why)
		p->why = *why;
	*(c == p->from ? &p->from : &p->into) = NULL;
}

static void on_data(struct conn *c, struct span in)
{
	(void)c;
	(void)in;
}

static void on_eof(struct conn *c)
{
	(void)c;
}

static const struct handler handler = {.data = on_data, .eof = on_eof, .closed = on_closed};

static struct conn *join(struct pair *p, int i, const struct link *link, enum conn_sides sides)
{
	struct conn *c;

	p->owners[i] = (struct conn_owner){
		.loop = &p->loop, .to = &p->to, .scratch = &p->scratch, .on = &handler, .ctx = p};
	conn_owner_init(&p->owners[i]);
	c = conn_new(&p->owners[i], link, NULL, sides);
	conn_open(c);
	conn_pause(c);
	return c;
}

/* A TCP connection: ours, and the test's. */
static void connect_ends(int ends[2])
{
	struct addr at;
	int listener = bound_socket(AF_INET, 1, &at);

	ends[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert(eq(int, connect(ends[1], &at.sa, at.len), 0));
	ends[0] = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	cr_assert(ge(int, ends[0], 0));
	cr_assert(eq(int, fcntl(ends[1], F_SETFL, O_NONBLOCK), 0));
	close(listener);
}

static struct link pipe_link(struct pair *p, int fd, enum conn_sides sides)
{
	struct link link;

	fd_open(&p->to, fd, sides, &link);
	link.vacates = false; /* it is none of 0, 1, 2 */
	link.origin = -1;
	return link;
}

static struct link tcp_link(struct pair *p, int fd)
{
	struct link link = link_of(&transport_tcp, &p->to);

	link.fd = fd;
	return link;
}

/* From a pipe or a socket into a pipe or a socket. */
static void begin(struct pair *p, bool from_socket, bool into_socket)
{
	struct link from, into;
	struct err err;
	int ends[2];

	*p = (struct pair){.to = silent_reporter(), .descriptors = open_descriptors()};
	signal(SIGPIPE, SIG_IGN);
	cr_assert(eq(int, loop_init(&p->loop, &err), 0));
	cr_assert(eq(int, scratch_init(&p->scratch), 0));
	if (from_socket)
		connect_ends(ends);
	else
		cr_assert(eq(int, pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0));
	p->in = ends[1];
	from = from_socket ? tcp_link(p, ends[0]) : pipe_link(p, ends[0], CONN_READS);
	if (into_socket)
		connect_ends(ends);
	else
		cr_assert(eq(int, pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0));
	p->out = ends[into_socket];
	into = into_socket ? tcp_link(p, ends[0]) : pipe_link(p, ends[1], CONN_WRITES);
	p->from = join(p, 0, &from, from_socket ? CONN_BOTH : CONN_READS);
	p->into = join(p, 1, &into, into_socket ? CONN_BOTH : CONN_WRITES);
}

static void end(struct pair *p)
{
	conn_owner_free(&p->owners[0]);
	conn_owner_free(&p->owners[1]);
	scratch_free(&p->scratch, &p->to);
	loop_free(&p->loop);
	if (p->in >= 0)
		close(p->in);
	if (p->out >= 0)
		close(p->out);
	cr_assert(eq(uint, open_descriptors(), p->descriptors));
}

static void say(struct pair *p, const char *text)
{
	cr_assert(eq(long, write(p->in, text, strlen(text)), (long)strlen(text)));
}

static bool hears(struct pair *p, const char *text)
{
	char heard[100] = "";
	ssize_t n = read(p->out, heard, sizeof(heard) - 1);

	return n == (ssize_t)strlen(text) && strcmp(heard, text) == 0;
}

Test(conn_move, moves_what_is_there_and_counts_it)
{
	static const struct {
		bool from_socket, into_socket;
	} ways[] = {{false, true}, {true, false}, {true, true}};

	for (size_t i = 0; i < 3; i++) {
		struct pair p;

		begin(&p, ways[i].from_socket, ways[i].into_socket);
		cr_assert(eq(int, conn_move(p.from, p.into), MOVED_NOTHING), "nothing is there");
		say(&p, "bytes");
		cr_assert(eq(int, conn_move(p.from, p.into), MOVED_SOME));
		cr_assert(hears(&p, "bytes"));
		cr_assert(eq(u64, conn_received(p.from), 5));
		cr_assert(eq(u64, conn_sent(p.into), 5));
		end(&p);
	}
}

Test(conn_move, what_has_to_be_looked_at_is_not_moved)
{
	struct pair p;
	struct trace trace;

	begin(&p, false, false);
	say(&p, "x");
	cr_assert(eq(int, conn_move(p.from, p.into), MOVED_NOTHING), "from pipe to pipe");
	end(&p);
	begin(&p, false, true);
	say(&p, "x");
	trace_begin(&trace, &p.to);
	cr_assert(eq(int, conn_move(p.from, p.into), MOVED_NOTHING), "a trace shows bytes");
	trace_end(&trace);
	p.owners[0].receive_max = 10;
	cr_assert(eq(int, conn_move(p.from, p.into), MOVED_NOTHING), "they are counted");
	p.owners[0].receive_max = 0;
	cr_assert(eq(int, conn_move(p.from, p.into), MOVED_SOME));
	conn_finish(p.into);
	say(&p, "y");
	cr_assert(eq(int, conn_move(p.from, p.into), MOVED_NOTHING), "its end has been passed on");
	end(&p);
}

Test(conn_move, waits_for_one_that_has_no_room)
{
	static const char much[4096] = "x";
	enum moved moved = MOVED_SOME;
	struct pair p;

	begin(&p, false, true);
	for (int i = 0; i < 100000 && moved == MOVED_SOME; i++) {
		cr_assert(eq(long, write(p.in, much, sizeof(much)), (long)sizeof(much)));
		moved = conn_move(p.from, p.into);
	}
	cr_assert(eq(int, moved, MOVED_LATER));
	end(&p);
}

Test(conn_move, one_that_has_gone_is_lost_and_the_other_is_not)
{
	const struct linger at_once = {.l_onoff = 1};
	struct pair p;

	begin(&p, false, true);
	cr_assert(eq(int, setsockopt(p.out, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0));
	close(p.out);
	p.out = -1;
	say(&p, "x");
	TURN_UNTIL(&p.loop, !p.into || (conn_move(p.from, p.into), !p.into));
	cr_assert(eq(uint, p.closed, 1));
	cr_assert(ne(ptr, p.from, NULL));
	end(&p);
}

Test(conn_move, the_error_of_a_socket_is_told_by_the_one_that_reads)
{
	const struct linger at_once = {.l_onoff = 1};
	struct pair p;

	begin(&p, true, false);
	cr_assert(eq(int, setsockopt(p.in, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0));
	close(p.in);
	p.in = -1;
	conn_move(p.from, p.into);
	conn_resume(p.from);
	TURN_UNTIL(&p.loop, !p.from);
	cr_assert(eq(int, p.why.sys, ECONNRESET), "%s", p.why.what);
	cr_assert(ne(ptr, p.into, NULL));
	end(&p);
}

Test(conn_move, without_descriptors_for_a_pipe_of_ours_nothing_moves)
{
	struct rlimit before;
	enum moved moved;
	struct pair p;

	begin(&p, true, true);
	say(&p, "bytes");
	before = allow_no_more_descriptors();
	moved = conn_move(p.from, p.into);
	setrlimit(RLIMIT_NOFILE, &before);
	cr_assert(eq(int, moved, MOVED_NOTHING));
	cr_assert(eq(int, conn_move(p.from, p.into), MOVED_SOME));
	cr_assert(hears(&p, "bytes"));
	end(&p);
}
