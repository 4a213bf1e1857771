/* How a pair ends: what the end of one side means for the other, and for the run. */
#include "mode/relay.h"

enum {
	STOP_LINGER_MS = 100, /* we stop: how long a target that still sends is waited for */
	STOP_MS = 2000,       /* ... and one that does not take what it is owed */
};

static void relay_finish_if_done(struct relay_run *run)
{
	if (run->finishing && list_empty(&run->pairs))
		mode_end_run(run->env, &run->verdict);
}

void relay_on_patience_over(struct timer *t)
{
	struct relay_run *run = container_of(t, struct relay_run, patience);
	uint64_t left = 0;

	for (struct list *node = run->far.conns.next; node != &run->far.conns; node = node->next)
		left += conn_queued(conn_of_node(node)) + conn_unsent(conn_of_node(node));
	if (left && !run->verdict.kind) {
		err_set(&run->verdict, ERR_LOST,
			"stopped with %ju bytes that targets had not taken", (uintmax_t)left);
		err_hint(&run->verdict, "they did not read them within %d ms", STOP_MS);
	}
	mode_end_run(run->env, &run->verdict);
}

static void relay_limit_finish(struct relay_run *run)
{
	if (run->stopping && run->finishing)
		timer_set(run->env->loop, &run->patience, run->stop_at_ms);
}

void relay_drop_call(struct relay_pair *p)
{
	if (!p->call)
		return;
	dial_stop(&p->call->dial);
	loop_bury(p->run->env->loop, &p->call->node);
	p->call = NULL;
}

void relay_forget(struct relay_pair *p)
{
	relay_drop_call(p);
	join_free(&p->near.join);
	join_free(&p->far.join);
	list_remove(&p->node);
	loop_bury(p->run->env->loop, &p->node);
}

struct err relay_reason(const struct err *why)
{
	struct err whole = *why;

	whole.cause = 0;
	return whole;
}

/* The other side of what is left is over. That it was lost is passed on by a reset; but a server
 * that stops ends in order. */
static void relay_end_side(struct relay_side *left, const struct err *why)
{
	bool stopping = left->pair->run->stopping;
	struct err reason;

	if (!left->conn)
		return;
	if (!why || stopping) {
		conn_close(left->conn, stopping ? STOP_LINGER_MS : CONN_LINGER_MS);
		return;
	}
	reason = relay_reason(why);
	conn_fail_with(left->conn, &reason);
}

/* As for the server: a client that is lost before a byte moved does not use up its run. */
static bool relay_counts(const struct relay_pair *p)
{
	return !p->run->env->enough || p->moved || (p->near.conn && conn_moved(p->near.conn));
}

/* The run's status vouches for what targets took; the server's own, for its clients. */
static void relay_judge(const struct relay_side *over, const struct err *why)
{
	struct relay_run *run = over->pair->run;

	if (why && over == &over->pair->far && run->env->vouches && !run->verdict.kind &&
		relay_counts(over->pair))
		run->verdict = *why;
}

void relay_side_gone(struct relay_side *side, const struct err *why)
{
	struct relay_pair *p = side->pair;
	struct relay_run *run = p->run;

	side->conn = side->join.from = NULL;
	join_stop(&side->other->join);
	if (!p->far.conn)
		relay_drop_call(p);
	relay_judge(side, why);
	relay_end_side(side->other, why);
	if (!side->other->conn)
		relay_forget(p);
	relay_finish_if_done(run);
}

void relay_closed(struct conn *c, const struct err *why)
{
	struct relay_side *side = relay_side_of(c);

	side->pair->moved |= conn_moved(c);
	relay_side_gone(side, why);
}

/* It may be lost, which its next read will tell, after what came before; but it is not read now. A
 * client that waits for its target is not kept for that. */
void relay_hung_up(struct conn *c)
{
	struct relay_side *side = relay_side_of(c);

	if (!side->pair->far.conn) {
		conn_look_for_loss(c);
	} else if (!side->hung_up) {
		side->hung_up = true;
		conn_after(c, CONN_SEE_OFF_MS);
	}
}

/* It has hung up, and is still here. As long as the other side takes what came, that is awaited. */
void relay_later(struct conn *c)
{
	const struct relay_side *side = relay_side_of(c), *other = side->other;
	int64_t still_ms;

	if (!other->conn)
		return;
	still_ms = side->pair->run->env->loop->now_ms - conn_active_ms(other->conn);
	if (still_ms < CONN_SEE_OFF_MS)
		conn_after(c, CONN_SEE_OFF_MS - still_ms);
	else
		conn_look_for_loss(c);
}

/* ---- the run ---- */

void relay_stopping(struct mode_env *env)
{
	struct relay_run *run = env->state;

	run->stopping = true;
	run->stop_at_ms = env->loop->now_ms + STOP_MS;
	relay_limit_finish(run);
}

void relay_finish(struct mode_env *env)
{
	struct relay_run *run = env->state;

	run->finishing = true;
	relay_limit_finish(run);
	relay_finish_if_done(run);
}
