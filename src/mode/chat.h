#ifndef SOCKX_MODE_CHAT_H
#define SOCKX_MODE_CHAT_H

#include "core/console.h"
#include "core/framer.h"
#include "core/signals.h"
#include "mode/mode.h"

/*
 * chat: lines between people. `serve` has a room of members and an operator, who sits at standard
 * input and output; for `connect` the server is the one member. chat.c has the members, chat_desk.c
 * the operator's desk; nobody else needs this file.
 *
 * A member that reads slower than others talk is waited for while it makes progress; one that makes
 * none holds up nobody, and is sent away.
 */

enum {
	CHAT_LOOK_MS = 200,              /* how often those behind are looked at */
	CHAT_STUCK_MS = 10000,           /* how long a member may take nothing at all */
	CHAT_BEHIND_MAX_BYTES = 1 << 20, /* how far behind it may be meanwhile */
};

struct chat_conf {
	const char *bye; /* NULL: "bye" in any case, which is not sent */
	bool turns;
};

struct chat_peer {
	struct list node; /* in chat_run.members, while it is there */
	struct conn *conn;
	struct framer framer;
	uint64_t sent_before; /* behind: what it had been sent when it was looked at last */
	int64_t moved_ms;     /* ... and when it last took something */
	bool behind;          /* so much waits for it that others have to wait */
	bool waits;           /* it is not read until nobody is behind */
	bool ended;           /* it says no more */
};

struct chat_run {
	struct mode_env *env;
	const struct chat_conf *conf;
	struct list members; /* struct chat_peer */
	struct conn_owner in_owner, out_owner;
	struct conn *in, *out; /* NULL: none (any more) */
	struct buf typed;      /* by the operator, and not yet said */
	struct console console;
	struct signals signals; /* a client's, while its terminal is ours */
	struct timer look;      /* at members that are behind, or silent after our end */
	struct err verdict;     /* why the run failed, or none */
	const char *eol;
	bool begun;       /* there has been a member */
	bool at_terminal; /* the operator's lines are edited */
	bool my_turn;     /* --turns: the operator's */
	bool in_ended;    /* standard input has, what was typed may not be said yet */
	bool input_over;  /* the operator says no more */
	bool leaving;     /* ... and wants to hear no more */
	bool out_full;    /* standard output has to be waited for */
	bool finishing, told;
};

/* ---- chat.c ---- */

/* The member behind p, or the first for NULL; NULL: there is none. A member may be ended meanwhile.
 */
struct chat_peer *chat_next(const struct chat_run *run, const struct chat_peer *p);

/* Say a line of the operator's to everybody. */
void chat_say(struct chat_run *run, struct span line);

/* Whether somebody is there to hear, beside one; NULL: at all. */
bool chat_has_members(const struct chat_run *run, const struct chat_peer *but);

/* Whether a line ends the chat of whoever said it. */
bool chat_is_bye(const struct chat_run *run, struct span line);

/* Whether a line may be said now. */
bool chat_may_say(const struct chat_run *run);

/* The operator says no more; leaving: and wants to hear no more. */
void chat_leave(struct chat_run *run, bool leaving);

/* Read on from those who waited, if nobody is behind any more. */
void chat_go_on(struct chat_run *run);

/* End everything at once, because of why. */
void chat_fail(struct chat_run *run, const struct err *why);

/* ---- chat_desk.c ---- */

/* Open standard input and output. Returns 0, or -1 with err. */
int chat_desk_open(struct chat_run *run, struct err *err);

/* The first member is there: begin to read the operator's lines. */
void chat_desk_begin(struct chat_run *run);

/* Show a line that a member said (who: "guest1: ", or ""). Returns as conn_write. */
int chat_desk_show(struct chat_run *run, struct chat_peer *from, const char *who, struct span line);

/* Say what has been typed, as far as it may be said now. */
void chat_desk_speak(struct chat_run *run);

/* Let go of the terminal. */
void chat_desk_leave(struct chat_run *run);

/* Tell done, once what was shown has been written. */
void chat_desk_finish(struct chat_run *run);

void chat_desk_free(struct chat_run *run);

#endif
