#include "core/budget.h"

#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "core/conn_state.h"

void budget_leave(struct budget *b, size_t bytes)
{
	if (b)
		b->held += bytes;
}

void budget_freed(struct budget *b, size_t bytes)
{
	if (b)
		b->held -= bytes;
}

void budget_give_back(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

static struct conn *budget_largest_holder(struct conn_owner *owner)
{
	struct conn *largest = NULL;

	for (struct list *node = owner->conns.next; node != &owner->conns; node = node->next) {
		struct conn *c = conn_of_node(node);

		if (c->stage < STAGE_OVER && (!largest || c->counted > largest->counted))
			largest = c;
	}
	return largest && largest->counted ? largest : NULL;
}

static void budget_recount(struct conn *c)
{
	size_t before = c->counted;

	c->counted = conn_held(c);
	if (c->owner->budget)
		c->owner->budget->held += c->counted - before;
}

/* What waits for one that does not read cannot be followed by a reason. */
static void budget_send_away(struct conn *c)
{
	bool can_be_told = c->queue.len == 0 && !conn_closing(c);

	if (c->on->let_go)
		c->on->let_go(c);
	c->holds = 0;
	buf_free(&c->queue);
	budget_recount(c);
	if (can_be_told)
		conn_refuse(c, "the server's memory limit is reached");
	else
		conn_expel(c, "the server's memory limit is reached");
}

static bool budget_is_over(const struct budget *b)
{
	return b->max && b->held > b->max;
}

static void budget_enforce(struct conn_owner *owner)
{
	struct budget *b = owner->budget;
	struct conn *largest;

	while (budget_is_over(b) && b->reclaim && b->reclaim(b->arg))
		;
	largest = budget_is_over(b) ? budget_largest_holder(owner) : NULL;
	if (!largest)
		return;
	b->enforcing = true;
	budget_send_away(largest);
	b->enforcing = false;
}

void conn_recount(struct conn *c)
{
	struct budget *b = c->owner->budget;
	size_t before = c->counted;

	budget_recount(c);
	if (b && c->counted > before && budget_is_over(b) && !b->enforcing)
		budget_enforce(c->owner);
}

int conn_holds(struct conn *c, size_t bytes)
{
	c->holds = bytes;
	conn_count(c);
	return bytes && conn_closing(c) ? -1 : 0;
}
