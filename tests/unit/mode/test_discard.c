#include <errno.h>
#include <stdlib.h>

#include "check.h"
#include "script.h"

TestSuite(mode_discard, .timeout = 20);

Test(mode_discard, takes_everything_and_answers_nothing)
{
	char *text = script_bytes(100000);
	struct script s = {.incoming = text, .ragged = true, .again_every = 3};

	script_serve(&s, mode_find("discard"));
	cr_assert(eq(sz, s.sent, 100000));
	cr_assert(eq(uint, s.writes, 0));
	cr_assert(not(s.failed));
	free(text);
}

Test(mode_discard, the_peers_end_is_passed_on)
{
	struct script s = {.incoming = "x"};

	script_serve(&s, mode_find("discard"));
	cr_assert(eq(uint, s.finished, 1));
}

Test(mode_discard, holds_no_memory_for_what_it_drops)
{
	struct script s = {.incoming = "x", .endless = true, .per_read = 1};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &mode_find("discard")->on);
	c = scene_join(&sc, &s);
	scene_turn(&sc, 1000);
	cr_assert(eq(sz, conn_queued(c), 0));
	cr_assert(eq(u64, conn_received(c), 1000));
	scene_end(&sc);
}

/* ---- where bytes can be dropped without being read ---- */

Test(mode_discard, counts_what_it_drops_unread)
{
	char *text = script_bytes(10000);
	struct script s = {.incoming = text, .ragged = true, .again_every = 3, .drops = true};
	struct scene sc;

	scene_begin_for(&sc, &mode_find("discard")->on, NULL);
	scene_join(&sc, &s);
	scene_play(&sc);
	cr_assert(eq(sz, s.sent, 10000));
	cr_assert(eq(uint, s.drops_tried, s.calls), "it reads nothing");
	cr_assert(eq(uint, s.finished, 1), "the peer's end is passed on");
	cr_assert(not(s.failed));
	scene_end(&sc);
	free(text);
}

Test(mode_discard, a_reset_meets_it_unread_as_well)
{
	struct script s = {.incoming = "1234",
		.per_read = 2,
		.drops = true,
		.fail_read_at = 3,
		.error = ECONNRESET};
	struct scene sc;

	scene_begin_for(&sc, &mode_find("discard")->on, NULL);
	scene_join(&sc, &s);
	scene_play(&sc);
	cr_assert(s.failed);
	cr_assert(eq(int, s.why.kind, ERR_LOST));
	cr_assert(strstr(s.why.what, "after 4 bytes received") != NULL, "%s", s.why.what);
	scene_end(&sc);
}

Test(mode_discard, what_may_come_is_limited_unread_as_well)
{
	struct script s = {.incoming = "0123456789", .per_read = 4, .drops = true};
	struct scene sc;

	scene_begin_for(&sc, &mode_find("discard")->on, NULL);
	sc.owner.receive_max = 6;
	scene_join(&sc, &s);
	scene_play(&sc);
	cr_assert(eq(int, s.why.kind, ERR_WRONG));
	cr_assert(eq(sz, s.sent, 8), "it reads no further");
	scene_end(&sc);
}

Test(mode_discard, dropping_unread_keeps_idleness_away)
{
	struct script s = {.incoming = "x", .endless = true, .per_read = 1, .drops = true};
	struct scene sc;
	struct conn *c;

	scene_begin_for(&sc, &mode_find("discard")->on, NULL);
	sc.owner.idle_ms = 1000;
	c = scene_join(&sc, &s);
	scene_pass_ms(&sc, 900);
	scene_turn(&sc, 1);
	cr_assert(eq(u64, conn_received(c), 1));
	scene_pass_ms(&sc, 900);
	cr_assert(not(conn_closing(c)));
	scene_end(&sc);
}
