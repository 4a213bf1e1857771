#ifndef SOCKX_BASE_ERR_H
#define SOCKX_BASE_ERR_H

#include "base/addr.h"

/*
 * Errors are returned with their story: what failed, on which object (as the user typed it), why,
 * and what to do next. A function that can fail takes a struct err and returns -1 after filling it;
 * only main prints it and turns its kind into the exit status.
 *
 * What to do next is a hint, or a fact. A layer that knows no option and no command of ours states
 * the fact; the sentence that names them is in one table, in cmd/advice.c.
 */

/* What went wrong, as the user's script sees it: the kind's number is the exit status. */
enum err_kind {
	ERR_NONE = 0,
	ERR_RUNTIME = 1, /* I/O, memory, a datagram too large */
	ERR_USAGE = 2,   /* what was typed cannot be meant */
	ERR_LISTEN = 3,  /* socket, bind or listen failed */
	ERR_LOST = 4,    /* connection lost before the end, or bytes were */
	ERR_TIMEOUT = 5, /* a time limit passed */
	ERR_NAME = 6,    /* name not resolved */
	ERR_REFUSED = 7, /* refused or unreachable */
	ERR_TLS = 8,
	ERR_WRONG = 9,     /* the answer was wrong */
	ERR_SIGPIPE = 141, /* the reader of standard output left: end as any filter does */
};

/* What is known about an error that may help. err.at is the address that it is about, where there
 * is one. */
enum fact {
	FACT_NONE,
	/* Listening. */
	FACT_PORT_TAKEN,       /* another program has it */
	FACT_PORT_PRIVILEGED,  /* below 1024, and we are not root */
	FACT_ADDRESS_NOT_OURS, /* this machine does not have it */
	FACT_GROUP,            /* it is a multicast group, and none is joined */
	/* Connecting. */
	FACT_NO_TCP_SERVER,   /* nothing listens there, on this machine */
	FACT_NO_UDP_SERVER,   /* the same */
	FACT_NO_SERVER_THERE, /* nothing listens there, on another machine */
	FACT_NO_UNIX_SERVER,  /* no server has that socket, one of streams */
	FACT_NO_UNIX_DATAGRAM_SERVER,
	FACT_NO_UNIX_SEQPACKET_SERVER,
	FACT_ONE_WAY,           /* a group or broadcast address, from which no answer comes */
	FACT_OTHER_SOCKET_TYPE, /* Unix: stream, datagram, seqpacket: it is another of them */
	FACT_STREAM_SOCKET,     /* ... this one */
	FACT_DATAGRAM_SOCKET,
	FACT_SEQPACKET_SOCKET,
	FACT_SOCKET_FORBIDDEN, /* Unix: its permissions do not let us connect */
	FACT_SOURCE_ADDRESS,   /* the source address cannot be bound */
	FACT_SOURCE_PATH,      /* the same, a Unix socket's path */
	FACT_NO_ANSWER,        /* no answer in the time there was */
	FACT_NO_ECHO,          /* connected, and nothing has come back */
	FACT_BACKLOG_FULL,     /* in all that time its server had no room for us */
	/* Names and addresses. */
	FACT_NOT_IPV4, /* it is an IPv6 address, and only IPv4 was asked for */
	FACT_NOT_IPV6, /* the other way round */
	FACT_NUMERIC,  /* a name, where only addresses are allowed */
	/* Limits that the user set. */
	FACT_IDLE_LIMIT,       /* silent for too long */
	FACT_ANSWER_LIMIT,     /* more came than may come */
	FACT_PER_PEER_LIMIT,   /* the address has as many connections as it may have */
	FACT_CLIENTS_LIMIT,    /* the server has as many clients as it may have */
	FACT_DESCRIPTOR_LIMIT, /* ... as there can be descriptors for */
	/* TLS. */
	FACT_TLS_PLAIN_PEER,        /* it does not seem to speak it */
	FACT_TLS_UNTRUSTED,         /* who signed its certificate is not known */
	FACT_TLS_NAME,              /* its certificate is for another name */
	FACT_TLS_DATES,             /* its certificate has expired, or is not valid yet */
	FACT_TLS_PIN,               /* its key is another than the one that was named */
	FACT_TLS_PEER_DISTRUSTS,    /* the same as UNTRUSTED, seen by the peer */
	FACT_TLS_NEEDS_CERTIFICATE, /* it wants one of us */
	FACT_TLS_ALPN,              /* it speaks none of the protocols that were named */
	FACT_TLS_KEY_PASSWORD,      /* the key is encrypted */
	/* Servers. */
	FACT_DATAGRAMS_UNSENT, /* each was reported when it happened, if it was shown */
	FACT_COUNT
};

/* One error. All zero is "none". Texts are whole, without a newline, cut if too long. */
struct err {
	enum err_kind kind;
	int sys; /* the errno that caused it, or 0 */
	enum fact fact;
	struct addr at; /* what the fact is about, or none */
	char what[640];
	uint16_t cause; /* where in what the cause alone begins: what was before it names the object
	                 */
	char hint[320]; /* what to do next, or "" */
};

/* Say what failed; e->what may be among the arguments. Returns -1, so that a caller can return
 * it. */
int err_set(struct err *e, enum err_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, with ": " and the system's words for errnum after it. */
int err_sys(struct err *e, enum err_kind kind, int errnum, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Say that the last start in e->what begins the cause: a report that names the object itself tells
 * only this. err_sys has said so of the system's words. Returns -1. */
int err_cause(struct err *e, const char *start);

/* Whether an errno says that this program lacks something, descriptors or memory. It says nothing
 * about a peer. */
bool err_is_shortage(int errnum);

/* If a shortage caused an error that was set with another kind, make it ERR_RUNTIME, with a
 * hint. Returns whether it is one. */
bool err_note_shortage(struct err *e);

/* Add what to do next to an error that was set; e->hint may be among the arguments. Returns -1. */
int err_hint(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Add a fact to an error that was set, with its address; at may be NULL. A hint that is there as
 * well is kept in place of what the fact would have said. Returns -1. */
int err_fact(struct err *e, enum fact fact, const struct addr *at);

#endif
