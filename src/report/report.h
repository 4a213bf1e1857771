#ifndef SOCKX_REPORT_REPORT_H
#define SOCKX_REPORT_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Everything sockx reports. The code that knows what happened reports it once, as a typed report;
 * how a person or a script reads it is decided here, by one row a kind. Every text in a report may
 * come from a peer: both renderings make it harmless.
 */

enum report_kind {
	REPORT_LISTENING,      /* address, transport, mode */
	REPORT_LISTENING_PIN,  /* ... with TLS: and pin */
	REPORT_OPENED,         /* a server's client came: conn, address */
	REPORT_CLOSED,         /* it went in order: conn, address, bytes */
	REPORT_LOST,           /* it did not: conn, address, bytes, reason */
	REPORT_NAMED,          /* it said its name: conn, address, name */
	REPORT_AWAITS_NAME,    /* it has not, for a while: conn, address */
	REPORT_RESET_EARLY,    /* gone before it was accepted: conn, address */
	REPORT_NOT_OPENED,     /* it was connected, and will not be served: conn, address, reason */
	REPORT_ACCEPT_PAUSED,  /* no place, descriptor or memory is left: address, reason */
	REPORT_ACCEPT_RESUMED, /* there are again: address */
	REPORT_REFUSED,        /* ... nor one for its peer: address, reason, count */
	REPORT_ACCEPT_FAILED,  /* one client could not be taken: address, reason */
	REPORT_DROPPED,      /* a peer's datagram, or the answer, is lost: address, reason, count */
	REPORT_MISSED,       /* a client did not get what others sent: conn, address, count */
	REPORT_NOT_NOTIFIED, /* the service manager does not hear of us: address, reason */
	REPORT_STOPPING,     /* the server stops: reason */
	REPORT_RESOLVING,    /* a client looks up a name: address */
	REPORT_ATTEMPT,      /* a client tries an address: address */
	REPORT_ATTEMPT_LOST, /* why that address lost: address, reason */
	REPORT_RETRIED, /* one that was refused at first has come through: failures, duration_ms */
	REPORT_CONNECTED,     /* a client is connected: address, transport */
	REPORT_AIMED,         /* a client sends without a connection: address, transport */
	REPORT_HALF_CLOSED,   /* the server ended right after our half-close: address, reason */
	REPORT_FILE_MEANT,    /* the text that was sent is the name of a file: name, reason */
	REPORT_SERVER_ENDED,  /* it ended while a person may still type: address */
	REPORT_DONE,          /* the run has ended with status 0: bytes */
	REPORT_MEASURE_BEGUN, /* all connections are up and warm: address, transport, count */
	REPORT_MEASURE_ENDED, /* the figures stand, and the connections with them: the same */
	REPORT_PORT,          /* of a scan, one that is not open: address, reason */
	REPORT_SCANNED,       /* a scan has ended: open, refused, silent */
	/* How far a run is, when somebody asks: */
	REPORT_PROGRESS,       /* bytes, in_ms */
	REPORT_NOT_CONNECTED,  /* a client that has no connection yet: address, reason, duration_ms
	                        */
	REPORT_SERVING,        /* a server: clients, clients_total, bytes, duration_ms */
	REPORT_NOT_LISTENING,  /* ... that does not listen yet: duration_ms */
	REPORT_SCANNING,       /* a scan: open, refused, silent */
	REPORT_MEASURING,      /* a measurement: messages, in_ms, their rate and round trips */
	REPORT_JOINED,         /* a client has its own connection: conn, address, transport */
	REPORT_NOT_JOINED,     /* ... cannot have one: conn, reason */
	REPORT_PROGRAM_SAID,   /* a line of a program's standard error: conn, line */
	REPORT_PROGRAM_ENDED,  /* a program has ended with another status than 0: conn, status */
	REPORT_PROGRAM_FAILED, /* ... by a signal, or could not be started: conn, reason */
	REPORT_LINES_DROPPED,  /* told before the next line that is taken: count */
	REPORT_NOT_COLLECTED,  /* a client's line or datagram is lost: address, reason, count */
	REPORT_LOST_IN_ALL,    /* ... so many, at the end: count */
	REPORT_DATAGRAMS_LOST, /* REPORT_DROPPED, where all that comes is to be kept */
	REPORT_TURNED_AWAY, /* the first datagram of another than the one peer: address, reason */
	REPORT_TURNED_AWAY_IN_ALL, /* ... and how many there were: count */
	REPORT_SECURED,            /* a client has shaken hands: address, tls, cipher, alpn */
	REPORT_SECURED_CLIENT,     /* ... a server's client has: the same and conn */
	REPORT_CERTIFICATE,        /* the peer's: address, subject, issuer, names, valid_from,
	                            * valid_to, pin, reason */
	REPORT_CERTIFICATE_OF,     /* ... of a server's client: the same and conn */
	REPORT_KEYS_LOGGED,        /* keys are written to a file: path */
	REPORT_KEYS_LOST,          /* ... no more: path, reason */
	REPORT_DUMP_FAILED,        /* a dump can no longer be written: path, reason */
	REPORT_CAPTURE_FAILED,     /* packets are written to a file no more: path, reason */
	REPORT_NOT_CAPTURED,       /* ... some were not: path, reason */
	REPORT_HELD_BACK,          /* our end would end the peer's, too: address */
	REPORT_AWAITS_END,         /* over TLS, in silence: address */
	REPORT_CLIENT_HAS_TLS,     /* ... and its server has not: conn, address */
	REPORT_SERVER_HAS_TLS,     /* ... and its client has not: address */
	REPORT_USUALLY_TLS,        /* ... as servers of its port have, as a rule: address */
	REPORT_NOT_VERIFIED,       /* the peer may be another: address */
	REPORT_KINDS
};

/* How much must be asked for before a report of this level is shown. */
enum report_level {
	LEVEL_ERROR,  /* always */
	LEVEL_READY,  /* unless --quiet */
	LEVEL_PEOPLE, /* where stderr is a terminal, or as the next */
	LEVEL_DETAIL, /* with -v or --json */
};

/* How a connection ended. */
enum report_ending {
	END_NONE,
	END_FIN,    /* in order */
	END_RESET,  /* the peer reset it, or takes no more */
	END_IDLE,   /* it was silent for too long; over datagrams that is how it ends */
	END_LIMIT,  /* another limit: a time, a size, what it may make us hold */
	END_ERROR,  /* anything else */
	END_SIGNAL, /* the program was told to stop */
	END_DENIED, /* it was not let in */
};

/* A number that may be 0, or not known. */
struct report_fact {
	bool known;
	uint64_t value;
};

/* What is not filled in does not apply. Every member but the kind, at and why has a row in
 * fields[] of report.c. */
struct report {
	enum report_kind kind;
	uint64_t conn;         /* which connection, counted from 1; 0: none */
	const struct addr *at; /* address, host and port, or path, are made from it; NULL: none */
	const char *address, *host, *path, *transport, *mode, *reason; /* NULL: does not apply */
	const char *tls, *cipher, *alpn;      /* of TLS: its version, and what was agreed on */
	const char *subject, *issuer, *names; /* of a certificate; any bytes in them */
	const char *valid_from, *valid_to, *pin;
	const char *state; /* of a port: open, refused, silent */
	uint64_t port;
	uint64_t received, sent; /* bytes, for REPORT_CLOSED, _LOST and _DONE */
	uint64_t count; /* how many so far, for REPORT_DROPPED, _MISSED and _REFUSED; connections
	                   measured */
	uint64_t open, refused, silent; /* ports, for REPORT_SCANNED */
	uint64_t failures;              /* attempts, for REPORT_RETRIED */
	uint64_t status;                /* of a program, for REPORT_PROGRAM_ENDED */
	struct span line;               /* as a program wrote it: any bytes */
	enum report_ending end;
	struct report_fact duration_ms; /* ... in this time; or how long it lasted */
	/* Of a connection that is over: from its beginning to its first byte from the peer; where
	 * messages are kept whole, or of a measurement, how many; and what the kernel knows of the
	 * path (TCP). */
	struct report_fact first_byte_ms, messages_in, messages_out, rtt_us, retransmits, cwnd;
	struct span name;      /* as the peer said it, for REPORT_NAMED: any bytes */
	const struct err *why; /* the reason as an error, whose cause is shown; NULL: none */
	uint64_t clients, clients_total; /* a server's: those that are here; and all so far */
	uint64_t messages_per_s;         /* of a measurement: answered */
	uint64_t rtt_p50_us, rtt_p99_us;
	uint64_t in_ms; /* how long the bytes took, for a person: {pace}; 0: not shown */
};

struct trace; /* report/trace.h */
struct dump;  /* report/dump.h */
struct json;

/* Where lines go. line ends in a newline. Returns 0, or -1 where it could not be taken. */
struct report_sink {
	int (*line)(void *arg, struct span line);
	void *arg;
};

/* What has been taken and could not be written at once: lines of a sink, or what else is written
 * beside them. */
struct report_late {
	/* Write what can be written now. Returns whether some are left. */
	bool (*again)(struct report_late *late);
	/* Called when the first of it is kept: set by what turns a loop, to call again soon. NULL:
	 * nothing does. */
	void (*kept)(void *arg);
	void *arg;
};

/* A row of text at the bottom of the terminal that the sink writes to, which is drawn over while
 * the run goes on. Each line that is reported goes above it. */
enum { REPORT_LIVE_BYTES = 240 };
struct report_live {
	char text[REPORT_LIVE_BYTES]; /* as it stands there */
	size_t len;                   /* 0: nothing does */
};

struct reporter {
	struct report_sink sink;
	struct report_late *late;    /* NULL: the sink keeps no lines */
	struct report_late *capture; /* what a capture of packets keeps; NULL: there is none */
	enum report_level level;     /* the least urgent that is shown */
	bool json;                   /* JSON lines, one object an event */
	struct trace *trace;         /* each call to the kernel goes there, too; NULL: none does */
	struct dump *dump; /* so do the bytes of each connection; NULL: they are not shown */
	bool colour;       /* what errors begin with is coloured */
	bool mid_row; /* what else its terminal got has left a row begun: a line starts a new one */
	bool live_over;           /* report_yield was called */
	struct report_live *live; /* NULL: there is no such row */
	/* Completes an error by what its fact means to a user (cmd/advice.h); NULL: as it is. */
	void (*advise)(struct err *err);
	/* Makes lines for a person comments of a text that is reported line by line beside them
	 * (report/trace_mermaid.h). Returns 0, or -1 when memory is out. NULL: they stay as they
	 * are. */
	int (*comment)(struct span lines, struct buf *out);
	uint64_t dropped;      /* lines that the sink did not take */
	uint64_t admitted;     /* ... of which REPORT_LINES_DROPPED has told */
	bool closes;           /* report_closing has been called ... */
	struct report closing; /* ... with this; before, what is gathered for it */
};

/* Whether a report of this kind would be shown: ask where making one costs something. */
bool report_shown(const struct reporter *to, enum report_kind kind);

/* Whether reports have more than a person reads, so that it is worth asking the kernel for. */
bool report_is_full(const struct reporter *to);

/* Tell what happened. */
void report(struct reporter *to, const struct report *what);

/* Keep what the last line of the run tells, unless it is an error. Its texts are literals. */
void report_closing(struct reporter *to, const struct report *what);

/* Tell how the program ends, when nothing more will happen: what report_closing was called with, if
 * it was; or the error (why not NULL), in what and hint two lines to a person. */
void report_end(struct reporter *to, const struct err *why);

/* Begin a JSON line that is no report, with its time; and send and free it once it has its members.
 * j is open until then. */
void report_json_open(struct json *j, const char *event);
void report_json_send(struct reporter *to, struct json *j);

/* A report as one JSON object without a time, for standard output. Returns 0, or -1 when memory is
 * out. */
int report_object(const struct report *what, struct buf *out);

/* Send a line that is rendered already, as it is. Ends in a newline. */
void report_line(struct reporter *to, struct span line);

/* Send lines for a person that are rendered already. The last one ends in a newline, too. */
void report_words(struct reporter *to, struct span lines);

/* Draw to->live, which must be there: text takes the place of what stands there, as far as there is
 * room for it. It fits in one row of the terminal, and is harmless. An empty one takes the row off.
 */
void report_draw(struct reporter *to, struct span text);

/* Leave what stands there as a line of its own. */
void report_settle(struct reporter *to);

/* Something else is about to be written to the same terminal: take the row off, for good. */
void report_yield(struct reporter *to);

#endif
