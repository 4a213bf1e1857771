#ifndef UNIT_REPORT_CALLS_H
#define UNIT_REPORT_CALLS_H

#include "base/addr.h"
#include "report/call.h"

/*
 * Calls as os/sys_trace.c hands them over, without asking the kernel: each has worked, and what it
 * returned is what it returns in the simplest case (as many bytes as it moved, else 0). tcp: the
 * state after it (TCP_ESTABLISHED and so on); 0: the socket has none.
 */

struct call_state call_state_of(int tcp);

/* socket(FAMILY, TYPE) = fd */
struct call call_of_socket(int fd, int family, int type);

/* One that is about an address, which is shown as ADDRESS. */
struct call call_at(enum call_kind kind, const char *name, int fd, const struct addr *at, int tcp);

/* accept(listener) = fd */
struct call call_of_accept(int listener, int fd, const struct addr *peer, int tcp);

/* send(fd, text, 100) and recv(fd, text, 100) */
struct call call_of_send(int fd, const char *text, int tcp);
struct call call_of_recv(int fd, const char *text, int tcp);

/* recv(fd, text, 100, MSG_PEEK) */
struct call call_of_peek(int fd, const char *text, int tcp);

/* listen(fd, 2) */
struct call call_of_listen(int fd, int tcp);

/* shutdown(fd, SHUT_WR) */
struct call call_of_shutdown(int fd, int tcp);

/* close(fd) */
struct call call_of_close(int fd);

/* setsockopt(fd, args) */
struct call call_of_option(int fd, int level, int option, const char *args, int tcp);

/* dup(fd) = copy */
struct call call_of_dup(int fd, int copy);

/* The same call, had it failed with this error, of this name ("EAGAIN"): what it would have
 * received has not come. */
struct call call_failed(struct call call, int error, const char *name);

/* The same, and the listener's queue after it. */
struct call call_with_queue(struct call call, uint32_t waiting, uint32_t most);

#endif
