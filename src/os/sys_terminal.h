#ifndef SOCKX_OS_SYS_TERMINAL_H
#define SOCKX_OS_SYS_TERMINAL_H

#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <termios.h>

#include "report/report.h"

/* The system calls about terminals, as os/sys_call.h says. */

/* Settings are set at once: waiting for what is written could take for ever. */
int sys_tcgetattr(struct reporter *to, int fd, struct termios *out);
int sys_tcsetattr(struct reporter *to, int fd, const struct termios *settings);

int sys_window_size(struct reporter *to, int fd, struct winsize *out);

/* The process group in its foreground, and ours. */
pid_t sys_tcgetpgrp(struct reporter *to, int fd);
pid_t sys_getpgrp(void);

/* TIOCGDEV: its device's number, which is the same whatever name it was opened by. */
int sys_terminal(struct reporter *to, int fd, unsigned *number);

bool sys_isatty(int fd);

#endif
