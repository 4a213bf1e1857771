#include "transport/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "os/sys_event.h"
#include "os/sys_file.h"
#include "os/sys_process.h"
#include "os/sys_socket.h"
#include "os/sys_terminal.h"
#include "transport/stream.h"

static const struct transport transport_pipe, transport_private, transport_shared;

/* How long a terminal that has gone waits for the SIGHUP that says so. */
enum { HANG_UP_MS = 200 };

/* When a terminal goes, calls fail (EIO) before the kernel sends its SIGHUP (pty_close in
 * drivers/tty/pty.c), and how we end is what that signal means. It may not come: to those whose
 * terminal it is not. */
static enum io fd_failed(struct link *link, int error)
{
	if (error == EIO && link->terminal && !sys_signal_is_ignored(SIGHUP) &&
		link_is_hanging_up(link, HANG_UP_MS))
		return IO_AGAIN;
	return link_error(link, error);
}

static enum io fd_was_read(struct link *link, ssize_t n, size_t *got)
{
	if (n < 0)
		return fd_failed(link, errno);
	*got = (size_t)n;
	if (n == 0)
		link->vacates = false; /* no writer is left to be notified */
	return n == 0 ? IO_EOF : IO_DONE;
}

static enum io fd_was_written(struct link *link, ssize_t n, size_t *taken)
{
	if (n < 0)
		return fd_failed(link, errno);
	*taken = (size_t)n;
	return IO_DONE;
}

static enum io fd_read(struct link *link, uint8_t *room, size_t size, size_t *got)
{
	return fd_was_read(link, sys_read(link->to, link->fd, room, size), got);
}

static enum io fd_write(struct link *link, struct span out, size_t *taken)
{
	return fd_was_written(link, sys_write(link->to, link->fd, out.data, out.len), taken);
}

/* A blocking descriptor that others share: what poll(2) calls writable takes PIPE_BUF bytes. */
static enum io fd_write_cautiously(struct link *link, struct span out, size_t *taken)
{
	int ready = sys_writable(link->to, link->fd, 0);

	if (ready < 0)
		return link_error(link, errno);
	if (ready == 0)
		return IO_AGAIN;
	if (out.len > PIPE_BUF)
		out.len = PIPE_BUF;
	return fd_write(link, out, taken);
}

static const int fd_access[] = {
	[CONN_BOTH] = O_RDWR, [CONN_READS] = O_RDONLY, [CONN_WRITES] = O_WRONLY};

static int fd_open_private(struct reporter *to, const char *path, enum conn_sides sides)
{
	return sys_open(to, path, fd_access[sides] | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* Open for ourselves, non-blocking, what the inherited descriptor shows; or -1. */
static int fd_reopen(struct reporter *to, int fd, enum conn_sides sides)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return fd_open_private(to, path, sides);
}

/* The same for our controlling terminal, which may be another user's to open by its own name, as
 * after su(1): tty(4) lets every process of the session. */
static int fd_reopen_terminal(struct reporter *to, int fd, enum conn_sides sides)
{
	unsigned one, other;
	int own = fd_open_private(to, "/dev/tty", sides);

	if (own < 0)
		return -1;
	if (sys_terminal(to, fd, &one) == 0 && sys_terminal(to, own, &other) == 0 && one == other)
		return own;
	sys_close(to, own);
	return -1;
}

/* Go on with a descriptor of our own; where it cannot be had, with the shared one. */
static void fd_make_private(struct link *link, enum conn_sides sides)
{
	int own = fd_reopen(link->to, link->origin, sides);

	if (own < 0 && link->terminal)
		own = fd_reopen_terminal(link->to, link->origin, sides);
	link->via = own >= 0 ? &transport_private : &transport_shared;
	if (own >= 0)
		link->fd = own;
}

static enum io fd_pipe_read(struct link *link, uint8_t *room, size_t size, size_t *got)
{
	ssize_t n = sys_read_nowait(link->to, link->fd, room, size);

	if (n < 0 && errno == EOPNOTSUPP) {
		fd_make_private(link, CONN_READS);
		return link->via->read(link, room, size, got);
	}
	return fd_was_read(link, n, got);
}

static enum io fd_pipe_write(struct link *link, struct span out, size_t *taken)
{
	ssize_t n = sys_write_nowait(link->to, link->fd, out.data, out.len);

	if (n < 0 && errno == EOPNOTSUPP) {
		fd_make_private(link, CONN_WRITES);
		return link->via->write(link, out, taken);
	}
	return fd_was_written(link, n, taken);
}

/* Closing a copy tells of a write to a file that failed late (close(2): NFS, quotas), as dup2 would
 * not. Returns the errno, or 0. */
static int fd_close_copy(struct link *link)
{
	int copy;

	if (link->via == &transport_pipe)
		return 0;
	copy = sys_dup(link->to, link->origin);
	return copy >= 0 && sys_close(link->to, copy) < 0 ? errno : 0;
}

/* Give the inherited descriptor back, its number kept by /dev/null: a later socket must not become
 * standard output. */
static int fd_vacate(struct link *link)
{
	int null, error = fd_close_copy(link);

	null = sys_open(link->to, "/dev/null", O_RDONLY | O_CLOEXEC);
	if (null >= 0) {
		sys_dup2(link->to, null, link->origin);
		sys_close(link->to, null);
	} else {
		sys_close(link->to, link->origin);
	}
	return error;
}

static int fd_close(struct link *link)
{
	if (link->fd != link->origin)
		sys_close(link->to, link->fd);
	return link->vacates ? fd_vacate(link) : 0;
}

static const struct transport transport_private = {
	.name = "fd",
	.read = fd_read,
	.write = fd_write,
	.close = fd_close,
};

static const struct transport transport_pipe = {
	.name = "fd",
	.read = fd_pipe_read,
	.write = fd_pipe_write,
	.close = fd_close,
};

static const struct transport transport_shared = {
	.name = "fd",
	.read = fd_read,
	.write = fd_write_cautiously,
	.close = fd_close,
};

/* 0 and 1 are one socket, as inetd has it: our end is passed on by a shutdown, for closing 1 leaves
 * it open as 0. */
static const struct transport transport_inherited_connection = {
	.name = "fd",
	.read = stream_read,
	.write = stream_write,
	.finish = stream_finish,
	.close = fd_close,
};

static const struct transport transport_inherited_socket = {
	.name = "fd",
	.read = stream_read,
	.write = stream_write,
	.close = fd_close,
};

/* Files, and the devices that are memory (null(4), full(4)), never make a read or write wait. */
static bool fd_never_waits(const struct stat *about)
{
	enum { MEMORY_MAJOR = 1, NULL_MINOR = 3, ZERO_MINOR = 5, FULL_MINOR = 7 };
	unsigned device = minor(about->st_rdev);

	if (S_ISREG(about->st_mode))
		return true;
	return S_ISCHR(about->st_mode) && major(about->st_rdev) == MEMORY_MAJOR &&
	       (device == NULL_MINOR || device == ZERO_MINOR || device == FULL_MINOR);
}

/* A socket that was inherited may block, and a pipe without a limit is asked by splice(2) not to.
 * Of the devices, null takes what is spliced into it. */
static enum bulk fd_bulk(const struct stat *about, enum conn_sides sides)
{
	if (S_ISFIFO(about->st_mode))
		return BULK_PIPE;
	if (S_ISREG(about->st_mode) || (sides == CONN_WRITES && fd_never_waits(about)))
		return BULK_FILE;
	return BULK_NONE;
}

static bool fd_is_one_with(const struct stat *about, int fd)
{
	struct stat other;

	return sys_fstat(fd, &other) == 0 && other.st_dev == about->st_dev &&
	       other.st_ino == about->st_ino;
}

/* Whether the other end learns of our end by a shutdown alone: where the socket is read, too, as it
 * is or as standard input. Not where standard error is the same Unix socket: that may be shared
 * with others, as systemd's journal is with all of a unit, and a shutdown would end it for all of
 * them. */
static bool fd_is_connection(
	struct reporter *to, const struct stat *about, int fd, enum conn_sides sides)
{
	bool is_read =
		sides == CONN_BOTH || (fd == STDOUT_FILENO && fd_is_one_with(about, STDIN_FILENO));

	if (!is_read || sys_getsockopt(to, fd, SOL_SOCKET, SO_TYPE) == SOCK_DGRAM)
		return false;
	return !fd_is_one_with(about, STDERR_FILENO) ||
	       sys_getsockopt(to, fd, SOL_SOCKET, SO_DOMAIN) != AF_UNIX;
}

/* Whether the descriptor was given for this use. */
static bool fd_is_for(int fd, enum conn_sides sides)
{
	int mode = sys_access_mode(fd);

	return mode == O_RDWR || mode == fd_access[sides];
}

void fd_open(struct reporter *to, int fd, enum conn_sides sides, struct link *link)
{
	struct stat about;

	*link = link_of(&transport_shared, to);
	link->fd = fd;
	link->origin = (int8_t)fd;
	link->vacates = true;
	if (sys_fstat(fd, &about) < 0)
		return;
	link->terminal = S_ISCHR(about.st_mode) && sys_isatty(fd);
	link->bulk = (uint8_t)fd_bulk(&about, sides);
	if (S_ISSOCK(about.st_mode)) {
		link->via = fd_is_connection(to, &about, fd, sides)
		                    ? &transport_inherited_connection
		                    : &transport_inherited_socket;
		if (sides != CONN_WRITES &&
			sys_getsockopt(to, fd, SOL_SOCKET, SO_TYPE) == SOCK_STREAM)
			stream_keep_urgent(to, fd);
	} else if (fd_never_waits(&about) || !fd_is_for(fd, sides))
		link->via = &transport_private; /* what is not for this use says so */
	else if (S_ISFIFO(about.st_mode) && sides != CONN_BOTH)
		link->via = &transport_pipe;
	else if (S_ISFIFO(about.st_mode) || link->terminal)
		fd_make_private(link, sides);
}

void fd_own_pipe(struct reporter *to, int fd, enum conn_sides sides, struct link *link)
{
	(void)sides;
	*link = link_of(&transport_private, to);
	link->fd = fd;
	link->bulk = BULK_PIPE;
}
