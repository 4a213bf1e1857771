#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "directory.h"
#include "os/sys_event.h"
#include "os/sys_file.h"
#include "os/sys_socket.h"
#include "os/sys_terminal.h"
#include "script.h"

/* A trace shows each call, and what it returned. */

TestSuite(sys, .timeout = 20, .init = directory_enter, .fini = directory_leave);

struct trace {
	struct lines lines;
	struct reporter to;
};

static void begin(struct trace *t)
{
	t->to = lines_reporter(&t->lines);
	t->to.calls = true;
}

/* What a call returns, and how it looks, as printf makes it: nothing else is shown. */
#define SHOWN(t, rc, ...)                                                          \
	do {                                                                       \
		char call_[200], line_[300];                                       \
		long rc_ = (rc);                                                   \
		int error_ = errno;                                                \
		snprintf(call_, sizeof(call_), __VA_ARGS__);                       \
		snprintf(line_, sizeof(line_), "call: %s = %ld%s%s\n", call_, rc_, \
			rc_ < 0 ? ", " : "", rc_ < 0 ? strerror(error_) : "");     \
		cr_expect(eq(str, (t)->lines.text, line_));                        \
		begin(t);                                                          \
	} while (0)

Test(sys, moves_between_descriptors_are_shown)
{
	static struct trace t;
	int file = memfd_create("file", MFD_CLOEXEC), ends[2], other[2];

	begin(&t);
	cr_assert(eq(long, write(file, "12345", 5), 5));
	cr_assert(eq(long, lseek(file, 0, SEEK_SET), 0));
	SHOWN(&t, sys_pipe(&t.to, ends), "pipe2(O_NONBLOCK)");
	cr_assert(eq(int, sys_pipe(&t.to, other), 0));
	begin(&t);
	SHOWN(&t, sys_sendfile(&t.to, ends[1], file, 100), "sendfile(%d, %d, 100)", ends[1], file);
	SHOWN(&t, sys_splice(&t.to, ends[0], other[1], 3), "splice(%d, %d, 3, SPLICE_F_NONBLOCK)",
		ends[0], other[1]);
	SHOWN(&t, sys_set_pipe_size(&t.to, ends[0], 4096), "fcntl(%d, F_SETPIPE_SZ, 4096)",
		ends[0]);
	SHOWN(&t, sys_readable(&t.to, ends[0]), "poll(%d, POLLIN)", ends[0]);
	SHOWN(&t, sys_writable(&t.to, other[1], 0), "poll(%d, POLLOUT)", other[1]);
	close(file);
	for (int i = 0; i < 2; i++) {
		close(ends[i]);
		close(other[i]);
	}
}

Test(sys, files_are_shown_by_their_names)
{
	static struct trace t;
	int fd;

	begin(&t);
	fd = sys_openat(&t.to, AT_FDCWD, "one", O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
	cr_assert(ge(int, fd, 0));
	SHOWN(&t, fd, "openat(%d, one, 0640)", AT_FDCWD);
	SHOWN(&t, sys_renameat(&t.to, AT_FDCWD, "one", "two"), "renameat(%d, one, two)", AT_FDCWD);
	SHOWN(&t, sys_unlinkat(&t.to, AT_FDCWD, "two"), "unlinkat(%d, two)", AT_FDCWD);
	SHOWN(&t, sys_renameat(&t.to, AT_FDCWD, "two", "one"), "renameat(%d, two, one)", AT_FDCWD);
	close(fd);
}

Test(sys, sockets_and_terminals_are_too)
{
	static struct trace t;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), ends[2];
	struct winsize size;

	begin(&t);
	SHOWN(&t, sys_reset_on_close(&t.to, fd), "setsockopt(%d, SOL_SOCKET, SO_LINGER, {1, 0})",
		fd);
	SHOWN(&t, sys_let_wait(&t.to, fd, false), "ioctl(%d, FIONBIO, 1)", fd);
	SHOWN(&t, sys_let_wait(&t.to, fd, true), "ioctl(%d, FIONBIO, 0)", fd);
	SHOWN(&t, sys_window_size(&t.to, fd, &size), "ioctl(%d, TIOCGWINSZ)", fd);
	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0));
	cr_assert(eq(long, write(ends[0], "12", 2), 2));
	cr_assert(eq(int, sys_unread(&t.to, ends[1]), 2));
	begin(&t);
	SHOWN(&t, sys_unread(&t.to, -1), "ioctl(-1, SIOCINQ, 0)");
	close(fd);
	close(ends[0]);
	close(ends[1]);
}
