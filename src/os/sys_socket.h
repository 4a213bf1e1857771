#ifndef SOCKX_OS_SYS_SOCKET_H
#define SOCKX_OS_SYS_SOCKET_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "report/report.h"

struct tcp_info;

/* The system calls about sockets, as os/sys_call.h says. Sockets are made non-blocking. */

int sys_socket(struct reporter *to, int family, int type, int protocol);
int sys_bind(struct reporter *to, int fd, const struct sockaddr *at, socklen_t len);
int sys_listen(struct reporter *to, int fd, int backlog);
int sys_accept(struct reporter *to, int fd, struct sockaddr *peer, socklen_t *len);
int sys_connect(struct reporter *to, int fd, const struct sockaddr *at, socklen_t len);
int sys_shutdown(struct reporter *to, int fd, int how);
int sys_setsockopt(struct reporter *to, int fd, int level, int name, int value);
/* The same for an option that is a text, as SO_BINDTODEVICE. */
int sys_setsockopt_text(struct reporter *to, int fd, int level, int name, const char *value);
/* SO_LINGER with no time: closing will reset the connection, and leave nothing of it. */
int sys_reset_on_close(struct reporter *to, int fd);
int sys_getsockname(struct reporter *to, int fd, struct sockaddr *out, socklen_t *len);
int sys_getpeername(struct reporter *to, int fd, struct sockaddr *out, socklen_t *len);

/* SO_PEERCRED (unix(7)): the process at the other end. */
struct ucred;
int sys_peer_credentials(struct reporter *to, int fd, struct ucred *out);

/* SO_ERROR: the pending error, which this clears; the call's own errno where it fails. */
int sys_so_error(struct reporter *to, int fd);

/* SO_ACCEPTCONN, SO_TYPE and the like: the value, or -1. */
int sys_getsockopt(struct reporter *to, int fd, int level, int name);

/* SIOCOUTQ (tcp(7)): bytes the peer has not acknowledged, its end included; or -1. */
int sys_unsent(struct reporter *to, int fd);
/* SIOCINQ (tcp(7)): bytes that have come and were not read; or -1. */
int sys_unread(struct reporter *to, int fd);
/* FIONBIO (ioctl(2)): whether calls wait that do not say it themselves, as splice. */
int sys_let_wait(struct reporter *to, int fd, bool waits);

/* TCP_INFO: what the kernel knows of a connection. Not traced: only a report wants it. */
int sys_tcp_info(int fd, struct tcp_info *out);
/* SO_MEMINFO: how many messages the socket dropped, most of them for want of room; 0 if unknown. */
uint32_t sys_missed(struct reporter *to, int fd);

/* recv and send with MSG_DONTWAIT and MSG_NOSIGNAL. */
ssize_t sys_recv(struct reporter *to, int fd, void *data, size_t len, int flags);
/* recv of bytes that the kernel drops (MSG_TRUNC, tcp(7)). Unix sockets have no such thing: EFAULT.
 */
ssize_t sys_drop(struct reporter *to, int fd, size_t len);
ssize_t sys_send(struct reporter *to, int fd, const void *data, size_t len);
/* The same for messages with addresses and control data. The data is one part. */
ssize_t sys_recvmsg(struct reporter *to, int fd, struct msghdr *message, int flags);
ssize_t sys_sendmsg(struct reporter *to, int fd, const struct msghdr *message);
/* ... for several at once. Not traced: where calls are, messages go one by one. */
int sys_recvmmsg(int fd, struct mmsghdr *messages, size_t count);
int sys_sendmmsg(int fd, struct mmsghdr *messages, size_t count);

#endif
