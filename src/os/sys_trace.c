#include "os/sys_trace.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "os/sys_names.h"
#include "os/sys_socket.h"
#include "report/trace.h"

static struct call_state sys_state(int fd, struct call_queue *queue)
{
	struct tcp_info info = {0};

	if (sys_tcp_info(fd, &info) < 0)
		return (struct call_state){0};
	/* tcp_get_info() in the kernel: of a listener these two are its queue. */
	if (info.tcpi_state == TCP_LISTEN)
		*queue = (struct call_queue){info.tcpi_unacked, info.tcpi_sacked};
	return (struct call_state){.tcp = info.tcpi_state};
}

/* An error has come, and no call has taken it yet. */
static bool sys_is_broken(int fd)
{
	struct pollfd one = {.fd = fd};

	return poll(&one, 1, 0) > 0 && (one.revents & POLLERR);
}

void sys_look(struct reporter *to, int fd)
{
	int saved = errno;
	struct call_queue queue;
	const struct call_state state = sys_state(fd, &queue);

	trace_saw(to->trace, fd, state, state.tcp == TCP_CLOSE && sys_is_broken(fd));
	errno = saved;
}

static bool sys_is_socket(int fd)
{
	struct stat is;

	return fstat(fd, &is) == 0 && S_ISSOCK(is.st_mode);
}

struct sys_closing sys_about_to_close(struct reporter *to, int fd)
{
	struct sys_closing before = {.aside = !sys_is_socket(fd)};
	int saved = errno, bytes = 0;

	sys_look(to, fd);
	/* What close leaves unread makes it a reset (RFC 2525 section 2.17). */
	before.unread = ioctl(fd, SIOCINQ, &bytes) == 0 && bytes > 0;
	errno = saved;
	return before;
}

void sys_made_close(struct reporter *to, int rc, int fd, struct sys_closing before)
{
	sys_made(to, rc,
		&(struct call){.kind = CALL_CLOSE,
			.name = "close",
			.fd = fd,
			.unread = before.unread,
			.aside = before.aside});
}

void sys_made_copy(struct reporter *to, int rc, int fd, int onto)
{
	int saved = errno;
	bool aside = !sys_is_socket(fd);
	char text[16];

	snprintf(text, sizeof(text), "%d", onto);
	errno = saved;
	sys_made(to, rc,
		&(struct call){.kind = CALL_COPY,
			.name = onto < 0 ? "dup" : "dup2",
			.fd = fd,
			.args = onto < 0 ? NULL : text,
			.aside = aside});
}

static void sys_see(struct call *call)
{
	struct call_queue none;

	switch (call->kind) {
	case CALL_OTHER:
	case CALL_COPY:
	case CALL_CLOSE: break;
	case CALL_SOCKET:
		if (call->rc >= 0)
			call->after = sys_state((int)call->rc, &none);
		break;
	case CALL_ACCEPT:
		call->after = sys_state(call->fd, &call->queue);
		if (call->rc >= 0)
			call->after = sys_state((int)call->rc, &none);
		break;
	case CALL_BIND:
	case CALL_LISTEN:
	case CALL_CONNECT:
	case CALL_SEND:
	case CALL_RECEIVE:
	case CALL_SHUTDOWN:
	case CALL_OPTION:
	case CALL_LOOK:
		call->after = sys_state(call->fd, &call->queue);
		call->broken =
			call->after.tcp == TCP_CLOSE && (call->broken || sys_is_broken(call->fd));
		break;
	}
}

/* Returns ends. */
static const struct call_ends *sys_ends(int fd, struct call_ends *ends)
{
	socklen_t local = sizeof(ends->local.room), peer = sizeof(ends->peer.room);
	socklen_t len = sizeof(ends->type);

	*ends = (struct call_ends){0};
	if (getsockname(fd, &ends->local.sa, &local) == 0)
		ends->local.len = local;
	if (getpeername(fd, &ends->peer.sa, &peer) == 0)
		ends->peer.len = peer;
	(void)getsockopt(fd, SOL_SOCKET, SO_TYPE, &ends->type, &len);
	return ends;
}

void sys_made(struct reporter *to, int64_t rc, struct call *call)
{
	int saved = errno;
	struct error_name error = sys_error_name(rc < 0 ? saved : 0);
	struct call_ends ends;

	call->rc = rc;
	call->error = rc < 0 ? saved : 0;
	call->error_name = error.text;
	sys_see(call);
	if (trace_wants_ends(to->trace, call))
		call->ends = sys_ends(call->kind == CALL_ACCEPT ? (int)rc : call->fd, &ends);
	trace_call(to->trace, call);
	errno = saved;
}

void sys_made_other(
	struct reporter *to, int64_t rc, const char *name, int fd, const char *format, ...)
{
	char text[256];
	va_list rest;

	va_start(rest, format);
	vsnprintf(text, sizeof(text), format, rest);
	va_end(rest);
	sys_made(to, rc, &(struct call){.name = name, .fd = fd, .args = text[0] ? text : NULL});
}

void sys_made_data(struct reporter *to, int64_t rc, enum call_kind kind, const char *name, int fd,
	const void *data, size_t len, const char *flags)
{
	struct call call = {.kind = kind, .name = name, .fd = fd, .asked = len};
	char args[64];

	snprintf(args, sizeof(args), "%zu%s", len, flags);
	call.args = args;
	/* With MSG_TRUNC a datagram may be longer than its room. */
	if (rc >= 0 && data)
		call.data = (struct span){data, (size_t)rc < len ? (size_t)rc : len};
	sys_made(to, rc, &call);
}
