#ifndef SOCKX_OS_SYS_TRACE_H
#define SOCKX_OS_SYS_TRACE_H

#include "report/call.h"
#include "report/report.h"

/*
 * How the files os/sys_*.c tell a trace what they have called; only they include this. Each of
 * these is called where to->trace is set, which is one load and one branch where nothing is traced,
 * and keeps errno.
 *
 * A trace's own looks at a socket are TCP_INFO, SIOCINQ, poll(2) without events, and both of its
 * addresses and its type where a form wants them: none of them changes it, and none is traced.
 */

/* fd is about to be changed by a call: see its state before. */
void sys_look(struct reporter *to, int fd);

/* The call has been made and returned rc: errno where it is -1. Of *call, rc, the error, and all
 * that can be seen of the socket are filled in here. */
void sys_made(struct reporter *to, int64_t rc, struct call *call);

/* One that does nothing to a socket; the format makes its arguments after fd (CALL_NO_FD: it has
 * none). */
void sys_made_other(struct reporter *to, int64_t rc, const char *name, int fd, const char *format,
	...) __attribute__((format(printf, 5, 6)));

/* One that moves bytes: it was given or made room for len of them, and moved rc; flags, with a
 * comma before them, are what it was given after len. */
void sys_made_data(struct reporter *to, int64_t rc, enum call_kind kind, const char *name, int fd,
	const void *data, size_t len, const char *flags);

/* close(2), in two parts: what is seen before, and that it was made. */
struct sys_closing {
	bool unread, aside; /* of struct call */
};
struct sys_closing sys_about_to_close(struct reporter *to, int fd);
void sys_made_close(struct reporter *to, int rc, int fd, struct sys_closing before);

/* dup, or dup2 onto a descriptor (-1: dup). */
void sys_made_copy(struct reporter *to, int rc, int fd, int onto);

#endif
