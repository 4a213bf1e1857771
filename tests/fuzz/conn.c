/* Connections under short moves, failures, and whatever their handler does in whatever order: what
 * is written arrives in order and once, what comes arrives so, and `closed` comes once and last. */
#include "stage.h"

#include "base/list.h"

enum {
	PLAYERS = 2,
	MESSAGE_MAX = 300,
	ROUNDS = 200,    /* turns in which the input says what is done */
	ENDING = 100,    /* ... and in which it is over once none is */
	ENDING_MS = 500, /* each of these takes so long */
};

struct player {
	struct actor actor;
	struct conn *c;      /* NULL: it is over */
	struct buf expected; /* what its peer is to get */
	struct buf lengths;  /* ... of each message: a size_t */
	size_t heard;        /* of what its peer sent */
	bool read_all;       /* the handler was told of the peer's end */
	bool paused;
	bool dropped;      /* conn_abort or its like: nothing more arrives */
	int64_t failed_ms; /* when conn_fail was called; 0: never */
	bool closed;
	bool awaits; /* conn_await was called */
	unsigned opened, handed_over, released, gone;
};

struct show {
	struct stage stage;
	struct conn_owner owner;
	struct player players[PLAYERS];
};

static const struct handler plays;

static struct show *show_of(struct conn *c)
{
	return conn_ctx(c);
}

static struct player *player_of(struct conn *c)
{
	return &show_of(c)->players[conn_id(c) - 1];
}

static void expect_bytes(struct player *p, struct span out)
{
	HOLDS(buf_add(&p->expected, out) == 0);
	HOLDS(buf_add(&p->lengths, (struct span){(const uint8_t *)&out.len, sizeof(out.len)}) == 0);
}

/* It is refused for what it owes, by itself. */
static void expect_late(struct player *p)
{
	HOLDS(p->awaits);
	p->awaits = false;
	expect_bytes(p, span_of("error: the request took too long\n"));
}

/* One message is taken as it was given. */
static void is_one_message(struct player *p, struct span out)
{
	size_t len;

	HOLDS(p->lengths.len >= sizeof(len));
	memcpy(&len, buf_span(&p->lengths).data, sizeof(len));
	HOLDS(out.len == len);
	buf_take(&p->lengths, sizeof(len));
}

static void on_taken(struct actor *a, struct span out)
{
	struct player *p = container_of(a, struct player, actor);

	HOLDS(p->c);
	if (out.len > p->expected.len - a->taken)
		expect_late(p);
	HOLDS(out.len <= p->expected.len - a->taken);
	if (a->message_max)
		is_one_message(p, out);
	HOLDS(span_equal(out, (struct span){buf_span(&p->expected).data + a->taken, out.len}));
}

/* ---- what its handler does ---- */

/* It is given to be sent: it is to arrive, unless nothing is sent any more. */
static bool expect(struct player *p, struct span out)
{
	if (conn_closing(p->c) || conn_finished(p->c))
		return false;
	expect_bytes(p, out);
	return true;
}

static void write_some(struct player *p, size_t len)
{
	const struct span out = actor_piece(&p->actor, p->expected.len, len);

	if (!out.len)
		return;
	expect(p, out);
	conn_write(p->c, out);
}

static void offer_some(struct player *p, size_t len)
{
	uint8_t bytes[256] = {0};
	const struct span out = {bytes, len};
	size_t taken;

	memset(bytes, 'o', len);
	if (!expect(p, out)) {
		HOLDS(conn_offer(p->c, out) == 0);
		return;
	}
	taken = conn_offer(p->c, out);
	HOLDS(taken <= len && (!p->actor.message_max || taken == len || !taken));
	p->expected.len -= len - taken;
	if (!taken && p->actor.message_max)
		p->lengths.len -= sizeof(len);
}

static void refuse(struct player *p)
{
	if (!conn_closing(p->c))
		expect(p, span_of("error: no\n"));
	conn_refuse(p->c, "no");
}

static void hand_over(struct player *p)
{
	p->handed_over++; /* as its callbacks will find it */
	if (conn_hand_over(p->c, &plays, conn_ctx(p->c)) < 0)
		p->handed_over--;
}

static void end(struct player *p, uint8_t how)
{
	switch (how % 8) {
	case 0: conn_finish(p->c); break;
	case 1: conn_close(p->c, how * 20); break;
	case 2: conn_cut(p->c, how); break;
	case 3: refuse(p); break;
	case 4:
		p->failed_ms = p->failed_ms ? p->failed_ms : held_ms;
		conn_fail(p->c);
		break;
	case 5:
		p->dropped = true;
		conn_abort(p->c);
		break;
	case 6:
		p->dropped = true;
		conn_expel(p->c, "no");
		break;
	default:
		p->dropped = true;
		conn_lost(p->c, EIO);
		break;
	}
}

/* One thing that a handler may do, at any time. */
static void act(struct show *show)
{
	struct span *input = &show->stage.input;
	const uint8_t what = choose(input), how = what ? choose(input) : 0;
	struct player *p = &show->players[what & 1];

	if (!what || !p->c || !p->opened)
		return;
	switch (what / 2 % 16) {
	case 1:
	case 2: write_some(p, how); break;
	case 3: write_some(p, (size_t)how * 400); break;
	case 4: offer_some(p, how); break;
	case 5: conn_want_drained(p->c); break;
	case 6: end(p, how); break;
	case 7:
		p->paused = !conn_closing(p->c);
		conn_pause(p->c);
		break;
	case 8:
		p->paused = false;
		conn_resume(p->c);
		break;
	case 9: conn_after(p->c, (int64_t)how * 10 - 10); break;
	case 10:
		p->awaits = true;
		conn_await(p->c, how * 10);
		break;
	case 11: conn_got(p->c); break;
	case 12: conn_limit_reads(p->c, how); break;
	case 13: hand_over(p); break;
	case 14: conn_expect_messages(p->c, how); break;
	default: break;
	}
}

static void act_some(struct show *show)
{
	for (unsigned times = choose(&show->stage.input) % 4; times > 0; times--)
		act(show);
}

/* ---- what its handler gets ---- */

static void on_open(struct conn *c)
{
	struct player *p = player_of(c);

	HOLDS(p->c == c && p->opened++ == p->handed_over);
	act_some(show_of(c));
}

static void on_data(struct conn *c, struct span in)
{
	struct player *p = player_of(c);
	const uint8_t how = choose(&show_of(c)->stage.input);

	HOLDS(p->c == c && p->opened && !p->read_all && in.len > 0);
	HOLDS(!p->paused || p->actor.broken);
	HOLDS(actor_said(&p->actor, p->heard, in));
	p->heard += in.len;
	if (how & 1) {
		expect(p, in);
		conn_pass(c, in);
	}
	if (how > 224) {
		const size_t back = in.len < how - 224U ? in.len : how - 224U;

		HOLDS(conn_unread(c, span_from(in, in.len - back)) == 0);
		p->heard -= back;
	}
	act_some(show_of(c));
}

static void on_drained(struct conn *c)
{
	struct player *p = player_of(c);

	HOLDS(p->c == c && p->opened && conn_queued(c) == 0);
	HOLDS(p->actor.broken || p->actor.taken == p->expected.len);
	act_some(show_of(c));
}

static void on_later(struct conn *c)
{
	HOLDS(player_of(c)->c == c);
	act_some(show_of(c));
}

static void on_eof(struct conn *c)
{
	struct player *p = player_of(c);

	HOLDS(p->c == c && p->opened && !p->read_all && p->actor.ended);
	HOLDS(p->heard == p->actor.incoming);
	p->read_all = true;
	act_some(show_of(c));
	if (!show_of(c)->stage.input.len)
		conn_finish(c);
}

/* Our side has failed, and for so long none of what was written before has arrived. */
static bool has_given_up(const struct player *p)
{
	const int64_t since_ms = p->failed_ms > p->actor.took_ms ? p->failed_ms : p->actor.took_ms;

	return held_ms - since_ms >= CONN_SEE_OFF_MS;
}

static void on_closed(struct conn *c, const struct err *why)
{
	struct player *p = player_of(c);

	HOLDS(p->c == c && p->opened && !p->closed);
	if (!why && p->failed_ms && !p->dropped)
		HOLDS(p->actor.broken || p->actor.taken == p->expected.len || has_given_up(p));
	else if (!why && !p->dropped) {
		HOLDS(p->actor.taken == p->expected.len);
		HOLDS(p->actor.finished && !p->actor.broken);
	}
	p->closed = true;
	p->c = NULL;
	act_some(show_of(c));
}

static void on_release(struct conn *c)
{
	struct player *p = player_of(c);

	HOLDS(p->released++ < p->handed_over + 1);
}

static const struct handler plays = {.open = on_open,
	.data = on_data,
	.drained = on_drained,
	.later = on_later,
	.eof = on_eof,
	.closed = on_closed,
	.release = on_release,
	.peer_size = 8};

static void on_gone(struct conn_owner *owner, struct conn *c, const struct err *why)
{
	struct show *show = container_of(owner, struct show, owner);
	struct player *p = &show->players[conn_id(c) - 1];

	(void)why;
	HOLDS(p->closed && !p->gone++ && p->actor.closed == 1);
}

/* ---- the show ---- */

static void begin(struct show *show)
{
	struct stage *s = &show->stage;
	const uint8_t way = choose(&s->input);

	show->owner = (struct conn_owner){.loop = &s->loop,
		.to = &s->to,
		.scratch = s->scratch,
		.on = &plays,
		.ctx = show,
		.gone = on_gone,
		.see_off = way & 1,
		.idle_ms = way & 2 ? 700 : 0,
		.receive_max = way & 4 ? 3000 : 0};
	conn_owner_init(&show->owner);
	for (int i = 0; i < PLAYERS; i++) {
		struct player *p = &show->players[i];
		struct link link;

		p->actor.message_max = way & (8U << i) ? MESSAGE_MAX : 0;
		link = actor_link(&p->actor, s);
		p->actor.takes = on_taken;
		p->actor.key = (uint8_t)(i * 101);
		p->c = conn_new(&show->owner, &link, NULL, CONN_BOTH);
		HOLDS(p->c);
	}
	for (int i = 0; i < PLAYERS; i++)
		conn_open(show->players[i].c);
}

static void play(struct show *show)
{
	struct stage *s = &show->stage;

	for (int i = 0; i < ROUNDS && s->input.len > 1 && show->owner.open_now; i++) {
		const uint8_t pace = choose(&s->input);

		act(show);
		stage_turn(s, pace < 200 ? 0 : (pace - 200) * 50);
	}
}

/* From here on nothing is done but what leads to an end. */
static void come_to_an_end(struct show *show)
{
	show->stage.input.len = 0;
	for (int i = 0; i < PLAYERS; i++) {
		struct player *p = &show->players[i];

		p->paused = false;
		if (p->c) {
			conn_limit_reads(p->c, 0);
			conn_expect_messages(p->c, 64);
		}
		if (p->c)
			conn_resume(p->c);
		if (p->c)
			conn_finish(p->c);
	}
	for (int i = 0; i < ENDING && show->owner.open_now; i++)
		stage_turn(&show->stage, ENDING_MS);
	HOLDS(show->owner.open_now == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct show *show = calloc(1, sizeof(*show));
	bool abruptly;

	HOLDS(show);
	stage_begin(&show->stage, (struct span){data, size});
	abruptly = choose(&show->stage.input) >= 240;
	begin(show);
	play(show);
	if (!abruptly)
		come_to_an_end(show);
	conn_owner_free(&show->owner);
	for (int i = 0; i < PLAYERS; i++) {
		const struct player *p = &show->players[i];

		HOLDS(p->actor.closed == 1 && p->released == p->handed_over + 1);
		HOLDS(p->opened == p->handed_over + 1);
		HOLDS(abruptly || (p->closed && p->gone == 1));
		buf_free(&show->players[i].expected);
		buf_free(&show->players[i].lengths);
	}
	stage_end(&show->stage);
	free(show);
	return 0;
}
