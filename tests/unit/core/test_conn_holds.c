#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "check.h"
#include "core/conn_state.h"
#include "script.h"

/* A connection whose link takes what is written before the kernel does (link.holds), as a layer
 * like TLS. */
TestSuite(conn_holds, .timeout = 20);

/* A layer over the scripted transport: it keeps what it is given, and writes that as there is room.
 */
struct layer {
	struct link below;
	struct buf out;
};

enum { LAYER_TAKES = 1000 }; /* bytes at a time */

static enum io layer_flush(struct link *link)
{
	struct layer *l = link->held;
	size_t taken = 0;
	enum io verdict = IO_DONE;

	if (l->out.len)
		verdict = l->below.via->write(&l->below, buf_span(&l->out), &taken);
	buf_take(&l->out, taken);
	link->holds = l->out.len > 0;
	link->error = l->below.error;
	return verdict == IO_DONE && link->holds ? IO_AGAIN : verdict;
}

static enum io layer_write(struct link *link, struct span out, size_t *taken)
{
	struct layer *l = link->held;
	enum io verdict = layer_flush(link);

	if (verdict != IO_DONE || !out.len)
		return verdict;
	*taken = out.len < LAYER_TAKES ? out.len : LAYER_TAKES;
	cr_assert(eq(int, buf_add(&l->out, (struct span){out.data, *taken}), 0));
	return layer_flush(link) == IO_FAIL ? IO_FAIL : IO_DONE;
}

static enum io layer_read(struct link *link, uint8_t *room, size_t size, size_t *got)
{
	struct layer *l = link->held;

	return l->below.via->read(&l->below, room, size, got);
}

static enum io layer_finish(struct link *link)
{
	struct layer *l = link->held;
	enum io verdict = layer_flush(link);

	return verdict == IO_DONE ? l->below.via->finish(&l->below) : verdict;
}

static size_t layer_held(const struct link *link)
{
	const struct layer *l = link->held;

	return l->out.len;
}

static uint32_t layer_wants(struct link *link, uint32_t asked)
{
	return link->holds ? asked | EPOLLOUT : asked;
}

static int layer_close(struct link *link)
{
	struct layer *l = link->held;

	buf_free(&l->out);
	return link_close(&l->below);
}

static const struct transport layer_row = {.name = "layer",
	.read = layer_read,
	.write = layer_write,
	.finish = layer_finish,
	.held = layer_held,
	.wants = layer_wants,
	.close = layer_close};

static const struct handler listener;

/* A connection over it to a peer. */
static struct conn *begin(
	struct scene *sc, struct layer *l, struct script *s, const struct handler *on)
{
	struct link link = link_of(&layer_row, &sc->to);
	struct conn *c;

	scene_begin(sc, on);
	*l = (struct layer){.below = scene_link(sc, s)};
	link.held = l;
	link.to = &sc->to;
	link.fd = l->below.fd;
	c = conn_new(&sc->owner, &link, NULL, CONN_BOTH);
	conn_open(c);
	return c;
}

Test(conn_holds, what_the_layer_keeps_is_written_once_there_is_room)
{
	struct script s = {.stays = true, .deaf = true};
	struct layer l;
	struct scene sc;
	struct conn *c = begin(&sc, &l, &s, &listener);

	cr_assert(eq(int, conn_write(c, span_of("hello")), 0));
	cr_assert(eq(sz, conn_queued(c), 0), "the layer has taken it");
	cr_assert(eq(u64, conn_sent(c), 5));
	cr_assert(eq(u8, c->watch.wanted, EPOLLIN | EPOLLOUT));
	scene_turn(&sc, 3);
	s.deaf = false;
	scene_turn(&sc, 1);
	cr_assert(eq(str, s.outgoing, "hello"));
	cr_assert(eq(u8, c->watch.wanted, EPOLLIN));
	scene_end(&sc);
}

Test(conn_holds, more_waits_in_the_queue_and_follows_in_order)
{
	struct script s = {.stays = true, .deaf = true};
	struct layer l;
	struct scene sc;
	struct conn *c = begin(&sc, &l, &s, &listener);

	conn_write(c, span_of("one "));
	conn_write(c, span_of("two "));
	conn_write(c, span_of("three"));
	cr_assert(eq(sz, conn_queued(c), 9));
	cr_assert(eq(sz, conn_offer(c, span_of("four")), 0), "nothing overtakes what waits");
	s.deaf = false;
	scene_turn(&sc, 5);
	cr_assert(eq(str, s.outgoing, "one two three"));
	cr_assert(eq(u64, conn_sent(c), 13));
	scene_end(&sc);
}

static void note_drained(struct conn *c)
{
	const struct layer *l = c->link.held;

	cr_expect(eq(sz, l->out.len, 0), "drained, and the layer still has bytes");
	cr_expect(eq(sz, conn_queued(c), 0));
}

static const struct handler drains = {.drained = note_drained};

Test(conn_holds, drained_comes_once_the_layer_has_nothing_left)
{
	struct script s = {.stays = true, .deaf = true, .per_write = 7};
	struct layer l;
	struct scene sc;
	struct conn *c = begin(&sc, &l, &s, &drains);

	conn_write(c, span_of("twenty bytes of text"));
	conn_want_drained(c);
	scene_turn(&sc, 3);
	cr_assert(eq(str, s.told, "open"));
	s.deaf = false;
	scene_turn(&sc, 2);
	cr_assert(eq(str, s.told, "open"), "6 bytes are left");
	scene_turn(&sc, 1);
	cr_assert(eq(str, s.told, "open drained"));
	cr_assert(eq(str, s.outgoing, "twenty bytes of text"));
	scene_end(&sc);
}

Test(conn_holds, the_end_is_passed_on_after_what_the_layer_keeps)
{
	struct script s = {.stays = true, .deaf = true};
	struct layer l;
	struct scene sc;
	struct conn *c = begin(&sc, &l, &s, &listener);

	conn_write(c, span_of("last words"));
	conn_finish(c);
	scene_turn(&sc, 3);
	cr_assert(eq(uint, s.finished, 0));
	s.deaf = false;
	scene_turn(&sc, 1);
	cr_assert(eq(str, s.outgoing, "last words"));
	cr_assert(eq(uint, s.finished, 1));
	scene_end(&sc);
}

Test(conn_holds, closing_writes_what_the_layer_keeps_first)
{
	struct script s = {.deaf = true, .per_write = 3};
	struct layer l;
	struct scene sc;
	struct conn *c = begin(&sc, &l, &s, &listener);

	conn_write(c, span_of("last words"));
	conn_close(c, CONN_LINGER_MS);
	scene_turn(&sc, 3);
	cr_assert(eq(uint, s.closed, 0));
	s.deaf = false;
	scene_play(&sc);
	cr_assert(eq(str, s.outgoing, "last words"));
	cr_assert(eq(uint, s.finished, 1));
	cr_assert(not(s.failed));
	scene_end(&sc);
}

Test(conn_holds, failing_writes_what_the_layer_keeps_first)
{
	struct script s = {.stays = true, .deaf = true};
	struct layer l;
	struct scene sc;
	struct conn *c = begin(&sc, &l, &s, &listener);

	conn_write(c, span_of("why"));
	conn_fail(c);
	scene_turn(&sc, 3);
	cr_assert(eq(uint, s.closed, 0));
	s.deaf = false;
	scene_play(&sc);
	cr_assert(eq(str, s.outgoing, "why"));
	scene_end(&sc);
}

Test(conn_holds, its_writer_has_to_stop_where_too_much_waits)
{
	struct script s = {.stays = true, .deaf = true};
	char *bytes = script_bytes(CONN_QUEUE_MAX_BYTES);
	struct layer l;
	struct scene sc;
	struct conn *c = begin(&sc, &l, &s, &drains);

	conn_write(c, span_of("x"));
	cr_assert(eq(
		int, conn_write(c, (struct span){(uint8_t *)bytes, CONN_QUEUE_MAX_BYTES - 1}), 0));
	cr_assert(eq(int, conn_write(c, span_of("y")), -1));
	scene_turn(&sc, 2);
	cr_assert(eq(str, s.told, "open"));
	s.deaf = false;
	scene_turn(&sc, CONN_QUEUE_MAX_BYTES / LAYER_TAKES + 3);
	cr_assert(eq(str, s.told, "open drained"));
	cr_assert(eq(sz, s.outgoing_len, CONN_QUEUE_MAX_BYTES + 1));
	cr_assert(eq(int, memcmp(s.outgoing + 1, bytes, CONN_QUEUE_MAX_BYTES - 1), 0));
	free(bytes);
	scene_end(&sc);
}

Test(conn_holds, nothing_is_asked_for_where_reading_is_paused_and_nothing_is_kept)
{
	struct script s = {.incoming = "hello", .stays = true, .deaf = true};
	struct layer l;
	struct scene sc;
	struct conn *c = begin(&sc, &l, &s, &listener);

	conn_pause(c);
	conn_write(c, span_of("out"));
	cr_assert(eq(u8, c->watch.wanted, EPOLLOUT));
	scene_turn(&sc, 3);
	cr_assert(eq(uint, s.reads, 0));
	s.deaf = false;
	scene_turn(&sc, 3);
	cr_assert(eq(u8, c->watch.wanted, 0));
	cr_assert(eq(uint, s.writes, 1), "no write after the last byte");
	cr_assert(eq(uint, s.reads, 0));
	scene_end(&sc);
}

Test(conn_holds, a_failure_below_ends_it_as_any_failed_write)
{
	struct script s = {.incoming = "why", .deaf = true, .fail_write_at = 1, .error = EPIPE};
	struct layer l;
	struct scene sc;
	struct conn *c = begin(&sc, &l, &s, &listener);

	conn_write(c, span_of("hello"));
	s.deaf = false;
	scene_play(&sc);
	(void)c;
	cr_assert(eq(str, s.told, "open data closed"), "what had come is read");
	cr_assert(eq(int, s.why.sys, EPIPE));
	scene_end(&sc);
}

Test(conn_holds, whether_its_end_is_final_is_the_links_to_say)
{
	struct script s = {.stays = true};
	struct layer l;
	struct scene sc;
	struct conn *c = begin(&sc, &l, &s, &listener);

	cr_assert(not(conn_end_is_final(c)));
	c->link.ends_both = true;
	cr_assert(conn_end_is_final(c));
	scene_end(&sc);
}
