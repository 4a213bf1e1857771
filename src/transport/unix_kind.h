#ifndef SOCKX_TRANSPORT_UNIX_KIND_H
#define SOCKX_TRANSPORT_UNIX_KIND_H

#include "base/addr.h"

struct reporter;

/* The kind of the server's socket at a Unix address, to which one of the kind ours could not
 * connect: SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET; 0 where there is none of another kind, or it
 * is not known. The server notices nothing. It costs calls: for where something has failed. */
int unix_kind_at(struct reporter *to, const struct addr *at, int ours);

#endif
