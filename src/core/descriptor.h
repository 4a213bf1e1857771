#ifndef SOCKX_CORE_DESCRIPTOR_H
#define SOCKX_CORE_DESCRIPTOR_H

#include "core/conn.h"

/* A descriptor that was open when we began, and what it is to us. */
struct descriptor {
	int fd;
	enum conn_sides sides; /* whether we read it, write it, or both */
	const char *name;      /* what messages call it: "standard input" */
};

extern const struct descriptor standard_input, standard_output;

/* Link to one: transport/fd.h has the one that is meant. */
typedef void descriptor_link(struct reporter *to, int fd, enum conn_sides sides, struct link *link);

/* Make it the one connection of an owner, whose loop, to, room, on and ctx the caller has filled.
 * One that is read is paused until conn_resume. Returns NULL when memory is out. */
struct conn *descriptor_open(
	struct conn_owner *owner, const struct descriptor *what, descriptor_link *open_fd);

#endif
