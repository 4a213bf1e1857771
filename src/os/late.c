#include "os/late.h"

#include "report/dump.h"

static void late_wait(void *arg)
{
	struct late_kept *k = arg;

	timer_set_in(k->loop, &k->again, k->wait_ms);
}

static void late_on_again(struct timer *t)
{
	struct late_kept *k = container_of(t, struct late_kept, again);

	if (k->of->again(k->of))
		late_wait(k);
}

static int late_begin_kept(
	struct late_kept *k, struct loop *loop, struct report_late *of, int64_t wait_ms)
{
	if (!of || !of->again)
		return 0;
	if (timer_init(loop, &k->again, late_on_again) < 0)
		return -1;
	k->loop = loop;
	k->of = of;
	k->wait_ms = wait_ms;
	of->kept = late_wait;
	of->arg = k;
	return 0;
}

int late_begin(struct late *l, struct loop *loop, struct reporter *to)
{
	*l = (struct late){0};
	if (late_begin_kept(&l->lines, loop, to->late, LATE_RETRY_MS) == 0 &&
		late_begin_kept(&l->capture, loop, to->capture, LATE_RETRY_MS) == 0 &&
		late_begin_kept(&l->dump, loop, to->dump ? &to->dump->late : NULL, 0) == 0)
		return 0;
	late_end(l);
	return -1;
}

static void late_end_kept(struct late_kept *k)
{
	if (!k->loop)
		return;
	k->of->kept = NULL;
	timer_free(k->loop, &k->again);
	k->loop = NULL;
}

void late_end(struct late *l)
{
	late_end_kept(&l->lines);
	late_end_kept(&l->capture);
	late_end_kept(&l->dump);
}
