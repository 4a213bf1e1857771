#ifndef SOCKX_REPORT_TRACE_PCAP_H
#define SOCKX_REPORT_TRACE_PCAP_H

#include "report/trace.h"

/*
 * The calls as a capture of packets (base/pcapng.h), for a program that reads those. The packets
 * are made up: the addresses, the bytes and their order are those of the calls; sequence numbers,
 * acknowledgements and how data is cut are ours. A comment on each names its call. Sockets that
 * are not of IP have no packets.
 */

struct trace_pcap {
	/* Takes whole blocks, some at each call; it never waits. */
	void (*write)(void *arg, struct span blocks);
	/* Something is missing: why, as a sentence goes on. Called for the first socket without
	 * packets, and when memory is out. */
	void (*lacks)(void *arg, const char *why, bool lost);
	void *arg; /* of both */
	struct trace *trace;
	struct buf blocks;
	int64_t began_ns; /* since 1970, when the trace began */
	uint32_t first;   /* the last initial sequence number */
	bool lacks_told;
};

/* Begin the capture: write, lacks and arg of p are set. program: what makes it. p stays where it
 * is until trace_end. */
void trace_pcap_begin(struct trace_pcap *p, struct trace *t, const char *program);

#endif
