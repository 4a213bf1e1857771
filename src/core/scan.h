#ifndef SOCKX_CORE_SCAN_H
#define SOCKX_CORE_SCAN_H

#include "core/link.h"
#include "core/resolve.h"
#include "os/loop.h"

/*
 * A scan: which of many ports have a server. A bounded number of them is probed at a time, and each
 * verdict comes in order: host by host, port by port.
 *
 * Over TCP a port costs two calls: connect, and connect again, which has the verdict where it is
 * known by then, as on loopback; and after a refusal the socket is used for the next port. What is
 * connected is ended by a reset before any byte. With datagrams only an answer shows a server.
 */

enum scan_verdict { SCAN_PENDING, SCAN_OPEN, SCAN_REFUSED, SCAN_SILENT };

/* Ports from one to another, both included. */
struct scan_range {
	uint16_t first, last;
};

/* Where a scan is: host 0, port ranges[0].first comes first. */
struct scan_place {
	size_t host, range;
	uint16_t port;
};

struct scan_slot;

struct scan {
	/* The caller fills these; the lists must live as long as the scan. */
	struct loop *loop;
	struct reporter *to;
	const struct transport *via;
	const struct resolved *hosts; /* the addresses of each: one after the other is probed */
	size_t host_count;
	const struct scan_range *ranges;
	size_t range_count;
	struct dial_conf from;
	struct span text;   /* the datagram */
	int64_t timeout_ms; /* of each address of a port; 0: none */
	size_t at_once;     /* how many ports at most */
	/* The verdict on the port at a place. Returns 0, or -1: tell no more until scan_go_on. */
	int (*told)(struct scan *s, const struct scan_place *at, enum scan_verdict verdict);
	/* All was told (why NULL), or the scan failed. */
	void (*over)(struct scan *s, const struct err *why);

	struct scan_slot *slots;
	size_t *free_slots; /* their numbers; the last is taken first, for its socket is reusable */
	size_t free_count;
	uint8_t *verdicts; /* enum scan_verdict of each port, by number */
	size_t total, begun, shown;
	struct scan_place next, show; /* of those numbers */
	struct timer turn;
	bool held, is_over;
	struct err why;
};

/* Begin. Returns 0, or -1 when memory is out. */
int scan_begin(struct scan *s);

/* Tell on, after told has stopped it. */
void scan_go_on(struct scan *s);

/* End it, and tell nothing. Also for one that never began. */
void scan_free(struct scan *s);

#endif
