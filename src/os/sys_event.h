#ifndef SOCKX_OS_SYS_EVENT_H
#define SOCKX_OS_SYS_EVENT_H

#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "report/report.h"

/* The system calls that say what is ready, as os/sys_call.h says. */

/* poll(2) for POLLOUT: 1 where fd can be written, 0 after timeout_ms (-1: never), or -1. */
int sys_writable(struct reporter *to, int fd, int timeout_ms);

/* poll(2) for POLLIN, without waiting: 1 where fd can be read, or accepted from; 0, or -1. */
int sys_readable(struct reporter *to, int fd);

/* poll(2) for POLLERR, without waiting: 1 where fd has failed; 0, or -1. What SO_ERROR tells of a
 * TCP socket may be an ICMP message that the connection outlives (sk_err_soft in the kernel). */
int sys_has_failed(struct reporter *to, int fd);

/* Wait so long: for the end of a run, where no loop turns. */
void sys_rest(int ms);

/* The loop's own; not traced, they are not about the peer. */
int sys_epoll_create(void);
int sys_epoll_ctl(int epoll, int op, int fd, uint32_t events, void *data);
int sys_epoll_wait(int epoll, struct epoll_event *events, int max, int timeout_ms);
int sys_eventfd(void);
void sys_eventfd_wake(int fd);
int sys_signalfd(const sigset_t *set);
/* The number of the next signal, or 0 where there is none. */
int sys_signalfd_next(int fd);
/* A clock of CLOCK_MONOTONIC that is readable from at_ns on, until it is set again; or -1. */
int sys_timerfd(void);
int sys_timerfd_set(int fd, int64_t at_ns);
void sys_close_own(int fd);

#endif
