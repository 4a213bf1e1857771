#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "core/descriptor.h"
#include "script.h"
#include "transport/fd.h"

/* Descriptors that we were given, as connections. */
TestSuite(descriptor, .timeout = 20);

/* One of them, with what happens on it. */
struct opened {
	struct scene sc;
	struct conn_owner owner;
	struct conn *conn; /* NULL: it is over */
	bool failed;
	struct err why;
};

static void echo(struct conn *c, struct span in)
{
	conn_write(c, in);
}

static void note_end(struct conn *c, const struct err *why)
{
	struct opened *o = conn_ctx(c);

	o->conn = NULL;
	o->failed = why != NULL;
	if (why)
		o->why = *why;
}

static const struct handler echoing = {.data = echo, .eof = conn_finish, .closed = note_end};

static void open_one(struct opened *o, const struct descriptor *what)
{
	*o = (struct opened){0};
	scene_begin(&o->sc, &echoing);
	o->owner = (struct conn_owner){.loop = &o->sc.loop,
		.to = &o->sc.to,
		.scratch = &o->sc.scratch,
		.on = &echoing,
		.ctx = o};
	o->conn = descriptor_open(&o->owner, what, fd_open);
	cr_assert(o->conn != NULL);
}

/* Its number stays taken by what fd_open left there. */
static void put_away(struct opened *o, int fd)
{
	conn_owner_free(&o->owner);
	scene_turn(&o->sc, 1);
	scene_end(&o->sc);
	close(fd);
}

Test(descriptor, one_that_we_read_and_write_is_one_connection)
{
	struct opened o;
	char answer[8];
	int ends[2];

	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0));
	open_one(&o, &(struct descriptor){ends[0], CONN_BOTH, "the program"});
	cr_assert(eq(int, (int)write(ends[1], "word", 4), 4));
	scene_turn(&o.sc, 3);
	cr_assert(eq(int, (int)recv(ends[1], answer, sizeof(answer), MSG_DONTWAIT), -1),
		"it is paused at first");
	conn_resume(o.conn);
	scene_turn(&o.sc, 3);
	cr_assert(eq(int, (int)recv(ends[1], answer, sizeof(answer), MSG_DONTWAIT), 4));
	cr_assert(eq(int, fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0));
	conn_finish(o.conn);
	scene_turn(&o.sc, 3);
	cr_assert(eq(int, (int)recv(ends[1], answer, sizeof(answer), MSG_DONTWAIT), 0),
		"our end is passed on, though we still read");
	cr_assert(o.conn != NULL);
	shutdown(ends[1], SHUT_WR);
	scene_turn(&o.sc, 3);
	cr_assert(eq(ptr, (void *)o.conn, NULL));
	cr_assert(not(o.failed), "%s", o.why.what);
	put_away(&o, ends[0]);
	close(ends[1]);
}

Test(descriptor, messages_call_it_as_it_was_opened)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct opened o;

	open_one(&o, &(struct descriptor){fd, CONN_WRITES, "the log"});
	conn_write(o.conn, span_of("line"));
	scene_turn(&o.sc, 3);
	cr_assert(eq(str, o.why.what, "cannot write to the log: No space left on device"));
	put_away(&o, fd);
}

Test(descriptor, one_that_was_given_for_the_other_use_fails_when_it_is_used)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct opened o;

	open_one(&o, &(struct descriptor){fd, CONN_BOTH, "the program"});
	conn_write(o.conn, span_of("line"));
	scene_turn(&o.sc, 3);
	cr_assert(o.failed);
	cr_assert(eq(str, o.why.what, "cannot write to the program: Bad file descriptor"));
	put_away(&o, fd);
}
