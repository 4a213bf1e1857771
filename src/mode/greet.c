#include "mode/greet.h"

#include <string.h>

#include "base/escape.h"
#include "os/sys_process.h"
#include "report/report.h"

static const struct opt greet_options[] = {
	{.name = "greeting",
		.kind = OPT_TEXT,
		OPT_FIELD(struct greet_conf, greeting),
		.arg = "TEXT",
		.fallback = "welcome {name}",
		.help = "what each client gets; {name} stands for what it said first, {peer} "
			"for "
			"its address, {host} for this machine's name"},
	{.name = "ask",
		.kind = OPT_FLAG,
		OPT_FIELD(struct greet_conf, ask),
		.help = "wait for a name first, also for a greeting without {name}"},
};

/* ---- the greeting's text ---- */

/* What stands in braces and is filled in. Other braces are text: a greeting may be JSON. */
enum blank { BLANK_NONE, BLANK_NAME, BLANK_PEER, BLANK_HOST, BLANK_UNKNOWN };

static const char *const blanks[] = {
	[BLANK_NAME] = "{name}", [BLANK_PEER] = "{peer}", [BLANK_HOST] = "{host}"};

/* What begins at a brace; and its length. A lower-case word in braces is meant to be filled in. */
static enum blank greet_blank_at(const char *brace, size_t *len)
{
	size_t letters = strspn(brace + 1, "abcdefghijklmnopqrstuvwxyz");

	for (enum blank b = BLANK_NAME; b <= BLANK_HOST; b++) {
		*len = strlen(blanks[b]);
		if (strncmp(brace, blanks[b], *len) == 0)
			return b;
	}
	*len = letters + 2;
	return letters && brace[letters + 1] == '}' ? BLANK_UNKNOWN : BLANK_NONE;
}

static int greet_check(const char *text, bool *has_name, struct err *err)
{
	size_t len;

	for (const char *brace = text; (brace = strchr(brace, '{')); brace++) {
		enum blank b = greet_blank_at(brace, &len);

		if (b == BLANK_UNKNOWN) {
			const struct span word = {(const uint8_t *)brace, len};

			err_set(err, ERR_USAGE, "--greeting: there is no value for %s",
				quoted_span(word).text);
			return err_hint(err, "there are {name}, {peer} and {host}");
		}
		*has_name |= b == BLANK_NAME;
	}
	return 0;
}

static int greet_add_blank(struct buf *out, enum blank b, const struct greet_run *run,
	struct conn *c, struct span name)
{
	const struct addr peer = conn_address(c);

	switch (b) {
	case BLANK_NAME: return buf_add(out, name);
	case BLANK_PEER: return buf_puts(out, addr_text(&peer).text);
	case BLANK_HOST: return buf_puts(out, run->host);
	case BLANK_NONE:
	case BLANK_UNKNOWN: break;
	}
	return buf_puts(out, "{");
}

static int greet_write(
	struct buf *out, const struct greet_run *run, struct conn *c, struct span name)
{
	const char *text = run->conf->greeting;
	size_t len;

	while (*text) {
		size_t plain = strcspn(text, "{");
		enum blank b;

		if (buf_add(out, (struct span){(const uint8_t *)text, plain}) < 0)
			return -1;
		text += plain;
		if (!*text)
			break;
		b = greet_blank_at(text, &len);
		if (greet_add_blank(out, b, run, c, name) < 0)
			return -1;
		text += b == BLANK_NONE ? 1 : len;
	}
	return 0;
}

/* ---- a client ---- */

static void greet_tell(
	const struct greet_run *run, struct conn *c, enum report_kind what, struct span name)
{
	const struct addr peer = conn_address(c);

	report(run->to,
		&(struct report){.kind = what, .conn = conn_id(c), .at = &peer, .name = name});
}

/* Datagrams go on; a connection has had all it came for. */
static bool greet(struct conn *c, struct span name)
{
	const struct greet_run *run = conn_ctx(c);
	struct buf greeting = {0};

	if (run->asks)
		greet_tell(run, c, REPORT_NAMED, name);
	if (greet_write(&greeting, run, c, name) < 0) {
		buf_free(&greeting);
		conn_refuse(c, "out of memory");
		return false;
	}
	conn_write(c, buf_span(&greeting));
	buf_free(&greeting);
	if (conn_connectionless(c))
		return true;
	conn_close(c, CONN_LINGER_MS);
	return false;
}

static void greet_open(struct conn *c)
{
	const struct greet_run *run = conn_ctx(c);

	if (conn_connectionless(c))
		return;
	if (run->asks) {
		conn_await(c, run->request_ms);
		if (report_shown(run->to, REPORT_AWAITS_NAME))
			conn_after(c, GREET_SILENT_MS);
	} else {
		greet(c, (struct span){0});
	}
}

static void greet_data(struct conn *c, struct span in)
{
	const struct greet_run *run = conn_ctx(c);
	struct greet_peer *peer = conn_peer(c);

	framer_data(&peer->framer, c, in, run->settle_ms, greet);
}

/* Nothing has come for a while: of a name, or at all. */
static void greet_later(struct conn *c)
{
	const struct greet_run *run = conn_ctx(c);
	struct greet_peer *peer = conn_peer(c);

	if (peer->framer.held.len)
		framer_settled(&peer->framer, c, greet);
	else
		greet_tell(run, c, REPORT_AWAITS_NAME, (struct span){0});
}

/* It has no name to say, or one without an end. */
static void greet_eof(struct conn *c)
{
	struct greet_peer *peer = conn_peer(c);

	framer_settled(&peer->framer, c, greet);
	if (!conn_closing(c))
		greet(c, (struct span){0});
}

static void greet_release(struct conn *c)
{
	struct greet_peer *peer = conn_peer(c);

	framer_free(&peer->framer);
}

static int greet_begin(struct mode_env *env, struct err *err)
{
	struct greet_run *run = env->state;

	run->conf = env->conf;
	run->to = env->to;
	run->settle_ms = env->shared->settle_ms;
	run->request_ms = env->shared->request_ms;
	run->asks = run->conf->ask;
	sys_host_name(run->host, sizeof(run->host));
	return greet_check(run->conf->greeting, &run->asks, err);
}

const struct mode mode_greet = {
	.name = "greet",
	.summary = "say a text to each client, at once or once it has said its name, and close",
	.on = {.open = greet_open,
		.data = greet_data,
		.later = greet_later,
		.eof = greet_eof,
		.let_go = greet_release,
		.release = greet_release,
		.peer_size = sizeof(struct greet_peer)},
	.options = greet_options,
	.option_count = sizeof(greet_options) / sizeof(greet_options[0]),
	.conf_size = sizeof(struct greet_conf),
	.takes = MODE_TAKES_SETTLE | MODE_TAKES_REQUEST,
	.state_size = sizeof(struct greet_run),
	.amplifies = true,
	.begin = greet_begin,
};
