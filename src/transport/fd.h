#ifndef SOCKX_TRANSPORT_FD_H
#define SOCKX_TRANSPORT_FD_H

#include "core/descriptor.h"

/*
 * The descriptor_link: over one that the shell or another program may share. Reading and writing it
 * never waits, and its flags are never changed, because O_NONBLOCK belongs to the open
 * file, not to us. A pipe takes RWF_NOWAIT, a socket MSG_DONTWAIT (and, to be read, SO_OOBINLINE);
 * a terminal, and a pipe of a kernel that has no RWF_NOWAIT for it, is opened anew for ourselves
 * (proc(5), /proc/self/fd; or tty(4), /dev/tty); a file never waits; what cannot be opened anew is
 * written at most PIPE_BUF bytes at a time, when poll(2) says that they fit (pipe(7)). That is not
 * true of a terminal: one that is neither ours to open nor our controlling terminal can block us
 * while its reader takes nothing. Closing one gives the inherited descriptor back, so that the
 * program at its other end is notified, and leaves the number taken.
 */
void fd_open(struct reporter *to, int fd, enum conn_sides sides, struct link *link);

/* The descriptor_link over one end of a pipe of ours (sys_pipe), which closing it closes. */
void fd_own_pipe(struct reporter *to, int fd, enum conn_sides sides, struct link *link);

#endif
