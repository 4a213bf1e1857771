#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "directory.h"
#include "os/ready_file.h"
#include "script.h"

TestSuite(ready_file, .timeout = 20, .init = directory_enter, .fini = directory_leave);

static struct reporter to;

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	cr_assert(ge(int, fd, 0));
	cr_assert(eq(long, write(fd, text, strlen(text)), (long)strlen(text)));
	close(fd);
}

static bool holds(const char *path, const char *text)
{
	char found[200] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool same = fd >= 0 && read(fd, found, sizeof(found) - 1) >= 0 && strcmp(found, text) == 0;

	if (fd >= 0)
		close(fd);
	return same;
}

static struct err refused(const char *path)
{
	struct ready_file f;
	struct err err = {0};
	unsigned before = open_descriptors();

	cr_assert(eq(int, ready_file_prepare(&f, &to, path, &err), -1));
	cr_assert(eq(int, err.kind, ERR_USAGE));
	cr_assert(eq(uint, open_descriptors(), before));
	return err;
}

Test(ready_file, an_old_one_goes_first_a_new_one_is_there_whole_and_goes_at_the_end)
{
	struct ready_file f;
	struct err err;

	to = silent_reporter();
	write_file("at", "of a server that died");
	umask(027);
	cr_assert(eq(int, ready_file_prepare(&f, &to, "at", &err), 0), "%s", err.what);
	is_free("at");
	cr_assert(eq(int, ready_file_put(&f, span_of("127.0.0.1 1\n"), &err), 0), "%s", err.what);
	cr_assert(holds("at", "127.0.0.1 1\n"));
	cr_assert(eq(uint, permissions_of("at"), 0640), "0644 and the umask");
	ready_file_end(&f);
	is_free("at");
}

Test(ready_file, one_that_was_not_put_leaves_nothing)
{
	struct ready_file f;
	struct err err;

	to = silent_reporter();
	cr_assert(eq(int, ready_file_prepare(&f, &to, "./at", &err), 0));
	ready_file_end(&f);
}

Test(ready_file, anothers_file_is_not_removed)
{
	struct ready_file f;
	struct err err;

	to = silent_reporter();
	cr_assert(eq(int, ready_file_prepare(&f, &to, "at", &err), 0));
	cr_assert(eq(int, ready_file_put(&f, span_of("ours\n"), &err), 0));
	write_file("other", "another's\n");
	cr_assert(eq(int, rename("other", "at"), 0));
	ready_file_end(&f);
	cr_assert(holds("at", "another's\n"));
	unlink("at");
}

Test(ready_file, nothing_but_a_file_is_replaced)
{
	to = silent_reporter();
	mkdir("directory", 0700);
	cr_assert(eq(int, symlink("nowhere", "link"), 0));
	close(unix_bound(SOCK_STREAM, "socket"));
	cr_assert(eq(int, mkfifo("fifo", 0600), 0));
	cr_assert(strstr(refused("fifo").what, "something else is there") != NULL);
	cr_assert(strstr(refused("directory").what, "a directory is there") != NULL);
	cr_assert(strstr(refused("directory/").what, "a directory is there") != NULL);
	cr_assert(strstr(refused("link").what, "a symbolic link is there") != NULL);
	cr_assert(strstr(refused("socket").what, "a socket is there") != NULL);
	cr_assert(strstr(refused("nowhere/at").what, strerror(ENOENT)) != NULL);
	unlink("link");
	unlink("socket");
	unlink("fifo");
	rmdir("directory");
}

Test(ready_file, what_came_meanwhile_is_not_replaced_either)
{
	struct ready_file f;
	struct err err;

	to = silent_reporter();
	cr_assert(eq(int, ready_file_prepare(&f, &to, "at", &err), 0));
	close(unix_bound(SOCK_STREAM, "at"));
	cr_assert(eq(int, ready_file_put(&f, span_of("x\n"), &err), -1));
	cr_assert(eq(int, err.kind, ERR_RUNTIME));
	ready_file_end(&f);
	unlink("at");
}

Test(ready_file, a_directory_that_all_may_change_needs_the_sticky_bit)
{
	struct ready_file f;
	struct err err;

	to = silent_reporter();
	mkdir("shared", 0700);
	chmod("shared", 0777);
	cr_assert(strstr(refused("shared/at").what, "every user may replace files") != NULL);
	chmod("shared", 01777);
	cr_assert(eq(int, ready_file_prepare(&f, &to, "shared/at", &err), 0), "%s", err.what);
	cr_assert(eq(int, ready_file_put(&f, span_of("x\n"), &err), 0));
	cr_assert(holds("shared/at", "x\n"));
	ready_file_end(&f);
	rmdir("shared");
}

Test(ready_file, a_name_that_a_killed_server_left_is_passed_over)
{
	struct ready_file f;
	struct err err;
	char left[40];

	to = silent_reporter();
	snprintf(left, sizeof(left), ".ready-%d-0", getpid());
	write_file(left, "");
	cr_assert(eq(int, ready_file_prepare(&f, &to, "at", &err), 0));
	cr_assert(eq(int, ready_file_put(&f, span_of("x\n"), &err), 0), "%s", err.what);
	cr_assert(holds("at", "x\n"));
	ready_file_end(&f);
	unlink(left);
}

/* A path of so many bytes: x, or directories of which none exists. */
static char *long_path(size_t len, bool in_directories)
{
	char *path = malloc(len + 1);

	memset(path, 'x', len);
	for (size_t i = 100; in_directories && i < len; i += 100)
		path[i] = '/';
	path[len] = '\0';
	return path;
}

Test(ready_file, a_path_that_is_too_long_is_refused)
{
	char *name = long_path(NAME_MAX + 1, false), *path = long_path(2 * PATH_MAX, true);

	to = silent_reporter();
	cr_assert(eq(int, refused(name).sys, ENAMETOOLONG));
	cr_assert(eq(int, refused(path).sys, ENAMETOOLONG));
	free(name);
	free(path);
}

Test(ready_file, anothers_file_that_cannot_be_removed_is_left)
{
	struct err err;

	to = silent_reporter();
	chmod(".", 0755);
	mkdir("closed", 0755);
	write_file("closed/at", "another's");
	be_nobody();
	err = refused("closed/at");
	be_ourselves();
	cr_assert(strstr(err.what, "the old file cannot be removed") != NULL, "%s", err.what);
	cr_assert(eq(int, err.sys, EACCES));
	cr_assert(holds("closed/at", "another's"));
	unlink("closed/at");
	rmdir("closed");
}

Test(ready_file, what_cannot_be_written_leaves_nothing)
{
	const struct rlimit none = {0, RLIM_INFINITY};
	struct rlimit before;
	struct ready_file f;
	struct err err = {0};
	char beside[40];

	to = silent_reporter();
	snprintf(beside, sizeof(beside), ".ready-%d-0", getpid());
	signal(SIGXFSZ, SIG_IGN);
	cr_assert(eq(int, ready_file_prepare(&f, &to, "at", &err), 0));
	cr_assert(eq(int, getrlimit(RLIMIT_FSIZE, &before), 0));
	cr_assert(eq(int, setrlimit(RLIMIT_FSIZE, &none), 0));
	cr_expect(eq(int, ready_file_put(&f, span_of("x\n"), &err), -1));
	setrlimit(RLIMIT_FSIZE, &before);
	cr_assert(eq(int, err.sys, EFBIG), "%s", err.what);
	cr_assert(eq(int, err.kind, ERR_RUNTIME));
	before = allow_no_more_descriptors();
	cr_expect(eq(int, ready_file_put(&f, span_of("x\n"), &err), -1));
	setrlimit(RLIMIT_NOFILE, &before);
	cr_assert(eq(int, err.sys, EMFILE), "%s", err.what);
	is_free("at");
	is_free(beside);
	ready_file_end(&f);
}
