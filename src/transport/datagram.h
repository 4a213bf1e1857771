#ifndef SOCKX_TRANSPORT_DATAGRAM_H
#define SOCKX_TRANSPORT_DATAGRAM_H

#include <sys/socket.h>
#include <sys/uio.h>

#include "core/link.h"

/* What datagram sockets have in common, whatever the family. */

/* Read one of a connected socket; one that is longer than size is an error (EOVERFLOW). */
enum io datagram_read(struct link *link, uint8_t *room, size_t size, size_t *got);

/* Give a socket's buffer so many bytes: by the option that is root's (force), else as many as
 * net.core lets anybody have. */
void datagram_enlarge(struct reporter *to, int fd, int force, int option, int bytes);

/* Several in one call (recvmmsg(2), sendmmsg(2)). */

enum { BATCH_MAX = 64 };

struct batch {
	struct mmsghdr messages[BATCH_MAX];
	struct iovec parts[BATCH_MAX];
};

/* Point the headers at datagrams that are to be received or sent, without control data. Returns how
 * many of them fit. */
size_t batch_prepare(struct batch *b, struct datagram *all, size_t count, bool receiving);

/* Receive or send them, or some: one alone where calls are traced. Returns how many, or -1. */
int batch_receive(struct reporter *to, int fd, struct batch *b, size_t count);
int batch_send(struct reporter *to, int fd, struct batch *b, size_t count);

#endif
