#ifndef SOCKX_TRANSPORT_STREAM_H
#define SOCKX_TRANSPORT_STREAM_H

#include "core/link.h"

/* What all stream sockets have in common; transports name these in their rows. */
enum io stream_accept(struct reporter *to, const struct listening *listener, struct link *link,
	struct addr *peer);
enum io stream_read(struct link *link, uint8_t *room, size_t size, size_t *got);
enum io stream_write(struct link *link, struct span out, size_t *taken);
/* A byte that was sent as urgent (MSG_OOB) is read in its place, as any other: it would be left out
 * (tcp(7), SO_OOBINLINE). */
void stream_keep_urgent(struct reporter *to, int fd);
enum io stream_finish(struct link *link);
int stream_pending(struct link *link);
int stream_close(struct link *link);

/* For the transports' own use: the IO_AGAIN or IO_FAIL that errno means, kept in link->error. */
enum io link_error(struct link *link, int error);

#endif
