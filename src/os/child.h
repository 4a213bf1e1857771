#ifndef SOCKX_OS_CHILD_H
#define SOCKX_OS_CHILD_H

#include "os/loop.h"
#include "os/program.h"
#include "os/sys_process.h"

/*
 * A child process: a program with descriptors 0, 1 and 2 and no other, and everything else as we
 * were started with. Its end is an event of the loop (a pidfd), and it is always collected. The
 * loop does not wait until it has become the program: that this fails is known at its end.
 */

enum { CHILD_GRACE_MS = 2000 }; /* between SIGHUP and SIGKILL */

/* The program and env must stay until the child has no launch any more. */
struct child_conf {
	const struct program *program;
	char *const *env; /* NULL: ours */
	int standard[3];  /* its 0, 1 and 2; each above 2, and the caller's to close */
	/* It leads a process group of its own, and what is sent to it goes to the group. */
	bool leads;
	const struct origin *origin; /* what we were started with */
};

struct child {
	struct watch watch; /* its pidfd */
	struct loop *loop;
	struct timer kill; /* hung up: until it is killed */
	pid_t pid;         /* 0: it has ended, or was never started */
	bool leads, hung_up;
	struct sys_launch *launch; /* what it was started with; NULL: it needs that no more */
	int status;                /* when it has ended: as waitpid(2) has it */
	int error;                 /* ... the errno for which it never became the program, or 0 */
	/* It has ended. The caller sets it before child_start. */
	void (*ended)(struct child *c);
};

/* Start a program. Returns 0, or -1 with err: then c needs no child_free. */
int child_start(struct child *c, struct loop *loop, const struct child_conf *conf, struct err *err);

/* Free what its start needed. Returns whether it could: not while the start is under way. */
bool child_settle(struct child *c);

/* It is no longer wanted: SIGHUP and SIGCONT, and SIGKILL after CHILD_GRACE_MS. A group gets the
 * SIGKILL as soon as its leader has ended: only until that is collected can no other group have its
 * number. */
void child_hang_up(struct child *c);

/* Let go of it: one that was hung up is killed, any other goes on. One that has just been started
 * is waited for until it is the program. */
void child_free(struct child *c);

/* Say that a program could not be started, for an errno. Returns -1. */
int child_cannot_start(const struct program *program, int error, struct err *err);

#endif
