#ifndef SOCKX_CORE_STD_H
#define SOCKX_CORE_STD_H

#include "core/conn.h"

/* Link to one of our inherited descriptors, 0 or 1: transport/fd.h has the one that is meant. */
typedef void std_link(struct reporter *to, int fd, struct link *link);

/* Standard input (fd 0, which only reads, and is paused until conn_resume) or output (fd 1, which
 * only writes) as the one connection of an owner, whose loop, to, room, on and ctx the caller has
 * filled. Returns NULL when memory is out. */
struct conn *std_open(struct conn_owner *owner, int fd, std_link *open_link);

#endif
