#ifndef SOCKX_TTY_TERMINAL_H
#define SOCKX_TTY_TERMINAL_H

#include <stdbool.h>
#include <termios.h>

#include "report/report.h"

/*
 * A terminal in character mode: each key arrives at once, none is shown, and those for signals are
 * keys like any other. It is only ever taken from the foreground: in the background, changing the
 * settings would stop us (SIGTTOU), and it is the shell's.
 */
struct terminal {
	struct reporter *to;
	int fd;
	bool taken;
	struct termios before; /* the settings to give back */
};

/* Take it; taken says whether it was to be had. Taken already, its settings are set again. Returns
 * 0, or -1 with errno set. */
int terminal_take(struct terminal *t);

/* Give it back as it was. May be called at any time. */
void terminal_restore(struct terminal *t);

/* Whether it is ours to use: it has not hung up, and we are in its foreground, or it has no such
 * thing, for it does not control our session. */
bool terminal_in_foreground(const struct terminal *t);

/* Whether its mode is unchanged since it was taken. */
bool terminal_is_untouched(const struct terminal *t);

/* Send the signal of a key, as the terminal itself would have: to all of its foreground. */
void terminal_signal(const struct terminal *t, int number);

/* Whether standard output and standard error are one terminal. It is not traced. */
bool terminal_is_shared(void);

/* Whether two descriptors are one terminal. */
bool terminal_is_same(struct reporter *to, int fd, int other);

#endif
