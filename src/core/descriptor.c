#include "core/descriptor.h"

const struct descriptor standard_input = {0, CONN_READS, "standard input"};
const struct descriptor standard_output = {1, CONN_WRITES, "standard output"};

struct conn *descriptor_open(
	struct conn_owner *owner, const struct descriptor *what, descriptor_link *open_fd)
{
	struct link link;
	struct conn *c;

	owner->local = what->name;
	conn_owner_init(owner);
	open_fd(owner->to, what->fd, what->sides, &link);
	c = conn_new(owner, &link, NULL, what->sides);
	if (!c) {
		link_close(&link);
		return NULL;
	}
	if (what->sides != CONN_WRITES)
		conn_pause(c);
	conn_open(c);
	return c;
}
