#include "os/inherited.h"

#include <stdlib.h>

#include "base/escape.h"
#include "base/text.h"
#include "os/sys_file.h"
#include "os/sys_process.h"
#include "os/sys_socket.h"

static bool inherited_is_for_us(void)
{
	const char *pid = getenv("LISTEN_PID");
	uint64_t number;

	return pid && text_uint(pid, INT32_MAX, &number) == 0 && (pid_t)number == sys_pid();
}

int inherited_count(struct err *err)
{
	const char *count = inherited_is_for_us() ? getenv("LISTEN_FDS") : NULL;
	uint64_t number = 0;
	int rc = 0;

	if (count && text_uint(count, INT32_MAX - INHERITED_FIRST, &number) < 0) {
		err_set(err, ERR_USAGE, "LISTEN_FDS is %s, which is not a number",
			quoted(count).text);
		rc = err_hint(err, "the program that started this one must set it to a number");
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return rc < 0 ? rc : (int)number;
}

struct inherited inherited_take(struct reporter *to, int fd)
{
	struct inherited i = {
		.type = sys_getsockopt(to, fd, SOL_SOCKET, SO_TYPE), .at.len = sizeof(i.at.room)};
	struct addr peer = {.len = sizeof(peer.room)};

	if (i.type < 0 || sys_getsockname(to, fd, &i.at.sa, &i.at.len) < 0) {
		i.type = -1;
		return i;
	}
	i.listens = sys_getsockopt(to, fd, SOL_SOCKET, SO_ACCEPTCONN) > 0;
	i.connected = sys_getpeername(to, fd, &peer.sa, &peer.len) == 0;
	sys_close_on_exec(fd);
	sys_let_wait(to, fd, false);
	return i;
}
