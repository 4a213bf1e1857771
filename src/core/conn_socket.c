/* What it takes to let a program serve a connection. */
#include "core/conn_state.h"

#include <errno.h>

#include "os/sys_file.h"
#include "os/sys_socket.h"

struct addr conn_local_address(const struct conn *c)
{
	struct addr at = {.len = sizeof(at.room)};

	if (c->link.fd < 0 || sys_getsockname(c->link.to, c->link.fd, &at.sa, &at.len) < 0)
		at.len = 0;
	return at;
}

int conn_credentials(const struct conn *c, struct ucred *out)
{
	return sys_peer_credentials(c->link.to, c->link.fd, out);
}

int conn_copy_socket(const struct conn *c)
{
	int copy = sys_dup(c->link.to, c->link.fd), error;

	if (copy < 0 || sys_let_wait(c->link.to, copy, true) == 0)
		return copy;
	error = errno;
	sys_close(c->link.to, copy);
	errno = error;
	return -1;
}

size_t conn_unread_bytes(const struct conn *c)
{
	int bytes = sys_unread(c->link.to, c->link.fd);

	return bytes > 0 ? (size_t)bytes : 0;
}

int conn_take_error(struct conn *c)
{
	return c->link.via->pending ? c->link.via->pending(&c->link) : 0;
}

void conn_look_for_loss(struct conn *c)
{
	int error = conn_take_error(c);

	if (error)
		conn_lost(c, error);
}
