#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

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
