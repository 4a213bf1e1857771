#ifndef SOCKX_ANALYSIS_ASCII_H
#define SOCKX_ANALYSIS_ASCII_H

#include <stdbool.h>

#include "base/span.h"

/*
 * Words of plain ASCII, found 64 bytes at a time. Within ASCII the rules of UAX #29 are these: runs
 * of letters, digits and low lines stay together, and so do two letters, or two digits, with one
 * mark of certain kinds between them. What the classes are is asked of the library; where they are
 * not as expected (regular), nothing is scanned.
 */
struct ascii {
	uint8_t word_break[128]; /* WBP_ */
	bool makes_word[128];    /* segment_makes_word */
	uint8_t marks[6][16];    /* those that may stand within words, 16 times each; some again */
	bool regular;
};

void ascii_init(struct ascii *a);

/* What was found. */
enum { ASCII_SCAN_BYTES = 2048, ASCII_SLACK_BYTES = 16 };
struct ascii_found {
	uint64_t words[ASCII_SCAN_BYTES / 64]; /* a bit for each byte: part of a word, or a segment
	                                        * of low lines only */
	uint8_t keys[ASCII_SCAN_BYTES + ASCII_SLACK_BYTES]; /* the text in the lower case; any bytes
	                                                     * after its end */
	size_t len;                                         /* of what was looked at */
	size_t whole; /* of the whole segments in it, without the last, which may go on */
};

/* Look at what in begins with: ASCII, and so much of it as there is room for. A segment begins
 * there. exact: keys is the text as it is. */
void ascii_scan(const struct ascii *a, struct span in, bool exact, struct ascii_found *out);

/* The bits of 16 bytes that are each 0 or -1, the first byte's lowest: without a special
 * instruction, and with one where there is one. */
typedef int8_t ascii_lanes __attribute__((vector_size(16)));

static inline uint32_t ascii_bits_portably(ascii_lanes lanes)
{
	uint64_t half[2];
	uint32_t bits[2];

	memcpy(half, &lanes, sizeof(half));
	for (int i = 0; i < 2; i++) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		half[i] = __builtin_bswap64(half[i]);
#endif
		/* Byte n's bit comes to 56 + n by one of the factor's bits, and no two meet. */
		half[i] = (half[i] & 0x0101010101010101) * 0x0102040810204080;
		bits[i] = (uint32_t)(half[i] >> 56);
	}
	return bits[0] | bits[1] << 8;
}

static inline uint32_t ascii_bits(ascii_lanes lanes)
{
#ifdef __SSE2__
	typedef char sse_lanes __attribute__((vector_size(16)));

	return (uint32_t)__builtin_ia32_pmovmskb128((sse_lanes)lanes);
#else
	return ascii_bits_portably(lanes);
#endif
}

#endif
