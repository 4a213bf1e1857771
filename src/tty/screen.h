#ifndef SOCKX_TTY_SCREEN_H
#define SOCKX_TTY_SCREEN_H

#include "base/escape.h"
#include "core/conn.h"
#include "report/report.h"

/* Where a peer's bytes are put out. A pipe or a file gets them as they came; a terminal only
 * through the escaping writer, so that no peer can steer it. All zero but `out` is a good start. */
struct screen {
	struct conn *out;        /* standard output */
	bool raw;                /* --raw: the terminal gets them as they came, too */
	struct reporter *shares; /* whose lines go to the same terminal; NULL: none */
	struct escaper escaper;
};

/* Whether what it is given has to be made visible; else out gets it as it is. */
bool screen_escapes(const struct screen *s);

/* A person has typed a line on the terminal that out is: what comes next begins a row. */
void screen_typed(const struct screen *s);

/* Put in out. Returns as conn_write; out of memory, out ends with that error. */
int screen_write(struct screen *s, struct span in);

/* The peer has ended: put out what was held of an unfinished letter. */
void screen_end(struct screen *s);

#endif
