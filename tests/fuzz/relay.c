/* Clients of a relay and their targets, under short moves, failures and ends in any order, targets
 * that refuse, and a run that is told to stop: what one side sends the other gets in order and
 * once; an orderly end comes after all of it; and both sides end. */
#include "stage.h"

#include "mode/relay.h"

enum {
	CLIENTS = 3,
	TARGETS = 2,
	ROUNDS = 150,    /* turns in which the input says what is done */
	ENDING = 400,    /* ... and in which it is over once none is */
	ENDING_MS = 100, /* each of these takes so long */
};

struct party;

struct guest {
	struct actor actor;
	struct party *party;
	struct guest *other; /* NULL: a client whose target was not reached */
	bool closed, lost;
};

struct party {
	struct stage stage;
	struct conn_owner owner;
	struct mode_shared shared;
	struct mode_env env;
	struct relay_run run;
	struct guest near[CLIENTS], far[CLIENTS * TARGETS];
	unsigned came, reached, done;
	bool stopping;
};

static void on_taken(struct actor *a, struct span out)
{
	const struct guest *g = container_of(a, struct guest, actor);

	HOLDS(g->other);
	HOLDS(actor_said(&g->other->actor, a->taken, out));
	HOLDS(a->taken + out.len <= g->other->actor.sent);
}

/* An orderly end says that this was all, and that no write to the other side had failed by its end.
 */
static void on_finish(struct actor *a)
{
	const struct guest *g = container_of(a, struct guest, actor);

	if (a->broken || g->party->stopping)
		return;
	HOLDS(g->other && a->taken == g->other->actor.incoming);
	HOLDS(!g->other->actor.broken_early);
}

static void seat(struct party *party, struct guest *g, struct link *link)
{
	*link = actor_link(&g->actor, &party->stage);
	g->actor.takes = on_taken;
	g->actor.finishes = on_finish;
	g->party = party;
	g->actor.key = (uint8_t)((party->came * 2 + party->reached) * 37);
}

/* ---- what is reported ---- */

static void closed(struct guest *g, const struct err *why)
{
	HOLDS(!g->closed);
	g->closed = true;
	g->lost = why;
}

static void near_gone(struct conn_owner *owner, struct conn *c, const struct err *why)
{
	struct party *party = container_of(owner, struct party, owner);

	closed(&party->near[conn_id(c) - 1], why);
}

static void far_gone(struct conn_owner *owner, struct conn *c, const struct err *why)
{
	struct relay_run *run = container_of(owner, struct relay_run, far);
	struct party *party = container_of(run, struct party, run);

	closed(&party->far[conn_id(c) - 1], why);
}

static int on_dial(void *arg, struct dial *d, const struct target *to, struct err *err)
{
	struct party *party = arg;

	(void)d;
	(void)to;
	if (choose(&party->stage.input) < 240)
		return 0;
	return err_set(err, ERR_RUNTIME, "cannot call");
}

static void on_done(void *arg, const struct err *why)
{
	struct party *party = arg;

	(void)why;
	party->done++;
}

static void on_enough(void *arg)
{
	(void)arg;
}

/* ---- what is done ---- */

static void invite(struct party *party)
{
	struct guest *g = &party->near[party->came];
	struct link link;
	struct conn *c;

	if (party->came == CLIENTS || party->stopping)
		return;
	seat(party, g, &link);
	party->came++;
	c = conn_new(&party->owner, &link, NULL, CONN_BOTH);
	HOLDS(c);
	conn_open(c);
}

static void reach(struct party *party, struct relay_pair *p)
{
	struct guest *near = &party->near[conn_id(p->near.conn) - 1], *g;
	struct link link;
	struct conn *made;

	g = &party->far[party->reached];
	seat(party, g, &link);
	party->reached++;
	g->other = near;
	near->other = g;
	made = conn_new(&party->run.far, &link, NULL, CONN_BOTH);
	HOLDS(made);
	p->call->dial.done(&p->call->dial, made, NULL);
	conn_begin(made);
}

/* The targets that are called answer, or refuse, or let wait. */
static void answer(struct party *party, bool all)
{
	struct list *head = &party->run.pairs, *node = head->next, *next;

	for (; node != head; node = next) {
		struct relay_pair *p = container_of(node, struct relay_pair, node);
		const uint8_t how = p->call ? choose(&party->stage.input) : 0;
		struct err why = {0};

		next = node->next;
		if (!p->call || !p->near.conn || (!all && how % 4 == 0))
			continue;
		if (how < 220) {
			reach(party, p);
			continue;
		}
		err_set(&why, ERR_REFUSED, "refused");
		p->call->dial.done(&p->call->dial, NULL, &why);
	}
}

static void stop(struct party *party)
{
	if (party->stopping)
		return;
	party->stopping = true;
	mode_relay.stopping(&party->env);
	for (struct list *node = party->owner.conns.next; node != &party->owner.conns;) {
		struct conn *c = conn_of_node(node);

		node = node->next;
		conn_cut(c, ENDING_MS);
	}
}

static void begin(struct party *party)
{
	struct stage *s = &party->stage;
	struct err err = {0};

	party->shared.to = (struct opt_list){.items = {"one:1", "two:2"}, .count = TARGETS};
	party->owner = (struct conn_owner){.loop = &s->loop,
		.to = &s->to,
		.scratch = s->scratch,
		.on = &mode_relay.on,
		.ctx = &party->run,
		.gone = near_gone,
		.see_off = choose(&s->input) & 1};
	conn_owner_init(&party->owner);
	party->env = (struct mode_env){.loop = &s->loop,
		.to = &s->to,
		.scratch = s->scratch,
		.shared = &party->shared,
		.state = &party->run,
		.vouches = choose(&s->input) & 1,
		.dial = on_dial,
		.done = on_done,
		.enough = on_enough,
		.arg = party};
	HOLDS(mode_relay.begin(&party->env, &err) == 0);
	party->run.far.gone = far_gone;
}

static void play(struct party *party)
{
	struct stage *s = &party->stage;

	for (int i = 0; i < ROUNDS && s->input.len > 1; i++) {
		const uint8_t pace = choose(&s->input);

		if (pace % 8 == 0 || !party->came)
			invite(party);
		if (pace == 255)
			stop(party);
		answer(party, false);
		stage_turn(s, pace < 200 ? 0 : (pace - 200) * 50);
	}
}

/* Where neither side was lost, each has all that the other sent. */
static void look_at(const struct party *party, const struct guest *near)
{
	const struct guest *far = near->other;

	if (party->stopping || near->lost || !far || far->lost)
		return;
	HOLDS(near->closed && far->closed);
	HOLDS(near->actor.taken == far->actor.incoming);
	HOLDS(far->actor.taken == near->actor.incoming);
}

/* Nothing disturbs them any more: they come to their ends. */
static void come_to_an_end(struct party *party)
{
	party->stage.input.len = 0;
	mode_relay.finish(&party->env);
	for (int i = 0; i < ENDING && !list_empty(&party->run.pairs); i++) {
		answer(party, true);
		stage_turn(&party->stage, ENDING_MS);
	}
	HOLDS(list_empty(&party->run.pairs) || party->stopping);
	HOLDS(party->done == 1);
	for (unsigned i = 0; i < party->came; i++)
		look_at(party, &party->near[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct party *party = calloc(1, sizeof(*party));
	bool abruptly;

	HOLDS(party);
	stage_begin(&party->stage, (struct span){data, size});
	abruptly = choose(&party->stage.input) >= 240;
	begin(party);
	play(party);
	if (!abruptly)
		come_to_an_end(party);
	conn_owner_free(&party->owner);
	mode_relay.end(&party->env);
	for (unsigned i = 0; i < party->came; i++)
		HOLDS(party->near[i].actor.closed == 1);
	for (unsigned i = 0; i < party->reached; i++)
		HOLDS(party->far[i].actor.closed == 1);
	stage_end(&party->stage);
	free(party);
	return 0;
}
