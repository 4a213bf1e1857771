#ifndef SOCKX_BASE_PCAPNG_H
#define SOCKX_BASE_PCAPNG_H

#include <stdint.h>

#include "base/buf.h"

/*
 * Blocks of a pcapng file (draft-ietf-opsawg-pcapng): packets of IP without a link layer
 * (LINKTYPE_RAW), in the byte order of this machine, with times in nanoseconds. A file that ends
 * after any block is a whole one.
 */

/* What a file begins with: program is what wrote it. Returns 0, or -1 when memory is out: then
 * nothing was added. So do all of these. */
int pcapng_begin(struct buf *out, const char *program);

enum pcapng_way { PCAPNG_IN = 1, PCAPNG_OUT = 2 };

struct pcapng_packet {
	int64_t ns; /* since 1970 */
	enum pcapng_way way;
	struct span head, data; /* its bytes: those of head, then those of data */
	size_t missing;         /* so many more it had, which are not known */
	struct span comment;    /* UTF-8 */
};

int pcapng_add(struct buf *out, const struct pcapng_packet *packet);

#endif
