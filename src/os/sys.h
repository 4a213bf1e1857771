#ifndef SOCKX_OS_SYS_H
#define SOCKX_OS_SYS_H

#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <termios.h>

#include "report/report.h"

/*
 * The one file that calls the kernel about descriptors, so that --trace sees every call. Each
 * function is its system call: same arguments behind the reporter, same result, errno as it left
 * it; but it retries EINTR, and what it makes is close-on-exec (but for sys_open and sys_dup2,
 * which do as they are told).
 */

int sys_socket(struct reporter *to, int family, int type, int protocol);
int sys_bind(struct reporter *to, int fd, const struct sockaddr *at, socklen_t len);
int sys_listen(struct reporter *to, int fd, int backlog);
int sys_accept(struct reporter *to, int fd, struct sockaddr *peer, socklen_t *len);
int sys_connect(struct reporter *to, int fd, const struct sockaddr *at, socklen_t len);
int sys_shutdown(struct reporter *to, int fd, int how);
int sys_setsockopt(struct reporter *to, int fd, int level, int name, int value);
/* SO_LINGER with no time: closing will reset the connection, and leave nothing of it. */
int sys_reset_on_close(struct reporter *to, int fd);
int sys_getsockname(struct reporter *to, int fd, struct sockaddr *out, socklen_t *len);
int sys_getpeername(struct reporter *to, int fd, struct sockaddr *out, socklen_t *len);

/* SO_ERROR: the pending error, which this clears; the call's own errno where it fails. */
int sys_so_error(struct reporter *to, int fd);

/* SO_ACCEPTCONN, SO_TYPE and the like: the value, or -1. */
int sys_getsockopt(struct reporter *to, int fd, int level, int name);

/* SIOCOUTQ (tcp(7)): bytes the peer has not acknowledged, its end included; or -1. */
int sys_unsent(struct reporter *to, int fd);

/* SO_MEMINFO: how many messages the socket dropped, most of them for want of room; 0 if unknown. */
uint32_t sys_missed(struct reporter *to, int fd);

/* recv and send with MSG_DONTWAIT and MSG_NOSIGNAL; read and write for other descriptors. */
ssize_t sys_recv(struct reporter *to, int fd, void *data, size_t len, int flags);
ssize_t sys_send(struct reporter *to, int fd, const void *data, size_t len);
/* The same for messages with addresses and control data, one or several at once. */
ssize_t sys_recvmsg(struct reporter *to, int fd, struct msghdr *message, int flags);
int sys_recvmmsg(struct reporter *to, int fd, struct mmsghdr *messages, size_t count);
int sys_sendmmsg(struct reporter *to, int fd, struct mmsghdr *messages, size_t count);
ssize_t sys_read(struct reporter *to, int fd, void *data, size_t len);
ssize_t sys_write(struct reporter *to, int fd, const void *data, size_t len);
/* The same for one turn without waiting, whatever the descriptor's flags (RWF_NOWAIT, preadv2(2));
 * EOPNOTSUPP where the kernel cannot: pipes before Linux 6.4, terminals. */
ssize_t sys_read_nowait(struct reporter *to, int fd, void *data, size_t len);
ssize_t sys_write_nowait(struct reporter *to, int fd, const void *data, size_t len);
int sys_open(struct reporter *to, const char *path, int flags);
int sys_close(struct reporter *to, int fd);

/* gethostname(2): this machine's name, cut to size; "localhost" where it has none. */
void sys_host_name(char *out, size_t size);

/* A socket's place in the file system: permissions, the lock on its folder, its removal. */
int sys_fchmod(struct reporter *to, int fd, mode_t mode);
int sys_flock(struct reporter *to, int fd, int operation);
int sys_unlinkat(struct reporter *to, int folder, const char *name);

int sys_dup(struct reporter *to, int fd);
int sys_dup2(struct reporter *to, int fd, int onto);

/* poll(2) for POLLOUT: 1 where fd can be written, 0 after timeout_ms (-1: never), or -1. */
int sys_writable(struct reporter *to, int fd, int timeout_ms);

/* poll(2) for POLLIN, without waiting: 1 where fd can be read, or accepted from; 0, or -1. */
int sys_readable(struct reporter *to, int fd);

/* A terminal: its settings (set at once: waiting for what is written could take for ever), its
 * size, the process group in its foreground, and its device's number (TIOCGDEV), which is the same
 * whatever name it was opened by. */
int sys_tcgetattr(struct reporter *to, int fd, struct termios *out);
int sys_tcsetattr(struct reporter *to, int fd, const struct termios *settings);
int sys_window_size(struct reporter *to, int fd, struct winsize *out);
pid_t sys_tcgetpgrp(struct reporter *to, int fd);
int sys_terminal(struct reporter *to, int fd, unsigned *number);

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
