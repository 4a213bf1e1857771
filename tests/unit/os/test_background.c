#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "directory.h"
#include "os/background.h"
#include "script.h"

TestSuite(background, .timeout = 20);

static struct reporter to;

/* What the parent hears of a child that does so. */
static int hear_of(void (*does)(struct background *b), char *said, size_t size, struct err *err)
{
	struct background b;
	int rc;

	to = silent_reporter();
	cr_assert(eq(int, background_open(&b, &to, NULL, err), 0));
	rc = background_fork(&b, err);
	if (rc == 0) {
		does(&b);
		_exit(0);
	}
	cr_assert(eq(int, rc, 1), "%s", err->what);
	rc = background_wait(&b, said, size, err);
	background_end(&b);
	waitpid(b.child, NULL, 0);
	return rc;
}

static void is_ready(struct background *b)
{
	struct err err;

	if (getsid(0) == getpid())
		background_ready(b, "42 127.0.0.1 1\n", &err);
}

Test(background, the_parent_hears_what_a_child_with_a_session_of_its_own_says)
{
	char said[100];
	struct err err = {0};

	cr_assert(eq(int, hear_of(is_ready, said, sizeof(said), &err), 0), "%s", err.what);
	cr_assert(eq(str, said, "42 127.0.0.1 1\n"));
	cr_assert(eq(int, hear_of(is_ready, said, 6, &err), 0));
	cr_assert(eq(str, said, "42 12"), "as much as there is room for");
}

static void fails_with_3(struct background *b)
{
	(void)b;
	_exit(3);
}

static void is_killed(struct background *b)
{
	(void)b;
	raise(SIGKILL);
}

static void ends(struct background *b)
{
	(void)b;
}

Test(background, a_child_that_ends_without_a_word_has_failed)
{
	char said[100];
	struct err err = {0};

	cr_assert(eq(int, hear_of(fails_with_3, said, sizeof(said), &err), -1));
	cr_assert(eq(int, err.kind, 3), "its status is ours");
	cr_assert(eq(str, err.what, ""), "it has said why");
	cr_assert(eq(int, hear_of(is_killed, said, sizeof(said), &err), -1));
	cr_assert(strstr(err.what, "ended by signal 9") != NULL, "%s", err.what);
	cr_assert(eq(int, hear_of(ends, said, sizeof(said), &err), -1));
	cr_assert(strstr(err.what, "ended before it was ready") != NULL, "%s", err.what);
	cr_assert(eq(int, err.kind, ERR_RUNTIME));
}

static void waits_for_ever(struct background *b)
{
	is_ready(b);
	pause();
}

Test(background, a_child_whose_word_cannot_be_passed_on_is_ended)
{
	struct background b;
	struct err err = {0};
	char said[100];
	int rc, status = 0;

	to = silent_reporter();
	cr_assert(eq(int, background_open(&b, &to, NULL, &err), 0));
	rc = background_fork(&b, &err);
	if (rc == 0)
		waits_for_ever(&b);
	cr_assert(eq(int, background_wait(&b, said, sizeof(said), &err), 0));
	background_stop(&b);
	cr_assert(eq(int, waitpid(b.child, &status, 0), b.child));
	cr_assert(eq(int, WIFSIGNALED(status) ? WTERMSIG(status) : 0, SIGTERM));
	background_end(&b);
}

static bool is_null(int fd)
{
	struct stat null, about;

	return stat("/dev/null", &null) == 0 && fstat(fd, &about) == 0 &&
	       about.st_rdev == null.st_rdev && S_ISCHR(about.st_mode);
}

/* background_ready in this process, whose standard descriptors are as before after it; the other
 * end of its pipe is closed if there is no parent. */
static int ready_here(const char *log, bool parent, char *heard, size_t size, struct err *err)
{
	int own[3], ends[2], rc;
	struct background b;
	ssize_t n = 0;

	to = silent_reporter();
	signal(SIGPIPE, SIG_IGN);
	cr_assert(eq(int, background_open(&b, &to, log, err), 0), "%s", err->what);
	for (int i = 0; i < 3; i++)
		own[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
	cr_assert(eq(int, pipe2(ends, O_CLOEXEC), 0));
	if (!parent)
		close(ends[0]);
	b.pipe = ends[1];
	rc = background_ready(&b, "word\n", err);
	if (rc == 0 && !(is_null(STDIN_FILENO) && is_null(STDOUT_FILENO) && b.log < 0 &&
			       write(STDERR_FILENO, "logged\n", 7) == 7))
		rc = -2;
	background_end(&b);
	for (int i = 0; i < 3; i++) {
		dup2(own[i], i);
		close(own[i]);
	}
	if (parent) {
		n = read(ends[0], heard, size - 1);
		close(ends[0]);
	}
	heard[n > 0 ? n : 0] = '\0';
	return rc;
}

Test(background, standard_error_is_the_log_and_the_other_two_are_nothing, .init = directory_enter,
	.fini = directory_leave)
{
	struct err err = {0};
	char heard[20], logged[20] = "";
	int fd;

	for (int i = 0; i < 2; i++) {
		cr_assert(eq(int, ready_here("log", true, heard, sizeof(heard), &err), 0), "%s",
			err.what);
		cr_assert(eq(str, heard, "word\n"));
	}
	fd = open("log", O_RDONLY | O_CLOEXEC);
	cr_assert(eq(long, read(fd, logged, sizeof(logged) - 1), 14));
	cr_assert(eq(str, logged, "logged\nlogged\n"), "added to what is there");
	close(fd);
	unlink("log");
}

Test(background, a_parent_that_has_gone_is_an_error, .init = directory_enter,
	.fini = directory_leave)
{
	struct err err = {0};
	char heard[20];

	cr_assert(eq(int, ready_here("log", false, heard, sizeof(heard), &err), -1));
	cr_assert(eq(int, err.sys, EPIPE), "%s", err.what);
	unlink("log");
}

Test(background, without_descriptors_it_stays_where_it_is)
{
	struct background b;
	struct err err = {0};
	struct rlimit before;

	to = silent_reporter();
	cr_assert(eq(int, background_open(&b, &to, NULL, &err), 0));
	before = allow_no_more_descriptors();
	cr_expect(eq(int, background_fork(&b, &err), -1));
	cr_expect(eq(int, err.sys, EMFILE), "%s", err.what);
	err = (struct err){0};
	cr_expect(eq(int, background_ready(&b, "word\n", &err), -1));
	cr_expect(eq(int, err.sys, EMFILE), "%s", err.what);
	cr_expect(strstr(err.what, "'/dev/null'") != NULL, "%s", err.what);
	setrlimit(RLIMIT_NOFILE, &before);
	background_end(&b);
}

Test(background, a_log_that_cannot_be_opened_is_named)
{
	struct background b;
	struct err err = {0};

	to = silent_reporter();
	cr_assert(eq(int, background_open(&b, &to, "/nowhere/log", &err), -1));
	cr_assert(strstr(err.what, "cannot open the log '/nowhere/log'") != NULL, "%s", err.what);
	cr_assert(eq(int, err.sys, ENOENT));
	background_end(&b);
}
