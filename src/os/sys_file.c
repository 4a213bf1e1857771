#include "os/sys_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "os/sys_call.h"

/* musl has these only from 1.2.5 on. The kernel wants an offset in two halves. */
#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x00000008

static ssize_t preadv2(int fd, const struct iovec *iov, int count, off_t offset, int flags)
{
	return syscall(
		SYS_preadv2, fd, iov, (long)count, (long)offset, (long)(offset >> 32), flags);
}

static ssize_t pwritev2(int fd, const struct iovec *iov, int count, off_t offset, int flags)
{
	return syscall(
		SYS_pwritev2, fd, iov, (long)count, (long)offset, (long)(offset >> 32), flags);
}
#endif

ssize_t sys_read(struct reporter *to, int fd, void *data, size_t len)
{
	ssize_t rc;

	RETRY_EINTR(rc, read(fd, data, len));
	if (to->calls)
		report_call(to, rc, "read(%d, %zu)", fd, len);
	return rc;
}

ssize_t sys_write(struct reporter *to, int fd, const void *data, size_t len)
{
	ssize_t rc;

	RETRY_EINTR(rc, write(fd, data, len));
	if (to->calls)
		report_call(to, rc, "write(%d, %zu)", fd, len);
	return rc;
}

ssize_t sys_read_nowait(struct reporter *to, int fd, void *data, size_t len)
{
	struct iovec room = {data, len};
	ssize_t rc;

	RETRY_EINTR(rc, preadv2(fd, &room, 1, -1, RWF_NOWAIT));
	if (to->calls)
		report_call(to, rc, "preadv2(%d, %zu, RWF_NOWAIT)", fd, len);
	return rc;
}

ssize_t sys_write_nowait(struct reporter *to, int fd, const void *data, size_t len)
{
	struct iovec out = {.iov_len = len};
	ssize_t rc;

	memcpy(&out.iov_base, &data, sizeof(data)); /* an iovec has no const */
	RETRY_EINTR(rc, pwritev2(fd, &out, 1, -1, RWF_NOWAIT));
	if (to->calls)
		report_call(to, rc, "pwritev2(%d, %zu, RWF_NOWAIT)", fd, len);
	return rc;
}

ssize_t sys_splice(struct reporter *to, int from, int into, size_t len)
{
	ssize_t rc;

	RETRY_EINTR(rc, splice(from, NULL, into, NULL, len, SPLICE_F_NONBLOCK));
	if (to->calls)
		report_call(to, rc, "splice(%d, %d, %zu, SPLICE_F_NONBLOCK)", from, into, len);
	return rc;
}

ssize_t sys_sendfile(struct reporter *to, int into, int file, size_t len)
{
	ssize_t rc;

	RETRY_EINTR(rc, sendfile(into, file, NULL, len));
	if (to->calls)
		report_call(to, rc, "sendfile(%d, %d, %zu)", into, file, len);
	return rc;
}

int sys_pipe(struct reporter *to, int ends[2])
{
	int rc = pipe2(ends, O_CLOEXEC | O_NONBLOCK);

	if (to->calls)
		report_call(to, rc, "pipe2(O_NONBLOCK)");
	return rc;
}

int sys_set_pipe_size(struct reporter *to, int fd, int bytes)
{
	int rc = fcntl(fd, F_SETPIPE_SZ, bytes);

	if (to->calls)
		report_call(to, rc, "fcntl(%d, F_SETPIPE_SZ, %d)", fd, bytes);
	return rc;
}

int sys_open(struct reporter *to, const char *path, int flags)
{
	int rc;

	RETRY_EINTR(rc, open(path, flags));
	if (to->calls)
		report_call(to, rc, "open(%s)", path);
	return rc;
}

int sys_openat(struct reporter *to, int directory, const char *name, int flags, mode_t mode)
{
	int rc;

	RETRY_EINTR(rc, openat(directory, name, flags, mode));
	if (to->calls)
		report_call(to, rc, "openat(%d, %s, %04o)", directory, name, (unsigned)mode);
	return rc;
}

int sys_close(struct reporter *to, int fd)
{
	int rc = close(fd);

	if (to->calls)
		report_call(to, rc, "close(%d)", fd);
	/* close(2): on Linux the descriptor is gone even so; to try again could hit another's. */
	return rc < 0 && errno == EINTR ? 0 : rc;
}

int sys_dup(struct reporter *to, int fd)
{
	int rc = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (to->calls)
		report_call(to, rc, "dup(%d)", fd);
	return rc;
}

int sys_dup2(struct reporter *to, int fd, int onto)
{
	int rc;

	RETRY_EINTR(rc, dup2(fd, onto));
	if (to->calls)
		report_call(to, rc, "dup2(%d, %d)", fd, onto);
	return rc;
}

int sys_fchmod(struct reporter *to, int fd, mode_t mode)
{
	int rc = fchmod(fd, mode);

	if (to->calls)
		report_call(to, rc, "fchmod(%d, %04o)", fd, (unsigned)mode);
	return rc;
}

int sys_flock(struct reporter *to, int fd, int operation)
{
	int rc;

	RETRY_EINTR(rc, flock(fd, operation));
	if (to->calls)
		report_call(
			to, rc, "flock(%d, %s)", fd, operation & LOCK_UN ? "LOCK_UN" : "LOCK_EX");
	return rc;
}

int sys_unlinkat(struct reporter *to, int directory, const char *name)
{
	int rc = unlinkat(directory, name, 0);

	if (to->calls)
		report_call(to, rc, "unlinkat(%d, %s)", directory, name);
	return rc;
}

int sys_renameat(struct reporter *to, int directory, const char *from, const char *onto)
{
	int rc = renameat(directory, from, directory, onto);

	if (to->calls)
		report_call(to, rc, "renameat(%d, %s, %s)", directory, from, onto);
	return rc;
}

int sys_stat(const char *path, struct stat *out)
{
	return stat(path, out);
}

int sys_fstat(int fd, struct stat *out)
{
	return fstat(fd, out);
}

int sys_lstatat(int directory, const char *name, struct stat *out)
{
	return fstatat(directory, name, out, AT_SYMLINK_NOFOLLOW);
}

off_t sys_place(int fd)
{
	return lseek(fd, 0, SEEK_CUR);
}

bool sys_is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

int sys_access_mode(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 ? -1 : flags & O_ACCMODE;
}

void sys_close_on_exec(int fd)
{
	fcntl(fd, F_SETFD, FD_CLOEXEC);
}
