#ifndef UNIT_PEER_H
#define UNIT_PEER_H

#include "base/clock.h"
#include "base/addr.h"
#include "os/loop.h"

/* A peer over real loopback sockets, in the process under test: nothing here waits for long. */

struct peer {
	int fd;
	char heard[1 << 12]; /* the first bytes that came, and a NUL */
	size_t heard_len;    /* all that came */
	bool ended;          /* its input has ended in order */
	int error;           /* ... or with this errno */
};

/* Connect, which the kernel does alone as long as there is room in the backlog. */
void peer_connect(struct peer *p, const struct addr *at);

void peer_say(struct peer *p, const char *text);

/* Send whatever there is room for. */
void peer_push(struct peer *p);

/* Half-close; and leave: in order, or with a reset. */
void peer_finish(struct peer *p);
void peer_leave(struct peer *p);
void peer_reset(struct peer *p);

/* Take what has come. */
void peer_hear(struct peer *p);

/* Skip the test on a machine that has no IPv6 loopback. */
void needs_ipv6(void);

/* A TCP socket bound to a free loopback port, which at is set to; listening if backlog > 0. */
int bound_socket(int family, int backlog, struct addr *at);

/* A listener with no place left: the kernel drops what would connect to its port. */
struct full_listener {
	int fd, guests[2];
	uint16_t port;
};
void full_listener_open(struct full_listener *l);
void full_listener_close(struct full_listener *l);

/* Turn for so long, and say how many turns that took. */
unsigned turn_for_ms(struct loop *l, int64_t ms);

/* Turn until a condition holds; five seconds are too long. */
#define TURN_UNTIL(l, condition)                                                     \
	for (int64_t limit_ms_ = clock_ms() + 5000; !(condition); turn_for_ms(l, 0)) \
	cr_assert(lt(i64, clock_ms(), limit_ms_), "it never came to this: " #condition)

#endif
