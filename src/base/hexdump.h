#ifndef SOCKX_BASE_HEXDUMP_H
#define SOCKX_BASE_HEXDUMP_H

#include <stdint.h>

#include "base/span.h"

/* Rows of a hex dump, in the form of hexdump -C:
 *
 *   00000010  68 65 6c 6c 6f 0a 00 00  00 00 00 00 00 00 00 00  |hello...........|
 *
 * All of it is printable ASCII, whatever the bytes are. */

enum {
	HEXDUMP_ROW_BYTES = 16,
	HEXDUMP_ROW_MAX = 16 + 2 + 50 + 1 + HEXDUMP_ROW_BYTES + 2, /* characters of a row */
};

/* Write the row of up to HEXDUMP_ROW_BYTES that stand at an offset, with its newline and without a
 * NUL; of no bytes, it says that the message is empty. Returns how long it is. */
size_t hexdump_row(char out[HEXDUMP_ROW_MAX], uint64_t offset, struct span bytes);

#endif
