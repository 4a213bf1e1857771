
#include "check.h"
#include "script.h"

TestSuite(conn_limit, .timeout = 20);

/* What a handler is given, one piece after the other. */
struct taker {
	char text[64];
	size_t len;
	unsigned calls;
};

static void on_data(struct conn *c, struct span in)
{
	struct taker *t = scene_of(c)->ctx;

	cr_assert(le(sz, t->len + in.len, sizeof(t->text) - 1));
	memcpy(t->text + t->len, in.data, in.len);
	t->len += in.len;
	t->calls++;
	conn_write(c, in);
}

static const struct handler takes = {.data = on_data};

static void receive(struct scene *sc, struct taker *t, struct script *peer, uint64_t max)
{
	*t = (struct taker){0};
	scene_begin(sc, &takes);
	sc->ctx = t;
	sc->owner.receive_max = max;
	scene_join(sc, peer);
	scene_play(sc);
}

Test(conn_limit, what_is_within_the_limit_is_taken_and_then_it_ends)
{
	for (size_t per_read = 1; per_read < 12; per_read++) {
		struct script peer = {
			.incoming = "0123456789", .endless = true, .per_read = per_read};
		struct taker t;
		struct scene sc;

		receive(&sc, &t, &peer, 13);
		cr_assert(eq(str, t.text, "0123456789012"));
		cr_assert(eq(uint, peer.ended, 1));
		cr_assert(eq(int, peer.why.kind, ERR_WRONG));
		cr_assert(strstr(peer.why.what, "more than 13 bytes came (--max-answer)") != NULL,
			"%s", peer.why.what);
		cr_assert(le(uint, peer.reads, 14), "it reads no further");
		scene_end(&sc);
	}
}

Test(conn_limit, as_much_as_the_limit_is_no_more_than_it)
{
	struct script peer = {.incoming = "0123456789"};
	struct taker t;
	struct scene sc;

	receive(&sc, &t, &peer, 10);
	cr_assert(eq(str, t.text, "0123456789"));
	cr_assert(not(peer.failed));
	scene_end(&sc);
}

Test(conn_limit, no_empty_message_is_made_of_one_past_the_limit)
{
	const char *const messages[] = {"", "four", "", "more", NULL};
	struct script peer = {.message_max = 100, .messages = messages};
	struct taker t;
	struct scene sc;

	receive(&sc, &t, &peer, 4);
	cr_assert(eq(uint, t.calls, 3), "two of them were empty");
	cr_assert(eq(int, peer.why.kind, ERR_WRONG));
	scene_end(&sc);
}

static void on_data_close(struct conn *c, struct span in)
{
	on_data(c, in);
	conn_close(c, CONN_LINGER_MS);
}

Test(conn_limit, what_is_thrown_away_is_not_counted)
{
	const struct handler closes = {.data = on_data_close};
	struct script peer = {.incoming = "0123456789", .per_read = 2};
	struct taker t = {0};
	struct scene sc;

	scene_begin(&sc, &closes);
	sc.ctx = &t;
	sc.owner.receive_max = 4;
	scene_join(&sc, &peer);
	scene_play(&sc);
	cr_assert(eq(str, t.text, "01"));
	cr_assert(not(peer.failed));
	scene_end(&sc);
}
