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

/* Become another program (execvp(3)) with the file fd, from its start, as standard input; signals
 * that we ignore have their default action there. Returns only where there is no such program. */
void sys_become(char *const argv[], int fd);

#endif
