#include "os/sys_process.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/sys_call.h"

pid_t sys_pid(void)
{
	return getpid();
}

pid_t sys_fork(void)
{
	return fork();
}

void sys_setsid(void)
{
	setsid();
}

void sys_kill(pid_t child, int number)
{
	kill(child, number);
}

int sys_wait_for(pid_t child, int *number)
{
	int status;
	pid_t rc;

	RETRY_EINTR(rc, waitpid(child, &status, 0));
	if (rc < 0)
		return 0;
	*number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

void sys_host_name(char *out, size_t size)
{
	if (gethostname(out, size) < 0 || !out[0])
		snprintf(out, size, "localhost");
	out[size - 1] = '\0';
}

int sys_get_nofile(struct rlimit *out)
{
	return getrlimit(RLIMIT_NOFILE, out);
}

int sys_set_nofile(const struct rlimit *limit)
{
	return setrlimit(RLIMIT_NOFILE, limit);
}

int sys_get_as(struct rlimit *out)
{
	return getrlimit(RLIMIT_AS, out);
}

mode_t sys_umask(mode_t mask)
{
	return umask(mask);
}

bool sys_signal_is_ignored(int number)
{
	struct sigaction action;

	return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

bool sys_signal_ignore(int number)
{
	return signal(number, SIG_IGN) == SIG_IGN;
}

void sys_signal_default(int number)
{
	signal(number, SIG_DFL);
}

void sys_signals_block(const sigset_t *set)
{
	sigprocmask(SIG_BLOCK, set, NULL);
}

void sys_signals_unblock(const sigset_t *set)
{
	sigprocmask(SIG_UNBLOCK, set, NULL);
}

void sys_raise(int number)
{
	raise(number);
}

void sys_signal_group(int number)
{
	kill(0, number);
}

int sys_memory_file(const char *name)
{
	return memfd_create(name, MFD_CLOEXEC);
}

void sys_become(char *const argv[], int fd)
{
	if (lseek(fd, 0, SEEK_SET) < 0 || dup2(fd, STDIN_FILENO) < 0)
		return;
	sys_signal_default(SIGPIPE);
	sys_signal_default(SIGXFSZ);
	execvp(argv[0], argv);
	sys_signal_ignore(SIGPIPE);
	sys_signal_ignore(SIGXFSZ);
}

/* ---- other programs ---- */

/* The signals whose action process_begin changes. */
static const int changed_signals[] = {SIGPIPE, SIGXFSZ, SIGCHLD};

enum {
	CHANGED_SIGNALS = sizeof(changed_signals) / sizeof(changed_signals[0]),
	NO_PROGRAM = 127, /* as sh(1) has it */
	START_FLAGS = CLONE_VM | CLONE_PIDFD | CLONE_CHILD_CLEARTID | SIGCHLD,
};

/*
 * The child shares our memory until it has become the program, as after vfork(2), but we go on
 * meanwhile: on a busy machine it may wait for milliseconds until it runs, and all clients would
 * wait with us. So it uses a stack of its own, and no errno: that would be ours.
 */
#ifdef __x86_64__
enum { START_HOW = START_FLAGS };

/* A system call. Returns as the kernel does: the negative of an errno where it fails. */
static long bare_call(long number, long a, long b, long c, long d)
{
	register long fourth __asm__("r10") = d;
	long rc;

	__asm__ volatile("syscall"
			 : "=a"(rc)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
			 : "rcx", "r11", "memory");
	return rc;
}
#else /* not written for it: so we wait */
enum { START_HOW = START_FLAGS | CLONE_VFORK };

static long bare_call(long number, long a, long b, long c, long d)
{
	int ours = errno;
	long rc = syscall(number, a, b, c, d);

	if (rc < 0)
		rc = -errno;
	errno = ours;
	return rc;
}
#endif

void sys_note_origin(struct origin *out)
{
	sigprocmask(SIG_BLOCK, NULL, &out->mask);
	sigemptyset(&out->ignored);
	for (size_t i = 0; i < CHANGED_SIGNALS; i++)
		if (sys_signal_is_ignored(changed_signals[i]))
			sigaddset(&out->ignored, changed_signals[i]);
	sys_get_nofile(&out->nofile);
}

static void sys_close_from(int first, const struct rlimit *nofile)
{
	if (bare_call(SYS_close_range, first, ~0U, 0, 0) == 0)
		return;
	for (rlim_t fd = (rlim_t)first; fd < nofile->rlim_max && fd < INT_MAX; fd++)
		bare_call(SYS_close, (long)fd, 0, 0, 0);
}

/* The order matters: a signal that waits must not meet an action of ours. */
static void sys_return_to_origin(const struct origin *origin)
{
	for (size_t i = 0; i < CHANGED_SIGNALS; i++) {
		struct sigaction action = {.sa_handler = SIG_DFL};

		if (sigismember(&origin->ignored, changed_signals[i]))
			action.sa_handler = SIG_IGN;
		sigaction(changed_signals[i], &action, NULL);
	}
	bare_call(SYS_prlimit64, 0, RLIMIT_NOFILE, (long)&origin->nofile, 0);
	sigprocmask(SIG_SETMASK, &origin->mask, NULL);
}

static int sys_exec(const char *path, char *const *argv, char *const *env)
{
	return (int)-bare_call(SYS_execve, (long)path, (long)argv, (long)env, 0);
}

/* Returns only if it fails: why, as an errno. */
static int sys_exec_program(const struct sys_program *program)
{
	char *const *env = program->env ? program->env : environ;
	int error;

	sys_return_to_origin(program->origin);
	error = sys_exec(program->path, program->argv, env);
	if (error == ENOEXEC)
		error = sys_exec("/bin/sh", program->by_shell, env);
	return error;
}

void sys_replace(const struct sys_program *program)
{
	errno = sys_exec_program(program);
}

/* The child between clone and exec. Another thread may hold any lock: only async-signal-safe calls
 * (signal-safety(7)), and those that may fail by bare_call. Where it fails, what it returns is its
 * exit status. */
static int sys_become_child(void *arg)
{
	struct sys_launch *start = arg;

	if (start->leads)
		bare_call(SYS_setpgid, 0, 0, 0, 0);
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		long rc = bare_call(SYS_dup3, start->standard[fd], fd, 0, 0);

		if (rc < 0) {
			start->error = (int)-rc;
			return NO_PROGRAM;
		}
	}
	sys_close_from(STDERR_FILENO + 1, &start->program.origin->nofile);
	start->error = sys_exec_program(&start->program);
	return NO_PROGRAM;
}

void sys_destroy(pid_t child)
{
	int status;

	kill(child, SIGKILL);
	waitpid(child, &status, 0);
}

pid_t sys_start(struct sys_launch *start, int *pidfd)
{
	pid_t child;

	*pidfd = -1;
	start->error = 0;
	atomic_init(&start->under_way, 1);
	child = clone(sys_become_child, start->stack + LAUNCH_STACK_BYTES, START_HOW, start, pidfd,
		NULL, &start->under_way);
	if (child < 0 || *pidfd >= 0)
		return child;
	sys_destroy(child);
	errno = ENOSYS; /* before Linux 5.2 */
	return -1;
}

bool sys_launch_is_over(const struct sys_launch *start)
{
	return atomic_load(&start->under_way) == 0;
}

void sys_launch_await(struct sys_launch *start)
{
	pid_t under_way;

	while ((under_way = atomic_load(&start->under_way)) != 0)
		syscall(SYS_futex, &start->under_way, FUTEX_WAIT, under_way, NULL, NULL, 0);
}

bool sys_collect(pid_t child, int *status)
{
	return waitpid(child, status, WNOHANG) == child;
}

/* Until it has become the program, a child may not have made its group yet. */
void sys_kill_group(pid_t group, int number)
{
	if (kill(-group, number) < 0 && errno == ESRCH)
		kill(group, number);
}

int sys_may_execute(const char *path)
{
	struct stat about;

	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 || stat(path, &about) < 0)
		return -1;
	if (!S_ISDIR(about.st_mode))
		return 0;
	errno = EISDIR;
	return -1;
}
