#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
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
	cr_assert(strstr(refused("directory").what, "a directory is there") != NULL);
	cr_assert(strstr(refused("directory/").what, "a directory is there") != NULL);
	cr_assert(strstr(refused("link").what, "a symbolic link is there") != NULL);
	cr_assert(strstr(refused("socket").what, "a socket is there") != NULL);
	cr_assert(strstr(refused("nowhere/at").what, strerror(ENOENT)) != NULL);
	unlink("link");
	unlink("socket");
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
