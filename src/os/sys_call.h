#ifndef SOCKX_OS_SYS_CALL_H
#define SOCKX_OS_SYS_CALL_H

#include <errno.h>

/*
 * What the files os/sys_*.c share, and only they include. These files make every system call about
 * a descriptor, a path, a signal, or a limit of the process (tests/lint/kernel), so that --trace
 * sees each call that carries data and none is forgotten. A function is its system call: same
 * arguments after the reporter, same result, errno as the call left it; but it retries EINTR, and a
 * descriptor that it makes is close-on-exec (but for sys_open, which takes flags, and sys_dup2). A
 * function that takes a reporter is traced; one without is not: it only asks, or is the loop's own.
 *
 * Made elsewhere, by functions of libc that have no descriptor to show: core/resolve.c looks names
 * up (getaddrinfo, in a thread of its own, which takes no signals), base/addr.c has the names of
 * interfaces, os/limits.c asks how much memory there is, base/clock.h and report/report.c read the
 * clocks, and base/hash.c takes its key from getrandom.
 */

#define RETRY_EINTR(rc, call)  \
	do {                   \
		(rc) = (call); \
	} while ((rc) < 0 && errno == EINTR)

#endif
