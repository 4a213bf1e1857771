#include <errno.h>
#include <stdlib.h>

#include "memory.h"
#include "tls_pair.h"

#ifdef TLS_IS_BUILT_IN

/* The handshake, who the peer is, and what is told of it. */
TestSuite(tls_handshake, .timeout = 60);

static bool has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

static const struct err *story_of(struct tls_side *side)
{
	const struct err *why = link_story(&side->link);

	cr_assert(eq(int, side->over, IO_FAIL));
	cr_assert(why != NULL);
	return why;
}

/* One of the two fails: its story is that. */
static void fails_with(struct tls_side *side, enum err_kind kind, const char *part)
{
	const struct err *why = story_of(side);

	cr_assert(eq(int, why->kind, kind));
	cr_assert(has(why->what, part), "%s", why->what);
}

Test(tls_handshake, in_pieces_of_one_byte)
{
	const struct moves least = {.per_read = 1, .per_write = 1, .again_every = 3};
	struct tls_pair p = {.client.moves = least, .server.moves = least};

	pair_open(&p);
	pair_send(&p.client, &p.server, span_of("hello"));
	cr_assert(eq(sz, p.server.heard.len, 5));
	pair_close(&p);
}

Test(tls_handshake, what_comes_with_its_last_message_is_read_after_it)
{
	struct tls_pair p = {0};
	size_t taken;

	pair_begin(&p);
	pair_join(&p);
	cr_assert(eq(int, side_shake(&p.client), IO_AGAIN));
	cr_assert(eq(int, side_shake(&p.server), IO_AGAIN));
	cr_assert(eq(int, side_shake(&p.client), IO_DONE));
	cr_assert(eq(int, pair_write(&p.client, span_of("early"), &taken), IO_DONE));
	cr_assert(eq(int, side_shake(&p.server), IO_DONE));
	cr_assert(link_has_bytes(&p.server.link));
	pair_read(&p.server);
	cr_assert(eq(sz, p.server.heard.len, 5));
	pair_close(&p);
}

/* There it is kept, for which there may be no memory. */
Test(tls_handshake, what_comes_with_its_last_message_may_find_no_memory)
{
	struct tls_pair p = {0};
	size_t taken;
	enum io verdict;

	pair_begin(&p);
	pair_join(&p);
	side_shake(&p.client);
	side_shake(&p.server);
	side_shake(&p.client);
	pair_write(&p.client, span_of("early"), &taken);
	fail_allocation(1);
	verdict = side_shake(&p.server);
	fail_allocation(0);
	cr_assert(eq(int, verdict, IO_FAIL));
	cr_assert(eq(int, p.server.link.error, ENOMEM));
	pair_close(&p);
}

Test(tls_handshake, a_last_message_that_cannot_be_written_is_a_failure)
{
	struct tls_pair p = {0};

	pair_begin(&p);
	pair_join(&p);
	side_shake(&p.client);
	side_shake(&p.server);
	p.client.moves.write_error = EPIPE;
	p.client.over = side_shake(&p.client);
	fails_with(&p.client, ERR_TLS, "the peer reset the connection during the handshake");
	p.client.over = side_shake(&p.client);
	fails_with(&p.client, ERR_TLS, "the peer reset the connection during the handshake");
	pair_close(&p);
}

Test(tls_handshake, what_was_read_before_it_began_is_its_own)
{
	struct tls_pair p = {0};
	size_t got;
	uint8_t room[3];

	pair_begin(&p);
	cr_assert(tls_over(p.client.tls, &p.client.link, &(struct addr){.len = 0}, "localhost"));
	cr_assert(eq(int, side_shake(&p.client), IO_AGAIN));
	cr_assert(eq(int, link_read(&p.server.link, room, 3, &got), IO_DONE));
	cr_assert(eq(int, link_unread(&p.server.link, (struct span){room, got}), 0));
	cr_assert(tls_over(p.server.tls, &p.server.link, &(struct addr){.len = 0}, NULL));
	cr_assert(pair_shake(&p));
	pair_close(&p);
}

/* ---- who it is ---- */

static void refuse(struct tls_pair *p)
{
	pair_begin(p);
	pair_join(p);
	cr_assert(not(pair_shake(p)));
}

Test(tls_handshake, a_pin_that_is_another_is_refused_and_shown)
{
	struct tls_pair p = {
		.client.conf.pin =
			"sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"};

	refuse(&p);
	fails_with(&p.client, ERR_TLS, "its pin is another: sha256:");
	cr_assert(has(story_of(&p.client)->what, p.pin), "%s", story_of(&p.client)->what);
	cr_assert(eq(int, (int)story_of(&p.client)->fact, (int)FACT_TLS_PIN));
	fails_with(&p.server, ERR_TLS, "the peer refuses: ");
	pair_close(&p);
}

static char none[] = "/dev/null";

Test(tls_handshake, without_its_pin_a_certificate_of_its_own_is_not_known)
{
	struct tls_pair p = {0};

	setenv("SSL_CERT_DIR", none, 1);
	pair_begin(&p);
	tls_free(p.client.tls);
	p.client.conf.pin = NULL;
	p.client.tls = tls_of_client(&p.client.conf, &p.client.to, &(struct err){0});
	pair_join(&p);
	cr_assert(not(pair_shake(&p)));
	fails_with(&p.client, ERR_TLS, "its certificate is not accepted: self-signed");
	cr_assert(has(story_of(&p.client)->what, p.pin), "%s", story_of(&p.client)->what);
	cr_assert(eq(int, (int)story_of(&p.client)->fact, (int)FACT_TLS_UNTRUSTED));
	pair_close(&p);
}

Test(tls_handshake, unverified_it_is_taken_and_said)
{
	struct tls_pair p = {.client.conf.no_verify = true, .name = "another.example"};

	pair_open(&p);
	tls_tell(pair_layer(&p.client), 0);
	cr_assert(has(p.client.lines.text, "127.0.0.1:4433: its certificate was not verified"),
		"%s", p.client.lines.text);
	cr_assert(has(p.client.lines.text, ": not verified\n"), "%s", p.client.lines.text);
	pair_close(&p);
}

Test(tls_handshake, what_was_agreed_on_is_told)
{
	struct tls_pair p = {.client.conf.alpn = "h2,http/1.1", .server.conf.alpn = "http/1.1"};

	pair_open(&p);
	tls_tell(pair_layer(&p.client), 0);
	cr_assert(has(p.client.lines.text, "127.0.0.1:4433: TLSv1.3, TLS_"), "%s",
		p.client.lines.text);
	cr_assert(has(p.client.lines.text,
			  "certificate of CN=sockx-tls by CN=sockx-tls, names localhost, "),
		"%s", p.client.lines.text);
	cr_assert(has(p.client.lines.text, p.pin), "%s", p.client.lines.text);
	cr_assert(has(p.client.lines.text, ": verified by its pin\n"), "%s", p.client.lines.text);
	p.server.to.json = true;
	tls_tell(pair_layer(&p.server), 7);
	cr_assert(has(p.server.lines.text, "\"event\":\"tls.agreed\""), "%s", p.server.lines.text);
	cr_assert(has(p.server.lines.text, "\"conn\":7"), "%s", p.server.lines.text);
	cr_assert(has(p.server.lines.text, "\"tls\":\"TLSv1.3\""), "%s", p.server.lines.text);
	cr_assert(has(p.server.lines.text, "\"alpn\":\"http/1.1\""), "%s", p.server.lines.text);
	cr_assert(not(has(p.server.lines.text, "tls.certificate")), "a client showed none");
	pair_close(&p);
}

Test(tls_handshake, without_a_protocol_in_common_it_fails_on_both_sides)
{
	struct tls_pair p = {.client.conf.alpn = "h2", .server.conf.alpn = "http/1.1"};

	refuse(&p);
	fails_with(&p.server, ERR_TLS, "no protocol in common (ALPN)");
	fails_with(&p.client, ERR_TLS, "the peer refuses: no protocol in common (ALPN)");
	pair_close(&p);
}

Test(tls_handshake, without_a_version_in_common_it_fails_on_both_sides)
{
	struct tls_pair p = {0};

	pair_begin(&p);
	p.client.tls->lib.SSL_CTX_ctrl(
		p.client.tls->ctx, SSL_CTRL_SET_MAX_PROTO_VERSION, TLS1_2_VERSION, NULL);
	p.server.tls->lib.SSL_CTX_ctrl(
		p.server.tls->ctx, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_3_VERSION, NULL);
	pair_join(&p);
	cr_assert(not(pair_shake(&p)));
	fails_with(&p.server, ERR_TLS, "no version of TLS in common");
	fails_with(&p.client, ERR_TLS, "the peer refuses: it does not speak this version of TLS");
	pair_close(&p);
}

/* ---- what is not TLS ---- */

/* What the server says of a peer that sends that. */
static void server_gets(const char *text, const char *says)
{
	struct tls_pair p = {0};

	pair_begin(&p);
	buf_puts(&p.to_server, text);
	cr_assert(tls_over(p.server.tls, &p.server.link, &(struct addr){.len = 0}, NULL));
	p.server.over = side_shake(&p.server);
	fails_with(&p.server, ERR_TLS, says);
	cr_assert(eq(int, (int)story_of(&p.server)->fact, (int)FACT_TLS_PLAIN_PEER));
	pair_close(&p);
}

Test(tls_handshake, a_peer_that_does_not_speak_it_is_understood)
{
	server_gets("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "what came is HTTP without TLS");
	server_gets("CONNECT x:443 HTTP/1.1\r\n\r\n", "what came is HTTP without TLS");
	server_gets("hello, world\n", "what came is not TLS");
}

/* The server has begun to answer a client of TLS, as MOVES let it, when other bytes come. */
static void other_bytes_come_to(struct tls_pair *p, struct moves moves)
{

	pair_begin(p);
	pair_join(p);
	cr_assert(eq(int, side_shake(&p->client), IO_AGAIN));
	p->server.moves = moves;
	cr_assert(eq(int, side_shake(&p->server), IO_AGAIN));
	buf_puts(&p->to_server, "hello, world\n");
	p->server.over = side_shake(&p->server);
	fails_with(&p->server, ERR_TLS, "what came is not TLS");
}

Test(tls_handshake, once_nothing_can_be_written_such_a_peer_gets_no_answer)
{
	struct tls_pair p = {0};

	other_bytes_come_to(&p, (struct moves){.write_error = EPIPE});
	cr_assert(eq(uint, p.server.refused, 1));
	pair_close(&p);
}

Test(tls_handshake, nor_does_it_in_the_middle_of_what_waits)
{
	struct tls_pair p = {0};

	other_bytes_come_to(&p, (struct moves){.per_write = 100});
	cr_assert(gt(sz, p.to_client.len, 0));
	cr_assert(eq(sz, p.to_client.len % 100, 0), "%zu", p.to_client.len);
	pair_close(&p);
}

Test(tls_handshake, an_hello_of_sslv2_is_refused)
{
	static const uint8_t hello[] = {0x80, 0x1c, 1, 0, 2, 0, 3, 0, 0, 0, 16, 7, 0, 0xc0, 1, 2, 3,
		4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
	struct tls_pair p = {0};

	pair_begin(&p);
	buf_add(&p.to_server, (struct span){hello, sizeof(hello)});
	cr_assert(tls_over(p.server.tls, &p.server.link, &(struct addr){.len = 0}, NULL));
	p.server.over = side_shake(&p.server);
	fails_with(&p.server, ERR_TLS, "TLS with ");
	pair_close(&p);
}

Test(tls_handshake, a_server_that_does_not_speak_it_is_understood)
{
	struct tls_pair p = {0};

	pair_begin(&p);
	buf_puts(&p.to_client, "220 mail.example ESMTP\r\n");
	pair_join(&p);
	p.client.over = side_shake(&p.client);
	fails_with(&p.client, ERR_TLS, "what came is not TLS");
	pair_close(&p);
}

/* ---- it is cut ---- */

/* The bytes that the client gets while hands are shaken. */
static size_t flight_bytes(void)
{
	struct tls_pair p = {0};
	size_t len;

	pair_begin(&p);
	pair_join(&p);
	side_shake(&p.client);
	side_shake(&p.server);
	len = p.to_client.len;
	pair_close(&p);
	return len;
}

/* The client gets that much of it, and then an end or a reset. */
static void cut_at(size_t len, int error)
{
	struct tls_pair p = {0};

	pair_begin(&p);
	pair_join(&p);
	side_shake(&p.client);
	side_shake(&p.server);
	p.to_client.len = len;
	p.client.moves.ends = !error;
	p.client.moves.read_error = error;
	p.client.over = side_shake(&p.client);
	fails_with(&p.client, ERR_TLS,
		error ? "the peer reset the connection during the handshake"
		      : "the peer ended the connection during the handshake");
	pair_close(&p);
}

Test(tls_handshake, an_end_or_a_reset_at_any_byte_of_it_is_a_failure_of_tls)
{
	size_t all = flight_bytes();

	for (size_t len = 0; len + 50 < all; len += 37) {
		cut_at(len, 0);
		cut_at(len, ECONNRESET);
	}
}

Test(tls_handshake, a_network_that_fails_is_not_the_peer)
{
	struct tls_pair p = {.client.moves.read_error = EHOSTUNREACH};

	pair_begin(&p);
	pair_join(&p);
	cr_assert(eq(int, side_shake(&p.client), IO_FAIL));
	cr_assert(eq(int, p.client.link.error, EHOSTUNREACH));
	cr_assert(eq(ptr, (void *)link_story(&p.client.link), NULL));
	pair_close(&p);
}

Test(tls_handshake, why_the_peer_refused_is_read_though_it_takes_no_more)
{
	struct tls_pair p = {.client.conf.alpn = "h2", .server.conf.alpn = "http/1.1"};

	pair_begin(&p);
	pair_join(&p);
	p.client.moves.per_write = 20;
	cr_assert(eq(int, side_shake(&p.client), IO_AGAIN));
	/* The server has all of it, answers and is gone; the client has not written all, it thinks.
	 */
	p.client.moves.per_write = 0;
	while (p.client.link.holds) {
		size_t none;

		pair_write(&p.client, (struct span){0}, &none);
	}
	cr_assert(eq(int, side_shake(&p.server), IO_FAIL));
	buf_add(&pair_layer(&p.client)->out, span_of("left"));
	p.client.link.holds = true;
	p.client.moves.write_error = EPIPE;
	p.client.over = side_shake(&p.client);
	fails_with(&p.client, ERR_TLS, "the peer refuses: no protocol in common (ALPN)");
	pair_close(&p);
}

Test(tls_handshake, what_is_never_taken_keeps_it_waiting)
{
	struct tls_pair p = {.client.moves.deaf = true};

	pair_begin(&p);
	pair_join(&p);
	for (int i = 0; i < 3; i++)
		cr_assert(eq(int, side_shake(&p.client), IO_AGAIN));
	cr_assert(p.client.link.holds);
	p.client.moves.deaf = false;
	cr_assert(pair_shake(&p));
	pair_close(&p);
}

/* ---- no memory ---- */

/* Write all of a text in small pieces while the other end reads, now little, now much, until
 * something fails. Returns how much was read, which is what was written. */
static size_t pass_text(struct tls_pair *p, const char *text, size_t all)
{
	static uint8_t room[1 << 14];
	size_t written = 0, len = 0;
	enum io verdict = IO_DONE;

	for (int i = 0; i < 1000 && verdict != IO_FAIL && len < all; i++) {
		size_t got = 0, taken = 0, piece = all - written < 900 ? all - written : 900;

		if (pair_write(&p->server, (struct span){(const uint8_t *)text + written, piece},
			    &taken) == IO_FAIL)
			return len;
		written += taken;
		if (i % 4 == 0)
			continue;
		verdict = link_read(&p->client.link, room, i % 3 ? 200 : sizeof(room), &got);
		if (verdict == IO_DONE && memcmp(room, text + len, got) != 0)
			abort();
		len += verdict == IO_DONE ? got : 0;
	}
	return len;
}

/* All of a connection, with the nth allocation of ours failing. Returns whether it was reached. */
static bool lacks(unsigned nth)
{
	struct tls_pair p = {.client.moves.room = 3000, .server.moves.room = 3000};
	const struct addr at = addr_loopback(AF_INET, 4433);
	struct tls_link *client, *server = NULL;
	char *text = script_bytes(20000);
	size_t len = 0;
	bool reached;

	pair_begin(&p);
	fail_allocation(nth);
	client = tls_over(p.client.tls, &p.client.link, &at, "localhost");
	if (client)
		server = tls_over(p.server.tls, &p.server.link, &at, NULL);
	if (server && pair_shake(&p))
		len = pass_text(&p, text, 20000);
	reached = fail_allocation(0);
	if (client && p.client.link.error)
		cr_expect(eq(int, p.client.link.error, ENOMEM));
	if (server && p.server.link.error)
		cr_expect(eq(int, p.server.link.error, ENOMEM));
	if (!reached)
		cr_expect(eq(sz, len, 20000));
	pair_close(&p);
	cr_expect(eq(uint, p.client.closed, client != NULL));
	cr_expect(eq(uint, p.server.closed, server != NULL));
	free(text);
	return reached;
}

Test(tls_handshake, any_lack_of_memory_is_one_and_leaves_nothing)
{
	unsigned nth = 1;

	while (lacks(nth))
		nth++;
	cr_assert(gt(uint, nth, 10));
}

/* ... of what all connections share. */
static void begins_or_tells(bool server)
{
	static const char *const names[] = {"localhost"};
	unsigned nth = 1;
	bool reached = true;

	for (; reached; nth++) {
		struct lines lines;
		struct reporter to = lines_reporter(&lines);
		struct tls_conf conf = {0};
		struct err err = {0};
		struct tls *tls;

		fail_allocation(nth);
		tls = server ? tls_of_server(&conf, &to, names, 1, &err)
		             : tls_of_client(&conf, &to, &err);
		reached = fail_allocation(0);
		cr_expect(eq(int, tls == NULL, reached));
		if (!tls)
			cr_expect(eq(int, (int)err.kind, ERR_RUNTIME), "%s", err.what);
		tls_free(tls);
	}
	cr_assert(gt(uint, nth, server ? 3 : 2));
}

Test(tls_handshake, a_lack_of_memory_at_the_beginning_is_told)
{
	begins_or_tells(true);
	begins_or_tells(false);
}

/* ... and of the step that puts the layer over a connection, of which a byte has been read. */
static struct err told;

static void on_unopened(
	struct conn_owner *owner, struct conn *c, const struct step *at, const struct err *why)
{
	(void)owner;
	(void)c;
	cr_assert(eq(ptr, (void *)at, (void *)&step_tls));
	told = *why;
}

static void is_turned_away_without(unsigned nth, const struct step_entry *steps)
{
	static const struct handler nothing;
	struct script s = {.incoming = "\x16", .stays = true};
	struct scene sc;
	struct conn *c;

	told = (struct err){0};
	scene_begin(&sc, &nothing);
	sc.owner.steps = steps;
	sc.owner.unopened = on_unopened;
	c = scene_make(&sc, &s, CONN_BOTH);
	fail_allocation(nth);
	conn_begin(c);
	fail_allocation(0);
	cr_assert(eq(int, told.sys, ENOMEM), "allocation %u: %s", nth, told.what);
	scene_end(&sc);
}

Test(tls_handshake, a_client_that_we_lack_memory_for_is_turned_away)
{
	struct tls_pair p = {0};
	struct tls_end end = {0};
	const struct step_entry steps[] = {
		{&step_not_reset, NULL}, {&step_tls, &end}, {NULL, NULL}};

	pair_begin(&p);
	end.tls = p.server.tls;
	is_turned_away_without(1, steps);
	is_turned_away_without(2, steps);
	pair_close(&p);
}

#endif
