#ifndef SOCKX_BASE_ERR_H
#define SOCKX_BASE_ERR_H

/*
 * Errors are returned with their story: what failed, on which object (as the user typed it), why,
 * and what to do next. A function that can fail takes a struct err and returns -1 after filling it;
 * only main prints it and turns its kind into the exit status.
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

/* One error. All zero is "none". Texts are whole, without a newline, cut if too long. */
struct err {
	enum err_kind kind;
	int sys; /* the errno behind it, or 0 */
	char what[640];
	char hint[320]; /* what to do next, or "" */
};

/* Say what failed; e->what may be among the arguments. Returns -1, so that a caller can return
 * it. */
int err_set(struct err *e, enum err_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, with ": " and the system's words for errnum behind it. */
int err_sys(struct err *e, enum err_kind kind, int errnum, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Add what to do next to an error that was set; e->hint may be among the arguments. Returns -1. */
int err_hint(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
