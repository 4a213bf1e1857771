#include <errno.h>
#include <stdlib.h>

#include "check.h"
#include "core/conn_state.h"
#include "core/link.h"
#include "report/trace.h"
#include "script.h"

/* Links by themselves, and what a connection makes of one that has more to say than its descriptor.
 */
TestSuite(link, .timeout = 20);

/* ---- what was read too much ---- */

static const char *read_text(struct link *link, size_t size)
{
	static char text[32];
	size_t got = 0;

	cr_assert(eq(int, link_read(link, (uint8_t *)text, size, &got), IO_DONE));
	text[got] = '\0';
	return text;
}

Test(link, what_was_read_too_much_comes_first_and_in_pieces)
{
	struct script s = {.incoming = "and on"};
	struct scene sc;
	struct link link;

	scene_begin(&sc, &(struct handler){0});
	link = scene_link(&sc, &s);
	cr_assert(not(link_has_bytes(&link)));
	cr_assert(eq(int, link_unread(&link, span_of("later ")), 0));
	cr_assert(eq(int, link_unread(&link, span_of("sooner ")), 0));
	cr_assert(link_has_bytes(&link));
	cr_assert(eq(str, (char *)read_text(&link, 4), "soon"));
	cr_assert(eq(str, (char *)read_text(&link, 30), "er later "));
	cr_assert(not(link_has_bytes(&link)));
	cr_assert(eq(str, (char *)read_text(&link, 30), "and on"));
	link_unread(&link, span_of("never read"));
	link_close(&link);
	scene_end(&sc);
}

static const struct handler listener;

/* A connection to a peer that epoll is silent about, with text given back to its link. */
static struct conn *hears_nothing_but(struct scene *sc, struct script *s, const char *text)
{
	struct link link;
	struct conn *c;

	scene_begin(sc, &listener);
	s->quiet = true;
	link = scene_link(sc, s);
	cr_assert(eq(int, link_unread(&link, span_of(text)), 0));
	c = conn_new(&sc->owner, &link, NULL, CONN_BOTH);
	cr_assert(c != NULL);
	return c;
}

Test(link, what_was_read_too_much_is_heard_though_epoll_is_silent)
{
	struct script s = {.stays = true};
	struct scene sc;
	struct conn *c = hears_nothing_but(&sc, &s, "hello");

	conn_open(c);
	scene_turn(&sc, 2);
	cr_assert(eq(u64, conn_received(c), 5));
	cr_assert(eq(uint, sc.loop.here_count, 0), "then the loop may sleep");
	scene_end(&sc);
}

Test(link, what_was_read_too_much_waits_while_reading_is_paused)
{
	struct script s = {.stays = true};
	struct scene sc;
	struct conn *c = hears_nothing_but(&sc, &s, "hello");

	conn_pause(c);
	conn_open(c);
	scene_turn(&sc, 2);
	cr_assert(eq(u64, conn_received(c), 0));
	conn_resume(c);
	scene_turn(&sc, 2);
	cr_assert(eq(u64, conn_received(c), 5));
	scene_end(&sc);
}

Test(link, bytes_inside_it_are_read_to_the_last)
{
	struct script s = {.incoming = "abcdef", .per_read = 2, .stays = true};
	struct scene sc;
	struct conn *c = hears_nothing_but(&sc, &s, "x");

	conn_limit_reads(c, 2);
	s.quiet = true;
	c->link.inside = true;
	conn_open(c);
	scene_turn(&sc, 8);
	cr_assert(eq(u64, conn_received(c), 7));
	cr_assert(eq(uint, sc.loop.here_count, 0));
	scene_end(&sc);
}

/* ---- an end that has to wait ---- */

Test(link, an_end_that_cannot_be_passed_on_yet_is_tried_again)
{
	struct script s = {.finish_waits = true, .stays = true};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	c = scene_join(&sc, &s);
	conn_finish(c);
	scene_turn(&sc, 1);
	cr_assert(gt(uint, s.finish_tries, 1));
	cr_assert(not(c->out_over));
	s.finish_waits = false;
	scene_turn(&sc, 1);
	cr_assert(eq(uint, s.finished, 1));
	s.stays = false;
	scene_turn(&sc, 3);
	cr_assert(eq(uint, s.ended, 1));
	cr_assert(not(s.failed));
	scene_end(&sc);
}

/* ---- what it waits for ---- */

Test(link, to_write_it_may_have_to_be_readable)
{
	struct script s = {.deaf = true, .wants = EPOLLIN, .reads_nothing = true};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	c = scene_join(&sc, &s);
	conn_pause(c);
	conn_write(c, span_of("hello"));
	cr_assert(eq(u8, c->watch.wanted, EPOLLIN));
	scene_turn(&sc, 1);
	s.deaf = false;
	scene_turn(&sc, 1);
	cr_assert(eq(str, s.outgoing, "hello"));
	cr_assert(eq(u8, c->watch.wanted, 0), "nothing is asked");
	scene_end(&sc);
}

/* ---- why it failed ---- */

Test(link, its_own_story_is_what_is_reported)
{
	struct err story = {.kind = ERR_TLS};
	struct script s = {.fail_read_at = 1, .story = &story};
	struct scene sc;

	err_set(&story, ERR_TLS, "the certificate of %s has expired", "host");
	err_hint(&story, "renew it");
	scene_begin(&sc, &listener);
	scene_join(&sc, &s);
	scene_play(&sc);
	cr_assert(eq(int, s.why.kind, ERR_TLS));
	cr_assert(eq(str, s.why.what, "the certificate of host has expired"));
	cr_assert(eq(str, s.why.hint, "renew it"));
	scene_end(&sc);
}

/* ---- what will not be looked at ---- */

static size_t drop_once(struct link *link, uint8_t *room, size_t size)
{
	size_t got = 0;

	cr_assert(eq(int, link_drop(link, room, size, &got), IO_DONE));
	return got;
}

Test(link, what_is_dropped_is_counted_and_not_copied)
{
	struct script s = {.incoming = "of no use", .drops = true};
	uint8_t room[4] = "abcd";
	struct scene sc;
	struct link link;

	scene_begin(&sc, &(struct handler){0});
	link = scene_link(&sc, &s);
	cr_assert(eq(sz, drop_once(&link, room, sizeof(room)), 9));
	cr_assert(eq(int, memcmp(room, "abcd", 4), 0));
	cr_assert(not(link.left));
	link_close(&link);
	scene_end(&sc);
}

Test(link, what_was_read_too_much_is_dropped_first)
{
	struct script s = {.incoming = "and on", .drops = true};
	uint8_t room[4];
	struct scene sc;
	struct link link;

	scene_begin(&sc, &(struct handler){0});
	link = scene_link(&sc, &s);
	cr_assert(eq(int, link_unread(&link, span_of("sooner")), 0));
	cr_assert(eq(sz, drop_once(&link, room, sizeof(room)), 4));
	cr_assert(eq(sz, drop_once(&link, room, sizeof(room)), 2));
	cr_assert(eq(uint, s.reads, 0), "nothing else was taken yet");
	cr_assert(eq(sz, drop_once(&link, room, sizeof(room)), 6));
	link_close(&link);
	scene_end(&sc);
}

Test(link, a_drop_that_took_all_it_could_may_have_left_something)
{
	char *text = script_bytes(LINK_DROP_BYTES + 1);
	struct script s = {.incoming = text, .drops = true};
	uint8_t room[4];
	struct scene sc;
	struct link link;

	scene_begin(&sc, &(struct handler){0});
	link = scene_link(&sc, &s);
	cr_assert(eq(sz, drop_once(&link, room, sizeof(room)), LINK_DROP_BYTES));
	cr_assert(link.left);
	link.left = false;
	cr_assert(eq(sz, drop_once(&link, room, sizeof(room)), 1));
	cr_assert(not(link.left));
	link_close(&link);
	scene_end(&sc);
	free(text);
}

Test(link, what_cannot_be_dropped_is_read)
{
	struct script plain = {.incoming = "plain"};
	struct script refuses = {.incoming = "refuses", .drops = true, .cannot_drop = true};
	struct script traced = {.incoming = "traced", .drops = true};
	struct script *const all[] = {&plain, &refuses, &traced};
	uint8_t room[32];

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct script *s = all[i];
		struct scene sc;
		struct link link;
		struct trace trace = {0};

		scene_begin(&sc, &(struct handler){0});
		if (s == &traced)
			trace_begin(&trace, &sc.to);
		link = scene_link(&sc, s);
		cr_assert(eq(sz, drop_once(&link, room, sizeof(room)), strlen(s->incoming)));
		cr_assert(eq(int, memcmp(room, s->incoming, strlen(s->incoming)), 0));
		cr_assert(eq(uint, s->drops_tried, s == &refuses));
		link_close(&link);
		trace_end(&trace);
		scene_end(&sc);
	}
}
