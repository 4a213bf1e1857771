#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "directory.h"
#include "peer.h"
#include "script.h"
#include "words.h"

TestSuite(serve_ready, .timeout = 20);

/* What a server that listens on these hosts, and ends soon, writes to --ready. */
static void tells(const char *one, const char *other, char *told, size_t size)
{
	struct reporter to = silent_reporter();
	static struct outcome o;
	char ready[12];
	ssize_t n;
	int ends[2];

	cr_assert(eq(int, pipe2(ends, O_CLOEXEC), 0));
	snprintf(ready, sizeof(ready), "%d", ends[1]);
	run_with(WORDS("serve", "-m", "echo", "-p", "0", "--max-time", "1ms", "--ready", ready,
			 "-H", one, other ? "-H" : "-Q", other),
		"", &to, &o);
	cr_assert(eq(int, o.rc, 0), "%s", o.err.what);
	n = read(ends[0], told, size - 1);
	told[n > 0 ? n : 0] = '\0';
	close(ends[0]);
}

Test(serve_ready, every_address_is_told_as_the_loopback_one)
{
	char told[64];

	tells("127.0.0.1", NULL, told, sizeof(told));
	cr_expect(eq(int, strncmp(told, "127.0.0.1 ", 10), 0), "%s", told);
	tells("0.0.0.0", NULL, told, sizeof(told));
	cr_expect(eq(int, strncmp(told, "127.0.0.1 ", 10), 0), "%s", told);
	needs_ipv6();
	tells("::", NULL, told, sizeof(told));
	cr_expect(eq(int, strncmp(told, "::1 ", 4), 0), "%s", told);
	tells("::", "0.0.0.0", told, sizeof(told));
	cr_expect(eq(int, strncmp(told, "127.0.0.1 ", 10), 0), "IPv4, where both are: %s", told);
	tells("::", "127.0.0.1", told, sizeof(told));
	cr_expect(eq(int, strncmp(told, "::1 ", 4), 0), "the first, where one is not: %s", told);
}

Test(serve_ready, one_that_cannot_be_told_ends_the_server, .init = directory_enter,
	.fini = directory_leave)
{
	struct reporter to = silent_reporter();
	static struct outcome o;
	pid_t remover;

	cr_assert(eq(int, mkfifo("fifo", 0600), 0));
	run_with(WORDS("serve", "-m", "echo", "-H", "127.0.0.1", "-p", "0", "--ready", "fifo",
			 "--max-time", "30ms"),
		"", &to, &o);
	cr_expect(eq(int, o.rc, 0), "without a reader, it serves: %s", o.err.what);
	remover = fork();
	if (remover == 0) {
		usleep(20000);
		unlink("fifo");
		_exit(0);
	}
	run_with(WORDS("serve", "-m", "echo", "-H", "127.0.0.1", "-p", "0", "--ready", "fifo",
			 "--max-time", "5s"),
		"", &to, &o);
	cr_expect(eq(int, o.rc, -1));
	cr_expect(eq(int, o.err.kind, ERR_RUNTIME), "%s", o.err.what);
	cr_expect(eq(int, o.err.sys, ENOENT));
	waitpid(remover, NULL, 0);
}

static void is_refused(const char *const *words, const char *what)
{
	struct reporter to = silent_reporter();
	static struct outcome o;

	run_with(words, "", &to, &o);
	cr_expect(eq(int, o.rc, -1));
	cr_expect(eq(int, o.err.kind, ERR_USAGE));
	cr_expect(strstr(o.err.what, what) != NULL, "%s", o.err.what);
}

Test(serve_ready, what_cannot_be_meant_is_refused)
{
	is_refused(WORDS("serve", "-m", "echo", "-p", "0", "--log", "x"),
		"'--log' needs '--background'");
	is_refused(
		WORDS("serve", "-p", "0", "--background"), "'--background' is not for mode pipe");
}

Test(serve_ready, more_sockets_than_a_server_has_are_refused)
{
	char pid[20];

	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "65", 1);
	is_refused(WORDS("serve", "-m", "echo"), "more than 64 addresses");
}
