#include "os/sys_process.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
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
	/* For sys_become_child: a few frames. The kernel takes what execve needs elsewhere. */
	CHILD_STACK_BYTES = 32 * 1024,
	NO_PROGRAM = 127, /* as sh(1) has it */
};

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
	if (syscall(SYS_close_range, (unsigned)first, ~0U, 0) == 0)
		return;
	for (rlim_t fd = (rlim_t)first; fd < nofile->rlim_max && fd < INT_MAX; fd++)
		close((int)fd);
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
	setrlimit(RLIMIT_NOFILE, &origin->nofile);
	sigprocmask(SIG_SETMASK, &origin->mask, NULL);
}

void sys_replace(const struct sys_program *program)
{
	char *const *env = program->env ? program->env : environ;

	sys_return_to_origin(program->origin);
	execve(program->path, program->argv, env);
	if (errno == ENOEXEC)
		execve("/bin/sh", program->by_shell, env);
}

/* The child between clone and exec. It shares our memory while we wait for it (CLONE_VM,
 * CLONE_VFORK), and another thread may hold any lock: only async-signal-safe calls
 * (signal-safety(7)). Where it fails, what it returns is its exit status. */
static int sys_become_child(void *arg)
{
	struct sys_launch *start = arg;

	if (start->leads)
		setpgid(0, 0);
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		if (dup2(start->standard[fd], fd) < 0) {
			start->error = errno;
			return NO_PROGRAM;
		}
	}
	sys_close_from(STDERR_FILENO + 1, &start->program->origin->nofile);
	sys_replace(start->program);
	start->error = errno;
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
	char *stack = malloc(CHILD_STACK_BYTES);
	pid_t child = -1;

	*pidfd = -1;
	start->error = ENOMEM;
	if (stack) {
		start->error = 0;
		child = clone(sys_become_child, stack + CHILD_STACK_BYTES,
			CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, start, pidfd);
		if (child < 0)
			start->error = errno;
	}
	free(stack);
	if (!start->error && *pidfd < 0)
		start->error = ENOSYS; /* before Linux 5.2 */
	if (!start->error)
		return child;
	if (child > 0)
		sys_destroy(child);
	if (*pidfd >= 0)
		close(*pidfd);
	errno = start->error;
	return -1;
}

bool sys_collect(pid_t child, int *status)
{
	return waitpid(child, status, WNOHANG) == child;
}

void sys_kill_group(pid_t group, int number)
{
	kill(-group, number);
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
