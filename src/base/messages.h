#ifndef SOCKX_BASE_MESSAGES_H
#define SOCKX_BASE_MESSAGES_H

#include "base/buf.h"

/* A queue of whole messages, kept in a buf that holds nothing else: each after its length. An
 * empty message is one, too. */

/* Append a copy of one. Returns 0, or -1 when memory is out: then nothing was added. */
int messages_add(struct buf *queue, struct span message);

/* The first, which there must be; valid until the queue changes. */
struct span messages_first(const struct buf *queue);

/* Drop the first. */
void messages_drop_first(struct buf *queue);

#endif
