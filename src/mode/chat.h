#ifndef SOCKX_MODE_CHAT_H
#define SOCKX_MODE_CHAT_H

#include "tty/console.h"
#include "core/framer.h"
#include "core/join.h"
#include "os/signals.h"
#include "mode/members.h"
#include "mode/mode.h"

/*
 * chat: lines between people. `serve` has a room of members and an operator, who sits at standard
 * input and output; for `connect` the server is the one member. chat.c has the members, chat_desk.c
 * the operator's desk, chat_pace.c how fast they may talk; no other file needs this one.
 *
 * A turn is bounded by what is read in it: MEMBERS_TURN_BYTES of each member. What it says with
 * them goes to each of the others in one write. The rest of a burst waits in the kernel, and the
 * other members have their turns in between.
 *
 * A member that reads slower than others talk is waited for while it makes progress. First only
 * those who talk in bursts wait, so that a line of others is heard at once; from
 * CHAT_FULL_BYTES on all do. What waits has not been read, so a queue holds at most that, and what
 * is said in one turn: MEMBERS_TURN_BYTES of lines, or the longest line, which escaping makes four
 * times as long. A member that makes no progress holds up no other, and is sent away.
 */

enum {
	CHAT_TURN_SENDS = 512,        /* in a turn, where each line costs one a member */
	CHAT_LOOK_MS = 200,           /* how often those behind are looked at */
	CHAT_STUCK_MS = 10000,        /* how long a member may take nothing at all */
	CHAT_FULL_BYTES = 512 * 1024, /* all wait for a member that is so far behind */
	CHAT_PROMPT_BYTES = 64,
};

struct chat_conf {
	const char *bye; /* NULL: "bye" in any case, which is not sent */
	bool turns;
};

struct chat_peer {
	struct member member; /* in chat_run.members, while it is there */
	struct framer framer;
	struct buf rest;       /* read, and to be said in later turns */
	uint64_t taken_before; /* behind: what it had taken when it was looked at last */
	int64_t moved_ms;      /* ... and when it last took something */
	bool behind;           /* so much waits for it that others have to wait */
	bool bursts;           /* more of its input is there already */
	bool waits;            /* it is not read until fewer are behind */
	bool ended;            /* it says no more */
};

struct chat_run {
	struct mode_env *env;
	const struct chat_conf *conf;
	struct members members; /* struct chat_peer.member */
	struct join typed_by;   /* standard input to the desk */
	struct join shown_to;   /* the desk to standard output */
	struct buf typed;       /* by the operator, and not yet said */
	struct console console;
	struct signals signals; /* a client's, while its terminal is ours */
	struct timer look;      /* at members that are behind, or silent after our end */
	struct timer next_turn; /* the operator's: more lines are there to be said */
	struct buf said, shown; /* in this turn: to members, and to the operator */
	struct chat_peer *from; /* the member that said it, and does not hear it; NULL: none */
	struct err verdict;     /* why the run failed, or none */
	const char *eol;
	bool begun;       /* there has been a member */
	bool apart;       /* each line is sent for itself */
	bool at_terminal; /* the operator's lines are edited */
	bool my_turn;     /* --turns: the operator's */
	bool in_ended;    /* standard input has, what was typed may not be said yet */
	bool input_over;  /* the operator says no more */
	bool leaving;     /* ... and wants to hear no more */
	bool out_full;    /* standard output has to be waited for */
	bool on_screen;   /* --turns: the first line of typed can be read there already */
	bool finishing;
	char prompt[CHAT_PROMPT_BYTES]; /* the operator's, as it is now */
};

/* ---- chat.c ---- */

/* The member behind p, or the first for NULL; NULL: there is none. A member may be ended meanwhile.
 */
struct chat_peer *chat_next(const struct chat_run *run, const struct chat_peer *p);

/* Say a line of the operator's to everybody, at the latest with chat_flush. */
void chat_say(struct chat_run *run, struct span line);

/* How many lines may be said in a turn where each is sent for itself. */
size_t chat_turn_lines(const struct chat_run *run);

/* Send and show what has been said in this turn. */
void chat_flush(struct chat_run *run);

/* Whether a line ends the chat of the member that said it. */
bool chat_is_bye(const struct chat_run *run, struct span line);

/* Whether a line may be said now. */
bool chat_may_say(const struct chat_run *run);

/* The operator says no more; leaving: and wants to hear no more. */
void chat_leave(struct chat_run *run, bool leaving);

/* End everything at once, because of why. */
void chat_fail(struct chat_run *run, const struct err *why);

/* ---- chat_pace.c ---- */

enum chat_pace {
	CHAT_FLOWS,       /* all may talk */
	CHAT_BURSTS_WAIT, /* all but those whose input comes faster than it is said */
	CHAT_ALL_WAIT
};

/* Who may talk now. */
enum chat_pace chat_pace_now(const struct chat_run *run);

/* Send what was said to all members but one. */
void chat_send(struct chat_run *run, struct span said, const struct chat_peer *but);

/* Have a member wait, or all of them, if they have to. */
void chat_hold(struct chat_run *run, struct chat_peer *p);
void chat_hold_all(struct chat_run *run);

/* Read on from a member. */
void chat_resume(struct chat_run *run, struct chat_peer *p);

/* Read on from those who need not wait any more. */
void chat_go_on(struct chat_run *run);

/* Look at the members soon: at those that are behind, and those that are silent after our end. */
void chat_look_later(struct chat_run *run);

/* The timer of chat_run.look. */
void chat_on_look(struct timer *t);

/* ---- chat_desk.c ---- */

/* Open standard input and output. Returns 0, or -1 with err. */
int chat_desk_open(struct chat_run *run, struct err *err);

/* The first member is there: begin to read the operator's lines. */
void chat_desk_begin(struct chat_run *run);

/* Show a line that a member said (who: "guest1: ", or ""), at the latest with chat_desk_flush. */
void chat_desk_show(
	struct chat_run *run, struct chat_peer *from, const char *who, struct span line);
void chat_desk_flush(struct chat_run *run);

/* Say what has been typed, as far as it may be said now. */
void chat_desk_speak(struct chat_run *run);

/* Let go of the terminal. */
void chat_desk_leave(struct chat_run *run);

/* Tell done, once what was shown has been written. */
void chat_desk_finish(struct chat_run *run);

void chat_desk_free(struct chat_run *run);

#endif
