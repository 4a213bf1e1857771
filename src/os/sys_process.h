#ifndef SOCKX_OS_SYS_PROCESS_H
#define SOCKX_OS_SYS_PROCESS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>

/* The system calls about our own process, as os/sys_call.h says: none of them is traced. */

/* getrlimit(2), setrlimit(2): RLIMIT_NOFILE, how many descriptors; RLIMIT_AS, how much memory. */
int sys_get_nofile(struct rlimit *out);
int sys_set_nofile(const struct rlimit *limit);
int sys_get_as(struct rlimit *out);

/* Returns the mask that held before. */
mode_t sys_umask(mode_t mask);

/* getpid(2); fork(2), for a process without threads; setsid(2); kill(2) for a child of ours. */
pid_t sys_pid(void);
pid_t sys_fork(void);
void sys_setsid(void);
void sys_kill(pid_t child, int number);

/* waitpid(2), which waits: the child's exit status; or 0, and in *number the signal that ended it.
 */
int sys_wait_for(pid_t child, int *number);

/* gethostname(2): this machine's name, cut to size; "localhost" where it has none. */
void sys_host_name(char *out, size_t size);

/* Whether a signal is ignored, as our parent may have left it. */
bool sys_signal_is_ignored(int number);

/* Ignore a signal (returns whether it was ignored before), or give it its default action. */
bool sys_signal_ignore(int number);
void sys_signal_default(int number);

/* Hold signals back (for a signalfd, say), and let them through again. */
void sys_signals_block(const sigset_t *set);
void sys_signals_unblock(const sigset_t *set);

/* Send a signal to ourselves, and to all of our process group. */
void sys_raise(int number);
void sys_signal_group(int number);

/* A file in memory alone (memfd_create(2)), which a program that we become may read. Returns its
 * descriptor, or -1 with errno. */
int sys_memory_file(const char *name);

/* What a program gets from the process that starts it, and we change for ourselves. */
struct origin {
	sigset_t mask;    /* signals that are blocked */
	sigset_t ignored; /* ... and, of those whose action we change, the ignored ones */
	struct rlimit nofile;
};

/* Note the present state, which is what we were started with if nothing has been changed yet. */
void sys_note_origin(struct origin *out);

/* A program to be started, or to become. */
struct sys_program {
	const char *path;
	char *const *argv;
	char *const *by_shell; /* argv for /bin/sh, if path has no format of a program (ENOEXEC) */
	char *const *env;      /* NULL: ours */
	const struct origin *origin;
};

enum { LAUNCH_STACK_BYTES = 32 * 1024 };

/* A start under way: the child reads it in our memory until it has become the program. Made by
 * malloc, and it and what it points to must stay until sys_launch_is_over. */
struct sys_launch {
	struct sys_program program;
	int standard[3]; /* its descriptors 0, 1 and 2, and it gets no other; each above 2 */
	bool leads;      /* it leads a process group of its own */
	int error;       /* filled: the errno of the call that failed; 0: it is the program */
	_Atomic(pid_t) under_way; /* cleared by the kernel, which wakes a futex(2) there */
	_Alignas(16) unsigned char stack[LAUNCH_STACK_BYTES];
};

/* Start a program. It is a child of ours, and *pidfd, close-on-exec, is readable once it has ended
 * (clone(2), CLONE_PIDFD). Returns its process, or -1 with errno: then there is none. It does not
 * wait for the program to be there: a child that cannot become the program ends with start->error.
 */
pid_t sys_start(struct sys_launch *start, int *pidfd);

/* Whether the child needs nothing of ours any more: it is the program, or has ended. */
bool sys_launch_is_over(const struct sys_launch *start);

/* Wait until then: not in the loop. */
void sys_launch_await(struct sys_launch *start);

/* Become a program, with our descriptors. Returns only if that fails, with errno. */
void sys_replace(const struct sys_program *program);

/* Collect a child that has ended. Returns whether it had; *status is as waitpid(2) has it. */
bool sys_collect(pid_t child, int *status);

/* Kill a child that has just been started, and collect it. */
void sys_destroy(pid_t child);

/* Send a signal to all processes of the group that a child of ours leads, or is about to lead. */
void sys_kill_group(pid_t group, int number);

/* Whether path is a file that we may execute: 0, or -1 with errno (EISDIR: a directory). */
int sys_may_execute(const char *path);

/* Become another program (execvp(3)) with the file fd, from its start, as standard input; signals
 * that we ignore have their default action there. Returns only where there is no such program. */
void sys_become(char *const argv[], int fd);

#endif
