#ifndef SOCKX_CLI_SOCAT_H
#define SOCKX_CLI_SOCAT_H

#include <stdbool.h>
#include <stddef.h>

/* Whether word is an address of socat's with its parameters, such as TCP-LISTEN:9000,fork. Its type
 * may be in any case. */
bool socat_is_address(const char *word);

/* The same of a word that could be a host and port of ours as well: only what is sure. */
bool socat_is_surely_address(const char *word);

/* What the words after "socat" are in sockx: a whole hint on one line in out. It has the line that
 * does the same, nothing of it dropped, or says what sockx does not do, and what does. options:
 * those of ours that stood among the words, as " -k --max-conns 3", or "". Returns false where
 * nothing can be said. */
bool socat_hint(
	const char *const *words, size_t count, const char *options, char *out, size_t size);

#endif
