#include "os/sys_terminal.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "os/sys_call.h"

int sys_tcgetattr(struct reporter *to, int fd, struct termios *out)
{
	int rc = tcgetattr(fd, out);

	if (to->calls)
		report_call(to, rc, "tcgetattr(%d)", fd);
	return rc;
}

int sys_tcsetattr(struct reporter *to, int fd, const struct termios *settings)
{
	int rc;

	RETRY_EINTR(rc, tcsetattr(fd, TCSANOW, settings));
	if (to->calls)
		report_call(to, rc, "tcsetattr(%d, TCSANOW)", fd);
	return rc;
}

int sys_window_size(struct reporter *to, int fd, struct winsize *out)
{
	int rc = ioctl(fd, TIOCGWINSZ, out);

	if (to->calls)
		report_call(to, rc, "ioctl(%d, TIOCGWINSZ)", fd);
	return rc;
}

pid_t sys_tcgetpgrp(struct reporter *to, int fd)
{
	pid_t rc = tcgetpgrp(fd);

	if (to->calls)
		report_call(to, rc, "tcgetpgrp(%d)", fd);
	return rc;
}

pid_t sys_getpgrp(void)
{
	return getpgrp();
}

int sys_terminal(struct reporter *to, int fd, unsigned *number)
{
	int rc = ioctl(fd, TIOCGDEV, number);

	if (to->calls)
		report_call(to, rc, "ioctl(%d, TIOCGDEV)", fd);
	return rc;
}

bool sys_isatty(int fd)
{
	return isatty(fd) == 1;
}
