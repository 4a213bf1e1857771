#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "core/framer.h"
#include "script.h"

TestSuite(framer, .timeout = 20);

enum { SETTLE_MS = 100000 }; /* a stalled machine does not reach it by itself */

/* What the reader was told, each message in brackets, and after how many it wants no more. */
struct reader {
	struct framer framer;
	char said[400];
	unsigned count, enough;
	size_t longest;
};

static struct reader *reader_of(struct conn *c)
{
	return scene_of(c)->ctx;
}

static bool on_said(struct conn *c, struct span message)
{
	struct reader *r = reader_of(c);
	size_t used = strlen(r->said);

	snprintf(r->said + used, sizeof(r->said) - used, "[%.*s]", (int)message.len,
		(const char *)message.data);
	if (message.len > r->longest)
		r->longest = message.len;
	return ++r->count != r->enough;
}

static void on_data(struct conn *c, struct span in)
{
	framer_data(&reader_of(c)->framer, c, in, SETTLE_MS, on_said);
}

static void on_later(struct conn *c)
{
	framer_settled(&reader_of(c)->framer, c, on_said);
}

static void on_eof(struct conn *c)
{
	framer_settled(&reader_of(c)->framer, c, on_said);
	conn_finish(c);
}

static const struct handler reads = {.data = on_data, .later = on_later, .eof = on_eof};

static void begin(struct scene *sc, struct reader *r, struct script *peer)
{
	scene_begin(sc, &reads);
	sc->ctx = r;
	scene_join(sc, peer);
	scene_turn(sc, 50);
}

static void end(struct scene *sc, struct reader *r)
{
	framer_free(&r->framer);
	scene_end(sc);
}

/* All that a peer says, and its end. */
static void are_messages(const char *incoming, const char *expected)
{
	for (size_t per_read = 0; per_read < 4; per_read++) {
		struct script peer = {.incoming = incoming, .per_read = per_read};
		struct reader r = {0};
		struct scene sc;

		begin(&sc, &r, &peer);
		cr_assert(eq(str, r.said, (char *)expected), "%zu bytes a read", per_read);
		end(&sc, &r);
	}
}

Test(framer, a_line_is_a_message_whatever_ends_it)
{
	are_messages("one\ntwo\r\nthree\n", "[one][two][three]");
	are_messages("\n\r\n", "[][]");
	are_messages("a\rb\n", "[a\rb]");
}

Test(framer, the_peers_end_ends_its_line)
{
	are_messages("one\ntwo", "[one][two]");
	are_messages("", "");
}

Test(framer, what_has_gone_quiet_is_whole)
{
	struct script peer = {.incoming = "one\nhello", .per_read = 3, .stays = true};
	struct reader r = {0};
	struct scene sc;

	begin(&sc, &r, &peer);
	cr_assert(eq(str, r.said, "[one]"));
	scene_pass_ms(&sc, SETTLE_MS - 1);
	cr_assert(eq(str, r.said, "[one]"));
	scene_pass_ms(&sc, 1);
	cr_assert(eq(str, r.said, "[one][hello]"));
	scene_pass_ms(&sc, 10 * SETTLE_MS);
	cr_assert(eq(str, r.said, "[one][hello]"));
	end(&sc, &r);
}

Test(framer, a_long_line_ends_only_where_it_says_so)
{
	char *text = script_bytes(FRAMER_SETTLE_MAX_BYTES + 1);
	struct script peer = {.incoming = text, .stays = true};
	struct reader r = {0};
	struct scene sc;

	for (char *p = text; (p = strchr(p, '\n')); *p = '.')
		;
	peer.incoming_len = FRAMER_SETTLE_MAX_BYTES + 1;
	begin(&sc, &r, &peer);
	scene_pass_ms(&sc, 10 * SETTLE_MS);
	cr_assert(eq(uint, r.count, 0));
	end(&sc, &r);
	peer = (struct script){
		.incoming = text, .incoming_len = FRAMER_SETTLE_MAX_BYTES, .stays = true};
	begin(&sc, &r, &peer);
	scene_pass_ms(&sc, 10 * SETTLE_MS);
	cr_assert(eq(uint, r.count, 1));
	cr_assert(eq(sz, r.longest, FRAMER_SETTLE_MAX_BYTES));
	end(&sc, &r);
	free(text);
}

/* A line of so many bytes, ended so, or by its sender's end, read so many at a time. */
static void line_ended_by(const char *line_end, size_t len, size_t per_read, bool passes)
{
	char *text = malloc(len + 3);
	struct script peer = {
		.incoming = text, .per_read = per_read, .incoming_len = len + strlen(line_end)};
	struct reader r = {0};
	struct scene sc;

	memset(text, 'x', len);
	memcpy(text + len, line_end, strlen(line_end));
	begin(&sc, &r, &peer);
	scene_play(&sc);
	cr_assert(eq(uint, r.count, passes));
	if (passes)
		cr_assert(eq(sz, r.longest, len));
	else
		cr_assert(eq(str, peer.outgoing, "error: a line may have at most 65536 bytes\n"));
	cr_assert(eq(int, peer.failed, !passes));
	cr_assert(eq(sz, r.framer.held.len, 0));
	end(&sc, &r);
	free(text);
}

static void longest_line(size_t len, size_t per_read, bool passes)
{
	line_ended_by("\r\n", len, per_read, passes);
	line_ended_by("\n", len, per_read, passes);
	line_ended_by("", len, per_read, passes);
}

Test(framer, a_line_past_its_bound_is_refused)
{
	longest_line(FRAMER_MAX_BYTES, 0, true);
	longest_line(FRAMER_MAX_BYTES, 65537, true);
	longest_line(FRAMER_MAX_BYTES - 2, 5000, true);
	longest_line(FRAMER_MAX_BYTES + 1, 0, false);
	longest_line(FRAMER_MAX_BYTES + 3, 5000, false);
}

Test(framer, a_reader_that_has_had_enough_gets_no_more)
{
	struct script peer = {.incoming = "one\ntwo\nthree\n"};
	struct reader r = {.enough = 2};
	struct scene sc;

	begin(&sc, &r, &peer);
	cr_assert(eq(str, r.said, "[one][two]"));
	end(&sc, &r);
}

Test(framer, where_messages_are_whole_each_is_one)
{
	static const char *const messages[] = {"one", "two\n", "", "a\nb\r\n", NULL};
	struct script peer = {.message_max = 1000, .messages = messages, .stays = true};
	struct reader r = {0};
	struct scene sc;

	begin(&sc, &r, &peer);
	cr_assert(eq(str, r.said, "[one][two][][a\nb]"));
	end(&sc, &r);
}
