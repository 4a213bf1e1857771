#include "os/sys_process.h"

#include <stdio.h>
#include <sys/mman.h>
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
