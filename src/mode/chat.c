#include "mode/chat.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/escape.h"

static const struct opt chat_options[] = {
	{.name = "bye",
		.kind = OPT_TEXT,
		OPT_FIELD(struct chat_conf, bye),
		.arg = "WORD",
		.help = "the line that ends the chat, exactly so, sent before we close (default: "
			"bye, in any case, which is not sent)"},
	{.name = "turns",
		.kind = OPT_FLAG,
		OPT_FIELD(struct chat_conf, turns),
		.help = "send one line, then wait for one, and so on; the client begins"},
};

static bool chat_is_client(const struct chat_run *run)
{
	return !run->env->enough;
}

bool chat_is_bye(const struct chat_run *run, struct span line)
{
	static const char usual[] = "bye";
	struct span blank = span_of(" \t\r\n\v\f");

	if (run->conf->bye)
		return line.len == strlen(run->conf->bye) &&
		       span_starts_with(line, span_of(run->conf->bye));
	while (line.len && memchr(blank.data, line.data[0], blank.len))
		line = span_from(line, 1);
	while (line.len && memchr(blank.data, line.data[line.len - 1], blank.len))
		line.len--;
	return line.len == strlen(usual) &&
	       strncasecmp((const char *)line.data, usual, line.len) == 0;
}

struct chat_peer *chat_next(const struct chat_run *run, const struct chat_peer *p)
{
	struct member *next = members_next(&run->members, p ? &p->member : NULL);

	return next ? container_of(next, struct chat_peer, member) : NULL;
}

/* ---- what is said ---- */

static void chat_out_of_memory(struct chat_run *run)
{
	chat_fail(run, &(struct err){ERR_RUNTIME, .what = "chat: out of memory"});
}

bool chat_may_say(const struct chat_run *run)
{
	enum chat_pace most = run->at_terminal ? CHAT_BURSTS_WAIT : CHAT_FLOWS;

	return members_has_other(&run->members, NULL) && !run->input_over &&
	       chat_pace_now(run) <= most && (run->my_turn || !run->conf->turns);
}

size_t chat_turn_lines(const struct chat_run *run)
{
	size_t members = run->members.count + 1;

	return members < CHAT_TURN_SENDS ? CHAT_TURN_SENDS / members : 1;
}

static void chat_flush_said(struct chat_run *run)
{
	struct buf said = run->said;

	run->said = (struct buf){0};
	if (said.len)
		chat_send(run, buf_span(&said), run->from);
	buf_free(&said);
}

void chat_flush(struct chat_run *run)
{
	chat_flush_said(run);
	chat_desk_flush(run);
	chat_hold_all(run);
}

void chat_say(struct chat_run *run, struct span line)
{
	bool bye = chat_is_bye(run, line);

	run->from = NULL;
	if (!bye || run->conf->bye) {
		run->my_turn =
			line.len + strlen(run->eol) == 0; /* of nothing, nothing comes back */
		if (buf_add(&run->said, line) < 0 || buf_puts(&run->said, run->eol) < 0)
			chat_out_of_memory(run);
		else if (run->apart || bye)
			chat_flush_said(run);
	}
	if (bye)
		chat_leave(run, true);
}

/* Pass a member's line on to the others, made harmless, with its name in front. */
static void chat_relay(
	struct chat_run *run, struct chat_peer *from, const char *who, struct span line)
{
	struct escaper e = {.one_line = true};

	run->from = from;
	if (buf_puts(&run->said, who) < 0 || escape_add(&e, line, &run->said) < 0 ||
		escape_end(&e, &run->said) < 0 || buf_puts(&run->said, run->eol) < 0)
		conn_refuse(from->member.conn, "out of memory");
	if (run->apart)
		chat_flush_said(run);
}

/* A member said something. */
static bool chat_on_said(struct conn *c, struct span line)
{
	struct chat_run *run = conn_ctx(c);
	struct chat_peer *p = conn_peer(c);
	char who[32] = "";

	if (chat_is_bye(run, line)) {
		conn_close(c, CONN_LINGER_MS);
		return false;
	}
	if (members_has_other(&run->members, &p->member))
		snprintf(who, sizeof(who), "guest%ju: ", (uintmax_t)conn_id(c));
	chat_desk_show(run, p, who, line);
	if (who[0])
		chat_relay(run, p, who, line);
	run->my_turn = true;
	if (run->conf->turns) {
		chat_flush(run);
		chat_desk_speak(run);
	}
	return !conn_closing(c);
}

/* ---- the operator's end ---- */

/* It sees that nothing more comes from us; what it still says is heard. */
static void chat_finish_member(struct chat_run *run, struct chat_peer *p)
{
	if (run->leaving)
		conn_close(p->member.conn, CONN_LINGER_MS);
	else
		conn_finish(p->member.conn);
}

void chat_leave(struct chat_run *run, bool leaving)
{
	chat_flush(run);
	run->input_over = true;
	run->leaving = leaving;
	chat_desk_leave(run);
	for (struct chat_peer *p = chat_next(run, NULL); p; p = chat_next(run, p))
		chat_finish_member(run, p);
	if (chat_is_client(run))
		return;
	chat_look_later(run);
	run->env->enough(run->env->arg);
}

void chat_fail(struct chat_run *run, const struct err *why)
{
	bool hung_up = run->typed_by.hung_up || run->shown_to.hung_up;

	if (!run->verdict.kind)
		run->verdict = *why;
	for (struct chat_peer *p = chat_next(run, NULL); p; p = chat_next(run, p)) {
		if (hung_up)
			conn_abort(p->member.conn);
		else
			conn_fail(p->member.conn);
	}
	chat_desk_finish(run);
}

/* ---- a member ---- */

static void chat_open(struct conn *c)
{
	struct chat_run *run = conn_ctx(c);
	struct chat_peer *p = conn_peer(c);

	members_join(&run->members, &p->member, c);
	run->apart |= conn_message_max(c) > 0;
	if (!run->begun)
		chat_desk_begin(run);
	run->begun = true;
	chat_desk_speak(run);
}

/* Hear what a member says, or the end of what it has said. */
static void chat_hear(struct chat_run *run, struct chat_peer *p, struct span in)
{
	if (in.data)
		framer_data(
			&p->framer, p->member.conn, in, run->env->shared->settle_ms, chat_on_said);
	else
		framer_settled(&p->framer, p->member.conn, chat_on_said);
	chat_flush(run);
}

/* The lines of a text that may be said in this turn, and what stands behind them without an end. */
static struct span chat_turn_of(const struct chat_run *run, struct span text)
{
	struct span left = text;

	for (size_t lines = chat_turn_lines(run); lines; lines--) {
		const uint8_t *end = left.len ? memchr(left.data, '\n', left.len) : NULL;

		if (!end)
			return text;
		left = span_from(left, (size_t)(end - left.data) + 1);
	}
	text.len -= left.len;
	return text;
}

/* Hear the next part of what has been read of a member; the rest has a later turn. */
static void chat_hear_rest(struct chat_run *run, struct chat_peer *p)
{
	struct span part = chat_turn_of(run, buf_span(&p->rest));

	chat_hear(run, p, part);
	buf_take(&p->rest, part.len);
	if (conn_closing(p->member.conn))
		buf_free(&p->rest);
	else if (!p->waits)
		chat_resume(run, p);
	chat_hold(run, p);
}

static void chat_data(struct conn *c, struct span in)
{
	struct chat_run *run = conn_ctx(c);
	struct chat_peer *p = conn_peer(c);

	p->bursts = in.len >= MEMBERS_TURN_BYTES || conn_message_max(c);
	if ((run->apart || run->conf->turns) && !conn_message_max(c)) {
		if (buf_add(&p->rest, in) < 0)
			conn_refuse(c, "out of memory");
		else
			chat_hear_rest(run, p);
	} else {
		chat_hear(run, p, in);
	}
	chat_hold(run, p);
}

/* It is its turn again; or a part of a line has gone quiet; or it ended some time ago, and so has
 * our input been quiet. */
static void chat_later(struct conn *c)
{
	struct chat_run *run = conn_ctx(c);
	struct chat_peer *p = conn_peer(c);

	if (p->ended)
		conn_finish(c);
	else if (p->rest.len)
		chat_hear_rest(run, p);
	else
		chat_hear(run, p, (struct span){0});
}

/* It says no more. A person at a terminal is done with it; from a file or a program, what stands
 * there to be said is still said. */
static void chat_eof(struct conn *c)
{
	struct chat_run *run = conn_ctx(c);
	struct chat_peer *p = conn_peer(c);

	chat_hear(run, p, (struct span){0});
	p->ended = true;
	if (run->input_over || run->at_terminal || run->conf->turns)
		conn_finish(c);
	else
		conn_after(c, run->env->shared->settle_ms);
}

static void chat_drained(struct conn *c)
{
	struct chat_peer *p = conn_peer(c);

	p->behind = false;
	chat_go_on(conn_ctx(c));
}

static void chat_closed(struct conn *c, const struct err *why)
{
	struct chat_run *run = conn_ctx(c);
	struct chat_peer *p = conn_peer(c);

	(void)why; /* the owner of the connection judges it */
	members_leave(&run->members, &p->member);
	if (!run->finishing)
		chat_go_on(run);
}

static void chat_release(struct conn *c)
{
	struct chat_peer *p = conn_peer(c);

	framer_free(&p->framer);
	buf_free(&p->rest);
}

/* ---- the run ---- */

static const char *chat_line_end(const struct mode_shared *shared)
{
	if (mode_sends_crlf(shared))
		return "\r\n";
	return shared->eol && strcmp(shared->eol, "none") == 0 ? "" : "\n";
}

static int chat_begin(struct mode_env *env, struct err *err)
{
	struct chat_run *run = env->state;

	run->env = env;
	run->conf = env->conf;
	run->eol = chat_line_end(env->shared);
	run->apart = run->eol[0] == '\0';
	run->my_turn = chat_is_client(run);
	members_init(&run->members);
	if (run->conf->bye && !run->conf->bye[0]) {
		err_set(err, ERR_USAGE, "'--bye' needs a word");
		return err_hint(err, "write --bye END, for example");
	}
	if (timer_init(env->loop, &run->look, chat_on_look) < 0)
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	return chat_desk_open(run, err);
}

/* The last member is gone. A script of which a part was read in vain has not been played. */
static void chat_finish(struct mode_env *env)
{
	struct chat_run *run = env->state;

	if (run->typed.len && !run->at_terminal && !run->leaving && !run->verdict.kind)
		err_set(&run->verdict, ERR_LOST, "the peer left before every line was sent");
	chat_desk_finish(run);
}

static void chat_stopping(struct mode_env *env)
{
	chat_desk_leave(env->state);
}

static void chat_end(struct mode_env *env)
{
	struct chat_run *run = env->state;

	timer_free(env->loop, &run->look);
	buf_free(&run->said);
	buf_free(&run->shown);
	chat_desk_free(run);
}

const struct mode mode_chat = {
	.name = "chat",
	.summary = "exchange lines with everybody who is there",
	.client_summary = "exchange lines with the server, or all who are there",
	.on = {.open = chat_open,
		.data = chat_data,
		.drained = chat_drained,
		.later = chat_later,
		.eof = chat_eof,
		.closed = chat_closed,
		.let_go = chat_release,
		.release = chat_release,
		.peer_size = sizeof(struct chat_peer),
		.read_max = MEMBERS_TURN_BYTES},
	.options = chat_options,
	.option_count = sizeof(chat_options) / sizeof(chat_options[0]),
	.conf_size = sizeof(struct chat_conf),
	.takes = MODE_TAKES_LINES | MODE_TAKES_NO_EOL | MODE_TAKES_SETTLE,
	.state_size = sizeof(struct chat_run),
	.no_progress = "its lines are shown as they come",
	.no_datagrams = "they do not tell who comes and goes",
	.begin = chat_begin,
	.uses_std = true,
	.finish = chat_finish,
	.stopping = chat_stopping,
	.end = chat_end,
};
