#include "mode/members.h"

void members_init(struct members *all)
{
	list_init(&all->list);
	all->count = 0;
}

void members_join(struct members *all, struct member *m, struct conn *c)
{
	m->conn = c;
	list_push(&all->list, &m->node);
	all->count++;
}

void members_leave(struct members *all, struct member *m)
{
	list_remove(&m->node);
	all->count--;
}

struct member *members_next(const struct members *all, const struct member *m)
{
	struct list *node = m ? m->node.next : all->list.next;

	return node == &all->list ? NULL : container_of(node, struct member, node);
}

struct member *members_next_hearer(
	const struct members *all, const struct member *m, const struct member *from)
{
	struct member *next = members_next(all, m);

	while (next && (next == from || conn_finished(next->conn)))
		next = members_next(all, next);
	return next;
}

bool members_has_other(const struct members *all, const struct member *but)
{
	for (struct member *m = members_next(all, NULL); m; m = members_next(all, m))
		if (m != but && !conn_closing(m->conn))
			return true;
	return false;
}
