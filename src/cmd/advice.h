#ifndef SOCKX_CMD_ADVICE_H
#define SOCKX_CMD_ADVICE_H

#include "base/err.h"

/*
 * What a user can do about an error. The layers below say what is the case (enum fact); which
 * option or command helps is said here, in one table.
 */

/* Complete err by what its fact means, and clear the fact: what it says may go on, and a hint is
 * written if there is none. */
void advise(struct err *err);

/* The same for a client that is only served by one mode, so that the server we suggest is one. mode
 * may be NULL. */
void advise_client(struct err *err, const char *mode);

#endif
