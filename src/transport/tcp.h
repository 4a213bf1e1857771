#ifndef SOCKX_TRANSPORT_TCP_H
#define SOCKX_TRANSPORT_TCP_H

#include "core/link.h"

/* TCP over IPv4 and IPv6 (tcp(7)): without Nagle's delay, with keep-alive. */
extern const struct transport transport_tcp;

#endif
