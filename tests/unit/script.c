#include "script.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "cmd/advice.h"
#include "held_clock.h"
#include "os/timer.h"

enum { PLAY_LIMIT_MS = 5000 };

/* ---- the transport ---- */

static struct script *script_behind(const struct link *link)
{
	return link->held;
}

static bool must_wait(struct script *s)
{
	return ++s->calls && s->again_every && s->calls % s->again_every == 0;
}

static size_t at_most(const struct script *s, size_t per_call, size_t len)
{
	size_t most = s->ragged ? 1 + s->calls * 5 % 13 : per_call;

	return most && len > most ? most : len;
}

static enum io fail(struct link *link, int error)
{
	if (script_behind(link)->story)
		return link_fail_with(link, script_behind(link)->story);
	link->error = error;
	return IO_FAIL;
}

static size_t incoming_len(const struct script *s)
{
	return s->incoming_len ? s->incoming_len : s->incoming ? strlen(s->incoming) : 0;
}

static enum io give_message(struct script *s, uint8_t *room, size_t size, size_t *got)
{
	const char *next = s->messages ? s->messages[s->messages_read] : NULL;

	if (!next)
		return s->stays ? IO_AGAIN : IO_EOF;
	*got = strlen(next);
	cr_assert(le(sz, *got, size), "what is read at once has room for every message");
	memcpy(room, next, *got);
	s->messages_read++;
	s->sent += *got;
	return IO_DONE;
}

static enum io script_read(struct link *link, uint8_t *room, size_t size, size_t *got)
{
	struct script *s = script_behind(link);
	size_t total = incoming_len(s), at = s->endless ? s->sent % total : s->sent;

	if (must_wait(s) || s->reads_nothing)
		return IO_AGAIN;
	if (++s->reads == s->fail_read_at)
		return fail(link, s->error);
	if (s->message_max)
		return give_message(s, room, size, got);
	if (at == total)
		return s->stays ? IO_AGAIN : IO_EOF;
	*got = at_most(s, s->per_read, total - at < size ? total - at : size);
	memcpy(room, s->incoming + at, *got);
	s->sent += *got;
	link->inside = s->quiet && s->sent < total;
	return IO_DONE;
}

/* It moves what a read would, to nowhere. */
static enum io script_drop(struct link *link, size_t size, size_t *got)
{
	struct script *s = script_behind(link);
	uint8_t *nowhere;
	enum io verdict;

	s->drops_tried++;
	if (s->cannot_drop)
		return fail(link, EFAULT);
	nowhere = malloc(size);
	verdict = script_read(link, nowhere, size, got);
	free(nowhere);
	return verdict;
}

static void record(struct script *s, struct span out)
{
	size_t room = s->outgoing_len < SCRIPT_OUT_MAX ? SCRIPT_OUT_MAX - s->outgoing_len : 0;

	if (out.len && room)
		memcpy(s->outgoing + s->outgoing_len, out.data, out.len < room ? out.len : room);
	s->outgoing_len += out.len;
}

static enum io take_message(struct script *s, struct link *link, struct span out, size_t *taken)
{
	if (out.len > s->message_max)
		return fail(link, EMSGSIZE);
	record(s, span_of("["));
	record(s, out);
	record(s, span_of("]"));
	*taken = out.len;
	return IO_DONE;
}

static enum io script_write(struct link *link, struct span out, size_t *taken)
{
	struct script *s = script_behind(link);

	cr_assert(eq(uint, s->finished, 0), "nothing is written behind our end");
	if (!s->message_max)
		cr_assert(gt(sz, out.len, 0), "an empty write says nothing");
	if (must_wait(s) || s->deaf)
		return IO_AGAIN;
	if (++s->writes == s->fail_write_at)
		return fail(link, s->error);
	if (s->message_max)
		return take_message(s, link, out, taken);
	out.len = at_most(s, s->per_write, out.len);
	record(s, out);
	*taken = out.len;
	return IO_DONE;
}

static enum io script_finish(struct link *link)
{
	struct script *s = script_behind(link);

	if (s->finish_waits) {
		s->finish_tries++;
		return IO_AGAIN;
	}
	s->finished++;
	return s->finish_error ? fail(link, s->finish_error) : IO_DONE;
}

static int script_unsent(struct link *link)
{
	struct script *s = script_behind(link);
	int unsent = s->unsent;

	s->looks++;
	if (unsent > 0)
		s->unsent -= s->acknowledges < unsent ? s->acknowledges : unsent;
	else if (s->gone_error)
		s->pending_error = s->gone_error;
	return unsent;
}

static int script_pending(struct link *link)
{
	return script_behind(link)->pending_error;
}

static void script_limit_hops(struct link *link, int hops)
{
	script_behind(link)->hops = hops;
}

static int script_close(struct link *link)
{
	struct script *s = script_behind(link);

	s->closed++;
	close(s->fd);
	return s->close_error;
}

static uint32_t script_wants(struct link *link, uint32_t asked)
{
	return asked ? script_behind(link)->wants : 0;
}

static void script_advise(struct reporter *to, struct err *err, int error, const struct addr *at)
{
	(void)to;
	(void)error;
	(void)at;
	err_hint(err, "scripted advice");
}

#define SCRIPT_COMMON                                                                          \
	.name = "script", .advise = script_advise, .read = script_read, .write = script_write, \
	.unsent = script_unsent, .pending = script_pending, .close = script_close

static const struct transport script_row = {SCRIPT_COMMON, .finish = script_finish};
static const struct transport script_reading_row = {
	SCRIPT_COMMON, .finish = script_finish, .unsent_is_unread = true};
static const struct transport script_datagram_row = {
	SCRIPT_COMMON, .limit_hops = script_limit_hops};
static const struct transport script_wanting_row = {
	SCRIPT_COMMON, .finish = script_finish, .wants = script_wants};

static const struct transport script_dropping_row = {
	SCRIPT_COMMON, .finish = script_finish, .drop = script_drop};

static const struct transport *row_for(const struct script *s)
{
	if (s->connectionless)
		return &script_datagram_row;
	if (s->wants)
		return &script_wanting_row;
	if (s->drops)
		return &script_dropping_row;
	return s->unread ? &script_reading_row : &script_row;
}

/* ---- what the handler gets ---- */

struct scene *scene_of(struct conn *c)
{
	return conn_ctx(c);
}

struct script *script_of(struct conn *c)
{
	return scene_of(c)->scripts[conn_id(c) - 1];
}

static void write_down(struct script *s, const char *word)
{
	size_t used = strlen(s->told), len = strlen(word);

	if (used >= len && strcmp(s->told + used - len, word) == 0)
		return;
	snprintf(s->told + used, sizeof(s->told) - used, "%s%s", used ? " " : "", word);
}

static void outer_open(struct conn *c)
{
	write_down(script_of(c), "open");
	if (scene_of(c)->inner->open)
		scene_of(c)->inner->open(c);
}

static void outer_data(struct conn *c, struct span in)
{
	write_down(script_of(c), "data");
	if (scene_of(c)->inner->data)
		scene_of(c)->inner->data(c, in);
}

static void outer_drained(struct conn *c)
{
	write_down(script_of(c), "drained");
	if (scene_of(c)->inner->drained)
		scene_of(c)->inner->drained(c);
}

static void outer_eof(struct conn *c)
{
	write_down(script_of(c), "eof");
	scene_of(c)->inner->eof(c);
}

static void outer_closed(struct conn *c, const struct err *why)
{
	write_down(script_of(c), "closed");
	if (scene_of(c)->inner->closed)
		scene_of(c)->inner->closed(c, why);
}

static void on_gone(struct conn_owner *owner, struct conn *c, const struct err *why)
{
	struct scene *sc = container_of(owner, struct scene, owner);
	struct script *s = sc->scripts[conn_id(c) - 1];

	s->ended++;
	s->failed = why != NULL;
	if (why)
		s->why = *why;
	advise(&s->why); /* as a user reads it */
}

/* ---- the scene ---- */

static void on_tick(struct timer *t)
{
	(void)t;
}

void scene_begin_for(struct scene *sc, const struct handler *on, void *ctx)
{
	struct err err;

	*sc = (struct scene){.to = silent_reporter(), .descriptors = open_descriptors()};
	cr_assert(eq(int, loop_init(&sc->loop, &err), 0));
	cr_assert(eq(int, timer_init(&sc->loop, &sc->tick, on_tick), 0));
	cr_assert(eq(int, scratch_init(&sc->scratch), 0));
	sc->owner = (struct conn_owner){.loop = &sc->loop,
		.to = &sc->to,
		.scratch = &sc->scratch,
		.on = on,
		.ctx = ctx,
		.gone = on_gone};
	conn_owner_init(&sc->owner);
}

void scene_begin(struct scene *sc, const struct handler *on)
{
	scene_begin_for(sc, NULL, sc);
	sc->owner.on = &sc->outer;
	sc->inner = on;
	sc->outer = (struct handler){.open = outer_open,
		.data = outer_data,
		.drained = outer_drained,
		.later = on->later,
		.release = on->release,
		.eof = on->eof ? outer_eof : NULL,
		.closed = outer_closed,
		.peer_size = on->peer_size};
}

struct link scene_link(struct scene *sc, struct script *s)
{
	struct link link = link_of(row_for(s), &sc->to);

	cr_assert(lt(u64, sc->owner.opened, SCENE_SCRIPTS_MAX));
	link.held = s;
	link.message_max = s->message_max;
	link.connectionless = s->connectionless;
	link.fd = s->fd = s->is_file ? memfd_create("script", MFD_CLOEXEC)
	                             : eventfd(!s->quiet, EFD_CLOEXEC | EFD_NONBLOCK);
	cr_assert(ge(int, s->fd, 0));
	sc->scripts[sc->owner.opened] = s;
	return link;
}

struct conn *scene_make(struct scene *sc, struct script *s, enum conn_sides sides)
{
	const struct link link = scene_link(sc, s);
	struct conn *c = conn_new(&sc->owner, &link, NULL, sides);

	cr_assert(c != NULL);
	return c;
}

struct conn *scene_join(struct scene *sc, struct script *s)
{
	struct conn *c = scene_make(sc, s, CONN_BOTH);

	conn_open(c);
	return c;
}

static void turn(struct scene *sc, int64_t wait_ms)
{
	struct err err;

	timer_set(&sc->loop, &sc->tick, clock_ms() + wait_ms);
	cr_assert(eq(int, loop_turn(&sc->loop, &err), 0));
	sc->turns++;
}

void scene_turn(struct scene *sc, unsigned turns)
{
	clock_hold_at(sc->loop.now_ms);
	while (turns-- > 0)
		turn(sc, 0);
	clock_release();
}

void scene_play(struct scene *sc)
{
	int64_t end_ms = clock_ms() + PLAY_LIMIT_MS;

	while (sc->owner.open_now > 0) {
		turn(sc, 1);
		cr_assert(lt(i64, clock_ms(), end_ms), "the play goes on for ever");
	}
}

void scene_pass_ms(struct scene *sc, int64_t ms)
{
	int64_t end_ms = sc->loop.now_ms + ms;

	timer_clear(&sc->loop, &sc->tick);
	while (sc->loop.timers_set && sc->loop.heap[1]->at_ms <= end_ms) {
		if (sc->loop.heap[1]->at_ms > sc->loop.now_ms)
			sc->loop.now_ms = sc->loop.heap[1]->at_ms;
		timers_run(&sc->loop);
	}
	sc->loop.now_ms = end_ms;
}

void scene_end(struct scene *sc)
{
	conn_owner_free(&sc->owner);
	timer_free(&sc->loop, &sc->tick);
	cr_expect(eq(u32, sc->loop.timers_counted, 0), "every timer was given back");
	loop_free(&sc->loop);
	scratch_free(&sc->scratch, &sc->to);
	for (size_t i = 0; i < sc->owner.opened; i++)
		cr_expect(eq(uint, sc->scripts[i]->closed, 1), "link %zu is closed once", i + 1);
	cr_expect(eq(uint, open_descriptors(), sc->descriptors), "no descriptor is left open");
}

void script_serve(struct script *s, const struct mode *mode)
{
	struct scene sc;

	scene_begin(&sc, &mode->on);
	scene_join(&sc, s);
	scene_play(&sc);
	scene_end(&sc);
	cr_expect(eq(uint, s->ended, 1), "the end is told once");
}

char *script_bytes(size_t len)
{
	char *bytes = malloc(len + 1);

	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)('!' + (i + i / 89 + i / 7919) % 90);
	bytes[len] = '\0';
	return bytes;
}

/* ---- what else tests look at ---- */

unsigned open_descriptors(void)
{
	DIR *all = opendir("/proc/self/fd");
	unsigned count = 0;

	cr_assert(all != NULL);
	while (readdir(all))
		count++;
	closedir(all);
	return count;
}

struct rlimit allow_no_more_descriptors(void)
{
	struct rlimit before, now;
	int lowest_free = dup(0);

	cr_assert(eq(int, getrlimit(RLIMIT_NOFILE, &before), 0));
	close(lowest_free);
	now = before;
	now.rlim_cur = (rlim_t)lowest_free;
	cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &now), 0));
	return before;
}

static int keep_line(void *arg, struct span line)
{
	struct lines *kept = arg;

	if (line.len >= sizeof(kept->text) - kept->len)
		return -1;
	memcpy(kept->text + kept->len, line.data, line.len);
	kept->len += line.len;
	kept->text[kept->len] = '\0';
	return 0;
}

struct reporter lines_reporter(struct lines *kept)
{
	*kept = (struct lines){0};
	return (struct reporter){
		.sink = {keep_line, kept}, .level = LEVEL_DETAIL, .advise = advise};
}

static int drop_line(void *arg, struct span line)
{
	(void)arg;
	(void)line;
	return 0;
}

struct reporter silent_reporter(void)
{
	return (struct reporter){.sink = {drop_line, NULL}, .level = LEVEL_ERROR};
}
