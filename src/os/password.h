#ifndef SOCKX_OS_PASSWORD_H
#define SOCKX_OS_PASSWORD_H

#include <stddef.h>

struct reporter;

/* Ask for a password at the terminal that we were started from, whatever standard input is, and
 * show nothing of it. It waits; Ctrl-C and Ctrl-D give up. Returns its length, without the end of
 * the line, or -1: there is no terminal, or it was given up. */
int password_ask(struct reporter *to, const char *prompt, char *out, size_t size);

#endif
