#include <stdlib.h>

#include "check.h"
#include "core/conn_state.h"
#include "script.h"

/* A connection that changes hands: one handler negotiates, another serves. */
TestSuite(conn_hand_over, .timeout = 20);

struct served {
	char text[64];
	unsigned opened, closed;
};

static void serve_open(struct conn *c)
{
	struct served *s = conn_ctx(c);

	s->opened++;
	cr_assert(eq(ptr, *(void **)conn_peer(c), NULL), "it finds its memory clear");
}

static void serve_data(struct conn *c, struct span in)
{
	struct served *s = conn_ctx(c);
	size_t used = strlen(s->text);

	memcpy(s->text + used, in.data, in.len);
	s->text[used + in.len] = '\0';
}

static void serve_closed(struct conn *c, const struct err *why)
{
	struct served *s = conn_ctx(c);

	(void)why;
	s->closed++;
}

static const struct handler serves = {.open = serve_open,
	.data = serve_data,
	.closed = serve_closed,
	.peer_size = sizeof(void *)};

static struct served served;
static unsigned released;

/* The first line is the negotiation. */
static void negotiate(struct conn *c, struct span in)
{
	cr_assert(ge(sz, in.len, 6));
	*(void **)conn_peer(c) = &served;
	conn_after(c, 1000);
	cr_assert(eq(int, conn_unread(c, span_from(in, 6)), 0));
	cr_assert(eq(int, conn_hand_over(c, &serves, &served), 0));
}

static void on_release(struct conn *c)
{
	(void)c;
	released++;
}

static void never(struct conn *c)
{
	(void)c;
	cr_assert(false, "its time was of the old handler");
}

static const struct handler negotiates = {
	.data = negotiate, .later = never, .release = on_release, .peer_size = sizeof(void *)};

Test(conn_hand_over, what_follows_the_negotiation_is_for_the_next_handler)
{
	struct script s = {.incoming = "hello\nand on"};
	struct scene sc;

	released = 0;
	served = (struct served){0};
	scene_begin_for(&sc, &negotiates, NULL);
	scene_join(&sc, &s);
	scene_play(&sc);
	cr_assert(eq(uint, released, 1), "the old one lets go once");
	cr_assert(eq(uint, served.opened, 1));
	cr_assert(eq(str, served.text, "and on"));
	cr_assert(eq(uint, served.closed, 1));
	cr_assert(eq(uint, s.ended, 1));
	cr_assert(not(s.failed));
	scene_end(&sc);
}

Test(conn_hand_over, to_one_that_needs_more_memory_nothing_changes)
{
	static const struct handler large = {.peer_size = 4096};
	struct script s = {.stays = true};
	struct scene sc;
	struct conn *c;

	scene_begin_for(&sc, &negotiates, NULL);
	c = scene_join(&sc, &s);
	cr_assert(eq(int, conn_hand_over(c, &large, NULL), -1));
	cr_assert(eq(ptr, (void *)c->on, (void *)&negotiates));
	conn_abort(c);
	cr_assert(eq(int, conn_hand_over(c, &serves, NULL), -1), "it is over");
	scene_end(&sc);
}

Test(conn_hand_over, what_is_reported_later_finds_the_context_of_each_connection)
{
	struct script first = {.incoming = "hello\none"}, second = {.incoming = "hello\ntwo"};
	struct scene sc;

	released = 0;
	served = (struct served){0};
	scene_begin_for(&sc, &negotiates, NULL);
	scene_join(&sc, &first);
	scene_join(&sc, &second);
	scene_play(&sc);
	cr_assert(eq(uint, served.opened, 2));
	cr_assert(eq(uint, served.closed, 2));
	cr_assert(eq(sz, strlen(served.text), 6));
	scene_end(&sc);
}
