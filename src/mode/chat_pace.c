/* How fast members may talk: as fast as the others read, while they do. */
#include "mode/chat.h"

/* Whether a member is behind, and still takes what it is sent. */
static bool chat_pace_is_waited_for(const struct chat_run *run, const struct chat_peer *p)
{
	return p->behind && run->env->loop->now_ms - p->moved_ms < CHAT_LOOK_MS;
}

enum chat_pace chat_pace_now(const struct chat_run *run)
{
	size_t most = run->out_full && run->shown_to.to ? conn_queued(run->shown_to.to) : 0;
	bool waits = run->out_full;

	for (struct chat_peer *p = chat_next(run, NULL); p; p = chat_next(run, p)) {
		if (!chat_pace_is_waited_for(run, p))
			continue;
		waits = true;
		if (conn_queued(p->member.conn) > most)
			most = conn_queued(p->member.conn);
	}
	if (!waits)
		return CHAT_FLOWS;
	return most < CHAT_FULL_BYTES ? CHAT_BURSTS_WAIT : CHAT_ALL_WAIT;
}

/* ---- those who are behind ---- */

/* What has left for good: the kernel takes megabytes, then nothing more before a third of them is
 * gone, so what it took shows no progress for seconds. */
static uint64_t chat_pace_taken_by(const struct chat_peer *p)
{
	return conn_sent(p->member.conn) - conn_unsent(p->member.conn);
}

static void chat_pace_note_progress(struct chat_run *run, struct chat_peer *p)
{
	uint64_t taken = chat_pace_taken_by(p);

	if (taken == p->taken_before)
		return;
	p->taken_before = taken;
	p->moved_ms = run->env->loop->now_ms;
}

/* Have a look at all, not put off by those who fall behind meanwhile. */
void chat_look_later(struct chat_run *run)
{
	if (!run->look.place)
		timer_set_in(run->env->loop, &run->look, CHAT_LOOK_MS);
}

static void chat_pace_fell_behind(struct chat_run *run, struct chat_peer *p)
{
	p->behind = true;
	p->moved_ms = run->env->loop->now_ms;
	p->taken_before = chat_pace_taken_by(p);
	chat_look_later(run);
}

/* Send what was said to a member, and see whether it keeps up. */
static void chat_pace_send_to(struct chat_run *run, struct chat_peer *p, struct span said)
{
	if (conn_write(p->member.conn, said) == 0)
		return;
	if (!p->behind)
		chat_pace_fell_behind(run, p);
	if (conn_queued(p->member.conn) <= MEMBERS_BEHIND_MAX_BYTES)
		return;
	chat_pace_note_progress(run, p);
	if (!chat_pace_is_waited_for(run, p))
		conn_expel(p->member.conn, "it does not read what is said");
}

void chat_send(struct chat_run *run, struct span said, const struct chat_peer *but)
{
	const struct members *all = &run->members;
	const struct member *from = but ? &but->member : NULL;

	for (struct member *m = members_next_hearer(all, NULL, from); m;
		m = members_next_hearer(all, m, from))
		chat_pace_send_to(run, container_of(m, struct chat_peer, member), said);
}

static void chat_pace_look_at(struct chat_run *run, struct chat_peer *p)
{
	int64_t now_ms = run->env->loop->now_ms;

	if (p->behind)
		chat_pace_note_progress(run, p);
	if (p->behind && now_ms - p->moved_ms >= CHAT_STUCK_MS)
		conn_expel(p->member.conn, "it does not read what is said");
	/* After our end a member may finish what it says, but not keep us for ever. */
	if (run->input_over && run->env->enough &&
		now_ms - conn_active_ms(p->member.conn) >= CONN_LINGER_MS)
		conn_close(p->member.conn, 0);
}

void chat_on_look(struct timer *t)
{
	struct chat_run *run = container_of(t, struct chat_run, look);
	bool again = run->input_over && run->members.count;

	for (struct chat_peer *p = chat_next(run, NULL); p; p = chat_next(run, p)) {
		chat_pace_look_at(run, p);
		again |= p->behind;
	}
	if (again)
		chat_look_later(run);
	chat_go_on(run);
}

/* ---- those who wait ---- */

static bool chat_pace_has_to_wait(enum chat_pace pace, const struct chat_peer *p)
{
	return pace == CHAT_ALL_WAIT || (pace == CHAT_BURSTS_WAIT && p->bursts);
}

static void chat_pace_hold(struct chat_peer *p)
{
	p->waits = true;
	conn_pause(p->member.conn);
	conn_after(p->member.conn, -1); /* it is not quiet: it is not heard */
}

void chat_hold(struct chat_run *run, struct chat_peer *p)
{
	if (!p->waits && !conn_closing(p->member.conn) &&
		chat_pace_has_to_wait(chat_pace_now(run), p))
		chat_pace_hold(p);
}

void chat_hold_all(struct chat_run *run)
{
	if (chat_pace_now(run) != CHAT_ALL_WAIT)
		return;
	for (struct chat_peer *p = chat_next(run, NULL); p; p = chat_next(run, p))
		if (!p->waits && !p->ended && !conn_closing(p->member.conn))
			chat_pace_hold(p);
}

void chat_resume(struct chat_run *run, struct chat_peer *p)
{
	if (p->rest.len) {
		conn_pause(p->member.conn);
		conn_after(p->member.conn, 0);
		return;
	}
	framer_resume(&p->framer, p->member.conn, run->env->shared->settle_ms);
	conn_resume(p->member.conn);
}

void chat_go_on(struct chat_run *run)
{
	enum chat_pace pace = chat_pace_now(run);

	for (struct chat_peer *p = chat_next(run, NULL); p; p = chat_next(run, p)) {
		if (!p->waits || chat_pace_has_to_wait(pace, p))
			continue;
		p->waits = false;
		if (!p->ended)
			chat_resume(run, p);
	}
	chat_desk_speak(run);
}
