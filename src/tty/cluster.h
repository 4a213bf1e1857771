#ifndef SOCKX_TTY_CLUSTER_H
#define SOCKX_TTY_CLUSTER_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/*
 * What a person calls a letter: a grapheme cluster (UAX #29), flags and joined emoji included. Text
 * is valid UTF-8. Longer than CLUSTER_MAX_BYTES, one is taken for several.
 */
enum { CLUSTER_MAX_BYTES = 256 };

/* Where the cluster that begins at `at` ends; text.len if at is there. */
size_t cluster_next(struct span text, size_t at);

/* Where the cluster that ends at `at` begins; 0 if at is 0. */
size_t cluster_prev(struct span text, size_t at);

/* How many columns a terminal gives a code point: 0, 1 or 2. */
size_t code_width(uint32_t code);

#endif
