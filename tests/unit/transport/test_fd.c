#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "directory.h"
#include "script.h"
#include "transport/fd.h"

TestSuite(fd, .timeout = 20);

/* A link over one end of something. */
struct opened {
	struct reporter to;
	struct link link;
	int flags; /* of the descriptor, before */
	int other; /* the other end, or -1 */
};

static void open_link(struct opened *o, int fd, enum conn_sides sides)
{
	o->to = silent_reporter();
	o->flags = fcntl(fd, F_GETFL);
	fd_open(&o->to, fd, sides, &o->link);
	cr_assert(eq(int, o->link.origin, fd));
}

static void open_pipe(struct opened *o, enum conn_sides sides)
{
	int ends[2];

	cr_assert(eq(int, pipe2(ends, O_CLOEXEC), 0));
	o->other = ends[sides == CONN_READS];
	open_link(o, ends[sides == CONN_WRITES], sides);
}

/* Close it, and the number that this leaves taken, and the other end. */
static void put_away(struct opened *o)
{
	o->link.via->close(&o->link);
	close(o->link.origin);
	if (o->other >= 0)
		close(o->other);
}

static enum io put(struct opened *o, const char *text, size_t *taken)
{
	*taken = 0;
	return o->link.via->write(&o->link, span_of(text), taken);
}

static enum io get(struct opened *o, struct lines *into)
{
	size_t got = 0;
	enum io verdict =
		o->link.via->read(&o->link, (uint8_t *)into->text, sizeof(into->text) - 1, &got);

	into->text[got] = '\0';
	into->len = got;
	return verdict;
}

static void flags_are_as_before(const struct opened *o)
{
	cr_assert(eq(int, fcntl(o->link.origin, F_GETFL), o->flags));
	cr_assert(eq(int, o->flags &O_NONBLOCK, 0));
}

/* How much fits until it says to wait. */
static size_t fill(struct opened *o)
{
	static char much[1 << 16];
	size_t taken, all = 0;
	enum io verdict;

	memset(much, 'x', sizeof(much) - 1);
	while ((verdict = put(o, much, &taken)) == IO_DONE && all < (16 << 20))
		all += taken;
	cr_assert(eq(int, verdict, IO_AGAIN), "it neither blocks nor ends");
	return all;
}

/* ---- pipes ---- */

Test(fd, a_full_pipe_asks_to_wait_and_its_flags_stay_as_they_were)
{
	struct opened o;

	open_pipe(&o, CONN_WRITES);
	cr_assert(ge(sz, fill(&o), 4096));
	flags_are_as_before(&o);
	put_away(&o);
}

Test(fd, an_empty_pipe_asks_to_wait_and_its_flags_stay_as_they_were)
{
	struct opened o;
	struct lines in;

	open_pipe(&o, CONN_READS);
	cr_assert(eq(int, get(&o, &in), IO_AGAIN));
	flags_are_as_before(&o);
	cr_assert(eq(sz, (size_t)write(o.other, "words", 5), 5));
	cr_assert(eq(int, get(&o, &in), IO_DONE));
	cr_assert(eq(str, in.text, "words"));
	close(o.other);
	o.other = -1;
	cr_assert(eq(int, get(&o, &in), IO_EOF));
	put_away(&o);
}

Test(fd, a_pipe_whose_reader_has_gone_fails_with_epipe)
{
	struct opened o;
	size_t taken;

	signal(SIGPIPE, SIG_IGN);
	open_pipe(&o, CONN_WRITES);
	close(o.other);
	o.other = -1;
	cr_assert(eq(int, put(&o, "x", &taken), IO_FAIL));
	cr_assert(eq(int, o.link.error, EPIPE));
	put_away(&o);
}

Test(fd, closing_it_lets_the_reader_see_the_end_and_leaves_the_number_taken)
{
	struct opened o;
	struct stat about;
	char byte;
	int fd;

	open_pipe(&o, CONN_WRITES);
	fd = o.link.origin;
	cr_assert(eq(int, o.link.via->close(&o.link), 0));
	cr_assert(eq(int, (int)read(o.other, &byte, 1), 0));
	cr_assert(eq(int, fstat(fd, &about), 0));
	cr_assert(eq(int, about.st_mode &S_IFMT, S_IFCHR));
	cr_assert(eq(int, (int)write(fd, "x", 1), -1), "nothing can be written there any more");
	close(fd);
	close(o.other);
}

Test(fd, closing_the_reader_lets_the_writer_see_it)
{
	struct opened o;

	signal(SIGPIPE, SIG_IGN);
	open_pipe(&o, CONN_READS);
	o.link.via->close(&o.link);
	cr_assert(eq(int, (int)write(o.other, "x", 1), -1));
	cr_assert(eq(int, errno, EPIPE));
	close(o.link.origin);
	close(o.other);
}

Test(fd, no_descriptor_is_left_over)
{
	unsigned before = open_descriptors();
	struct opened o;

	open_pipe(&o, CONN_WRITES);
	put_away(&o);
	open_pipe(&o, CONN_READS);
	o.link.via->close(&o.link);
	close(o.other);
	cr_assert(eq(uint, open_descriptors(), before + 1), "the number alone stays");
	close(o.link.origin);
}

Test(fd, an_end_for_reading_is_not_made_writable)
{
	struct opened o = {.other = -1};
	struct lines in;
	size_t taken;
	int ends[2];

	cr_assert(eq(int, pipe2(ends, O_CLOEXEC), 0));
	open_link(&o, ends[0], CONN_WRITES);
	cr_assert(eq(int, put(&o, "x", &taken), IO_FAIL));
	cr_assert(eq(int, o.link.error, EBADF));
	put_away(&o);
	o.other = -1;
	open_link(&o, ends[1], CONN_READS);
	cr_assert(eq(int, get(&o, &in), IO_FAIL));
	cr_assert(eq(int, o.link.error, EBADF));
	put_away(&o);
}

Test(fd, a_pipe_that_cannot_be_opened_anew_never_blocks_either)
{
	struct rlimit before;
	struct opened o;
	int ends[2];

	cr_assert(eq(int, pipe2(ends, O_CLOEXEC), 0));
	o.other = ends[0];
	before = allow_no_more_descriptors();
	open_link(&o, ends[1], CONN_WRITES);
	cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &before), 0));
	cr_assert(eq(int, o.link.fd, ends[1]), "it is the inherited one itself");
	cr_assert(ge(sz, fill(&o), PIPE_BUF));
	flags_are_as_before(&o);
	put_away(&o);
}

Test(fd, a_device_is_written_no_more_at_a_time_than_surely_fits)
{
	static char much[1 << 16];
	struct opened o = {.other = -1};
	size_t taken;

	memset(much, 'x', sizeof(much) - 1);
	open_link(&o, open("/dev/urandom", O_WRONLY | O_CLOEXEC), CONN_WRITES);
	cr_assert(eq(int, put(&o, much, &taken), IO_DONE));
	cr_assert(eq(sz, taken, PIPE_BUF));
	flags_are_as_before(&o);
	put_away(&o);
}

Test(fd, what_is_written_to_dev_null_is_taken_at_once)
{
	static char much[1 << 16];
	struct opened o = {.other = -1};
	size_t taken;

	memset(much, 'x', sizeof(much) - 1);
	open_link(&o, open("/dev/null", O_WRONLY | O_CLOEXEC), CONN_WRITES);
	cr_assert(eq(int, put(&o, much, &taken), IO_DONE));
	cr_assert(eq(sz, taken, sizeof(much) - 1));
	put_away(&o);
}

Test(fd, a_full_disk_is_a_failure_of_its_own)
{
	struct opened o = {.other = -1};
	size_t taken;

	open_link(&o, open("/dev/full", O_WRONLY | O_CLOEXEC), CONN_WRITES);
	cr_assert(eq(int, put(&o, "x", &taken), IO_FAIL));
	cr_assert(eq(int, o.link.error, ENOSPC));
	put_away(&o);
}

/* ---- sockets, files, terminals, nothing ---- */

Test(fd, an_inherited_socket_never_blocks_and_its_flags_stay_as_they_were)
{
	struct opened o = {.other = -1};
	struct lines in;
	size_t taken;
	int ends[2];

	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0));
	open_link(&o, ends[0], CONN_READS);
	cr_assert(eq(int, get(&o, &in), IO_AGAIN));
	cr_assert(gt(sz, fill(&o), 0));
	flags_are_as_before(&o);
	signal(SIGPIPE, SIG_DFL);
	close(ends[1]);
	cr_assert(eq(int, put(&o, "x", &taken), IO_FAIL), "and no signal ends us");
	put_away(&o);
}

Test(fd, a_file_is_written_after_what_others_write_through_the_same_descriptor)
{
	char path[] = "/tmp/sockx-unit-XXXXXX", text[20] = "";
	int fd = mkostemp(path, O_CLOEXEC);
	struct opened o = {.other = -1};
	size_t taken;

	open_link(&o, fd, CONN_WRITES);
	cr_assert(eq(int, (int)write(fd, "one ", 4), 4));
	cr_assert(eq(int, put(&o, "two ", &taken), IO_DONE));
	cr_assert(eq(int, (int)write(fd, "three", 5), 5));
	cr_assert(eq(int, (int)pread(fd, text, sizeof(text) - 1, 0), 13));
	cr_assert(eq(str, text, "one two three"));
	flags_are_as_before(&o);
	unlink(path);
	put_away(&o);
}

Test(fd, a_terminal_is_known_as_one_and_never_blocks)
{
	int master, slave;
	struct opened o = {.other = -1};
	struct lines in;

	cr_assert(eq(int, openpty(&master, &slave, NULL, NULL, NULL), 0));
	open_link(&o, slave, CONN_READS);
	cr_assert(o.link.terminal);
	cr_assert(eq(int, get(&o, &in), IO_AGAIN));
	flags_are_as_before(&o);
	put_away(&o);
	open_pipe(&o, CONN_READS);
	cr_assert(not(o.link.terminal));
	put_away(&o);
	o.other = -1;
	open_link(&o, open("/dev/null", O_RDONLY | O_CLOEXEC), CONN_READS);
	cr_assert(not(o.link.terminal));
	put_away(&o);
	close(master);
}

/* In a session of its own: a terminal that only /dev/tty opens, as after su(1). Returns an exit
 * status. */
static int fill_our_terminal(int slave)
{
	static char lines[3000];
	enum io verdict;
	struct opened o;
	size_t taken;

	if (setsid() < 0 || ioctl(slave, TIOCSCTTY, 0) < 0)
		return 2;
	be_nobody();
	alarm(2);
	open_link(&o, slave, CONN_WRITES);
	memset(lines, '\n', sizeof(lines) - 1); /* each becomes two bytes */
	while ((verdict = put(&o, lines, &taken)) == IO_DONE)
		;
	return verdict == IO_AGAIN && fcntl(slave, F_GETFL) == o.flags ? 0 : 1;
}

Test(fd, our_terminal_never_blocks_though_it_is_another_users)
{
	int master, slave, status;
	pid_t pid;

	cr_assert(eq(int, openpty(&master, &slave, NULL, NULL, NULL), 0));
	cr_assert(eq(int, fchmod(slave, 0), 0));
	pid = fork();
	if (pid == 0)
		_exit(fill_our_terminal(slave));
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	cr_assert(eq(int, status, 0), "14 is SIGALRM: it was stuck");
	close(master);
	close(slave);
}

Test(fd, one_that_is_not_open_fails_when_it_is_used)
{
	struct opened o = {.to = silent_reporter()};
	struct lines in;
	size_t taken;

	fd_open(&o.to, 999, CONN_READS, &o.link);
	cr_assert(eq(int, get(&o, &in), IO_FAIL));
	cr_assert(eq(int, o.link.error, EBADF));
	cr_assert(eq(int, put(&o, "x", &taken), IO_FAIL));
}

Test(fd, an_own_pipe_is_read_and_written_and_closed_with_its_link)
{
	struct reporter to = silent_reporter();
	unsigned open = open_descriptors();
	struct link reads, writes;
	uint8_t room[8];
	size_t moved;
	int ends[2];

	cr_assert(eq(int, pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0));
	fd_own_pipe(&to, ends[0], CONN_READS, &reads);
	fd_own_pipe(&to, ends[1], CONN_WRITES, &writes);
	cr_assert(eq(int, reads.via->read(&reads, room, sizeof(room), &moved), IO_AGAIN));
	cr_assert(eq(int, writes.via->write(&writes, span_of("abc"), &moved), IO_DONE));
	cr_assert(eq(int, reads.via->read(&reads, room, sizeof(room), &moved), IO_DONE));
	cr_assert(eq(sz, moved, 3));
	writes.via->close(&writes);
	cr_assert(eq(int, reads.via->read(&reads, room, sizeof(room), &moved), IO_EOF));
	reads.via->close(&reads);
	cr_assert(eq(uint, open_descriptors(), open));
}

/* Reading what is not mapped fails as a terminal does whose other side has just gone. */
Test(fd, a_terminal_that_has_gone_waits_a_moment_for_the_signal_that_says_so)
{
	struct opened o = {.other = -1};
	int64_t since_ms = clock_ms();
	uint8_t room[8];
	size_t got;

	open_link(&o, open("/proc/self/mem", O_RDONLY | O_CLOEXEC), CONN_READS);
	cr_assert(eq(int, o.link.via->read(&o.link, room, sizeof(room), &got), IO_FAIL));
	cr_assert(eq(int, o.link.error, EIO));
	o.link.terminal = true;
	cr_assert(eq(int, o.link.via->read(&o.link, room, sizeof(room), &got), IO_AGAIN));
	signal(SIGHUP, SIG_IGN);
	cr_assert(eq(int, o.link.via->read(&o.link, room, sizeof(room), &got), IO_FAIL));
	signal(SIGHUP, SIG_DFL);
	while (o.link.via->read(&o.link, room, sizeof(room), &got) == IO_AGAIN)
		cr_assert(lt(i64, clock_ms(), since_ms + 10000));
	cr_assert(ge(i64, clock_ms(), since_ms + 200));
	link_forget(&o.link);
	put_away(&o);
}
