#include "os/output_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

TestSuite(output_file, .timeout = 20);

static char directory[] = "/tmp/sockx-output.XXXXXX";

static void in_a_directory(void)
{
	cr_assert(ne(ptr, mkdtemp(directory), NULL));
	cr_assert(eq(int, chdir(directory), 0));
}

static void leave_it(void)
{
	(void)unlink("file");
	(void)unlink("link");
	cr_assert(eq(int, chdir("/"), 0));
	cr_assert(eq(int, rmdir(directory), 0));
}

static void write_file(const char *text)
{
	int fd = open("file", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	cr_assert(eq(int, (int)write(fd, text, strlen(text)), (int)strlen(text)));
	close(fd);
}

static off_t file_size(void)
{
	struct stat about;

	cr_assert(eq(int, stat("file", &about), 0));
	return about.st_size;
}

static struct reporter silent;

Test(output_file, one_that_is_there_is_emptied, .init = in_a_directory, .fini = leave_it)
{
	const char *why;
	int fd;

	write_file("old");
	fd = output_file_open(&silent, "file", 0, 0600, &why);
	cr_assert(ge(int, fd, 0));
	cr_expect(eq(ptr, (void *)why, NULL));
	cr_expect(eq(int, (int)file_size(), 0));
	cr_expect(eq(int, fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC));
	close(fd);
}

Test(output_file, one_that_cannot_be_made_says_why)
{
	const char *why;

	cr_assert(eq(int, output_file_open(&silent, "/no/such", 0, 0600, &why), -1));
	cr_expect(eq(str, (char *)why, "No such file or directory"));
}

Test(output_file, one_that_is_written_already_is_left_as_it_is, .init = in_a_directory,
	.fini = leave_it)
{
	const char *why;
	const int first = output_file_open(&silent, "file", 0, 0600, &why);

	cr_assert(eq(int, (int)write(first, "rows", 4), 4));
	cr_expect(eq(int, link("file", "link"), 0));
	cr_expect(eq(int, output_file_open(&silent, "link", 0, 0600, &why), -1));
	cr_expect(eq(str, (char *)why, "it is being written already"));
	cr_expect(eq(int, (int)file_size(), 4));
	close(first);
}

/* What reads from its own output would never end. */
Test(output_file, a_standard_stream_is_left_as_it_is, .init = in_a_directory, .fini = leave_it)
{
	static const char *const words[] = {"it is standard input, too",
		"it is standard output, too", "it is standard error, too"};
	const char *why;

	write_file("precious");
	for (int stream = 0; stream <= 2; stream++) {
		const int saved = dup(stream), fd = open("file", O_RDWR);
		int got;

		cr_assert(eq(int, dup2(fd, stream), stream));
		got = output_file_open(&silent, "file", 0, 0600, &why);
		cr_assert(eq(int, dup2(saved, stream), stream));
		cr_expect(eq(int, got, -1));
		cr_expect(eq(str, (char *)why, (char *)words[stream]));
		close(saved);
		close(fd);
	}
	cr_expect(eq(int, (int)file_size(), 8));
}

Test(output_file, a_device_may_be_all_of_them)
{
	const char *why;
	const int saved = dup(0), null = open("/dev/null", O_RDWR);
	int fd;

	cr_assert(eq(int, dup2(null, 0), 0));
	fd = output_file_open(&silent, "/dev/null", 0, 0600, &why);
	cr_expect(ge(int, fd, 0));
	cr_assert(eq(int, dup2(saved, 0), 0));
	close(saved);
	close(null);
	close(fd);
}
