#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "os/write_out.h"
#include "script.h"

TestSuite(write_out, .timeout = 20);

Test(write_out, all_of_a_text_is_written_or_it_says_why_not)
{
	struct reporter to = silent_reporter();
	struct err err = {0};
	char room[20] = "";
	int ends[2];

	signal(SIGPIPE, SIG_IGN);
	cr_assert(eq(int, pipe2(ends, O_CLOEXEC), 0));
	cr_assert(eq(int, write_out(&to, ends[1], span_of("a page"), "the page", &err), 0));
	cr_assert(eq(int, (int)read(ends[0], room, sizeof(room) - 1), 6));
	cr_assert(eq(str, room, "a page"));
	close(ends[0]);
	cr_assert(eq(int, write_out(&to, ends[1], span_of("x"), "the page", &err), -1));
	cr_assert(eq(int, err.kind, ERR_SIGPIPE));
	close(ends[1]);
	ends[1] = open("/dev/full", O_WRONLY | O_CLOEXEC);
	cr_assert(eq(int, write_out(&to, ends[1], span_of("x"), "the page", &err), -1));
	cr_assert(eq(int, err.kind, ERR_RUNTIME));
	cr_assert(eq(str, err.what, "cannot write to the page: No space left on device"));
	close(ends[1]);
}

static int slowly_read(int fd)
{
	char room[4096];
	ssize_t n;
	int all = 0;

	while ((n = read(fd, room, sizeof(room))) > 0)
		all += (int)n;
	return all == 1 << 20 ? 0 : 1;
}

Test(write_out, all_of_a_text_is_written_though_the_descriptor_does_not_block)
{
	enum { MUCH = 1 << 20 };
	char *much = malloc(MUCH);
	struct reporter to = silent_reporter();
	struct err err = {0};
	int ends[2], status = -1;
	pid_t child;

	cr_assert(ne(ptr, much, NULL));
	memset(much, 'x', MUCH);
	cr_assert(eq(int, pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0));
	child = fork();
	if (child == 0) {
		close(ends[1]);
		fcntl(ends[0], F_SETFL, 0);
		_exit(slowly_read(ends[0]));
	}
	close(ends[0]);
	cr_assert(eq(
		int, write_out(&to, ends[1], (struct span){(uint8_t *)much, MUCH}, "x", &err), 0));
	close(ends[1]);
	cr_assert(eq(int, waitpid(child, &status, 0), child));
	cr_assert(eq(int, status, 0));
	free(much);
}
