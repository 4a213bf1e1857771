#ifndef SOCKX_TRANSPORT_INET_H
#define SOCKX_TRANSPORT_INET_H

#include "core/link.h"

/* What the transports over IPv4 and IPv6 have in common. */

/* Make a socket of a type for listening at an address and bind it. An IPv6 one leaves IPv4 to a
 * socket of its own on the same port (RFC 3493 section 5.3), unless at is IPv4-mapped. prepare sets
 * options before bind, and those of conf come after it. Returns it, or -1 with err. */
int inet_bind(struct reporter *to, const struct addr *at, int type, const struct listen_conf *conf,
	void (*prepare)(struct reporter *to, int fd, const struct addr *at), struct err *err);

/* Fill err for a call on the way to listening at an address that failed with an errno. Returns
 * -1. */
int inet_cannot_listen(struct err *err, const char *call, int error, const struct addr *at);

/* transport.connect with a socket of a type. prepare sets its options. */
enum io inet_connect(struct link *link, const struct addr *at, const struct dial_conf *conf,
	int type, void (*prepare)(struct reporter *to, int fd, const struct addr *at),
	bool *source_failed);

/* A socket that connects to a free local port may be given that very port and then meets itself
 * (RFC 9293 section 3.5, simultaneous open): there is no other peer. */
bool inet_met_itself(const struct link *link, const struct addr *at);

/* Whether it is a broadcast address, of a network of ours or of all. */
bool inet_is_broadcast(struct reporter *to, const struct addr *at);

/* Whether an address is one of this machine. It costs calls: for where something has failed. */
bool inet_is_ours(struct reporter *to, const struct addr *at);

void inet_advise(struct reporter *to, struct err *err, int error, const struct addr *at);
void inet_unlisten(struct reporter *to, struct listening *socket);

#endif
