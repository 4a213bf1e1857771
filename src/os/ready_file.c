#include "os/ready_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "os/sys_file.h"
#include "os/sys_process.h"

enum { READY_FILE_TRIES = 100 }; /* names that a killed server may have left */

static int ready_file_failed(const struct ready_file *f, enum err_kind kind, const char *call,
	int error, struct err *err)
{
	return err_sys(
		err, kind, error, "cannot make the ready file %s: %s", quoted(f->path).text, call);
}

static int ready_file_refuse(const struct ready_file *f, const char *why, struct err *err)
{
	return err_set(
		err, ERR_USAGE, "cannot make the ready file %s: %s", quoted(f->path).text, why);
}

static const char *ready_file_kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR: return "a directory is there";
	case S_IFLNK: return "a symbolic link is there";
	case S_IFSOCK: return "a socket is there";
	default: return "something else is there";
	}
}

static int ready_file_check_directory(const struct ready_file *f, struct err *err)
{
	struct stat about;

	if (sys_fstat(f->directory, &about) < 0)
		return ready_file_failed(f, ERR_USAGE, "stat", errno, err);
	if (!(about.st_mode & S_IWOTH) || (about.st_mode & S_ISVTX))
		return 0;
	ready_file_refuse(f, "every user may replace files in its directory", err);
	return err_hint(
		err, "choose a directory of your own, or one like /tmp, with the sticky bit");
}

static int ready_file_open_directory(struct ready_file *f, struct err *err)
{
	const char *slash = strrchr(f->path, '/');
	size_t len = slash && slash != f->path ? (size_t)(slash - f->path) : 1;
	char directory[PATH_MAX];

	f->name = slash ? slash + 1 : f->path;
	if (len >= sizeof(directory))
		return ready_file_failed(f, ERR_USAGE, "open", ENAMETOOLONG, err);
	if (!*f->name)
		return ready_file_refuse(f, ready_file_kind_of(S_IFDIR), err);
	snprintf(directory, sizeof(directory), "%.*s", (int)len, slash ? f->path : ".");
	f->directory = sys_open(f->to, directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (f->directory >= 0)
		return ready_file_check_directory(f, err);
	ready_file_failed(f, ERR_USAGE, "its directory", errno, err);
	return err_hint(err, "the directory must exist");
}

/* Remove the file of an earlier run, and nothing else. */
static int ready_file_clear(const struct ready_file *f, struct err *err)
{
	struct stat there;

	if (sys_lstatat(f->directory, f->name, &there) < 0)
		return errno == ENOENT ? 0 : ready_file_failed(f, ERR_USAGE, "stat", errno, err);
	if (!S_ISREG(there.st_mode)) {
		ready_file_refuse(f, ready_file_kind_of(there.st_mode), err);
		return err_hint(err, "only a file is replaced: choose another path");
	}
	if (sys_unlinkat(f->to, f->directory, f->name) == 0 || errno == ENOENT)
		return 0;
	return ready_file_failed(f, ERR_USAGE, "the old file cannot be removed", errno, err);
}

int ready_file_prepare(struct ready_file *f, struct reporter *to, const char *path, struct err *err)
{
	*f = (struct ready_file){.to = to, .path = path, .directory = -1};
	if (ready_file_open_directory(f, err) == 0 && ready_file_clear(f, err) == 0)
		return 0;
	ready_file_end(f);
	return -1;
}

/* Open a new file beside the place, under a name of our own. */
static int ready_file_create(const struct ready_file *f, char *beside, size_t size)
{
	int fd = -1;

	for (int i = 0; i < READY_FILE_TRIES; i++) {
		snprintf(beside, size, ".ready-%d-%d", sys_pid(), i);
		fd = sys_openat(
			f->to, f->directory, beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (fd >= 0 || errno != EEXIST)
			break;
	}
	return fd;
}

/* Write all of it, and know which file it is. A file takes what there is room for. */
static const char *ready_file_fill(struct ready_file *f, int fd, struct span text)
{
	while (text.len) {
		ssize_t n = sys_write(f->to, fd, text.data, text.len);

		if (n < 0)
			return "write";
		text = span_from(text, (size_t)n);
	}
	return sys_fstat(fd, &f->ours) < 0 ? "stat" : NULL;
}

int ready_file_put(struct ready_file *f, struct span text, struct err *err)
{
	char beside[48];
	const char *failed;
	int error, fd;

	if (ready_file_clear(f, err) < 0) {
		err->kind = ERR_RUNTIME; /* it came after ready_file_prepare */
		return -1;
	}
	fd = ready_file_create(f, beside, sizeof(beside));
	if (fd < 0)
		return ready_file_failed(f, ERR_RUNTIME, "open", errno, err);
	failed = ready_file_fill(f, fd, text);
	error = errno;
	if (sys_close(f->to, fd) < 0 && !failed) {
		failed = "close";
		error = errno;
	}
	if (!failed && sys_renameat(f->to, f->directory, beside, f->name) < 0) {
		failed = "rename";
		error = errno;
	}
	f->made = !failed;
	if (!failed)
		return 0;
	sys_unlinkat(f->to, f->directory, beside);
	return ready_file_failed(f, ERR_RUNTIME, failed, error, err);
}

void ready_file_end(struct ready_file *f)
{
	struct stat there;

	if (f->made && sys_lstatat(f->directory, f->name, &there) == 0 &&
		there.st_dev == f->ours.st_dev && there.st_ino == f->ours.st_ino)
		sys_unlinkat(f->to, f->directory, f->name);
	f->made = false;
	if (f->directory >= 0)
		sys_close(f->to, f->directory);
	f->directory = -1;
}
