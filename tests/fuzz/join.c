/* Two connections, each joined to the other, under short moves, failures, and ends in any order:
 * what one peer sends the other gets in order and once, and what came for none is kept for the
 * next. */
#include "stage.h"

#include "core/join.h"

enum {
	SEATS = 2,
	GUESTS = 3,         /* connections that a seat has, one after the other */
	ROUNDS = 200,       /* turns in which the input says what is done */
	ENDING = 120,       /* ... and in which it is over once none is */
	ENDING_MS = 100,    /* each of these takes so long */
	READ_BYTES = 4096,  /* at a time */
	READS_TOO_MANY = 2, /* that one may be ahead: a failed write ends its pause */
	QUEUED_MOST = CONN_QUEUE_MAX_BYTES + (2 + READS_TOO_MANY) * READ_BYTES,
};

struct party;

struct guest {
	struct actor actor;
	struct party *party;
	unsigned seat;
	struct conn *c; /* NULL: it is over */
	size_t heard;   /* of what its peer sent */
	bool joined;    /* it gets what the other seat's guest says ... */
	struct guest *source;
	size_t start;  /* ... from here on */
	bool read_all; /* it has ended */
	bool ended_by_us, closed, told_open;
};

struct party {
	struct stage stage;
	struct conn_owner owner;
	struct join joins[SEATS]; /* joins[i].from is in seat i */
	struct guest guests[SEATS * GUESTS];
	struct guest *seats[SEATS]; /* who came there last */
	unsigned came;
	bool halted[SEATS]; /* who sits there was paused, and not by the join */
	bool disturbed;     /* something was done, or failed, that does not let all arrive */
};

static const struct handler joined;

static struct guest *guest_of(struct conn *c)
{
	struct party *party = conn_ctx(c);

	return &party->guests[conn_id(c) - 1];
}

static struct join *from_it(struct guest *g)
{
	return &g->party->joins[g->seat];
}

static struct join *to_it(struct guest *g)
{
	return &g->party->joins[1 - g->seat];
}

/* How much of what from said has been passed on, or lost with the one it went to. */
static size_t passed(const struct guest *from)
{
	return from->heard - from->party->joins[from->seat].held.len;
}

static void on_taken(struct actor *a, struct span out)
{
	struct guest *g = container_of(a, struct guest, actor);

	HOLDS(g->c && g->joined);
	HOLDS(actor_said(&g->source->actor, g->start + a->taken, out));
	HOLDS(g->start + a->taken + out.len <= g->source->heard);
}

static int pass_on(struct join *j, struct span in)
{
	return conn_write(j->to, in);
}

static void on_own_closed(struct join *j, const struct err *why)
{
	(void)j;
	(void)why;
	abort(); /* no end is a join's own here */
}

static const struct join_on plain = {.closed = on_own_closed};
static const struct join_on passing = {.pass = pass_on, .closed = on_own_closed};

/* ---- what is done ---- */

/* All that it gets has been passed to it: so is the end. */
static void pass_end_on(struct party *party, unsigned seat)
{
	struct guest *from = party->seats[seat];
	struct join *j = &party->joins[seat];

	if (from->read_all && j->to && !j->held.len)
		conn_finish(j->to);
}

/* What comes from a seat goes to the other one's guest. */
static void begin_join(struct party *party, unsigned seat)
{
	struct join *j = &party->joins[seat];
	struct guest *from = party->seats[seat], *to = party->seats[1 - seat];

	if (j->to || !to->c || !to->told_open || (to->joined && to->source != from) ||
		conn_queued(to->c) >= CONN_QUEUE_MAX_BYTES || conn_finished(to->c))
		return;
	if (!to->joined) {
		to->start = passed(from);
		to->source = from;
	}
	to->joined = true;
	join_begin(j, to->c);
	pass_end_on(party, seat);
}

static void end(struct guest *g, uint8_t how)
{
	g->party->disturbed = true;
	switch (how % 7) {
	case 0: conn_finish(g->c); break;
	case 1: conn_close(g->c, how); break;
	case 2: conn_cut(g->c, how); break;
	case 3: conn_expel(g->c, "no"); break;
	case 4: conn_lost(g->c, EIO); break;
	default:
		g->ended_by_us = true;
		if (how & 1)
			conn_abort(g->c);
		else
			conn_fail(g->c);
	}
}

static void invite(struct party *party, unsigned seat)
{
	struct guest *g = &party->guests[party->came];
	struct link link;

	if (party->came == SEATS * GUESTS || (party->seats[seat] && party->seats[seat]->c))
		return;
	link = actor_link(&g->actor, &party->stage);
	g->actor.takes = on_taken;
	g->actor.key = (uint8_t)(party->came++ * 37);
	g->party = party;
	g->seat = seat;
	g->c = conn_new(&party->owner, &link, NULL, CONN_BOTH);
	HOLDS(g->c);
	party->seats[seat] = g;
	join_stop(&party->joins[seat]);
	buf_free(&party->joins[seat].held); /* that was another's */
	party->disturbed |= party->came > SEATS;
	party->joins[seat].from = g->c;
	conn_open(g->c);
}

/* Something that may be done at any time. */
static void act(struct party *party)
{
	struct span *input = &party->stage.input;
	const uint8_t what = choose(input), how = what ? choose(input) : 0;
	struct guest *g = party->seats[what & 1];
	struct join *j = &party->joins[what & 1];

	if (!what || !g || !g->c || !g->told_open || !party->seats[1 - (what & 1)])
		return;
	switch (what / 2 % 12) {
	case 0:
	case 1:
	case 2: begin_join(party, what & 1); break;
	case 3: join_stop(j); break;
	case 4:
		party->halted[what & 1] = true;
		conn_pause(g->c);
		break;
	case 5:
		if (j->to && !conn_queued(j->to))
			join_go_on(j);
		break;
	case 6:
		if (how >= 128)
			end(g, how);
		break;
	default: break;
	}
}

static void act_some(struct party *party)
{
	for (unsigned times = choose(&party->stage.input) % 4; times > 0; times--)
		act(party);
}

/* ---- what is reported ---- */

static void on_open(struct conn *c)
{
	struct guest *g = guest_of(c);

	HOLDS(!g->told_open);
	g->told_open = true;
	act_some(g->party);
}

static void on_data(struct conn *c, struct span in)
{
	struct guest *g = guest_of(c);
	struct join *j = from_it(g);

	HOLDS(g->c == c && j->from == c && g->told_open && !g->read_all && in.len > 0);
	HOLDS(actor_said(&g->actor, g->heard, in));
	g->heard += in.len;
	join_data(j, in);
	HOLDS(j->held.len <= (size_t)READ_BYTES * (1 + READS_TOO_MANY));
	HOLDS(!j->to || conn_queued(j->to) <= QUEUED_MOST);
	act_some(g->party);
}

static bool on_move(struct conn *c)
{
	return join_move(from_it(guest_of(c)));
}

static void on_drained(struct conn *c)
{
	struct guest *g = guest_of(c);

	HOLDS(g->c == c);
	if (to_it(g)->to == c)
		join_go_on(to_it(g));
	act_some(g->party);
}

static void on_eof(struct conn *c)
{
	struct guest *g = guest_of(c);

	HOLDS(g->c == c && g->heard == g->actor.incoming && !g->read_all);
	g->read_all = true;
	pass_end_on(g->party, g->seat);
	act_some(g->party);
}

static void on_closed(struct conn *c, const struct err *why)
{
	struct guest *g = guest_of(c);

	HOLDS(g->c == c && !g->closed);
	if (!why && !g->ended_by_us) {
		HOLDS(!g->actor.broken && g->actor.finished);
		if (to_it(g)->to == c)
			HOLDS(g->start + g->actor.taken == passed(g->source));
	}
	g->party->disturbed |= why != NULL;
	g->closed = true;
	g->c = NULL;
	from_it(g)->from = NULL;
	if (to_it(g)->to == c)
		join_stop(to_it(g));
	act_some(g->party);
}

static const struct handler joined = {.open = on_open,
	.data = on_data,
	.move = on_move,
	.drained = on_drained,
	.eof = on_eof,
	.closed = on_closed,
	.read_max = READ_BYTES};

/* ---- the party ---- */

static void begin(struct party *party)
{
	struct stage *s = &party->stage;
	const uint8_t way = choose(&s->input);

	party->owner = (struct conn_owner){.loop = &s->loop,
		.to = &s->to,
		.scratch = s->scratch,
		.on = &joined,
		.ctx = party,
		.see_off = way & 1};
	conn_owner_init(&party->owner);
	for (unsigned i = 0; i < SEATS; i++) {
		party->joins[i].on = way & (2U << i) ? &passing : &plain;
		party->joins[i].by_hand = way & 8;
	}
	for (unsigned i = 0; i < SEATS; i++)
		invite(party, i);
}

static void play(struct party *party)
{
	struct stage *s = &party->stage;

	for (int i = 0; i < ROUNDS && s->input.len > 1 && party->owner.open_now; i++) {
		const uint8_t pace = choose(&s->input);

		act(party);
		if (pace >= 240)
			invite(party, pace & 1);
		stage_turn(s, pace < 200 ? 0 : (pace - 200) * 50);
	}
}

/* A join that was stopped, or whose guest was paused, goes on once there is room. Any other does so
 * by itself. */
static void go_on(struct party *party, unsigned seat)
{
	struct join *j = &party->joins[seat];

	begin_join(party, seat);
	if (!party->halted[seat] || !j->to || conn_queued(j->to))
		return;
	party->halted[seat] = false;
	join_go_on(j);
}

static void wait_for_the_end(struct party *party, bool joins)
{
	for (int i = 0; i < ENDING && party->owner.open_now; i++) {
		for (unsigned seat = 0; joins && seat < SEATS; seat++)
			go_on(party, seat);
		stage_turn(&party->stage, ENDING_MS);
	}
}

/* Nothing disturbs them any more: it all arrives, unless something did before. */
static void come_to_an_end(struct party *party)
{
	party->stage.input.len = 0;
	wait_for_the_end(party, true);
	HOLDS(party->disturbed || party->owner.open_now == 0);
	for (unsigned i = 0; i < SEATS; i++) {
		struct guest *g = party->seats[i];

		if (g->c)
			conn_close(g->c, ENDING_MS);
		HOLDS(party->disturbed || g->actor.taken == party->seats[1 - i]->actor.incoming);
	}
	wait_for_the_end(party, false);
	HOLDS(party->owner.open_now == 0);
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
	for (unsigned i = 0; i < SEATS; i++)
		join_free(&party->joins[i]);
	for (unsigned i = 0; i < party->came; i++) {
		HOLDS(party->guests[i].actor.closed == 1);
		HOLDS(abruptly || party->guests[i].closed);
	}
	stage_end(&party->stage);
	free(party);
	return 0;
}
