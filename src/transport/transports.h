#ifndef SOCKX_TRANSPORT_TRANSPORTS_H
#define SOCKX_TRANSPORT_TRANSPORTS_H

#include "core/link.h"
#include "core/target.h"

/* The transport that goes this way: one row each in transports.c; TRAVEL_UNSAID is TCP. NULL: there
 * is none. */
const struct transport *transport_find(enum travel by);

#endif
