#include "transport/batch.h"

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
