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
#include "os/sys_trace.h"

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
	if (to->trace)
		sys_made_data(to, rc, CALL_OTHER, "read", fd, data, len, "");
	return rc;
}

ssize_t sys_write(struct reporter *to, int fd, const void *data, size_t len)
{
	ssize_t rc;

	RETRY_EINTR(rc, write(fd, data, len));
	if (to->trace)
		sys_made_data(to, rc, CALL_OTHER, "write", fd, data, len, "");
	return rc;
}

ssize_t sys_read_nowait(struct reporter *to, int fd, void *data, size_t len)
{
	struct iovec room = {data, len};
	ssize_t rc;

	RETRY_EINTR(rc, preadv2(fd, &room, 1, -1, RWF_NOWAIT));
	if (to->trace)
		sys_made_data(to, rc, CALL_OTHER, "preadv2", fd, data, len, ", RWF_NOWAIT");
	return rc;
}

ssize_t sys_write_nowait(struct reporter *to, int fd, const void *data, size_t len)
{
	struct iovec out = {.iov_len = len};
	ssize_t rc;

	memcpy(&out.iov_base, &data, sizeof(data)); /* an iovec has no const */
	RETRY_EINTR(rc, pwritev2(fd, &out, 1, -1, RWF_NOWAIT));
	if (to->trace)
		sys_made_data(to, rc, CALL_OTHER, "pwritev2", fd, data, len, ", RWF_NOWAIT");
	return rc;
}

ssize_t sys_splice(struct reporter *to, int from, int into, size_t len)
{
	ssize_t rc;

	RETRY_EINTR(rc, splice(from, NULL, into, NULL, len, SPLICE_F_NONBLOCK));
	if (to->trace)
		sys_made_other(to, rc, "splice", from, "%d, %zu, SPLICE_F_NONBLOCK", into, len);
	return rc;
}

ssize_t sys_sendfile(struct reporter *to, int into, int file, size_t len)
{
	ssize_t rc;

	RETRY_EINTR(rc, sendfile(into, file, NULL, len));
	if (to->trace)
		sys_made_other(to, rc, "sendfile", into, "%d, %zu", file, len);
	return rc;
}

int sys_pipe(struct reporter *to, int ends[2])
{
	int rc = pipe2(ends, O_CLOEXEC | O_NONBLOCK);

	if (to->trace)
		sys_made_other(to, rc, "pipe2", CALL_NO_FD, "O_NONBLOCK");
	return rc;
}

int sys_set_pipe_size(struct reporter *to, int fd, int bytes)
{
	int rc = fcntl(fd, F_SETPIPE_SZ, bytes);

	if (to->trace)
		sys_made_other(to, rc, "fcntl", fd, "F_SETPIPE_SZ, %d", bytes);
	return rc;
}

int sys_open(struct reporter *to, const char *path, int flags)
{
	int rc;

	RETRY_EINTR(rc, open(path, flags));
	if (to->trace)
		sys_made(to, rc,
			&(struct call){
				.name = "open", .fd = CALL_NO_FD, .args = path, .aside = true});
	return rc;
}

int sys_openat(struct reporter *to, int directory, const char *name, int flags, mode_t mode)
{
	int rc;

	RETRY_EINTR(rc, openat(directory, name, flags, mode));
	if (to->trace)
		sys_made_other(to, rc, "openat", directory, "%s, %04o", name, (unsigned)mode);
	return rc;
}

int sys_ftruncate(struct reporter *to, int fd, off_t bytes)
{
	int rc;

	RETRY_EINTR(rc, ftruncate(fd, bytes));
	if (to->trace)
		sys_made_other(to, rc, "ftruncate", fd, "%jd", (intmax_t)bytes);
	return rc;
}

int sys_close(struct reporter *to, int fd)
{
	struct sys_closing before = {0};
	int rc;

	if (to->trace)
		before = sys_about_to_close(to, fd);
	rc = close(fd);
	if (to->trace)
		sys_made_close(to, rc, fd, before);
	/* close(2): on Linux the descriptor is gone even so; to try again could hit another's. */
	return rc < 0 && errno == EINTR ? 0 : rc;
}

int sys_dup(struct reporter *to, int fd)
{
	int rc = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (to->trace)
		sys_made_copy(to, rc, fd, -1);
	return rc;
}

int sys_dup2(struct reporter *to, int fd, int onto)
{
	int rc;

	RETRY_EINTR(rc, dup2(fd, onto));
	if (to->trace)
		sys_made_copy(to, rc, fd, onto);
	return rc;
}

int sys_fchmod(struct reporter *to, int fd, mode_t mode)
{
	int rc = fchmod(fd, mode);

	if (to->trace)
		sys_made_other(to, rc, "fchmod", fd, "%04o", (unsigned)mode);
	return rc;
}

int sys_flock(struct reporter *to, int fd, int operation)
{
	int rc;

	RETRY_EINTR(rc, flock(fd, operation));
	if (to->trace)
		sys_made_other(
			to, rc, "flock", fd, "%s", operation & LOCK_UN ? "LOCK_UN" : "LOCK_EX");
	return rc;
}

int sys_unlinkat(struct reporter *to, int directory, const char *name)
{
	int rc = unlinkat(directory, name, 0);

	if (to->trace)
		sys_made_other(to, rc, "unlinkat", directory, "%s", name);
	return rc;
}

int sys_renameat(struct reporter *to, int directory, const char *from, const char *onto)
{
	int rc = renameat(directory, from, directory, onto);

	if (to->trace)
		sys_made_other(to, rc, "renameat", directory, "%s, %s", from, onto);
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

ssize_t sys_list(int directory, void *room, size_t size)
{
	return syscall(SYS_getdents64, directory, room, size);
}

ssize_t sys_readlinkat(int directory, const char *name, char *out, size_t size)
{
	return readlinkat(directory, name, out, size);
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
