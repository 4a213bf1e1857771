#include "core/std.h"

struct conn *std_open(struct conn_owner *owner, int fd, std_link *open_link)
{
	struct link link;
	struct conn *c;

	owner->local = fd == 0 ? "standard input" : "standard output";
	conn_owner_init(owner);
	open_link(owner->to, fd, &link);
	c = conn_new(owner, &link, NULL, fd == 0 ? CONN_READS : CONN_WRITES);
	if (!c) {
		link_close(&link);
		return NULL;
	}
	if (fd == 0)
		conn_pause(c);
	conn_open(c);
	return c;
}
