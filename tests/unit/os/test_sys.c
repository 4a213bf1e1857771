#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "directory.h"
#include "net.h"
#include "os/sys_event.h"
#include "os/sys_file.h"
#include "os/sys_names.h"
#include "os/sys_socket.h"
#include "os/sys_terminal.h"
#include "peer.h"
#include "report/trace.h"
#include "script.h"

/* A trace shows each call, and what it returned. */

TestSuite(sys, .timeout = 20, .init = directory_enter, .fini = directory_leave);

struct shown {
	struct lines lines;
	struct reporter to;
	struct trace trace;
};

static void begin(struct shown *t)
{
	t->to = lines_reporter(&t->lines);
	trace_begin(&t->trace, &t->to);
	trace_add(&t->trace, &trace_text, NULL);
}

enum { CALL_AT = 14 }; /* time and connection stand before it */

/* What a call returns, and how it looks, as printf makes it, before the state. */
#define SHOWN(t, rc, ...)                                                                      \
	do {                                                                                   \
		char call_[200], line_[300];                                                   \
		long rc_ = (rc);                                                               \
		int error_ = errno;                                                            \
		snprintf(call_, sizeof(call_), __VA_ARGS__);                                   \
		snprintf(line_, sizeof(line_), "%s = %ld%s%s", call_, rc_, rc_ < 0 ? " " : "", \
			rc_ < 0 ? sys_error_name(error_).text : "");                           \
		(t)->lines.text[CALL_AT + strcspn((t)->lines.text + CALL_AT, "\n")] = '\0';    \
		(t)->lines.text[CALL_AT + strlen(line_)] = '\0';                               \
		cr_expect(eq(str, (t)->lines.text + CALL_AT, line_));                          \
		trace_end(&(t)->trace);                                                        \
		begin(t);                                                                      \
	} while (0)

Test(sys, moves_between_descriptors_are_shown)
{
	static struct shown t;
	int file = memfd_create("file", MFD_CLOEXEC), ends[2], other[2];

	begin(&t);
	cr_assert(eq(long, write(file, "12345", 5), 5));
	cr_assert(eq(long, lseek(file, 0, SEEK_SET), 0));
	SHOWN(&t, sys_pipe(&t.to, ends), "pipe2(O_NONBLOCK)");
	cr_assert(eq(int, sys_pipe(&t.to, other), 0));
	trace_end(&t.trace);
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
	trace_end(&t.trace);
}

Test(sys, files_are_shown_by_their_names)
{
	static struct shown t;
	int fd;

	begin(&t);
	fd = sys_openat(&t.to, AT_FDCWD, "one", O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
	cr_assert(ge(int, fd, 0));
	SHOWN(&t, fd, "openat(AT_FDCWD, one, 0640)");
	SHOWN(&t, sys_renameat(&t.to, AT_FDCWD, "one", "two"), "renameat(AT_FDCWD, one, two)");
	SHOWN(&t, sys_unlinkat(&t.to, AT_FDCWD, "two"), "unlinkat(AT_FDCWD, two)");
	SHOWN(&t, sys_renameat(&t.to, AT_FDCWD, "two", "one"), "renameat(AT_FDCWD, two, one)");
	close(fd);
	trace_end(&t.trace);
}

Test(sys, sockets_and_terminals_are_too)
{
	static struct shown t;
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
	trace_end(&t.trace);
	begin(&t);
	SHOWN(&t, sys_unread(&t.to, -1), "ioctl(-1, SIOCINQ, 0)");
	close(fd);
	close(ends[0]);
	close(ends[1]);
	trace_end(&t.trace);
}

Test(sys, what_is_asked_of_a_socket_is_shown_with_its_answer)
{
	static struct shown t;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), none;
	struct addr at;
	struct ucred who;

	none = bound_socket(AF_INET, 0, &at);
	cr_assert(eq(int, fcntl(fd, F_SETFL, O_NONBLOCK), 0));
	cr_assert(eq(int, connect(fd, &at.sa, at.len), -1));
	net_wait(fd, POLLOUT);
	begin(&t);
	SHOWN(&t, sys_getsockopt(&t.to, -1, SOL_SOCKET, SO_KEEPALIVE),
		"getsockopt(-1, SOL_SOCKET, SO_KEEPALIVE)");
	SHOWN(&t, sys_peer_credentials(&t.to, -1, &who), "getsockopt(-1, SOL_SOCKET, SO_PEERCRED)");
	cr_assert(eq(int, sys_so_error(&t.to, fd), ECONNREFUSED));
	cr_assert(strstr(t.lines.text, "SO_ERROR, ECONNREFUSED) = 0") != NULL, "%s", t.lines.text);
	trace_end(&t.trace);
	close(fd);
	close(none);
}
