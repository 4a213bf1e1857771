#ifndef SOCKX_CMD_HOST_H
#define SOCKX_CMD_HOST_H

#include "base/err.h"

/* What a host is can be told from its form, before anything is looked up. */

/* That host is an address that can be used, or a name that some resolver may know. interface: what
 * --interface names, or NULL. Returns 0, or -1 with ERR_USAGE. */
int host_check(const char *host, const char *interface, struct err *err);

/* Where host is an IPv6 address whose last part may have been meant as a port, as in ::1:80, and
 * err says that it is not reached, or not ours, make that the hint of err. Returns -1. */
int host_hint_port(const char *host, struct err *err);

#endif
