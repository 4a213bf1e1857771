#include "os/background.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "os/sys_file.h"
#include "os/sys_process.h"
#include "os/sys_socket.h"
#include "os/sys_terminal.h"

static void background_close(struct background *b, int *fd)
{
	if (*fd >= 0)
		sys_close(b->to, *fd);
	*fd = -1;
}

int background_open(struct background *b, struct reporter *to, const char *log, struct err *err)
{
	*b = (struct background){.to = to, .pipe = -1, .log = -1};
	if (!log)
		return 0;
	b->log = sys_openat(
		to, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_CLOEXEC, 0644);
	if (b->log >= 0)
		return 0;
	return err_sys(err, ERR_RUNTIME, errno, "cannot open the log %s", quoted(log).text);
}

int background_fork(struct background *b, struct err *err)
{
	int ends[2];

	if (sys_pipe(b->to, ends) < 0)
		return err_sys(err, ERR_RUNTIME, errno, "cannot go to the background: pipe");
	b->child = sys_fork();
	if (b->child < 0) {
		err_sys(err, ERR_RUNTIME, errno, "cannot go to the background: fork");
		sys_close(b->to, ends[0]);
		sys_close(b->to, ends[1]);
		return -1;
	}
	if (b->child == 0)
		sys_setsid();
	b->pipe = b->child ? ends[0] : ends[1];
	sys_close(b->to, b->child ? ends[1] : ends[0]);
	return b->child ? 1 : 0;
}

/* What is known of a child that ended without a word. */
static int background_ended(const struct background *b, struct err *err)
{
	int number = 0, status = sys_wait_for(b->child, &number);

	if (status > 0) {
		*err = (struct err){.kind = (enum err_kind)status};
		return -1;
	}
	if (number)
		return err_set(
			err, ERR_RUNTIME, "the background process was ended by signal %d", number);
	return err_set(err, ERR_RUNTIME, "the background process ended before it was ready");
}

int background_wait(struct background *b, char *said, size_t size, struct err *err)
{
	size_t used = 0;
	ssize_t n = 1;

	sys_let_wait(b->to, b->pipe, true);
	while (n > 0 && used < size - 1) {
		n = sys_read(b->to, b->pipe, said + used, size - 1 - used);
		used += n > 0 ? (size_t)n : 0;
	}
	said[used] = '\0';
	return used ? 0 : background_ended(b, err);
}

int background_ready(struct background *b, const char *word, struct err *err)
{
	int null = sys_openat(b->to, AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0);
	size_t len = strlen(word);

	if (null < 0)
		return err_sys(err, ERR_RUNTIME, errno,
			"cannot go to the background: '/dev/null' cannot be opened");
	if (b->log >= 0)
		sys_dup2(b->to, b->log, STDERR_FILENO);
	else if (sys_isatty(STDERR_FILENO))
		sys_dup2(b->to, null, STDERR_FILENO);
	sys_dup2(b->to, null, STDIN_FILENO);
	if (!b->writes)
		sys_dup2(b->to, null, STDOUT_FILENO);
	sys_close(b->to, null);
	background_close(b, &b->log);
	if (sys_write(b->to, b->pipe, word, len) == (ssize_t)len) {
		background_close(b, &b->pipe);
		return 0;
	}
	return err_sys(err, ERR_RUNTIME, errno, "no parent waits for the background process");
}

void background_stop(struct background *b)
{
	sys_kill(b->child, SIGTERM);
}

void background_end(struct background *b)
{
	background_close(b, &b->pipe);
	background_close(b, &b->log);
}
