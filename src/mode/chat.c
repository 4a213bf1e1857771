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

static bool is_client(const struct chat_run *run)
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
	struct list *node = p ? p->node.next : run->members.next;

	return node == &run->members ? NULL : container_of(node, struct chat_peer, node);
}

bool chat_has_members(const struct chat_run *run, const struct chat_peer *but)
{
	for (struct chat_peer *p = chat_next(run, NULL); p; p = chat_next(run, p))
		if (p != but && !conn_closing(p->conn))
			return true;
	return false;
}

/* ---- those who are behind ---- */

/* Whether somebody is behind who still takes what it is sent. */
static bool must_wait(const struct chat_run *run)
{
	int64_t now_ms = run->env->loop->now_ms;

	for (struct chat_peer *p = chat_next(run, NULL); p; p = chat_next(run, p))
		if (p->behind && now_ms - p->moved_ms < CHAT_LOOK_MS)
			return true;
	return run->out_full;
}

void chat_go_on(struct chat_run *run)
{
	if (must_wait(run))
		return;
	for (struct chat_peer *p = chat_next(run, NULL); p; p = chat_next(run, p)) {
		if (!p->waits)
			continue;
		p->waits = false;
		framer_resume(&p->framer, p->conn, run->env->shared->settle_ms);
		conn_resume(p->conn);
	}
	chat_desk_speak(run);
}

/* Have a look at all, not put off by those who fall behind meanwhile. */
static void look_later(struct chat_run *run)
{
	if (!run->look.place)
		timer_set_in(run->env->loop, &run->look, CHAT_LOOK_MS);
}

/* Send a line to a member, and see whether it keeps up. */
static void send_to(struct chat_run *run, struct chat_peer *p, struct span line)
{
	int64_t now_ms = run->env->loop->now_ms;

	if (conn_write(p->conn, line) == 0)
		return;
	if (!p->behind) {
		p->behind = true;
		p->moved_ms = now_ms;
		p->sent_before = conn_sent(p->conn);
		look_later(run);
	}
	if (conn_queued(p->conn) > CHAT_BEHIND_MAX_BYTES)
		conn_expel(p->conn, "it does not read what is said");
}

static void look_at(struct chat_run *run, struct chat_peer *p)
{
	int64_t now_ms = run->env->loop->now_ms;

	if (p->behind && conn_sent(p->conn) != p->sent_before) {
		p->sent_before = conn_sent(p->conn);
		p->moved_ms = now_ms;
	}
	if (p->behind && now_ms - p->moved_ms >= CHAT_STUCK_MS)
		conn_expel(p->conn, "it does not read what is said");
	/* After our end a member may finish what it says, but not keep us for ever. */
	if (run->input_over && !is_client(run) &&
		now_ms - conn_active_ms(p->conn) >= CONN_LINGER_MS)
		conn_close(p->conn, 0);
}

static void on_look(struct timer *t)
{
	struct chat_run *run = container_of(t, struct chat_run, look);
	bool again = run->input_over && !list_empty(&run->members);

	for (struct chat_peer *p = chat_next(run, NULL); p; p = chat_next(run, p)) {
		look_at(run, p);
		again |= p->behind;
	}
	if (again)
		look_later(run);
	chat_go_on(run);
}

/* ---- what is said ---- */

static void send_to_all(struct chat_run *run, struct span line, const struct chat_peer *but)
{
	for (struct chat_peer *p = chat_next(run, NULL); p; p = chat_next(run, p))
		if (p != but && !conn_finished(p->conn))
			send_to(run, p, line);
}

static void out_of_memory(struct chat_run *run)
{
	chat_fail(run, &(struct err){ERR_RUNTIME, .what = "chat: out of memory"});
}

bool chat_may_say(const struct chat_run *run)
{
	return chat_has_members(run, NULL) && !run->input_over && !must_wait(run) &&
	       (run->my_turn || !run->conf->turns);
}

void chat_say(struct chat_run *run, struct span line)
{
	bool bye = chat_is_bye(run, line);
	struct buf whole = {0};

	if (!bye || run->conf->bye) {
		if (buf_add(&whole, line) < 0 || buf_puts(&whole, run->eol) < 0)
			out_of_memory(run);
		else
			send_to_all(run, buf_span(&whole), NULL);
		run->my_turn = whole.len == 0; /* of nothing, nothing comes back */
		buf_free(&whole);
	}
	if (bye)
		chat_leave(run, true);
}

/* Pass a member's line on to the others, made harmless, with its name in front. */
static void relay(struct chat_run *run, struct chat_peer *from, const char *who, struct span line)
{
	struct escaper e = {.one_line = true};
	struct buf whole = {0};

	if (buf_puts(&whole, who) < 0 || escape_add(&e, line, &whole) < 0 ||
		escape_end(&e, &whole) < 0 || buf_puts(&whole, run->eol) < 0)
		conn_refuse(from->conn, "out of memory");
	else
		send_to_all(run, buf_span(&whole), from);
	buf_free(&whole);
}

/* A member said something. */
static bool on_said(struct conn *c, struct span line)
{
	struct chat_run *run = conn_ctx(c);
	struct chat_peer *p = conn_peer(c);
	char who[32] = "";

	if (chat_is_bye(run, line)) {
		conn_close(c, CONN_LINGER_MS);
		return false;
	}
	if (chat_has_members(run, p))
		snprintf(who, sizeof(who), "guest%ju: ", (uintmax_t)conn_id(c));
	if (chat_desk_show(run, p, who, line) < 0)
		run->out_full = true;
	if (who[0])
		relay(run, p, who, line);
	run->my_turn = true;
	if (!must_wait(run))
		chat_desk_speak(run);
	return !conn_closing(c);
}

/* ---- the operator's end ---- */

/* It is told that nothing more comes from us; what it still says is heard. */
static void finish_member(struct chat_run *run, struct chat_peer *p)
{
	if (run->leaving)
		conn_close(p->conn, CONN_LINGER_MS);
	else
		conn_finish(p->conn);
}

void chat_leave(struct chat_run *run, bool leaving)
{
	run->input_over = true;
	run->leaving = leaving;
	chat_desk_leave(run);
	for (struct chat_peer *p = chat_next(run, NULL); p; p = chat_next(run, p))
		finish_member(run, p);
	if (is_client(run))
		return;
	look_later(run);
	run->env->enough(run->env->arg);
}

void chat_fail(struct chat_run *run, const struct err *why)
{
	if (!run->verdict.kind)
		run->verdict = *why;
	for (struct chat_peer *p = chat_next(run, NULL); p; p = chat_next(run, p))
		conn_abort(p->conn);
	chat_desk_finish(run);
}

/* ---- a member ---- */

static void chat_open(struct conn *c)
{
	struct chat_run *run = conn_ctx(c);
	struct chat_peer *p = conn_peer(c);

	p->conn = c;
	list_push(&run->members, &p->node);
	if (!run->begun)
		chat_desk_begin(run);
	run->begun = true;
	chat_desk_speak(run);
}

static void chat_data(struct conn *c, struct span in)
{
	struct chat_run *run = conn_ctx(c);
	struct chat_peer *p = conn_peer(c);

	framer_data(&p->framer, c, in, run->env->shared->settle_ms, on_said);
	p->waits = must_wait(run) && !conn_closing(c);
	if (!p->waits)
		return;
	conn_pause(c);
	conn_after(c, -1); /* it is not quiet: it is not heard */
}

/* A part of a line has gone quiet; or it ended some time ago, and so has our input been quiet. */
static void chat_later(struct conn *c)
{
	struct chat_peer *p = conn_peer(c);

	if (p->ended)
		conn_finish(c);
	else
		framer_settled(&p->framer, c, on_said);
}

/* It says no more. A person at a terminal is done with it; from a file or a program, what stands
 * there to be said is still said. */
static void chat_eof(struct conn *c)
{
	struct chat_run *run = conn_ctx(c);
	struct chat_peer *p = conn_peer(c);

	framer_settled(&p->framer, c, on_said);
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

	(void)why; /* whoever owns the connection judges it */
	list_remove(&p->node);
	if (!run->finishing)
		chat_go_on(run);
}

static void chat_release(struct conn *c)
{
	struct chat_peer *p = conn_peer(c);

	framer_free(&p->framer);
}

/* ---- the run ---- */

static const char *line_end(const struct mode_shared *shared)
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
	run->eol = line_end(env->shared);
	run->my_turn = is_client(run);
	list_init(&run->members);
	if (run->conf->bye && !run->conf->bye[0]) {
		err_set(err, ERR_USAGE, "'--bye' needs a word");
		return err_hint(err, "write --bye END, for example");
	}
	if (timer_init(env->loop, &run->look, on_look) < 0)
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	return chat_desk_open(run, err);
}

/* The last member is gone. A script of which a part was read in vain has not been played. */
static void chat_finish(struct mode_env *env)
{
	struct chat_run *run = env->state;

	if (run->typed.len && !run->at_terminal && !run->leaving && !run->verdict.kind)
		err_set(&run->verdict, ERR_LOST, "the peer left before all was said");
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
	chat_desk_free(run);
}

const struct mode mode_chat = {
	.name = "chat",
	.summary = "exchange lines with everybody who is there",
	.on = {.open = chat_open,
		.data = chat_data,
		.drained = chat_drained,
		.later = chat_later,
		.eof = chat_eof,
		.closed = chat_closed,
		.let_go = chat_release,
		.release = chat_release,
		.peer_size = sizeof(struct chat_peer)},
	.options = chat_options,
	.option_count = sizeof(chat_options) / sizeof(chat_options[0]),
	.conf_size = sizeof(struct chat_conf),
	.state_size = sizeof(struct chat_run),
	.no_datagrams = "they do not tell who comes and goes",
	.begin = chat_begin,
	.finish = chat_finish,
	.stopping = chat_stopping,
	.end = chat_end,
};
