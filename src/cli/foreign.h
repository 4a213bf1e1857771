#ifndef SOCKX_CLI_FOREIGN_H
#define SOCKX_CLI_FOREIGN_H

#include <stddef.h>

/* What somebody who knows nc, ncat or socat may type, and how sockx says it. command is the
 * command the word stood behind, or NULL where it stood for one (`sockx -l 9000`); word is the
 * option or address as typed ("-l", "-lk", "-nvlp", "--ssl", "TCP-LISTEN:9000"). Returns a whole
 * hint sentence on one line in buffer, or NULL where the word is not one of theirs. What a word is
 * taken for can also be right ("stdio" may be a host): ask only about what was refused. */
const char *foreign_hint(const char *command, const char *word, char *buffer, size_t size);

#endif
