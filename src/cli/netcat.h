#ifndef SOCKX_CLI_NETCAT_H
#define SOCKX_CLI_NETCAT_H

#include <stdbool.h>
#include <stddef.h>

/* What the words after "nc" or "ncat" are in sockx: of "-lk 9000" "sockx serve -k -p 9000". Writes
 * it to out and returns true; false where there is anything in them that we do not know or have, or
 * that a shell would want quoted. */
bool netcat_line(const char *const *words, size_t count, char *out, size_t size);

/* A whole hint made of the words on one line in out: that line of ours as a question, with what is
 * typed alike and means something else, or what sockx does not do, and what does. Returns false
 * where nothing can be said. */
bool netcat_hint(const char *const *words, size_t count, char *out, size_t size);

#endif
