#ifndef SOCKX_REPORT_TRACE_H
#define SOCKX_REPORT_TRACE_H

#include <stdarg.h>

#include "base/addr.h"
#include "report/call.h"
#include "report/report.h"

/*
 * What --trace shows: each call to the kernel about a descriptor, in order, when it has been made.
 * os/sys_trace.h says what is a call and looks at the state of its socket; here is what is known of
 * each socket, and the forms that show it: each one is a struct trace_form. A form writes lines by
 * report_line, which never blocks.
 */

struct trace;

/* Which side of a connection ended it first. */
enum trace_ender { ENDED_BY_NONE, ENDED_BY_US, ENDED_BY_PEER, ENDED_BY_RESET };

/* A connection as packets (trace_pcap), kept with its socket. All zero: nothing is known of it. */
enum trace_flow_stage { FLOW_NEW, FLOW_OPENING, FLOW_OPEN, FLOW_OVER };
struct trace_flow {
	struct call_ends ends;
	bool located; /* ends are known, and stay as they are */
	enum trace_flow_stage stage;
	bool we_ended, peer_ended; /* there was a FIN */
	bool unscaled;             /* no SYN was seen, nor the scale of the window in it */
	uint32_t ours, theirs;     /* the next sequence numbers */
};

/* What is known of a socket: copies of a descriptor share it. */
struct trace_socket {
	int names;        /* descriptors that lead to it */
	uint64_t conn;    /* its connection's number in reports; 0: none (yet) */
	int family, type; /* 0: it was not made here */
	bool listens, bound, bound_to_any_port;
	bool resets;             /* SO_LINGER with no time: close will reset */
	bool ended;              /* the peer's end has come */
	bool connected;          /* it has been, whatever became of it */
	bool failed;             /* an error has come, and taken the connection with it */
	struct call_state last;  /* as it was seen last */
	struct addr local, peer; /* len 0: not known */
	uint64_t received, sent, calls;
	int64_t since_ns;          /* trace_now_ns when it was made or accepted */
	enum trace_ender ended_by; /* of both sides, the first one */
	struct trace_flow flow;
};

/* A message of a protocol inside of what calls carry: it is no call itself. */
struct trace_event {
	int fd;             /* the socket that carries it */
	bool sent;          /* else received */
	const char *name;   /* as its RFC has it: "ClientHello" */
	const char *detail; /* what is in it, in a few words, of any bytes; NULL: not said */
	size_t len;
};

/* One way to show calls. NULL slots mean nothing. */
struct trace_form {
	/* The first call comes: it has been made, and is shown next. */
	void (*begin)(struct trace *t, void *arg);
	/* socket: what is known of fd after the call; NULL: it is none, or memory is out. For
	 * CALL_ACCEPT it is the new one where there is one. */
	void (*call)(
		struct trace *t, void *arg, const struct call *call, struct trace_socket *socket);
	/* A message, at the moment it is made or read: between the calls that carry it. */
	void (*event)(struct trace *t, void *arg, const struct trace_event *event,
		const struct trace_socket *socket);
	/* What follows from what was seen, for those who learn: whole sentences, of any bytes. */
	void (*remark)(
		struct trace *t, void *arg, const struct trace_socket *socket, struct span text);
	/* Nothing more will come. */
	void (*end)(struct trace *t, void *arg);
};

/* Lines for a person, in columns that are aligned in 100 characters; and JSON, an object a line.
 * Both without arg. */
extern const struct trace_form trace_text, trace_json;

enum { TRACE_FORMS_MAX = 3 };

struct trace {
	struct reporter *to;
	struct {
		const struct trace_form *form;
		void *arg;
	} forms[TRACE_FORMS_MAX];
	size_t form_count;
	bool began;      /* a call was shown */
	bool wants_ends; /* struct trace_flow.ends are looked up */
	int64_t began_ns;
	struct trace_socket **sockets; /* by descriptor */
	size_t room;
};

/* Calls of `to` are traced from now on. t stays where it is until trace_end. */
void trace_begin(struct trace *t, struct reporter *to);

/* ... in this form, too: TRACE_FORMS_MAX at most. */
void trace_add(struct trace *t, const struct trace_form *form, void *arg);

/* Show no more, and free what t holds. Also for one that is all zero. */
void trace_end(struct trace *t);

/* What is known of a descriptor, made where nothing is; NULL when memory is out, or fd is none. */
struct trace_socket *trace_socket_of(struct trace *t, int fd);

/* fd was seen in this state, between two calls; broken: with an error that no call has taken. */
void trace_saw(struct trace *t, int fd, struct call_state state, bool broken);

/* fd is connection number conn of the reports. */
void trace_number(struct trace *t, int fd, uint64_t conn);

/* Whether call.ends are to be looked up for this call, which is known but for those. */
bool trace_wants_ends(const struct trace *t, const struct call *call);

/* A call has been made: all of it is known but `before`. */
void trace_call(struct trace *t, struct call *call);

/* A message has been made or read. */
void trace_happened(struct trace *t, const struct trace_event *event);

/* Whether remarks are shown: ask where making one costs something. t NULL: no. */
bool trace_takes_remarks(const struct trace *t);

/* A remark about the socket fd. */
void trace_remark(struct trace *t, int fd, struct span text);

/* A remark about the socket fd (-1: about none), if remarks are shown at all. */
void trace_say(struct reporter *to, int fd, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void trace_say_with(struct reporter *to, int fd, const char *format, va_list rest)
	__attribute__((format(printf, 3, 0)));

/* Nanoseconds since it began. */
int64_t trace_now_ns(const struct trace *t);

/* The call as a program writes it, with at most so many bytes of its data: "recv(5, "hello\n",
 * 262144)". Returns 0, or -1 when memory is out. */
int trace_add_call(struct buf *out, const struct call *call, size_t data_most);

/* "> ClientHello, 302 bytes: TLS 1.3 or 1.2"; "<" where it was received. Returns 0, or -1. */
int trace_add_event(struct buf *out, const struct trace_event *event);

/* The address that it was given, or gave; len 0: none. */
struct addr trace_address(const struct call *call);

/* The error of a call, or that getsockopt(SO_ERROR) has brought: "" where there is none. */
const char *trace_error(const struct call *call);

/* Whether it is about a queue of errors, and no bytes have moved (MSG_ERRQUEUE). */
bool trace_is_about_errors(const struct call *call);

/* Whether what its socket carries has an end: datagrams have none. Of a socket that was made
 * elsewhere, the call is all that says which it has. */
bool trace_is_stream(const struct trace_socket *s, const struct call *call);

/* Whether it received nothing because the peer has ended. */
bool trace_is_end(const struct trace_socket *s, const struct call *call);

/* Whether it only looked at bytes, and left them to be read (MSG_PEEK). */
bool trace_peeks(const struct call *call);

/* "  0.000312": what a row begins with, in seconds; on a terminal it is dim (ECMA-48 SGR). */
#define TRACE_DIM   "\033[2m"
#define TRACE_PLAIN "\033[0m"
struct trace_time_shown {
	char text[32];
};
struct trace_time_shown trace_time_text(int64_t ns);

/* "ESTABLISHED", or "[TIME_WAIT]" where it is inferred; "" where it is not known. */
struct trace_state_shown {
	char text[16];
};
struct trace_state_shown trace_state_text(struct call_state state);

#endif
