#include <string.h>

#include "check.h"
#include "measure/measure_state.h"
#include "script.h"

TestSuite(measure, .timeout = 20);

enum { SIZE = 64, COUNT = 3 };

/* A measurement over one scripted connection, and what it told its owner. */
struct measured {
	struct scene scene;
	struct script peer;
	struct link link; /* to it */
	struct measure_conf conf;
	struct measure measure;
	struct addr at;
	char incoming[COUNT * SIZE];
	struct err why; /* why it failed; kind 0: it has not */
	unsigned up, enough, stopped;
};

static void on_up(void *arg)
{
	((struct measured *)arg)->up++;
}

static void on_enough(void *arg)
{
	((struct measured *)arg)->enough++;
}

static void on_blame(void *arg, const struct err *why)
{
	struct measured *t = arg;

	if (why && !t->why.kind)
		t->why = *why;
}

static void on_stop(void *arg)
{
	((struct measured *)arg)->stopped++;
}

static const struct measure_hooks hooks = {
	.up = on_up, .enough = on_enough, .blame = on_blame, .stop = on_stop};

/* The peer's answers are in place, and may be changed. */
static struct measured *begin(bool load)
{
	struct measured *t = calloc(1, sizeof(*t));
	struct err err = {0};

	t->conf = (struct measure_conf){.count = COUNT - load,
		.connections = 1,
		.window = 1,
		.size = SIZE,
		.duration_us = -1};
	scene_begin_for(&t->scene, &measure_handler, &t->measure);
	t->peer = (struct script){.incoming = t->incoming,
		.incoming_len = sizeof(t->incoming),
		.per_read = SIZE,
		.stays = true};
	t->measure = (struct measure){.conf = &t->conf,
		.hooks = &hooks,
		.arg = t,
		.loop = &t->scene.loop,
		.to = &t->scene.to,
		.owner = &t->scene.owner,
		.at = &t->at,
		.typed = "a peer",
		.load = load};
	cr_assert(eq(int, addr_from_numeric(&t->at, AF_UNSPEC, "127.0.0.1", 7), 0));
	t->link = scene_link(&t->scene, &t->peer);
	t->measure.via = t->link.via;
	cr_assert(eq(int, measure_init(&t->measure, &err), 0));
	for (uint64_t i = 0; i < COUNT; i++)
		memcpy(t->incoming + i * SIZE, probe_message(&t->measure.probe, 0, i).data, SIZE);
	return t;
}

static void connect_it(struct measured *t)
{
	struct conn *c = conn_new(&t->scene.owner, &t->link, &t->at, CONN_BOTH);

	cr_assert(c != NULL);
	conn_open(c);
}

static void end(struct measured *t)
{
	measure_free(&t->measure);
	scene_end(&t->scene);
	free(t);
}

Test(measure, each_answer_counts_and_the_last_one_ends_it)
{
	struct measured *t = begin(false);

	connect_it(t);
	scene_turn(&t->scene, 10);
	cr_assert(eq(u64, t->measure.figures.sent, COUNT));
	cr_assert(eq(u64, t->measure.figures.received, COUNT));
	cr_assert(eq(uint, t->enough, 1));
	cr_assert(eq(uint, t->peer.finished, 1), "nothing more comes from us");
	cr_assert(eq(int, t->why.kind, 0));
	end(t);
}

Test(measure, a_load_begins_once_each_connection_has_answered)
{
	struct measured *t = begin(true);

	connect_it(t);
	cr_assert(eq(int, t->measure.stage, MEASURE_OPENING));
	scene_turn(&t->scene, 10);
	cr_assert(eq(uint, t->up, 1));
	cr_assert(eq(u64, t->measure.figures.received, COUNT - 1), "the first does not count");
	end(t);
}

Test(measure, an_answer_that_differs_fails_it_and_says_where)
{
	struct measured *t = begin(false);

	t->incoming[SIZE + 9] ^= 1;
	connect_it(t);
	scene_turn(&t->scene, 10);
	cr_assert(eq(int, t->why.kind, ERR_WRONG));
	cr_assert(
		strstr(t->why.what, "a peer: the answer to message 2 differs at byte 10") != NULL);
	cr_assert(eq(u64, t->measure.figures.received, 1));
	end(t);
}

Test(measure, where_no_more_can_be_remembered_a_stream_is_sent_no_more)
{
	struct measured *t = begin(false);
	struct flight *flight;

	t->conf.count = 4 * FLIGHT_FIRST_MESSAGES;
	t->peer.reads_nothing = true;
	connect_it(t);
	flight = &t->measure.lanes[0]->flight;
	flight->max = flight->cap; /* as if there was no memory to grow */
	t->measure.window = 2 * FLIGHT_FIRST_MESSAGES;
	t->peer.reads_nothing = false;
	scene_turn(&t->scene, COUNT + 1);
	cr_assert(eq(int, t->why.kind, 0), "%s", t->why.what);
	cr_assert(eq(u64, t->measure.figures.received, COUNT));
	cr_assert(eq(u32, flight->waiting, FLIGHT_FIRST_MESSAGES));
	end(t);
}

Test(measure, its_owner_can_end_it_and_is_asked_to_stop_when_all_are_gone)
{
	struct measured *t = begin(false);

	t->peer.reads_nothing = true;
	connect_it(t);
	measure_late(&t->measure, &(struct err){ERR_TIMEOUT, .what = "late"});
	scene_turn(&t->scene, 2);
	measure_gone(&t->measure);
	cr_assert(eq(uint, t->stopped, 1));
	cr_assert(eq(int, t->why.kind, ERR_TIMEOUT));
	cr_assert(eq(uint, t->peer.closed, 1));
	end(t);
}
