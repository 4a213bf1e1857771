#include "mode/relay.h"

#include <errno.h>
#include <stdlib.h>

#include "report/report.h"

enum {
	/* From so much at a time on it is cheaper to let the kernel move the bytes. */
	FLOW_BYTES = 16 * 1024,
	FAR_MESSAGES = 64,    /* datagrams of a target that are taken in a turn */
	STOP_LINGER_MS = 100, /* we stop: how long a target that still sends is waited for */
	STOP_MS = 2000,       /* ... and one that does not take what it is owed */
};

/* One of the two connections, and what comes from it. */
struct relay_side {
	struct relay_pair *pair;
	struct relay_side *other;
	struct conn *conn; /* NULL: it is not there yet, or over */
	struct join join;  /* to the other side */
	bool flows;        /* FLOW_BYTES or more came at a time */
};

/* The way to the target, until it has been reached; over datagrams, as long as the connection. */
struct relay_call {
	struct list node; /* first: loop_bury frees it */
	struct relay_pair *pair;
	struct dial dial;
	size_t tried; /* targets */
};

/* A client and what it is joined to; it is freed once neither is left. */
struct relay_pair {
	struct list node; /* first: loop_bury frees it */
	struct relay_run *run;
	struct relay_side near, far;
	struct relay_call *call; /* NULL: it is over */
};

static struct relay_side *relay_side_of(struct conn *c)
{
	struct relay_side **side = conn_peer(c);

	return *side;
}

static void relay_attach(struct relay_side *side, struct conn *c)
{
	struct relay_side **slot = conn_peer(c);

	*slot = side;
	side->conn = side->join.from = c;
}

/* ---- the end ---- */

static void relay_finish_now(struct relay_run *run)
{
	struct mode_env *env = run->env;

	if (run->told)
		return;
	run->told = true;
	env->done(env->arg, run->verdict.kind ? &run->verdict : NULL);
}

static void relay_finish_if_done(struct relay_run *run)
{
	if (run->finishing && list_empty(&run->pairs))
		relay_finish_now(run);
}

/* What is owed to targets that do not take it is dropped. */
static void relay_on_patience_over(struct timer *t)
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
	relay_finish_now(run);
}

static void relay_limit_finish(struct relay_run *run)
{
	if (run->stopping && run->finishing)
		timer_set(run->env->loop, &run->patience, run->stop_at_ms);
}

static void relay_drop_call(struct relay_pair *p)
{
	if (!p->call)
		return;
	dial_stop(&p->call->dial);
	loop_bury(p->run->env->loop, &p->call->node);
	p->call = NULL;
}

static void relay_forget(struct relay_pair *p)
{
	relay_drop_call(p);
	join_free(&p->near.join);
	join_free(&p->far.join);
	list_remove(&p->node);
	loop_bury(p->run->env->loop, &p->node);
}

/* A reason that is about the other side is told whole: it names that side. */
static struct err relay_reason(const struct err *why)
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

/* The run's status vouches for what targets took; the server's own, for its clients. */
static void relay_judge(const struct relay_side *over, const struct err *why)
{
	struct relay_run *run = over->pair->run;

	if (why && over == &over->pair->far && run->env->vouches && !run->verdict.kind)
		run->verdict = *why;
}

static void relay_closed(struct conn *c, const struct err *why)
{
	struct relay_side *side = relay_side_of(c);
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

/* ---- what passes ---- */

static void relay_data(struct conn *c, struct span in)
{
	struct relay_side *side = relay_side_of(c);

	side->flows = in.len >= FLOW_BYTES;
	join_data(&side->join, in);
}

static bool relay_move(struct conn *c)
{
	struct relay_side *side = relay_side_of(c);
	uint64_t before = conn_received(c), came;
	bool moved = side->flows && join_move(&side->join);

	came = conn_received(c) - before;
	if (came)
		side->flows = came >= FLOW_BYTES;
	return moved;
}

static void relay_drained(struct conn *c)
{
	join_go_on(&relay_side_of(c)->other->join);
}

static void relay_eof(struct conn *c)
{
	struct relay_side *other = relay_side_of(c)->other;

	if (other->conn)
		conn_finish(other->conn);
}

/* While it waits for its target, a client is not read; one that leaves is not kept for that. */
static void relay_hung_up(struct conn *c)
{
	struct relay_side *side = relay_side_of(c);
	int error = side->pair->far.conn ? 0 : conn_take_error(c);

	if (error)
		conn_lost(c, error);
}

/* ---- the beginning ---- */

static void relay_begin_join(struct relay_side *side)
{
	join_begin(&side->join, side->other->conn);
}

/* A datagram whose sender is given as the target: its answer would come back to us as the next one
 * to be passed on, for ever. */
static bool relay_is_loop(const struct relay_pair *p)
{
	const struct addr near = conn_address(p->near.conn), far = conn_address(p->far.conn);

	return conn_connectionless(p->far.conn) && addr_equal(&near, &far);
}

/* The target is there. Over datagrams the call goes on: refused, it goes to the next address. */
static void relay_far_open(struct conn *far)
{
	struct relay_pair *p = relay_side_of(far)->pair;

	if (relay_is_loop(p)) {
		conn_expel(p->near.conn, "it is the target itself");
		return;
	}
	if (conn_connectionless(far))
		conn_expect_messages(far, FAR_MESSAGES);
	else
		relay_drop_call(p);
	relay_begin_join(&p->near);
	relay_begin_join(&p->far);
}

static const struct handler relay_far = {.open = relay_far_open,
	.data = relay_data,
	.move = relay_move,
	.drained = relay_drained,
	.eof = relay_eof,
	.closed = relay_closed,
	.peer_size = sizeof(struct relay_side *)};

/* There is no way to any target: the client gets a reset. */
static void relay_give_up(struct relay_pair *p, const struct err *why)
{
	const struct mode_env *env = p->run->env;
	struct err reason = relay_reason(why);

	relay_drop_call(p);
	if (env->enough) /* else it is the run's own error */
		report(env->to, &(struct report){.kind = REPORT_NOT_JOINED,
					.conn = conn_id(p->near.conn),
					.reason = reason.what});
	conn_fail_with(p->near.conn, &reason);
}

/* Go to the next target, the last one having failed for why. */
static void relay_call_next(struct relay_call *call, const struct err *why)
{
	const struct relay_run *run = call->pair->run;
	const struct mode_env *env = run->env;
	struct err last = *why;

	while (call->tried < run->target_count)
		if (env->dial(env->arg, &call->dial, &run->targets[call->tried++], &last) == 0)
			return;
	relay_give_up(call->pair, &last);
}

static void relay_on_called(struct dial *d, struct conn *made, const struct err *why)
{
	struct relay_call *call = container_of(d, struct relay_call, dial);

	if (made)
		relay_attach(&call->pair->far, made);
	else
		relay_call_next(call, why);
}

static struct relay_call *relay_call_new(struct relay_pair *p)
{
	struct relay_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->pair = p;
	call->dial = (struct dial){.owner = &p->run->far,
		.done = relay_on_called,
		.conn = p->run->env->enough ? conn_id(p->near.conn) : 0};
	return call;
}

static void relay_init_side(struct relay_side *side, struct relay_pair *p, struct relay_side *other)
{
	static const struct join_on plain = {0};

	*side = (struct relay_side){.pair = p,
		.other = other,
		.join = {.on = &plain, .by_hand = p->run->env->shared->no_splice}};
}

/* A client's pair. Returns NULL when memory is out. */
static struct relay_pair *relay_pair_new(struct relay_run *run, struct conn *near)
{
	struct relay_pair *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->run = run;
	relay_init_side(&p->near, p, &p->far);
	relay_init_side(&p->far, p, &p->near);
	relay_attach(&p->near, near);
	p->call = relay_call_new(p);
	if (p->call) {
		list_push(&run->pairs, &p->node);
		return p;
	}
	free(p);
	return NULL;
}

static void relay_open(struct conn *near)
{
	static const struct handler nothing = {0};
	struct relay_run *run = conn_ctx(near);
	struct relay_pair *p = relay_pair_new(run, near);
	struct err why = {0};

	if (p) {
		if (!conn_connectionless(near))
			conn_pause(near);
		relay_call_next(p->call, &why);
		return;
	}
	err_sys(&why, ERR_RUNTIME, ENOMEM, "cannot relay");
	conn_hand_over(near, &nothing, run);
	conn_fail_with(near, &why);
}

/* ---- the run ---- */

static int relay_read_targets(struct relay_run *run, const struct opt_list *to, struct err *err)
{
	run->targets = calloc(to->count, sizeof(*run->targets));
	if (!run->targets)
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	for (; run->target_count < to->count; run->target_count++) {
		const char *word = to->items[run->target_count];
		const char *wrong = target_read(word, &run->targets[run->target_count]);

		if (wrong) /* which the command has checked */
			return err_set(err, ERR_USAGE, "address '%s' %s", word, wrong);
	}
	return 0;
}

static int relay_begin(struct mode_env *env, struct err *err)
{
	struct relay_run *run = env->state;

	run->env = env;
	env->untouched = true;
	list_init(&run->pairs);
	run->far = (struct conn_owner){.loop = env->loop,
		.to = env->to,
		.scratch = env->scratch,
		.on = &relay_far,
		.ctx = run,
		.budget = env->budget,
		.see_off = env->vouches};
	conn_owner_init(&run->far);
	if (relay_read_targets(run, &env->shared->to, err) < 0)
		return -1;
	if (timer_init(env->loop, &run->patience, relay_on_patience_over) == 0)
		return 0;
	return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
}

static void relay_stopping(struct mode_env *env)
{
	struct relay_run *run = env->state;

	run->stopping = true;
	run->stop_at_ms = env->loop->now_ms + STOP_MS;
	relay_limit_finish(run);
}

static void relay_finish(struct mode_env *env)
{
	struct relay_run *run = env->state;

	run->finishing = true;
	relay_limit_finish(run);
	relay_finish_if_done(run);
}

static void relay_end(struct mode_env *env)
{
	struct relay_run *run = env->state;

	if (run->far.loop)
		conn_owner_free(&run->far);
	while (run->pairs.next && !list_empty(&run->pairs))
		relay_forget(container_of(run->pairs.next, struct relay_pair, node));
	timer_free(env->loop, &run->patience);
	free(run->targets);
}

const struct mode mode_relay = {
	.name = "relay",
	.summary = "join each client to a connection of its own to another server",
	.client_summary = "join the server to another one",
	.on = {.open = relay_open,
		.data = relay_data,
		.move = relay_move,
		.drained = relay_drained,
		.hung_up = relay_hung_up,
		.eof = relay_eof,
		.closed = relay_closed,
		.peer_size = sizeof(struct relay_side *)},
	.takes = MODE_TAKES_TARGET | MODE_TAKES_SPLICE,
	.state_size = sizeof(struct relay_run),
	.descriptors = 1,
	.exposes = true,
	.begin = relay_begin,
	.finish = relay_finish,
	.finishes_in_time = true,
	.stopping = relay_stopping,
	.end = relay_end,
};
