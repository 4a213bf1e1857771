#include "tty/terminal.h"

#include <errno.h>
#include <unistd.h>

#include "os/sys_process.h"
#include "os/sys_terminal.h"

static const tcflag_t key_by_key = ICANON | ECHO | ISIG | IEXTEN;

bool terminal_in_foreground(const struct terminal *t)
{
	pid_t front = sys_tcgetpgrp(t->to, t->fd);

	return front < 0 ? errno != EIO : front == sys_getpgrp(); /* EIO: it has hung up */
}

/* What is typed comes as it is; what is written goes on as before, and so does ^S. */
static struct termios terminal_character_mode(const struct termios *before)
{
	struct termios mode = *before;

	mode.c_lflag &= ~key_by_key;
	mode.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | IGNCR | ISTRIP);
	mode.c_cc[VMIN] = 1;
	mode.c_cc[VTIME] = 0;
	return mode;
}

int terminal_take(struct terminal *t)
{
	struct termios mode;

	if (!terminal_in_foreground(t)) {
		t->taken = false;
		return 0;
	}
	if (!t->taken && sys_tcgetattr(t->to, t->fd, &t->before) < 0)
		return -1;
	mode = terminal_character_mode(&t->before);
	if (sys_tcsetattr(t->to, t->fd, &mode) < 0)
		return -1;
	t->taken = true;
	return 0;
}

void terminal_restore(struct terminal *t)
{
	if (t->taken && terminal_in_foreground(t))
		sys_tcsetattr(t->to, t->fd, &t->before);
	t->taken = false;
}

bool terminal_is_untouched(const struct terminal *t)
{
	struct termios now;

	return t->taken && terminal_in_foreground(t) && sys_tcgetattr(t->to, t->fd, &now) == 0 &&
	       (now.c_lflag & key_by_key) == 0;
}

void terminal_signal(const struct terminal *t, int number)
{
	if (sys_tcgetpgrp(t->to, t->fd) == sys_getpgrp())
		sys_signal_group(number);
	else
		sys_raise(number);
}

bool terminal_is_same(struct reporter *to, int fd, int other)
{
	unsigned one, two;

	return sys_terminal(to, fd, &one) == 0 && sys_terminal(to, other, &two) == 0 && one == two;
}

bool terminal_is_shared(void)
{
	struct reporter silent = {0};

	return terminal_is_same(&silent, STDERR_FILENO, STDOUT_FILENO);
}
