#include "transport/datagram.h"

#include <errno.h>

#include "os/sys_socket.h"
#include "transport/stream.h"

enum io datagram_read(struct link *link, uint8_t *room, size_t size, size_t *got)
{
	ssize_t n = sys_recv(link->to, link->fd, room, size, MSG_TRUNC);

	if (n < 0)
		return link_error(link, errno);
	if ((size_t)n > size)
		return link_error(link, EOVERFLOW);
	*got = (size_t)n;
	return IO_DONE;
}

void datagram_enlarge(struct reporter *to, int fd, int force, int option, int bytes)
{
	if (sys_setsockopt(to, fd, SOL_SOCKET, force, bytes) < 0)
		sys_setsockopt(to, fd, SOL_SOCKET, option, bytes);
}

size_t batch_prepare(struct batch *b, struct datagram *all, size_t count, bool receiving)
{
	if (count > BATCH_MAX)
		count = BATCH_MAX;
	for (size_t i = 0; i < count; i++) {
		struct addr *peer = &all[i].peer;

		b->parts[i] = (struct iovec){all[i].data, all[i].len};
		b->messages[i].msg_hdr = (struct msghdr){.msg_name = &peer->room,
			.msg_namelen = receiving ? sizeof(peer->room) : peer->len,
			.msg_iov = &b->parts[i],
			.msg_iovlen = 1};
	}
	return count;
}

int batch_receive(struct reporter *to, int fd, struct batch *b, size_t count)
{
	ssize_t got;

	if (!to->trace)
		return sys_recvmmsg(fd, b->messages, count);
	got = sys_recvmsg(to, fd, &b->messages[0].msg_hdr, 0);
	b->messages[0].msg_len = got < 0 ? 0 : (unsigned)got;
	return got < 0 ? -1 : 1;
}

int batch_send(struct reporter *to, int fd, struct batch *b, size_t count)
{
	if (!to->trace)
		return sys_sendmmsg(fd, b->messages, count);
	return sys_sendmsg(to, fd, &b->messages[0].msg_hdr) < 0 ? -1 : 1;
}
