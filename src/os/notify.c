#include "os/notify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "os/sys_file.h"
#include "os/sys_socket.h"

enum { RETRY_MS = 20, GIVE_UP_MS = 5000 };

/* The address as it was given, where it is none. */
static void notify_report(struct notify *n, const char *given, const char *reason)
{
	if (!n->failed)
		report(n->to, &(struct report){.kind = REPORT_NOT_NOTIFIED,
				      .at = given ? NULL : &n->at,
				      .address = given,
				      .reason = reason});
	n->failed = true;
}

/* Returns 0, or an errno. */
static int notify_send(const struct notify *n)
{
	int error, fd = sys_socket(n->to, AF_UNIX, SOCK_DGRAM, 0);

	if (fd < 0)
		return errno;
	error = sys_connect(n->to, fd, &n->at.sa, n->at.len) < 0 ||
	                        sys_send(n->to, fd, n->state, strlen(n->state)) < 0
	                ? errno
	                : 0;
	sys_close(n->to, fd);
	return error;
}

static void notify_try(struct notify *n)
{
	int error = notify_send(n);

	if (error == EAGAIN && n->loop->now_ms < n->until_ms) {
		timer_set_in(n->loop, &n->again, RETRY_MS);
		return;
	}
	n->state = NULL;
	if (error)
		notify_report(n, NULL, strerror(error));
}

static void notify_on_again(struct timer *t)
{
	notify_try(container_of(t, struct notify, again));
}

int notify_begin(struct notify *n, struct reporter *to, struct loop *loop)
{
	const char *at = getenv("NOTIFY_SOCKET");

	*n = (struct notify){.to = to};
	if (!at || !*at)
		return 0;
	if ((at[0] != '/' && at[0] != '@') || addr_from_path(&n->at, at) < 0) {
		notify_report(n, at, "it is neither an absolute path nor an abstract name");
		return 0;
	}
	if (timer_init(loop, &n->again, notify_on_again) < 0)
		return -1;
	n->loop = loop;
	return 0;
}

void notify_say(struct notify *n, const char *state)
{
	if (!n->loop)
		return;
	n->state = state;
	n->until_ms = n->loop->now_ms + GIVE_UP_MS;
	notify_try(n);
}

void notify_end(struct notify *n)
{
	if (n->loop)
		timer_free(n->loop, &n->again);
	n->loop = NULL;
}
