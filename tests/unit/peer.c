#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

void peer_connect(struct peer *p, const struct addr *at)
{
	*p = (struct peer){.fd = socket(at->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	cr_assert(ge(int, p->fd, 0));
	cr_assert(eq(int, connect(p->fd, &at->sa, at->len), 0), "%s", strerror(errno));
	cr_assert(eq(int, fcntl(p->fd, F_SETFL, O_NONBLOCK), 0));
}

void peer_say(struct peer *p, const char *text)
{
	cr_assert(eq(sz, (size_t)send(p->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text)));
}

void peer_push(struct peer *p)
{
	static const char bytes[1 << 16];

	while (send(p->fd, bytes, sizeof(bytes), MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		;
}

void peer_finish(struct peer *p)
{
	cr_assert(eq(int, shutdown(p->fd, SHUT_WR), 0));
}

void peer_leave(struct peer *p)
{
	close(p->fd);
	p->fd = -1;
}

void peer_reset(struct peer *p)
{
	const struct linger none = {.l_onoff = 1};

	cr_assert(eq(int, setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none)), 0));
	peer_leave(p);
}

static void keep(struct peer *p, const char *bytes, size_t len)
{
	size_t room = p->heard_len < sizeof(p->heard) - 1 ? sizeof(p->heard) - 1 - p->heard_len : 0;

	if (room)
		memcpy(p->heard + p->heard_len, bytes, len < room ? len : room);
	p->heard_len += len;
}

void peer_hear(struct peer *p)
{
	char room[1 << 16];

	while (!p->ended && !p->error) {
		ssize_t n = recv(p->fd, room, sizeof(room), MSG_DONTWAIT);

		if (n > 0)
			keep(p, room, (size_t)n);
		else if (n == 0)
			p->ended = true;
		else if (errno == EAGAIN)
			return;
		else
			p->error = errno;
	}
}

void needs_ipv6(void)
{
	struct addr at = addr_loopback(AF_INET6, 0);
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc = fd < 0 ? -1 : bind(fd, &at.sa, at.len);

	if (fd >= 0)
		close(fd);
	if (rc < 0)
		cr_skip_test("no IPv6 here");
}

int bound_socket(int family, int backlog, struct addr *at)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*at = addr_loopback(family, 0);
	cr_assert(eq(int, bind(fd, &at->sa, at->len), 0));
	cr_assert(eq(int, backlog ? listen(fd, backlog) : 0, 0));
	cr_assert(eq(int, getsockname(fd, &at->sa, &at->len), 0));
	return fd;
}

void full_listener_open(struct full_listener *l)
{
	struct addr at;

	l->fd = bound_socket(AF_INET, 0, &at);
	cr_assert(eq(int, listen(l->fd, 0), 0));
	for (int i = 0; i < 2; i++) {
		l->guests[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		connect(l->guests[i], &at.sa, at.len);
	}
	l->port = addr_port(&at);
}

void full_listener_close(struct full_listener *l)
{
	close(l->guests[0]);
	close(l->guests[1]);
	close(l->fd);
}

static void on_alarm(struct timer *t)
{
	(void)t;
}

unsigned turn_for_ms(struct loop *l, int64_t ms)
{
	int64_t end_ms = clock_ms() + ms;
	struct timer alarm;
	struct err err;
	unsigned turns = 0;

	cr_assert(eq(int, timer_init(l, &alarm, on_alarm), 0));
	do {
		timer_set(l, &alarm, end_ms);
		cr_assert(eq(int, loop_turn(l, &err), 0));
		turns++;
	} while (clock_ms() < end_ms);
	timer_free(l, &alarm);
	return turns;
}
