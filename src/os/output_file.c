#include "os/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "os/sys_file.h"

/* A stream that is the same file or pipe; NULL: none. Devices may be anything's. */
static const char *output_file_stream(const struct stat *file)
{
	static const char *const names[] = {"it is standard input, too",
		"it is standard output, too", "it is standard error, too"};
	struct stat stream;

	if (!S_ISREG(file->st_mode) && !S_ISFIFO(file->st_mode))
		return NULL;
	for (int fd = 0; fd <= 2; fd++)
		if (sys_fstat(fd, &stream) == 0 && stream.st_dev == file->st_dev &&
			stream.st_ino == file->st_ino)
			return names[fd];
	return NULL;
}

/* Why it cannot be had alone; NULL: it can. */
static const char *output_file_claim(struct reporter *to, int fd)
{
	struct stat about;
	const char *stream;

	if (sys_fstat(fd, &about) < 0)
		return strerror(errno);
	stream = output_file_stream(&about);
	if (stream || !S_ISREG(about.st_mode))
		return stream;
	if (sys_flock(to, fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return "it is being written already";
	return sys_ftruncate(to, fd, 0) < 0 ? strerror(errno) : NULL;
}

int output_file_open(
	struct reporter *to, const char *path, int flags, mode_t mode, const char **why)
{
	const int fd = sys_openat(
		to, AT_FDCWD, path, flags | O_WRONLY | O_CREAT | O_NOCTTY | O_CLOEXEC, mode);

	*why = fd < 0 ? strerror(errno) : output_file_claim(to, fd);
	if (!*why)
		return fd;
	if (fd >= 0)
		(void)sys_close(to, fd);
	return -1;
}
