#ifndef SOCKX_OS_FACTS_H
#define SOCKX_OS_FACTS_H

#include "base/addr.h"
#include "base/buf.h"

/*
 * What this machine says of itself, for --explain. It costs calls and reads much of /proc: for
 * where something has failed. None of it is traced.
 */

/* Append who has bound a socket of that type to at's port, and to its address, or all: "process 12
 * (nginx)", or "a process of user 33" where that is all we may know; nothing where there is none.
 * SOCK_STREAM: one that listens. Returns 0, or -1 when memory is out. */
int facts_holder(struct buf *out, int type, const struct addr *at);

/* Append the addresses of the interfaces, ", " between: getifaddrs(3). Returns as above. */
int facts_addresses(struct buf *out);

#endif
