#include "os/write_out.h"

#include <errno.h>

#include "os/sys_event.h"
#include "os/sys_file.h"

int write_out(struct reporter *to, int fd, struct span out, const char *name, struct err *err)
{
	while (out.len) {
		ssize_t n = sys_write(to, fd, out.data, out.len);

		if (n >= 0)
			out = span_from(out, (size_t)n);
		else if (errno == EAGAIN)
			sys_writable(to, fd, -1);
		else
			return err_sys(err, errno == EPIPE ? ERR_SIGPIPE : ERR_RUNTIME, errno,
				"cannot write to %s", name);
	}
	return 0;
}
