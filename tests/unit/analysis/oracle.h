#ifndef UNIT_ANALYSIS_ORACLE_H
#define UNIT_ANALYSIS_ORACLE_H

#include "base/buf.h"

/* What an analysis must find, told slowly: UAX #29 word by word from the rules as they are printed,
 * u8_casefold for every word, and a search through all words that were met. */

/* Whether a segment begins at each byte of text: out[i] is 1 there, else 0. Each byte that belongs
 * to no well-formed UTF-8 is a segment. */
void oracle_breaks(struct span text, char *out);

/* The report, as the server sends it. */
struct buf oracle_report(struct span text, bool exact);

/* Code points that differ in what matters to segments and folding: so many are in *count. */
const uint32_t *oracle_letters(size_t *count);

/* A text of so many of them, or of invalid bytes, at random; the bytes must be freed. The seed says
 * which, and changes. */
struct span oracle_text(uint64_t *seed, size_t letters);

uint64_t oracle_random(uint64_t *seed);

#endif
