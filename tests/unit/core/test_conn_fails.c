#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "core/conn_state.h"
#include "script.h"

/* Failures that are rare: of our own side, of the kernel, of memory. */
TestSuite(conn_fails, .timeout = 20);

static void nothing(struct conn *c)
{
	(void)c;
}

static const struct handler listener = {.eof = nothing};

/* ---- our side fails (conn_fail) while bytes wait ---- */

static struct conn *join_with_queue(struct scene *sc, struct script *s)
{
	struct conn *c;

	scene_begin(sc, &listener);
	c = scene_join(sc, s);
	conn_write(c, span_of("what waits"));
	conn_fail(c);
	return c;
}

Test(conn_fails, a_failed_side_delivers_what_waits_before_it_ends)
{
	struct script s = {.stays = true, .deaf = true};
	struct scene sc;

	join_with_queue(&sc, &s);
	scene_turn(&sc, 2);
	cr_assert(eq(uint, s.ended, 0));
	s.deaf = false;
	scene_play(&sc);
	cr_assert(eq(str, s.outgoing, "what waits"));
	cr_assert(not(s.failed), "the one that called conn_fail knows why");
	scene_end(&sc);
}

Test(conn_fails, a_side_that_fails_with_a_reason_delivers_what_waits_and_is_reported)
{
	struct script s = {.stays = true};
	struct scene sc;
	struct err why = {0};
	struct conn *c;

	err_set(&why, ERR_RUNTIME, "its program was killed");
	scene_begin(&sc, &listener);
	c = scene_join(&sc, &s);
	conn_write(c, span_of("what waits"));
	conn_fail_with(c, &why);
	why.what[0] = '\0'; /* a copy was kept */
	scene_play(&sc);
	cr_assert(eq(str, s.outgoing, "what waits"));
	cr_assert(s.failed);
	cr_assert(eq(str, s.why.what, "its program was killed"));
	cr_assert(eq(int, (int)s.why.kind, ERR_RUNTIME));
	scene_end(&sc);
}

Test(conn_fails, a_failed_side_waits_for_a_peer_that_takes_nothing_only_so_long)
{
	struct script s = {.stays = true, .deaf = true};
	struct scene sc;

	join_with_queue(&sc, &s);
	scene_pass_ms(&sc, CONN_SEE_OFF_MS - 1);
	cr_assert(eq(uint, s.ended, 0));
	scene_pass_ms(&sc, 1);
	cr_assert(eq(uint, s.ended, 1));
	cr_assert(eq(sz, s.outgoing_len, 0));
	scene_end(&sc);
}

Test(conn_fails, a_failed_side_waits_on_while_the_peer_takes_some)
{
	struct script s = {.stays = true, .deaf = true, .per_write = 1};
	struct scene sc;

	join_with_queue(&sc, &s);
	for (size_t taken = 1; taken <= 3; taken++) {
		scene_pass_ms(&sc, CONN_SEE_OFF_MS - 1);
		s.deaf = false;
		scene_turn(&sc, 1);
		s.deaf = true;
		cr_assert(eq(sz, s.outgoing_len, taken));
		cr_assert(eq(uint, s.ended, 0));
	}
	scene_pass_ms(&sc, CONN_SEE_OFF_MS);
	cr_assert(eq(uint, s.ended, 1));
	scene_end(&sc);
}

Test(conn_fails, a_failed_side_whose_peer_leaves_ends_at_once)
{
	struct script s = {.stays = true, .deaf = true, .fail_write_at = 1, .error = EPIPE};
	struct scene sc;

	join_with_queue(&sc, &s);
	s.deaf = false;
	scene_turn(&sc, 3);
	cr_assert(eq(uint, s.ended, 1));
	scene_end(&sc);
}

/* ---- datagrams that the kernel had no room for ---- */

static uint32_t three_missed(struct reporter *to, int fd)
{
	(void)to;
	(void)fd;
	return 3;
}

Test(conn_fails, datagrams_that_came_too_fast_are_a_loss_though_all_else_went_well)
{
	struct script s = {.connectionless = true, .message_max = 100};
	struct transport row;
	struct scene sc;
	struct link link;

	scene_begin(&sc, &listener);
	link = scene_link(&sc, &s);
	row = *link.via;
	row.missed = three_missed;
	link.via = &row;
	conn_open(conn_new(&sc.owner, &link, NULL, CONN_BOTH));
	scene_turn(&sc, 1);
	conn_close(conn_of_node(sc.owner.conns.next), 0);
	scene_play(&sc);
	cr_assert(eq(int, s.why.kind, ERR_LOST));
	cr_assert(strstr(s.why.what, "3 datagrams were lost") != NULL, "%s", s.why.what);
	cr_assert(strstr(s.why.hint, "rmem_max") != NULL);
	scene_end(&sc);
}

/* ---- the kernel cannot watch, or there is no memory ---- */

/* As epoll_ctl(2) fails with ENOSPC where a user watches too many descriptors. */
Test(conn_fails, a_connection_that_cannot_be_watched_ends_and_says_so)
{
	struct script s = {.stays = true};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	c = scene_make(&sc, &s, CONN_BOTH);
	close(s.fd);
	conn_open(c);
	scene_turn(&sc, 2);
	cr_assert(eq(uint, s.ended, 1));
	cr_assert(eq(int, s.why.sys, EBADF));
	scene_end(&sc);
}

Test(conn_fails, what_no_memory_is_left_for_is_not_dropped_in_silence)
{
	struct script s = {.stays = true, .deaf = true};
	char *bytes = script_bytes(CONN_QUEUE_MAX_BYTES);
	const struct span out = {(const uint8_t *)bytes, CONN_QUEUE_MAX_BYTES};
	struct rlimit before;
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	c = scene_join(&sc, &s);
	before = allow_no_more_memory();
	hoard_memory();
	conn_write(c, out);
	release_memory();
	allow_memory(&before);
	scene_turn(&sc, 2);
	cr_assert(eq(uint, s.ended, 1));
	cr_assert(eq(int, s.why.kind, ERR_RUNTIME), "%s", s.why.what);
	cr_assert(eq(int, s.why.sys, ENOMEM));
	scene_end(&sc);
	free(bytes);
}
