#include "mode/relay.h"

#include <errno.h>
#include <stdlib.h>

#include "report/report.h"

/* From so much at a time on it is cheaper to let the kernel move the bytes. */
enum { FLOW_BYTES = 16 * 1024 };

/* Datagrams of a target that are taken in a turn. */
enum { FAR_MESSAGES = 64 };

static void relay_attach(struct relay_side *side, struct conn *c)
{
	struct relay_side **slot = conn_peer(c);

	*slot = side;
	side->conn = side->join.from = c;
}

/* ---- what passes ---- */

/* Two relays may be each other's target: each passes a datagram on with one hop less than it came
 * with, so that it does not go round for ever. */
static void relay_limit_hops(struct relay_side *side, int hops)
{
	if (hops == side->hops)
		return;
	side->hops = hops;
	if (side->other->conn)
		conn_limit_hops(side->other->conn, hops);
}

/* The 1st, 2nd, 4th, 8th... is reported. */
static void relay_drop_looped(struct relay_run *run, const struct conn *c)
{
	const struct addr from = conn_address(c);
	uint64_t count = ++run->looped;

	if (count & (count - 1))
		return;
	report(run->env->to, &(struct report){.kind = REPORT_DROPPED,
				     .at = &from,
				     .reason = "not passed on: hop limit reached, possible loop",
				     .count = count});
}

static void relay_data(struct conn *c, struct span in)
{
	struct relay_side *side = relay_side_of(c);
	const int hops = conn_onward_hops(c);

	if (hops < 0) {
		relay_drop_looped(side->pair->run, c);
		return;
	}
	relay_limit_hops(side, hops);
	side->flows = in.len >= FLOW_BYTES;
	join_data(&side->join, in);
	if (side->join.held.len)
		conn_holds(c, side->join.held.len);
}

static void relay_let_go(struct conn *c)
{
	buf_free(&relay_side_of(c)->join.held);
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

/* An end that comes from a side which has refused what we sent is not passed on: it is lost next.
 */
static void relay_eof(struct conn *c)
{
	struct relay_side *side = relay_side_of(c), *other = side->other;

	if (other->conn && !conn_refused_us(c) &&
		(!conn_end_is_final(other->conn) || conn_peer_ended(other->conn)))
		conn_finish(other->conn);
	/* The other one's end is passed on, but ours was held back: it would have ended both. */
	if (other->conn && conn_end_is_final(c) && conn_peer_ended(other->conn))
		conn_finish(c);
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
	if (p->near.hops)
		conn_limit_hops(far, p->near.hops);
	relay_begin_join(&p->near);
	relay_begin_join(&p->far);
	conn_holds(p->near.conn, 0);
}

static const struct handler relay_far = {.open = relay_far_open,
	.data = relay_data,
	.move = relay_move,
	.drained = relay_drained,
	.hung_up = relay_hung_up,
	.later = relay_later,
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

/* The target was reached, and a step on the way failed (TLS): the next one may do. */
static void relay_on_unopened(
	struct conn_owner *owner, struct conn *c, const struct step *at, const struct err *why)
{
	struct relay_side *side = relay_side_of(c);
	struct relay_pair *p = side->pair;

	(void)owner;
	(void)at;
	side->conn = side->join.from = NULL;
	if (p->near.conn && why)
		relay_call_next(p->call, why);
	else
		relay_side_gone(side, why);
}

static struct relay_call *relay_call_new(struct relay_pair *p)
{
	struct relay_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->pair = p;
	call->dial = (struct dial){.owner = &p->run->far,
		.done = relay_on_called,
		.names = &p->run->names,
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
	resolve_shared_init(&run->names);
	run->far = (struct conn_owner){.loop = env->loop,
		.to = env->to,
		.scratch = env->scratch,
		.on = &relay_far,
		.ctx = run,
		.budget = env->budget,
		.onward = true,
		.unopened = relay_on_unopened,
		.see_off = env->vouches};
	conn_owner_init(&run->far);
	if (relay_read_targets(run, &env->shared->to, err) < 0)
		return -1;
	if (timer_init(env->loop, &run->patience, relay_on_patience_over) == 0)
		return 0;
	return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
}

static void relay_end(struct mode_env *env)
{
	struct relay_run *run = env->state;

	if (run->far.loop)
		conn_owner_free(&run->far);
	while (run->pairs.next && !list_empty(&run->pairs))
		relay_forget(container_of(run->pairs.next, struct relay_pair, node));
	resolve_shared_free(&run->names);
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
		.later = relay_later,
		.let_go = relay_let_go,
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
