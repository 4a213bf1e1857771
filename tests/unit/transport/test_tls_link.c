#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "sanitized.h"
#include "tls_pair.h"

#ifdef TLS_IS_BUILT_IN

/* Bytes over the layer, both ends by the real library. */
TestSuite(tls_link, .timeout = 60);

static void is_heard(const struct tls_side *side, struct span bytes)
{
	cr_assert(eq(sz, side->heard.len, bytes.len));
	cr_assert(eq(int, memcmp(buf_span(&side->heard).data, bytes.data, bytes.len), 0));
}

/* So many bytes each way at once, in pieces as the moves have them. */
static void both_ways(struct tls_pair *p, size_t len)
{
	char *text = script_bytes(len);
	const struct span all = {(uint8_t *)text, len};
	struct span to_server = all, to_client = all;

	for (int i = 0; p->client.heard.len < len || p->server.heard.len < len; i++) {
		size_t taken;

		cr_assert(lt(int, i, 1000000));
		cr_assert(ne(int, pair_write(&p->client, to_server, &taken), IO_FAIL));
		to_server = span_from(to_server, taken);
		cr_assert(ne(int, pair_write(&p->server, to_client, &taken), IO_FAIL));
		to_client = span_from(to_client, taken);
		pair_read(&p->client);
		pair_read(&p->server);
	}
	is_heard(&p->client, all);
	is_heard(&p->server, all);
	free(text);
}

Test(tls_link, bytes_arrive_both_ways_whatever_the_moves_below)
{
	static const struct moves all[] = {{0}, {.ragged = true},
		{.ragged = true, .again_every = 2}, {.per_read = 1, .per_write = 700},
		{.per_read = 700, .per_write = 1}, {.room = 4096}, {.room = 100, .again_every = 3}};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct tls_pair p = {.client.moves = all[i], .server.moves = all[i]};

		pair_open(&p);
		both_ways(&p, 60000);
		pair_close(&p);
	}
}

static void bulk(size_t read_max, size_t len)
{
	struct tls_pair p = {.client.read_max = read_max};
	char *text = script_bytes(len);
	const struct span all = {(uint8_t *)text, len};

	pair_open(&p);
	pair_send(&p.server, &p.client, all);
	is_heard(&p.client, all);
	pair_close(&p);
	free(text);
}

Test(tls_link, bulk_is_read_a_byte_at_a_time)
{
	bulk(1, SANITIZED_MEMORY ? 1 << 17 : 1 << 20);
}

Test(tls_link, bulk_is_read_a_hundred_bytes_at_a_time)
{
	bulk(100, 1 << 20);
}

Test(tls_link, bulk_is_read_as_a_connection_does)
{
	bulk(0, 1 << 20);
}

Test(tls_link, what_waits_inside_is_announced)
{
	struct tls_pair p = {0};
	size_t taken, got;
	uint8_t byte;

	pair_open(&p);
	pair_write(&p.server, span_of("hello"), &taken);
	for (int i = 0; i < 5; i++) {
		cr_assert(eq(int, link_read(&p.client.link, &byte, 1, &got), IO_DONE));
		cr_assert(eq(u8, byte, (uint8_t) "hello"[i]));
		cr_assert(eq(int, link_has_bytes(&p.client.link), i < 4), "after byte %d", i);
	}
	cr_assert(eq(int, link_read(&p.client.link, &byte, 1, &got), IO_AGAIN));
	pair_close(&p);
}

/* Read so much at a time, and only where a connection would: once, then as long as the link says
 * that there may be more. Its descriptor tells of new bytes alone (EPOLLET), and none come. */
static size_t read_by_edges(struct tls_side *side, size_t size)
{
	uint8_t room[4096];
	size_t len = 0;
	bool more = true;

	while (more) {
		size_t got = 0;
		enum io verdict = link_read(&side->link, room, size, &got);
		bool left = side->link.left;

		side->link.left = false;
		len += got;
		/* After IO_AGAIN a connection looks once more, if it was called for a byte. */
		more = left || got == size || link_has_bytes(&side->link) ||
		       (verdict == IO_AGAIN && side->in->len);
	}
	return len;
}

Test(tls_link, what_the_link_below_may_still_have_is_announced)
{
	enum { SMALL_STEP = SANITIZED_MEMORY ? 6 : 1, STEP = 67 * SANITIZED_STEP };
	char *text = script_bytes(60000);

	for (size_t size = 1; size < 4096; size += size < 20 ? SMALL_STEP : STEP) {
		struct tls_pair p = {0};

		pair_open(&p);
		for (size_t at = 0, taken; at < 60000; at += 150)
			pair_write(&p.server, (struct span){(uint8_t *)text + at, 150}, &taken);
		cr_assert(eq(sz, read_by_edges(&p.client, size), 60000), "%zu at a time", size);
		pair_close(&p);
	}
	free(text);
}

/* ---- writing where there is no room ---- */

Test(tls_link, a_write_goes_on_as_long_as_all_is_taken_below)
{
	struct tls_pair p = {0};
	char *text = script_bytes(200000);
	const struct span all = {(uint8_t *)text, 200000};
	size_t taken;

	pair_open(&p);
	cr_assert(eq(int, pair_write(&p.client, all, &taken), IO_DONE));
	cr_assert(eq(sz, taken, all.len));
	cr_assert(not(p.client.link.holds));
	pair_read(&p.server);
	is_heard(&p.server, all);
	p.client.moves.room = 100000; /* for one piece, and some of a second */
	cr_assert(eq(int, pair_write(&p.client, all, &taken), IO_DONE));
	cr_assert(eq(sz, taken, 2 * 64 * 1024));
	cr_assert(p.client.link.holds);
	pair_close(&p);
	free(text);
}

Test(tls_link, what_fails_below_ends_a_write_after_what_was_taken)
{
	struct tls_pair p = {0};
	char *text = script_bytes(200000);
	size_t taken;

	pair_open(&p);
	p.client.moves.write_error = EPIPE;
	cr_assert(eq(int, pair_write(&p.client, (struct span){(uint8_t *)text, 200000}, &taken),
		IO_FAIL));
	cr_assert(eq(sz, taken, 64 * 1024));
	pair_close(&p);
	free(text);
}

Test(tls_link, what_is_not_taken_below_waits_in_the_layer_and_is_bounded)
{
	struct tls_pair p = {0};
	char *text = script_bytes(200000);
	struct span left = {(uint8_t *)text, 200000};
	size_t taken;

	pair_open(&p);
	p.client.moves.deaf = true;
	cr_assert(eq(int, pair_write(&p.client, left, &taken), IO_DONE));
	cr_assert(gt(sz, taken, 0));
	cr_assert(le(sz, taken, 64 * 1024));
	cr_assert(p.client.link.holds);
	left = span_from(left, taken);
	cr_assert(eq(u32, p.client.link.via->wants(&p.client.link, 0), EPOLLOUT));
	cr_assert(eq(u32, p.client.link.via->wants(&p.client.link, EPOLLIN), EPOLLIN | EPOLLOUT));
	for (int i = 0; i < 3; i++) {
		cr_assert(eq(int, pair_write(&p.client, left, &taken), IO_AGAIN));
		cr_assert(eq(sz, taken, 0));
	}
	cr_assert(ge(int, p.client.link.via->unsent(&p.client.link), 64 * 1024));
	cr_assert(ge(sz, p.client.link.via->held(&p.client.link), 64 * 1024));
	cr_assert(eq(int, pair_finish(&p.client), IO_AGAIN));
	p.client.moves.deaf = false;
	cr_assert(eq(int, pair_write(&p.client, (struct span){0}, &taken), IO_DONE));
	cr_assert(not(p.client.link.holds));
	cr_assert(eq(sz, p.client.link.via->held(&p.client.link), 0), "an idle one holds none");
	cr_assert(eq(int, pair_finish(&p.client), IO_DONE));
	pair_read(&p.server);
	is_heard(&p.server, (struct span){(uint8_t *)text, 64 * 1024});
	cr_assert(eq(int, p.server.over, IO_EOF));
	pair_close(&p);
	free(text);
}

Test(tls_link, reading_goes_on_while_nothing_can_be_written)
{
	struct tls_pair p = {0};
	size_t taken;

	pair_open(&p);
	p.client.moves.deaf = true;
	pair_write(&p.client, span_of("waits"), &taken);
	pair_send(&p.server, &p.client, span_of("hello"));
	is_heard(&p.client, span_of("hello"));
	pair_close(&p);
}

/* ---- how it ends ---- */

Test(tls_link, a_close_notify_is_the_end_of_one_way_alone)
{
	struct tls_pair p = {0};

	pair_open(&p);
	cr_assert(not(p.client.link.ends_both));
	pair_send(&p.client, &p.server, span_of("question"));
	cr_assert(eq(int, pair_finish(&p.client), IO_DONE));
	pair_read(&p.server);
	cr_assert(eq(int, p.server.over, IO_EOF));
	is_heard(&p.server, span_of("question"));
	pair_send(&p.server, &p.client, span_of("answer"));
	is_heard(&p.client, span_of("answer"));
	cr_assert(eq(int, p.client.over, IO_AGAIN));
	cr_assert(eq(int, pair_finish(&p.server), IO_DONE));
	pair_read(&p.client);
	cr_assert(eq(int, p.client.over, IO_EOF));
	pair_close(&p);
	cr_assert(eq(uint, p.client.closed, 1));
	cr_assert(eq(uint, p.server.closed, 1));
}

Test(tls_link, an_end_without_a_close_notify_is_a_loss_after_what_came)
{
	struct tls_pair p = {0};
	const struct err *why;

	pair_open(&p);
	p.client.moves.ends = true;
	pair_send(&p.server, &p.client, span_of("half an ans"));
	is_heard(&p.client, span_of("half an ans"));
	cr_assert(eq(int, p.client.over, IO_FAIL));
	why = link_story(&p.client.link);
	cr_assert(why != NULL);
	cr_assert(eq(int, why->kind, ERR_LOST));
	cr_assert(strstr(why->what, "127.0.0.1:4433") != NULL, "%s", why->what);
	cr_assert(strstr(why->what, "close_notify") != NULL, "%s", why->what);
	pair_close(&p);
}

Test(tls_link, an_end_in_the_middle_of_a_record_is_a_loss)
{
	struct tls_pair p = {0};
	size_t taken;

	pair_open(&p);
	pair_write(&p.server, span_of("never heard"), &taken);
	p.to_client.len -= 3;
	p.client.moves.ends = true;
	pair_read(&p.client);
	cr_assert(eq(sz, p.client.heard.len, 0));
	cr_assert(eq(int, p.client.over, IO_FAIL));
	cr_assert(eq(int, link_story(&p.client.link)->kind, ERR_LOST));
	pair_close(&p);
}

Test(tls_link, where_what_comes_is_dropped_the_peer_need_not_say_that_it_ends)
{
	struct tls_pair p = {0};

	pair_open(&p);
	cr_assert(eq(int, pair_finish(&p.client), IO_DONE));
	p.client.link.unheard = true;
	p.client.moves.ends = true;
	pair_read(&p.client);
	cr_assert(eq(int, p.client.over, IO_EOF));
	p.client.over = IO_AGAIN;
	pair_read(&p.client);
	cr_assert(eq(int, p.client.over, IO_EOF), "and again");
	pair_close(&p);
}

Test(tls_link, a_reset_is_a_loss_after_what_came)
{
	struct tls_pair p = {0};

	pair_open(&p);
	p.client.moves.read_error = ECONNRESET;
	pair_send(&p.server, &p.client, span_of("some"));
	is_heard(&p.client, span_of("some"));
	cr_assert(eq(int, p.client.over, IO_FAIL));
	cr_assert(eq(int, p.client.link.error, ECONNRESET));
	cr_assert(eq(ptr, (void *)link_story(&p.client.link), NULL));
	pair_close(&p);
}

Test(tls_link, what_the_peer_had_sent_is_read_though_it_takes_no_more)
{
	struct tls_pair p = {0};
	size_t taken;

	pair_open(&p);
	pair_write(&p.server, span_of("why: enough"), &taken);
	pair_finish(&p.server);
	p.client.moves.write_error = EPIPE;
	p.client.moves.ends = true;
	cr_assert(eq(int, pair_write(&p.client, span_of("more"), &taken), IO_FAIL));
	cr_assert(eq(int, p.client.link.error, EPIPE));
	pair_read(&p.client);
	is_heard(&p.client, span_of("why: enough"));
	cr_assert(eq(int, p.client.over, IO_EOF));
	pair_close(&p);
}

Test(tls_link, garbage_is_a_failure_of_tls_after_what_came)
{
	struct tls_pair p = {0};
	size_t taken;

	pair_open(&p);
	pair_write(&p.server, span_of("right"), &taken);
	buf_puts(&p.to_client, "HTTP/1.1 400 Bad Request\r\n\r\n");
	pair_read(&p.client);
	is_heard(&p.client, span_of("right"));
	cr_assert(eq(int, p.client.over, IO_FAIL));
	cr_assert(eq(int, link_story(&p.client.link)->kind, ERR_TLS));
	/* The peer is told, by an alert. */
	pair_read(&p.server);
	cr_assert(eq(int, p.server.over, IO_FAIL));
	cr_assert(strstr(link_story(&p.server.link)->what, "the peer refuses: ") != NULL, "%s",
		link_story(&p.server.link)->what);
	pair_close(&p);
}

Test(tls_link, a_byte_that_was_changed_on_the_way_is_never_delivered)
{
	struct tls_pair p = {0};
	size_t taken;

	pair_open(&p);
	pair_write(&p.server, span_of("pay 10"), &taken);
	p.to_client.data[p.to_client.start + 9] ^= 1;
	pair_read(&p.client);
	cr_assert(eq(sz, p.client.heard.len, 0));
	cr_assert(eq(int, p.client.over, IO_FAIL));
	cr_assert(eq(int, link_story(&p.client.link)->kind, ERR_TLS));
	cr_assert(eq(int, pair_write(&p.client, span_of("x"), &taken), IO_FAIL));
	cr_assert(
		eq(int, pair_finish(&p.client), IO_DONE), "the link below has an end all the same");
	cr_assert(eq(uint, p.client.finished, 1));
	pair_close(&p);
}

Test(tls_link, a_reset_of_ours_is_one_below)
{
	struct tls_pair p = {0};
	size_t before;

	pair_open(&p);
	before = p.to_server.len;
	p.client.link.via->reset(&p.client.link);
	cr_assert(eq(uint, p.client.was_reset, 1));
	cr_assert(eq(uint, p.client.closed, 0));
	cr_assert(eq(sz, p.to_server.len, before), "no close_notify: it would vouch for what came");
	p.client.link = link_of(p.server.link.via, &p.client.to);
	link_close(&p.server.link);
	tls_free(p.client.tls);
	tls_free(p.server.tls);
	buf_free(&p.to_client);
	buf_free(&p.to_server);
}

Test(tls_link, a_client_that_closes_reads_what_was_not_asked_for)
{
	struct tls_pair p = {0};
	size_t taken;

	pair_open(&p);
	cr_assert(eq(int, pair_finish(&p.client), IO_DONE));
	pair_write(&p.server, span_of("a ticket"), &taken);
	cr_assert(gt(sz, p.to_client.len, 0));
	pair_close(&p);
	cr_assert(eq(sz, p.to_client.len, 0));
	cr_assert(eq(uint, p.client.closed, 1));
}

/* A link below that can do something else than that of the pair. */
static struct transport *other_row(struct tls_side *side)
{
	static struct transport row;
	struct tls_link *t = pair_layer(side);

	row = *t->below.via;
	t->below.via = &row;
	return &row;
}

Test(tls_link, where_the_link_below_cannot_be_reset_it_is_closed)
{
	struct tls_pair p = {0};

	pair_open(&p);
	other_row(&p.client)->reset = NULL;
	p.client.link.via->reset(&p.client.link);
	cr_assert(eq(uint, p.client.closed, 1));
	p.client.link = link_of(p.server.link.via, &p.client.to);
	link_close(&p.server.link);
	tls_free(p.client.tls);
	tls_free(p.server.tls);
	buf_free(&p.to_client);
	buf_free(&p.to_server);
}

static int refused(struct link *link)
{
	(void)link;
	return ECONNRESET;
}

static int sound(struct link *link)
{
	(void)link;
	return 0;
}

/* The server has all that we sent, and has ended. */
static void end_first(struct tls_pair *p)
{
	pair_open(p);
	pair_send(&p->client, &p->server, span_of("question"));
	cr_assert(eq(int, pair_finish(&p->server), IO_DONE));
	pair_read(&p->client);
	cr_assert(eq(int, p->client.over, IO_EOF));
	p->client.moves.write_error = EPIPE;
}

Test(tls_link, a_peer_that_has_all_and_is_gone_need_not_take_our_end)
{
	struct tls_pair p = {0};

	end_first(&p);
	other_row(&p.client)->pending = sound;
	cr_assert(eq(int, pair_finish(&p.client), IO_DONE));
	cr_assert(eq(int, p.client.link.via->unsent(&p.client.link), 0));
	cr_assert(eq(int, p.client.link.via->pending(&p.client.link), 0));
	pair_close(&p);
}

Test(tls_link, a_peer_that_was_lost_before_our_end_is_a_loss)
{
	struct tls_pair p = {0};

	end_first(&p);
	other_row(&p.client)->pending = refused;
	cr_assert(eq(int, pair_finish(&p.client), IO_FAIL));
	cr_assert(eq(int, p.client.link.error, ECONNRESET));
	pair_close(&p);
}

/* ---- key updates ---- */

typedef int update_function(SSL *ssl, int type);

static update_function *key_update_of(struct tls_side *side)
{
	void *found = dlsym(side->tls->lib.handle, "SSL_key_update");
	update_function *update;

	cr_assert(found != NULL);
	memcpy(&update, &found, sizeof(update));
	return update;
}

Test(tls_link, a_key_update_is_answered_and_bytes_go_on_both_ways)
{
	struct tls_pair p = {0};

	pair_open(&p);
	for (int i = 0; i < 20; i++) {
		cr_assert(eq(int, key_update_of (&p.server)(pair_layer(&p.server)->ssl, 1), 1));
		pair_send(&p.server, &p.client, span_of("after"));
		pair_send(&p.client, &p.server, span_of("after"));
	}
	cr_assert(eq(sz, p.client.heard.len, 100));
	cr_assert(eq(sz, p.server.heard.len, 100));
	cr_assert(eq(int, p.client.over, IO_AGAIN));
	pair_close(&p);
}

/* Each asks for an answer, which the library sends with its next write: they may not fill the
 * memory. */
Test(tls_link, answers_that_cannot_be_written_are_bounded)
{
	enum { UPDATES = SANITIZED_MEMORY ? 5000 : 10000 };
	struct tls_pair p = {0};
	size_t taken, most = 0;
	char *text = script_bytes(65536);

	pair_open(&p);
	p.client.moves.deaf = true;
	pair_write(&p.client, (struct span){(uint8_t *)text, 65536}, &taken);
	for (int i = 0; i < UPDATES; i++) {
		cr_assert(eq(int, key_update_of (&p.server)(pair_layer(&p.server)->ssl, 1), 1));
		cr_assert(eq(int, pair_write(&p.server, span_of("x"), &taken), IO_DONE));
		pair_read(&p.client);
		if (pair_layer(&p.client)->out.len > most)
			most = pair_layer(&p.client)->out.len;
	}
	cr_assert(le(sz, most, (size_t)160 * 1024));
	cr_assert(not(link_has_bytes(&p.client.link)), "or the loop would spin");
	p.client.moves.deaf = false;
	pair_write(&p.client, (struct span){0}, &taken);
	pair_read(&p.client);
	cr_assert(eq(sz, p.client.heard.len, UPDATES));
	pair_close(&p);
	free(text);
}

/* ---- TLS 1.2 ---- */

static void begin_1_2(struct tls_pair *p)
{
	pair_begin(p);
	p->client.tls->lib.SSL_CTX_ctrl(
		p->client.tls->ctx, SSL_CTRL_SET_MAX_PROTO_VERSION, TLS1_2_VERSION, NULL);
	pair_join(p);
	cr_assert(pair_shake(p));
}

Test(tls_link, version_1_2_ends_both_ways_at_once)
{
	struct tls_pair p = {.client.moves.ragged = true, .server.moves.ragged = true};

	begin_1_2(&p);
	cr_assert(p.client.link.ends_both);
	cr_assert(p.server.link.ends_both);
	both_ways(&p, 50000);
	cr_assert(eq(int, pair_finish(&p.client), IO_DONE));
	pair_read(&p.server);
	cr_assert(eq(int, p.server.over, IO_EOF));
	pair_close(&p);
}

Test(tls_link, version_1_2_has_no_handshake_after_the_first)
{
	struct tls_pair p = {0};
	void *found;
	int (*renegotiate)(SSL * ssl);
	uint8_t room[100];
	size_t got;

	begin_1_2(&p);
	found = dlsym(p.client.tls->lib.handle, "SSL_renegotiate");
	memcpy(&renegotiate, &found, sizeof(renegotiate));
	cr_assert(eq(int, renegotiate(pair_layer(&p.client)->ssl), 0), "not by us");
	/* A server's HelloRequest is not answered by a handshake. */
	cr_assert(eq(int, link_read(&p.client.link, room, sizeof(room), &got), IO_AGAIN));
	pair_send(&p.client, &p.server, span_of("hello"));
	is_heard(&p.server, span_of("hello"));
	pair_close(&p);
}

#endif
