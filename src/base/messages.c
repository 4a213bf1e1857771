#include "base/messages.h"

int messages_add(struct buf *queue, struct span message)
{
	uint32_t len = (uint32_t)message.len;

	/* All or nothing: a header must not stay without its message. */
	if (buf_reserve(queue, sizeof(len) + message.len) < 0)
		return -1;
	buf_add(queue, (struct span){(const uint8_t *)&len, sizeof(len)});
	buf_add(queue, message);
	return 0;
}

struct span messages_first(const struct buf *queue)
{
	const uint8_t *at = queue->data + queue->start;
	uint32_t len;

	memcpy(&len, at, sizeof(len));
	return (struct span){at + sizeof(len), len};
}

void messages_drop_first(struct buf *queue)
{
	buf_take(queue, sizeof(uint32_t) + messages_first(queue).len);
}
