#ifndef SOCKX_REPORT_CALL_H
#define SOCKX_REPORT_CALL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/span.h"

/* One call to the kernel, as it was made: what os/sys_*.c hand to a trace. */

/* What it did to a socket, where a trace has more to say of it than its text. */
enum call_kind {
	CALL_OTHER,
	CALL_SOCKET,
	CALL_BIND,
	CALL_LISTEN,
	CALL_ACCEPT,
	CALL_CONNECT,
	CALL_SEND,
	CALL_RECEIVE,
	CALL_SHUTDOWN,
	CALL_CLOSE,
	CALL_OPTION, /* setsockopt */
	CALL_LOOK,   /* it only asked: getsockname, getsockopt and the like */
	CALL_COPY,   /* dup, dup2: rc is another name of fd */
};

/* A TCP connection's state (RFC 9293 section 3.3.2), by the kernel's numbers (TCP_ESTABLISHED of
 * netinet/tcp.h). */
struct call_state {
	uint8_t tcp;   /* 0: it has none, or it is not known */
	bool inferred; /* the kernel shows it no more: it follows from what was seen before */
};

/* The connections of a listener that wait to be accepted. */
struct call_queue {
	uint32_t waiting, most; /* most 0: not a listener */
};

/* Both ends of a socket, as the kernel names them after a call. */
struct call_ends {
	struct addr local, peer; /* len 0: it has none */
	int type;                /* SOCK_STREAM and the like */
};

enum { CALL_NO_FD = INT_MIN };

struct call {
	enum call_kind kind;
	const char *name; /* of the function, as its manual page has it */
	int fd;           /* its first argument; -1: it takes none */
	const char *args; /* those after fd and data, as a program writes them; NULL: none */
	struct span data; /* what it took or gave; data NULL: the call moves none */
	size_t asked;     /* how many bytes it was given, or had room for */
	bool whole;       /* ... as a message (recvmsg and the like: 0 may be no end) */
	const struct sockaddr *at; /* the address it was given, or gave; NULL: none */
	socklen_t at_len;
	struct addr here; /* of a datagram: which address of ours; its port and len may be 0 */
	const struct call_ends
		*ends;     /* of the socket, or of the one accepted; NULL: not looked up */
	int family, type;  /* CALL_SOCKET */
	int how;           /* CALL_SHUTDOWN */
	int level, option; /* CALL_OPTION, CALL_LOOK; level 0 and option 0: none */
	int64_t rc;
	int error;              /* errno, where rc is -1; else 0 */
	const char *error_name; /* "EAGAIN" */
	bool aside;             /* it is about no socket and moves no bytes: not shown */
	bool unread;            /* CALL_CLOSE: bytes that came were not read */
	bool broken;            /* the socket is closed by an error: no call has taken it yet
	                         * (POLLERR), or this one has (SO_ERROR) */
	struct call_state before, after;
	struct call_queue queue;
};

#endif
