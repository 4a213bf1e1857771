#include "transport/stream.h"

#include <errno.h>

#include "os/sys_file.h"
#include "os/sys_socket.h"

enum io link_error(struct link *link, int error)
{
	link->error = error;
	return error == EAGAIN || error == EWOULDBLOCK ? IO_AGAIN : IO_FAIL;
}

void stream_keep_urgent(struct reporter *to, int fd)
{
	sys_setsockopt(to, fd, SOL_SOCKET, SO_OOBINLINE, 1);
}

enum io stream_accept(
	struct reporter *to, const struct listening *listener, struct link *link, struct addr *peer)
{
	*peer = (struct addr){.len = sizeof(peer->room)};
	link->to = to;
	link->fd = sys_accept(to, listener->fd, &peer->sa, &peer->len);
	return link->fd < 0 ? link_error(link, errno) : IO_DONE;
}

enum io stream_read(struct link *link, uint8_t *room, size_t size, size_t *got)
{
	ssize_t n = sys_recv(link->to, link->fd, room, size, 0);

	if (n < 0)
		return link_error(link, errno);
	*got = (size_t)n;
	return n == 0 ? IO_EOF : IO_DONE;
}

enum io stream_write(struct link *link, struct span out, size_t *taken)
{
	ssize_t n = sys_send(link->to, link->fd, out.data, out.len);

	if (n < 0)
		return link_error(link, errno);
	*taken = (size_t)n;
	return IO_DONE;
}

/* shutdown(2) says ENOTCONN of a connection that was reset. */
enum io stream_finish(struct link *link)
{
	if (sys_shutdown(link->to, link->fd, SHUT_WR) == 0)
		return IO_DONE;
	link->error = errno == ENOTCONN ? ECONNRESET : errno;
	return IO_FAIL;
}

int stream_pending(struct link *link)
{
	return sys_so_error(link->to, link->fd);
}

int stream_close(struct link *link)
{
	sys_close(link->to, link->fd);
	return 0;
}
