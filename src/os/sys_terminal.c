#include "os/sys_terminal.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "os/sys_call.h"
#include "os/sys_trace.h"

int sys_tcgetattr(struct reporter *to, int fd, struct termios *out)
{
	int rc = tcgetattr(fd, out);

	if (to->trace)
		sys_made(to, rc, &(struct call){.name = "tcgetattr", .fd = fd});
	return rc;
}

int sys_tcsetattr(struct reporter *to, int fd, const struct termios *settings)
{
	int rc;

	RETRY_EINTR(rc, tcsetattr(fd, TCSANOW, settings));
	if (to->trace)
		sys_made_other(to, rc, "tcsetattr", fd, "TCSANOW");
	return rc;
}

int sys_window_size(struct reporter *to, int fd, struct winsize *out)
{
	int rc = ioctl(fd, TIOCGWINSZ, out);

	if (to->trace)
		sys_made_other(to, rc, "ioctl", fd, "TIOCGWINSZ");
	return rc;
}

pid_t sys_tcgetpgrp(struct reporter *to, int fd)
{
	pid_t rc = tcgetpgrp(fd);

	if (to->trace)
		sys_made(to, rc, &(struct call){.name = "tcgetpgrp", .fd = fd});
	return rc;
}

pid_t sys_getpgrp(void)
{
	return getpgrp();
}

int sys_terminal(struct reporter *to, int fd, unsigned *number)
{
	int rc = ioctl(fd, TIOCGDEV, number);

	if (to->trace)
		sys_made_other(to, rc, "ioctl", fd, "TIOCGDEV");
	return rc;
}

bool sys_isatty(int fd)
{
	return isatty(fd) == 1;
}
