#ifndef SOCKX_ANALYSIS_FOLD_H
#define SOCKX_ANALYSIS_FOLD_H

#include <stdbool.h>

#include "base/span.h"

/*
 * What makes two words the same: their keys are equal byte for byte. The key of a word is
 * u8_casefold(word, UNINORM_NFC), Unicode's case folding between normalizations (D145 and NFC).
 *
 * A word that is not ASCII and longer than FOLD_MAX_BYTES is its own key: folding takes up to 60 ns
 * a byte, all of it in one call, and no other client would be served meanwhile. At this bound that
 * is 1 ms at most; it grows with the length, not faster, also over marks that must be put in order.
 */
enum { FOLD_MAX_BYTES = 16 * 1024 };

/* A key, and the memory it lies in. */
struct fold {
	struct span key;
	uint8_t *grown; /* what fold_end frees; NULL while room does */
	uint8_t room[256];
};

/* The key of a word of valid UTF-8; valid until fold_end, and as long as the word is. Returns 0, or
 * -1 when memory is out: then there is nothing to end. */
int fold_word(struct fold *f, struct span word);
void fold_end(struct fold *f);

/* Whether all of it is ASCII. */
bool fold_is_ascii(struct span text);

/* Eight bytes of ASCII in the lower case, which for them is their key. */
static inline uint64_t fold_ascii_8(uint64_t bytes)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t low = bytes & (0x7f * ones);
	/* The top bit of each byte says that it is at least 'A', and that it is beyond 'Z'. */
	uint64_t from_a = low + (0x80 - 'A') * ones, beyond_z = low + (0x80 - 'Z' - 1) * ones;

	return bytes | ((from_a ^ beyond_z) & ~bytes & (0x80 * ones)) >> 2;
}

/* Whether two texts of ASCII, of n bytes each, have one key. */
bool fold_ascii_equal(const uint8_t *one, const uint8_t *other, size_t n);

#endif
