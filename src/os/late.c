#include "os/late.h"

static void late_wait(void *arg)
{
	struct late *l = arg;

	timer_set_in(l->loop, &l->again, LATE_RETRY_MS);
}

static void late_on_again(struct timer *t)
{
	struct late *l = container_of(t, struct late, again);

	if (l->lines->again(l->lines))
		late_wait(l);
}

int late_begin(struct late *l, struct loop *loop, struct reporter *to)
{
	*l = (struct late){.lines = to->late};
	if (!to->late)
		return 0;
	if (timer_init(loop, &l->again, late_on_again) < 0)
		return -1;
	l->loop = loop;
	l->lines->kept = late_wait;
	l->lines->arg = l;
	return 0;
}

void late_end(struct late *l)
{
	if (!l->loop)
		return;
	l->lines->kept = NULL;
	timer_free(l->loop, &l->again);
	l->loop = NULL;
}
