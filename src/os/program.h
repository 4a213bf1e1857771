#ifndef SOCKX_OS_PROGRAM_H
#define SOCKX_OS_PROGRAM_H

#include <stddef.h>

#include "base/err.h"

struct origin;

/* A program that was named as at a shell: found before it is started, so that starting it needs no
 * memory. */
struct program {
	const char *name; /* as typed */
	char *path;       /* the file */
	char **argv;      /* its words, up to a NULL */
	char **by_shell;  /* those of /bin/sh for the same file, if it is a script without "#!" */
};

/* Find the program that words[0] names: a path if it has a slash, else the first in PATH. The words
 * must live as long. Returns 0, or -1 with ERR_USAGE, or ERR_RUNTIME when memory is out. */
int program_find(struct program *p, const char *const *words, size_t count, struct err *err);

/* Become the program, as we were started ourselves (os/process.h). Returns -1 with err, or not. */
int program_become(const struct program *p, const struct origin *origin, struct err *err);

/* Free what it holds. Also for one that is all zero. */
void program_free(struct program *p);

#endif
