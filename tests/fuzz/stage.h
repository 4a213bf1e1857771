#ifndef FUZZ_STAGE_H
#define FUZZ_STAGE_H

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

#include "core/conn.h"
#include "core/scratch.h"
#include "os/loop.h"
#include "report/report.h"

/*
 * Connections with no kernel between them and their peers: the input says how much each call moves,
 * and which one has to wait or fails. Once the input is used up every call moves all there is. The
 * loop is a real one, whose descriptors are always ready, and its time is pretended.
 */

struct stage {
	struct span input;
	struct loop loop;
	struct timer tick;
	struct scratch *scratch;
	struct reporter to;
};

/* A peer. actor_piece makes what it sends. */
struct actor {
	struct stage *stage;
	uint8_t key;        /* what it sends depends on it */
	size_t incoming;    /* how much it sends before its end */
	size_t sent;        /* ... and how much of that was read */
	size_t taken;       /* of what it was sent */
	bool ended;         /* its end was read, or its failure */
	bool broken;        /* a write to it, or finish, has failed */
	bool broken_early;  /* ... before its end was read */
	bool finished;      /* it was told of our end */
	unsigned closed;    /* how often its link was */
	unsigned deaf;      /* so many more writes have to wait */
	int64_t took_ms;    /* when it last took something */
	size_t message_max; /* not 0: what is moved are messages */
	bool never_fails;   /* whatever the input says */
	/* Look at what it is sent, before it counts as taken. */
	void (*takes)(struct actor *a, struct span out);
	/* It is told of our end; or NULL. */
	void (*finishes)(struct actor *a);
};

/* ---- time ---- */

/* 0: as it is. libFuzzer looks at other clocks. */
static int64_t held_ms;

/* In place of libc's: the linker takes the definition of the program itself. */
int clock_gettime(clockid_t id, struct timespec *now)
{
	if (!held_ms || id != CLOCK_MONOTONIC)
		return (int)syscall(SYS_clock_gettime, id, now);
	now->tv_sec = held_ms / 1000;
	now->tv_nsec = held_ms % 1000 * 1000000;
	return 0;
}

/* ---- a peer ---- */

/* What all of them send, again and again, each from a place of its own. */
enum { PATTERN_BYTES = 65521 };
static uint8_t pattern[PATTERN_BYTES];

static inline void pattern_fill(void)
{
	for (size_t i = 0; i < PATTERN_BYTES; i++)
		pattern[i] = (uint8_t)(i * 167 + (i >> 8) * 7);
}

/* What a sends from at on: as much of it as lies in one piece, of max at most. */
static inline struct span actor_piece(const struct actor *a, size_t at, size_t max)
{
	const size_t from = (at + a->key * 251U) % PATTERN_BYTES, left = PATTERN_BYTES - from;

	return (struct span){pattern + from, left < max ? left : max};
}

/* Whether bytes are what a sends from at on. */
static inline bool actor_said(const struct actor *a, size_t at, struct span bytes)
{
	while (bytes.len) {
		const struct span piece = actor_piece(a, at, bytes.len);

		if (memcmp(piece.data, bytes.data, piece.len) != 0)
			return false;
		bytes = span_from(bytes, piece.len);
		at += piece.len;
	}
	return true;
}

/* What the next call does: moves at most *most bytes, or another verdict. */
static inline enum io actor_next(struct actor *a, size_t *most)
{
	const uint8_t what = choose(&a->stage->input);

	*most = what == 0 ? SIZE_MAX : what < 100 ? what : (size_t)(what - 150) * 1024;
	if (what >= 100 && what < 147) {
		*most = what - 100; /* how long, to a write */
		return IO_AGAIN;
	}
	if (what >= 147 && what < 150 && !a->never_fails)
		return IO_FAIL;
	if (what >= 147 && what <= 150)
		*most = 1;
	return IO_DONE;
}

static inline enum io actor_fails(struct link *link, int error)
{
	link->error = error;
	return IO_FAIL;
}

static inline enum io actor_read(struct link *link, uint8_t *room, size_t size, size_t *got)
{
	struct actor *a = link->held;
	size_t most, left = a->incoming - a->sent;
	const enum io verdict = actor_next(a, &most);

	HOLDS(!a->closed && !a->ended && size > 0);
	if (verdict == IO_AGAIN)
		return IO_AGAIN;
	if (a->message_max && size > a->message_max)
		size = a->message_max;
	a->ended = verdict == IO_FAIL || left == 0;
	if (a->ended)
		return verdict == IO_FAIL ? actor_fails(link, ECONNRESET) : IO_EOF;
	if (left > size)
		left = size;
	for (*got = 0; *got < left && *got < most;) {
		const size_t want = left < most ? left - *got : most - *got;
		const struct span piece = actor_piece(a, a->sent, want);

		memcpy(room + *got, piece.data, piece.len);
		*got += piece.len;
		a->sent += piece.len;
	}
	return IO_DONE;
}

static inline enum io actor_write(struct link *link, struct span out, size_t *taken)
{
	struct actor *a = link->held;
	size_t most;
	enum io verdict;

	HOLDS(!a->closed && !a->finished && !a->broken && (out.len > 0 || a->message_max));
	if (a->deaf && a->stage->input.len) {
		a->deaf--;
		return IO_AGAIN;
	}
	verdict = actor_next(a, &most);
	if (verdict == IO_FAIL || (a->message_max && out.len > a->message_max)) {
		a->broken = true;
		a->broken_early = !a->ended;
		return actor_fails(link, verdict == IO_FAIL ? EPIPE : EMSGSIZE);
	}
	if (verdict == IO_AGAIN) {
		a->deaf = (unsigned)most / 2;
		return IO_AGAIN;
	}
	if (out.len > most && !a->message_max)
		out.len = most;
	a->takes(a, out);
	a->taken += out.len;
	a->took_ms = held_ms;
	*taken = out.len;
	return IO_DONE;
}

static inline enum io actor_finish(struct link *link)
{
	struct actor *a = link->held;
	size_t most;
	const enum io verdict = actor_next(a, &most);

	HOLDS(!a->closed && !a->finished);
	if (verdict == IO_DONE) {
		if (a->finishes)
			a->finishes(a);
		a->finished = true;
	}
	if (verdict == IO_FAIL) {
		a->broken = true;
		a->broken_early = !a->ended;
		return actor_fails(link, ENOTCONN);
	}
	return verdict;
}

static inline int actor_unsent(struct link *link)
{
	struct actor *a = link->held;

	return choose(&a->stage->input) - 1;
}

static inline int actor_pending(struct link *link)
{
	struct actor *a = link->held;

	HOLDS(!a->closed);
	return choose(&a->stage->input) >= 250 && !a->never_fails ? ECONNRESET : 0;
}

static inline int actor_close(struct link *link)
{
	struct actor *a = link->held;

	HOLDS(!a->closed++);
	close(link->fd);
	return choose(&a->stage->input) >= 253 && !a->never_fails ? EIO : 0;
}

static inline void actor_reset(struct link *link)
{
	struct actor *a = link->held;

	HOLDS(!a->closed++);
	close(link->fd);
}

#define ACTOR_COMMON                                                                      \
	.name = "fuzz", .read = actor_read, .write = actor_write, .finish = actor_finish, \
	.close = actor_close

static inline struct link actor_link(struct actor *a, struct stage *s)
{
	static const struct transport rows[] = {
		{ACTOR_COMMON},
		{ACTOR_COMMON, .unsent = actor_unsent, .pending = actor_pending},
		{ACTOR_COMMON, .unsent = actor_unsent, .pending = actor_pending,
			.reset = actor_reset},
		{ACTOR_COMMON, .unsent = actor_unsent, .unsent_is_unread = true},
	};
	struct link link = link_of(&rows[choose(&s->input) % 4], &s->to);
	const uint8_t length = choose(&s->input);

	a->stage = s;
	a->incoming = length < 200 ? length : (size_t)(length - 199) * 3000;
	link.held = a;
	link.message_max = (uint32_t)a->message_max;
	link.fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	HOLDS(link.fd >= 0);
	return link;
}

/* ---- the stage ---- */

static inline void stage_tick(struct timer *t)
{
	(void)t;
}

static inline int stage_line(void *arg, struct span line)
{
	(void)arg;
	(void)line;
	return 0;
}

static inline void stage_begin(struct stage *s, struct span input)
{
	static struct scratch lent; /* for all runs, which are faster so */
	struct err err;

	if (!lent.room) {
		pattern_fill();
		HOLDS(scratch_init(&lent) == 0);
	}
	held_ms = 1000000;
	*s = (struct stage){.input = input, .to.sink.line = stage_line};
	HOLDS(loop_init(&s->loop, &err) == 0);
	HOLDS(timer_init(&s->loop, &s->tick, stage_tick) == 0);
	s->scratch = &lent;
}

/* A turn that waits for nothing, after so long. */
static inline void stage_turn(struct stage *s, int64_t ms)
{
	struct err err;

	held_ms += ms;
	timer_set(&s->loop, &s->tick, held_ms);
	HOLDS(loop_turn(&s->loop, &err) == 0);
}

static inline void stage_end(struct stage *s)
{
	timer_free(&s->loop, &s->tick);
	HOLDS(s->loop.timers_counted == 0);
	loop_free(&s->loop);
	held_ms = 0;
}

#endif
