/* A preloaded shim: read, write, recv, send, splice and sendfile move 1 to 13 bytes, and every
 * fifth call is interrupted; so are accept4 and epoll_wait now and then. At exit it appends what it
 * did to the file that SHORTIO_LOG names, so that a test knows it was there.
 *
 * Only sockets, pipes and files are cut short: what signalfd or eventfd give is never partial. A
 * kernel that gives less than it has must tell of the rest, so epoll knows no edges here. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MOVE_MAX_BYTES = 13, INTERRUPT_EVERY = 5 };

static unsigned long calls, interrupted, moved;

static int is_stream(int fd)
{
	struct stat about;

	return fstat(fd, &about) == 0 &&
	       (S_ISSOCK(about.st_mode) || S_ISFIFO(about.st_mode) || S_ISREG(about.st_mode));
}

/* Whether this call is an interrupted one. */
static int interrupts(void)
{
	if (++calls % INTERRUPT_EVERY)
		return 0;
	interrupted++;
	errno = EINTR;
	return 1;
}

static size_t shorter(size_t size)
{
	size_t most = 1 + calls % MOVE_MAX_BYTES;

	moved++;
	return size < most ? size : most;
}

/* The next function of that name. (ISO C has no cast from void * to a function.) */
static void next(const char *name, void *function)
{
	*(void **)function = dlsym(RTLD_NEXT, name);
}

ssize_t read(int fd, void *data, size_t size)
{
	ssize_t (*real)(int, void *, size_t);

	next("read", &real);
	if (!is_stream(fd))
		return real(fd, data, size);
	return interrupts() ? -1 : real(fd, data, shorter(size));
}

ssize_t write(int fd, const void *data, size_t size)
{
	ssize_t (*real)(int, const void *, size_t);

	next("write", &real);
	if (!is_stream(fd))
		return real(fd, data, size);
	return interrupts() ? -1 : real(fd, data, shorter(size));
}

int epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
	int (*real)(int, int, int, struct epoll_event *);
	struct epoll_event level = event ? *event : (struct epoll_event){0};

	next("epoll_ctl", &real);
	level.events &= ~(uint32_t)EPOLLET;
	return real(epoll, op, fd, event ? &level : NULL);
}

ssize_t preadv2(int fd, const struct iovec *parts, int count, off_t at, int flags)
{
	ssize_t (*real)(int, const struct iovec *, int, off_t, int);
	struct iovec first = {parts->iov_base, shorter(parts->iov_len)};

	next("preadv2", &real);
	return interrupts() ? -1 : real(fd, &first, count > 1 ? 1 : count, at, flags);
}

ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t at, int flags)
{
	ssize_t (*real)(int, const struct iovec *, int, off_t, int);
	struct iovec first = {parts->iov_base, shorter(parts->iov_len)};

	next("pwritev2", &real);
	return interrupts() ? -1 : real(fd, &first, count > 1 ? 1 : count, at, flags);
}

ssize_t recv(int fd, void *data, size_t size, int flags)
{
	ssize_t (*real)(int, void *, size_t, int);

	next("recv", &real);
	return interrupts() ? -1 : real(fd, data, shorter(size), flags);
}

ssize_t send(int fd, const void *data, size_t size, int flags)
{
	ssize_t (*real)(int, const void *, size_t, int);

	next("send", &real);
	return interrupts() ? -1 : real(fd, data, shorter(size), flags);
}

ssize_t splice(int from, off64_t *from_at, int into, off64_t *into_at, size_t size, unsigned flags)
{
	ssize_t (*real)(int, off64_t *, int, off64_t *, size_t, unsigned);

	next("splice", &real);
	return interrupts() ? -1 : real(from, from_at, into, into_at, shorter(size), flags);
}

ssize_t sendfile(int into, int from, off_t *at, size_t size)
{
	ssize_t (*real)(int, int, off_t *, size_t);

	next("sendfile", &real);
	return interrupts() ? -1 : real(into, from, at, shorter(size));
}

int accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags)
{
	int (*real)(int, struct sockaddr *, socklen_t *, int);

	next("accept4", &real);
	return interrupts() ? -1 : real(fd, peer, len, flags);
}

int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout)
{
	int (*real)(int, struct epoll_event *, int, int);

	next("epoll_wait", &real);
	return interrupts() ? -1 : real(epoll, events, most, timeout);
}

__attribute__((destructor)) static void tell(void)
{
	const char *path = getenv("SHORTIO_LOG");
	FILE *log = path ? fopen(path, "a") : NULL;

	if (!log)
		return;
	fprintf(log, "moved %lu interrupted %lu\n", moved, interrupted);
	fclose(log);
}
