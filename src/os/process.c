#include "os/process.h"

#include <errno.h>
#include <fcntl.h>

#include "os/sys_file.h"

void process_begin(struct origin *origin)
{
	sys_note_origin(origin);
	sys_signal_ignore(SIGPIPE);
	sys_signal_ignore(SIGXFSZ);
	sys_signal_default(SIGCHLD);
}

int process_reserve_std(struct reporter *to, struct err *err)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (sys_is_open(fd))
			continue;
		/* The lowest free number is the one just found closed; not close-on-exec. */
		if (sys_open(to, "/dev/null", O_RDONLY) < 0)
			return err_sys(err, ERR_RUNTIME, errno,
				"descriptor %d is closed, and '/dev/null' cannot be opened", fd);
	}
	return 0;
}
