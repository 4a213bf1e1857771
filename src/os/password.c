#include "os/password.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <termios.h>

#include "os/sys_file.h"
#include "os/sys_terminal.h"

enum { CTRL_C = 3, CTRL_D = 4 };

/* A byte that ends it. */
static bool password_is_end(char c)
{
	return c == '\n' || c == '\r' || c == CTRL_C || c == CTRL_D;
}

static int password_read(struct reporter *to, int fd, char *out, size_t size)
{
	size_t len = 0;
	char c = CTRL_C;

	while (sys_read(to, fd, &c, 1) == 1 && !password_is_end(c))
		if (len < size)
			out[len++] = c;
	return c == '\n' || c == '\r' ? (int)len : -1;
}

int password_ask(struct reporter *to, const char *prompt, char *out, size_t size)
{
	struct termios was, hidden;
	int fd = sys_open(to, "/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC), len = -1;

	if (fd < 0)
		return -1;
	if (sys_tcgetattr(to, fd, &was) == 0) {
		hidden = was;
		/* Ctrl-C is read as a byte: a signal would leave the terminal as it is now. */
		hidden.c_lflag &= ~(tcflag_t)(ECHO | ISIG | ICANON);
		sys_tcsetattr(to, fd, &hidden);
		sys_write(to, fd, prompt, strlen(prompt));
		len = password_read(to, fd, out, size);
		sys_write(to, fd, "\n", 1);
		sys_tcsetattr(to, fd, &was);
	}
	sys_close(to, fd);
	return len;
}
