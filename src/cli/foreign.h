#ifndef SOCKX_CLI_FOREIGN_H
#define SOCKX_CLI_FOREIGN_H

#include <stddef.h>

/* What one word of nc, ncat or socat is in sockx. command is the command that was typed before it,
 * or NULL where it was the first word (`sockx -l`); word is an option ("-l", "--ssl") or a word as
 * typed. Returns a whole hint on one line in buffer, or NULL where the word is not one of theirs.
 * Whole lines are read by cli/netcat.h and cli/socat.h. What a word is taken for can also be right
 * ("stdio" may be a host): ask only about what was refused. */
const char *foreign_hint(const char *command, const char *word, char *buffer, size_t size);

#endif
