#ifndef SOCKX_TRANSPORT_OPTIONS_H
#define SOCKX_TRANSPORT_OPTIONS_H

#include "core/link.h"

/*
 * What a user can ask of a socket. Each option is a field here, a row or more of the table in
 * options.c (what the kernel calls it, and which sockets have it), and a row of a command's option
 * table, which has the same name and fills the field.
 *
 * All are set once, before the socket is bound or connected: only then does TCP choose its window,
 * and a link-local address find its interface. What TCP accepts has them from its listener; what a
 * Unix socket accepts does not, so that they are set on it again.
 */
struct socket_options {
	uint64_t ttl;                   /* hops; 0: as usual */
	uint64_t receive_max, send_max; /* bytes of the kernel's buffers; 0: as usual */
	int64_t keepalive_ms;           /* 0: never; -1: as usual */
	const char *dscp;               /* as it was typed; NULL: as usual */
	const char *interface;          /* its name; NULL: any */
};

/* Nothing is asked for. */
#define SOCKET_OPTIONS_NONE        \
	(struct socket_options)    \
	{                          \
		.keepalive_ms = -1 \
	}

/* That each option that was given can be meant, and means something to sockets of via. Returns 0,
 * or -1 with ERR_USAGE. */
int socket_options_check(
	const struct socket_options *options, const struct transport *via, struct err *err);

/* Set on fd, a new socket of a kind, what options ask for; NULL: nothing. at is where it will be
 * bound (ERR_LISTEN) or connected (ERR_RUNTIME): of this kind err is where the kernel refuses an
 * option, or gives a smaller buffer. Returns 0, or -1 with err. */
int socket_options_set(struct reporter *to, int fd, enum socket_kind kind, const struct addr *at,
	const struct socket_options *options, enum err_kind error, struct err *err);

/* How many hops a socket's datagrams may travel: what was asked for, else usual. */
int socket_options_hops(const struct socket_options *options, int usual);

#endif
