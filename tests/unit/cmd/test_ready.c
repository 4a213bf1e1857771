#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "cmd/ready.h"
#include "directory.h"
#include "os/timer.h"
#include "script.h"

TestSuite(cmd_ready, .timeout = 20, .init = directory_enter, .fini = directory_leave);

/* A server that tells a place that it is ready. */
struct tells {
	struct loop loop;
	struct reporter to;
	struct ready ready;
	unsigned failed;
	struct err why;
};

static void on_failed(void *arg, const struct err *why)
{
	struct tells *t = arg;

	t->failed++;
	t->why = *why;
}

static void begin(struct tells *t, const char *place)
{
	struct err err = {0};

	signal(SIGPIPE, SIG_IGN);
	*t = (struct tells){.to = silent_reporter()};
	cr_assert(eq(int, loop_init(&t->loop, &err), 0));
	cr_assert(eq(int, ready_prepare(&t->ready, &t->to, place, &err), 0), "%s", err.what);
	cr_assert(eq(int, ready_begin(&t->ready, &t->loop, on_failed, t), 0));
}

static void end(struct tells *t)
{
	ready_end(&t->ready);
	ready_end(&t->ready);
	cr_assert(eq(u32, t->loop.timers_counted, 0));
	loop_free(&t->loop);
}

static void pass_ms(struct tells *t, int64_t ms)
{
	t->loop.now_ms += ms;
	timers_run(&t->loop);
}

Test(cmd_ready, a_fifo_is_written_to_once_it_has_a_reader)
{
	struct tells t;
	struct err err;
	char heard[20] = "";
	int reader;

	cr_assert(eq(int, mkfifo("fifo", 0600), 0));
	begin(&t, "fifo");
	cr_assert(eq(int, ready_tell(&t.ready, "127.0.0.1 1", &err), 0));
	pass_ms(&t, 1000);
	reader = open("fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	cr_assert(eq(long, read(reader, heard, sizeof(heard) - 1), 0), "not open yet");
	pass_ms(&t, 100);
	cr_assert(eq(long, read(reader, heard, sizeof(heard) - 1), 12));
	cr_assert(eq(str, heard, "127.0.0.1 1\n"));
	cr_assert(eq(long, read(reader, heard, sizeof(heard) - 1), 0), "all of it is there");
	cr_assert(eq(uint, t.failed, 0));
	close(reader);
	end(&t);
	unlink("fifo");
}

Test(cmd_ready, a_file_in_the_fifos_place_is_left_alone_and_that_is_said)
{
	struct tells t;
	struct stat about;
	struct err err;
	int fd;

	cr_assert(eq(int, mkfifo("fifo", 0600), 0));
	begin(&t, "fifo");
	cr_assert(eq(int, ready_tell(&t.ready, "127.0.0.1 1", &err), 0));
	unlink("fifo");
	fd = open("fifo", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	pass_ms(&t, 1000);
	cr_assert(eq(uint, t.failed, 1));
	cr_assert(eq(int, t.why.sys, EEXIST), "%s", t.why.what);
	cr_assert(strstr(t.why.what, "'--ready' 'fifo'") != NULL, "%s", t.why.what);
	cr_assert(eq(int, fstat(fd, &about), 0));
	cr_assert(eq(long, about.st_size, 0));
	close(fd);
	pass_ms(&t, 1000);
	cr_assert(eq(uint, t.failed, 1));
	end(&t);
	unlink("fifo");
}

Test(cmd_ready, a_fifo_that_has_gone_is_said)
{
	struct tells t;
	struct err err;

	cr_assert(eq(int, mkfifo("fifo", 0600), 0));
	begin(&t, "fifo");
	cr_assert(eq(int, ready_tell(&t.ready, "127.0.0.1 1", &err), 0));
	unlink("fifo");
	pass_ms(&t, 1000);
	cr_assert(eq(uint, t.failed, 1));
	cr_assert(eq(int, t.why.sys, ENOENT), "%s", t.why.what);
	end(&t);
}

Test(cmd_ready, a_pipe_without_room_waits_and_one_without_a_reader_fails)
{
	static char much[1 << 16];
	struct tells t;
	struct err err = {0};
	char place[12];
	int ends[2];

	cr_assert(eq(int, pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0));
	snprintf(place, sizeof(place), "/dev/fd/%d", ends[1]);
	begin(&t, place);
	cr_assert(eq(long, write(ends[1], much, sizeof(much)), (long)sizeof(much)));
	cr_assert(eq(int, ready_tell(&t.ready, "127.0.0.1 1", &err), 0), "%s", err.what);
	pass_ms(&t, 1000);
	cr_assert(eq(uint, t.failed, 0));
	close(ends[0]);
	pass_ms(&t, 1000);
	cr_assert(eq(uint, t.failed, 1));
	cr_assert(eq(int, t.why.sys, EPIPE), "%s", t.why.what);
	cr_assert(eq(str, t.why.hint, "its reader has gone"));
	end(&t);
}
