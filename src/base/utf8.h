#ifndef SOCKX_BASE_UTF8_H
#define SOCKX_BASE_UTF8_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

enum { UTF8_INVALID = -1, UTF8_SHORT = 0, UTF8_MAX_BYTES = 4 };

/*
 * Read the code point at the front of in. Returns its length in bytes (1-4) with *code set;
 * UTF8_SHORT if in ends before it does (also if in is empty) and more bytes could complete it; or
 * UTF8_INVALID if the first byte begins no well-formed sequence, whatever comes: then skip that one
 * byte and look again after it.
 */
int utf8_decode(struct span in, uint32_t *code);

/*
 * Whether a code point could steer a terminal or mislead a reader, and so is never shown as itself:
 * controls (newline, CR and tab too), bidirectional controls, line and paragraph separators,
 * invisible format characters, tags, and noncharacters. The joiners U+200C and U+200D are not
 * among them: Persian, the Indic scripts and emoji are spelled with them.
 */
bool utf8_is_hidden(uint32_t code);

#endif
