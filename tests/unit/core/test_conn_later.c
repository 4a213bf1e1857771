#include <unistd.h>

#include "check.h"
#include "script.h"

TestSuite(conn_later, .timeout = 20);

/* What a handler was told of the time it had set. */
struct waiter {
	unsigned came;
	int64_t again_ms; /* set anew from within; 0: not */
};

static void on_later(struct conn *c)
{
	struct waiter *w = scene_of(c)->ctx;

	w->came++;
	if (w->again_ms)
		conn_after(c, w->again_ms);
}

static const struct handler waits = {.later = on_later};

static struct conn *begin(struct scene *sc, struct waiter *w, struct script *peer)
{
	scene_begin(sc, &waits);
	sc->ctx = w;
	return scene_join(sc, peer);
}

Test(conn_later, the_time_comes_once)
{
	struct waiter w = {0};
	struct script peer = {.reads_nothing = true};
	struct scene sc;
	struct conn *c = begin(&sc, &w, &peer);

	conn_after(c, 100);
	scene_pass_ms(&sc, 99);
	cr_assert(eq(uint, w.came, 0));
	scene_pass_ms(&sc, 1);
	cr_assert(eq(uint, w.came, 1));
	scene_pass_ms(&sc, 10000);
	cr_assert(eq(uint, w.came, 1));
	scene_end(&sc);
}

/* What the other tests here rely on, too. */
Test(conn_later, only_pretended_time_counts_while_the_loop_turns)
{
	struct waiter w = {0};
	struct script peer = {.reads_nothing = true};
	struct scene sc;
	struct conn *c = begin(&sc, &w, &peer);

	conn_after(c, 100);
	usleep(5000);
	scene_turn(&sc, 3);
	scene_pass_ms(&sc, 99);
	cr_assert(eq(uint, w.came, 0));
	scene_turn(&sc, 3);
	scene_pass_ms(&sc, 1);
	cr_assert(eq(uint, w.came, 1));
	scene_end(&sc);
}

Test(conn_later, the_last_setting_counts_and_it_can_be_taken_back)
{
	struct waiter w = {0};
	struct script peer = {.reads_nothing = true};
	struct scene sc;
	struct conn *c = begin(&sc, &w, &peer);

	conn_after(c, 100);
	conn_after(c, 300);
	scene_pass_ms(&sc, 299);
	cr_assert(eq(uint, w.came, 0));
	conn_after(c, -1);
	scene_pass_ms(&sc, 1000);
	cr_assert(eq(uint, w.came, 0));
	conn_after(c, 50);
	scene_pass_ms(&sc, 50);
	cr_assert(eq(uint, w.came, 1));
	scene_end(&sc);
}

Test(conn_later, may_set_itself_again)
{
	struct waiter w = {.again_ms = 10};
	struct script peer = {.reads_nothing = true};
	struct scene sc;
	struct conn *c = begin(&sc, &w, &peer);

	conn_after(c, 10);
	for (int i = 0; i < 5; i++)
		scene_pass_ms(&sc, 10);
	cr_assert(eq(uint, w.came, 5));
	scene_end(&sc);
}

Test(conn_later, idleness_is_watched_all_the_same)
{
	struct waiter w = {0};
	struct script peer = {.reads_nothing = true};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &waits);
	sc.ctx = &w;
	sc.owner.idle_ms = 250;
	c = scene_join(&sc, &peer);
	conn_after(c, 100);
	scene_pass_ms(&sc, 100);
	cr_assert(eq(uint, w.came, 1));
	conn_after(c, 400);
	scene_pass_ms(&sc, 149);
	cr_assert(eq(uint, peer.ended, 0));
	scene_pass_ms(&sc, 1);
	cr_assert(eq(uint, peer.ended, 1));
	cr_assert(eq(int, peer.why.kind, ERR_TIMEOUT));
	cr_assert(eq(uint, w.came, 1));
	scene_end(&sc);
}

Test(conn_later, does_not_come_after_conn_close)
{
	struct waiter w = {0};
	struct script peer = {.reads_nothing = true};
	struct scene sc;
	struct conn *c = begin(&sc, &w, &peer);

	conn_after(c, 100);
	conn_close(c, 5000);
	conn_after(c, 50);
	scene_pass_ms(&sc, 200);
	cr_assert(eq(uint, w.came, 0));
	scene_end(&sc);
}

Test(conn_later, refusing_tells_the_peer_and_the_owner_why)
{
	struct waiter w = {0};
	struct script peer = {.incoming = "too much", .stays = false};
	struct scene sc;
	struct conn *c = begin(&sc, &w, &peer);

	conn_refuse(c, "a name may have at most 3 bytes");
	conn_refuse(c, "twice");
	cr_assert(conn_closing(c));
	scene_play(&sc);
	cr_assert(eq(str, peer.outgoing, "error: a name may have at most 3 bytes\n"));
	cr_assert(eq(int, peer.why.kind, ERR_RUNTIME));
	cr_assert(strstr(peer.why.what, "was sent away: a name may have at most 3 bytes") != NULL);
	scene_end(&sc);
}

/* ---- what a peer's memory held ---- */

static void on_release(struct conn *c)
{
	struct waiter *w = scene_of(c)->ctx;

	w->came++;
}

static const struct handler releases = {.release = on_release};

Test(conn_later, what_a_peer_holds_is_released_once_however_it_ends)
{
	struct waiter w = {0};
	struct script in_order = {.incoming = "all"}, cut_off = {.stays = true};
	struct scene sc;

	scene_begin(&sc, &releases);
	sc.ctx = &w;
	scene_join(&sc, &in_order);
	scene_join(&sc, &cut_off);
	scene_turn(&sc, 20);
	cr_assert(eq(uint, in_order.ended, 1));
	cr_assert(eq(uint, w.came, 1));
	scene_end(&sc);
	cr_assert(eq(uint, w.came, 2));
}
