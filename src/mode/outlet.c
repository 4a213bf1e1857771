/* Standard output, which many clients write to. */
#include "mode/outlet.h"

#include "report/report.h"
#include "tty/terminal.h"

enum { RESUMES_A_TURN = 8 }; /* so that many who wait are not all woken for room that one fills */

/* ---- its end ---- */

/* The status of a run that vouches for its clients tells what is lost; the others report it. */
static void outlet_judge_losses(struct outlet *o)
{
	if (!o->lost || o->verdict.kind)
		return;
	if (!o->env->vouches) {
		report(o->env->to, &(struct report){.kind = REPORT_LOST_IN_ALL, .count = o->lost});
		return;
	}
	err_set(&o->verdict, ERR_LOST, "not written in all: %ju", (uintmax_t)o->lost);
	err_hint(&o->verdict, "the lines before say why");
}

/* Tell done, once: as soon as standard output has all it was given. */
static void outlet_finish_if_done(struct outlet *o)
{
	if (!o->finishing || !join_close(&o->out) || o->env->over)
		return;
	outlet_judge_losses(o);
	mode_end_run(o->env, &o->verdict);
}

static void outlet_fail_each(struct list *of)
{
	for (struct list *node = of->next; node != of; node = node->next)
		conn_fail(container_of(node, struct outlet_peer, node)->c);
}

void outlet_fail(struct outlet *o, const struct err *why)
{
	if (!o->verdict.kind)
		o->verdict = *why;
	if (o->finishing)
		return;
	o->env->enough(o->env->arg);
	outlet_fail_each(&o->clients);
	outlet_fail_each(&o->waiting);
}

/* Standard output is over. If it failed, so does all of the run. */
static void outlet_closed(struct join *j, const struct err *why)
{
	struct outlet *o = j->arg;

	if (why)
		outlet_fail(o, why);
	outlet_finish_if_done(o);
}

void outlet_finish(struct outlet *o)
{
	o->finishing = true;
	outlet_finish_if_done(o);
}

/* ---- room ---- */

static size_t outlet_queued(const struct outlet *o)
{
	return o->out.to ? conn_queued(o->out.to) : 0;
}

static bool outlet_is_full(const struct outlet *o)
{
	return outlet_queued(o) >= CONN_QUEUE_MAX_BYTES;
}

/* Read on those that have waited for longest. */
static void outlet_read_on(struct outlet *o)
{
	for (int i = 0; i < RESUMES_A_TURN && !list_empty(&o->waiting); i++) {
		struct outlet_peer *p = container_of(o->waiting.next, struct outlet_peer, node);

		list_remove(&p->node);
		list_push(&o->clients, &p->node);
		conn_resume(p->c);
	}
	if (!list_empty(&o->waiting))
		timer_set_in(o->env->loop, &o->again, 0);
}

static void outlet_on_again(struct timer *t)
{
	struct outlet *o = container_of(t, struct outlet, again);

	if (!outlet_is_full(o))
		outlet_read_on(o);
}

static void outlet_drained(struct join *j)
{
	outlet_read_on(j->arg);
}

bool outlet_holds_up(struct outlet *o, struct outlet_peer *p)
{
	if (conn_connectionless(p->c) || !outlet_is_full(o))
		return false;
	list_remove(&p->node);
	list_push(&o->waiting, &p->node);
	conn_pause(p->c);
	return true;
}

static size_t outlet_datagram_bytes(const struct outlet *o)
{
	size_t max = o->env->budget ? o->env->budget->max : 0;

	return max && max < OUTLET_DATAGRAM_BYTES ? max : OUTLET_DATAGRAM_BYTES;
}

bool outlet_has_room(struct outlet *o, struct conn *c)
{
	if (!conn_connectionless(c) || outlet_queued(o) < outlet_datagram_bytes(o))
		return true;
	outlet_lose(o, c, "standard output takes no more");
	return false;
}

/* ---- records ---- */

void outlet_write(struct outlet *o, struct span records)
{
	if (!o->out.to || !records.len)
		return;
	screen_write(&o->screen, records);
	screen_end(&o->screen); /* no letter goes on in the next one's */
}

void outlet_lose(struct outlet *o, const struct conn *c, const char *why)
{
	uint64_t count = ++o->lost;
	struct addr peer;
	struct addr_shown address;

	/* A flood must not become a flood of lines: the 1st, 2nd, 4th, 8th... is reported. */
	if ((count & (count - 1)) || !report_shown(o->env->to, REPORT_NOT_COLLECTED))
		return;
	peer = conn_address(c);
	address = addr_text(&peer);
	report(o->env->to, &(struct report){.kind = REPORT_NOT_COLLECTED,
				   .address = address.text,
				   .reason = why,
				   .count = count});
}

/* ---- clients ---- */

void outlet_join(struct outlet *o, struct outlet_peer *p, struct conn *c)
{
	p->c = c;
	list_init(&p->node);
	list_push(&o->clients, &p->node);
	if (o->verdict.kind)
		conn_fail(c); /* the run failed while it was on its way */
}

void outlet_leave(struct outlet_peer *p)
{
	if (p->c)
		list_remove(&p->node);
	p->c = NULL;
}

/* ---- the run ---- */

static const struct join_on outlet_output = {.drained = outlet_drained, .closed = outlet_closed};

static int outlet_cannot_begin(struct err *err)
{
	return err_set(err, ERR_RUNTIME, "cannot collect: out of memory");
}

int outlet_begin(struct outlet *o, struct mode_env *env, bool raw, struct err *err)
{
	const struct conn_owner like = {.loop = env->loop, .to = env->to, .scratch = env->scratch};

	o->env = env;
	list_init(&o->clients);
	list_init(&o->waiting);
	o->out = (struct join){.on = &outlet_output, .arg = o};
	if (timer_init(env->loop, &o->again, outlet_on_again) < 0 ||
		join_open(&o->out, &standard_output, &like, env->open_fd) < 0)
		return outlet_cannot_begin(err);
	o->screen = (struct screen){.out = o->out.to, .raw = raw};
	if (!conn_is_terminal(o->out.to) || !terminal_is_shared())
		return 0;
	o->screen.shares = env->to;
	if (raw)
		report_yield(env->to); /* it does not pass the screen */
	return 0;
}

void outlet_end(struct outlet *o)
{
	if (!o->env)
		return;
	timer_free(o->env->loop, &o->again);
	join_free(&o->out);
}
