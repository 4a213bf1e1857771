#ifndef SOCKX_MODE_PIPE_H
#define SOCKX_MODE_PIPE_H

#include "base/bucket.h"
#include "base/match.h"
#include "core/join.h"
#include "tty/screen.h"
#include "mode/mode.h"

/*
 * pipe: standard input and output joined to a peer, netcat's main job. `serve` runs it for one
 * client after the other, `connect` for the server it reached.
 *
 * It is two joins: sending, from standard input to the peer, and receiving, from the peer to
 * standard output. Each has its own back-pressure and its own end.
 *
 * The peer's end is passed on at once. So is the end of standard input by a server, whose answer is
 * over. A client passes it on when that can no longer cost an answer, for many servers drop theirs
 * at our half-close and end in order: see pipe_end.c.
 */

enum pipe_shutdown { PIPE_SHUTDOWN_NOW, PIPE_SHUTDOWN_QUIET, PIPE_SHUTDOWN_NEVER };

struct pipe_conf {
	int64_t quit_after_ms; /* -1: not given */
	uint64_t rate;         /* bytes a second, each way; 0: any */
	int64_t delay_ms;      /* between lines; -1: not given */
	const char *expect;    /* NULL: not given */
	const char *shutdown;  /* NULL: not given */
	uint64_t messages;     /* end after so many; 0: not for that */
	bool shutdown_now, no_shutdown, send_only, recv_only, quit_with_peer, follow;
};

enum { PIPE_OPTIONS = 12 };
extern const struct opt pipe_options[PIPE_OPTIONS];

/* pipe_peers.c: what takes its place where all peers are heard. */
extern const struct mode pipe_of_peers;

struct pipe_run {
	struct mode_env *env;
	struct join sending;         /* standard input to the peer */
	struct join receiving;       /* the peer to standard output */
	struct conn *net;            /* the peer; NULL: none (any more) */
	struct timer silence;        /* input has ended: when to see what the silence means */
	enum pipe_shutdown shutdown; /* when the end of input is passed on */
	int64_t quit_after_ms;       /* --quit-after; -1: never */
	int64_t heard_ms;            /* since when nothing has come; not before input ended */
	int64_t passed_ms;           /* when the end of input was passed on; 0: it was not */
	bool told_wait;              /* that the peer's end is waited for */
	bool flowing;                /* ... in the middle of an answer */
	struct timer answer;   /* nothing has come: when to give up waiting for what is to end it */
	struct match expected; /* --expect, as far as it has come */
	struct buf lines;      /* --delay: read and not yet sent */
	struct bucket out, in; /* --rate: of what is sent, and of what is received */
	struct timer sending_timer;   /* when the next line, or more of them, may be */
	int64_t ready_ms;             /* ... not before this */
	struct timer receiving_timer; /* when more may be received */
	uint64_t messages_in;
	struct screen screen; /* out, as the peer's bytes reach it */
	struct err verdict;   /* why the run failed, or none */
	bool receiving_waits; /* ... which is set */
	bool paces;           /* sending is slowed down (pipe_pace.c) */
	bool lines_end;       /* standard input has ended, but not what is in lines */
	bool until;           /* what comes may end it (pipe_until.c) */
	bool met;             /* ... and did */
	bool peer_ended;      /* by itself */
	bool input_over;      /* standard input has ended */
	bool output_gone;     /* the reader of standard output has */
	bool crlf;            /* lines that end in a bare LF are sent with CR LF */
	bool after_cr;        /* ... and the last byte sent was a CR */
	bool finishing;       /* done is called once out has been written */
};

/* Whether standard input has nothing more to say to the peer, once that has ended: at a terminal a
 * person is done then, a program may go on. */
bool pipe_is_done_by(const struct pipe_run *p);

/* ---- pipe_end.c: what follows the end of standard input ---- */

/* Read how it is passed on. Returns 0, or -1 with err. */
int pipe_end_init(struct pipe_run *p, struct err *err);

/* mode.one_way: only what is sent counts. */
bool pipe_end_one_way(const struct mode_env *env);

/* One of the two ends has come, or something has changed since: pass ours on, or leave, if it is
 * time to. Does nothing while input goes on or still waits to be sent. */
void pipe_end_review(struct pipe_run *p);

/* Something came from the peer, or standard output took what it had been waiting for. */
void pipe_end_heard(struct pipe_run *p);

/* The peer's end came: say so if it may have been our half-close that cost the rest. */
void pipe_end_judge(struct pipe_run *p);

/* Send lines that end in a bare LF with CR LF: join_on.pass. */
int pipe_send_crlf(struct join *j, struct span in);

/* What the peer sends may have waited for us until now: that was no silence. */
void pipe_was_no_silence(struct pipe_run *p);

/* All of standard input has been given to the peer, or its queue. */
void pipe_input_is_over(struct pipe_run *p);

/* ---- pipe_pace.c: how fast it goes; p->paces says whether that is limited ---- */

/* Read the limits. Returns 0, or -1 with err. */
int pipe_pace_init(struct pipe_run *p, struct err *err);

/* In place of join_on.pass: of what is sent, and with --rate of what is received. */
int pipe_pace_send(struct join *j, struct span in);
int pipe_pace_receive(struct join *j, struct span in);

/* There is a peer, and nothing has moved yet. */
void pipe_pace_begin(struct pipe_run *p);

/* The peer has gone. */
void pipe_pace_stop(struct pipe_run *p);

/* There is a peer, or room for more: send what may be sent now. */
void pipe_pace_resume(struct pipe_run *p);

/* Standard input has ended. */
void pipe_pace_end(struct pipe_run *p);

/* Free what it holds; also where nothing is limited. */
void pipe_pace_free(struct pipe_run *p);

/* ---- pipe_until.c: ends that were asked for; p->until says whether there is one ---- */

/* Whether they can be asked of what bytes travel by. Returns 0, or -1 with err. */
int pipe_until_fits(const struct pipe_conf *conf, const struct transport *via, struct err *err);

/* Read them. Returns 0, or -1 with err. */
int pipe_until_init(struct pipe_run *p, struct err *err);

/* The peer is there. */
void pipe_until_begin(struct pipe_run *p);

/* Something has come and was passed on: it may be the end. */
void pipe_until_heard(struct pipe_run *p, struct span in);

/* The connection has ended in order: what was to come and did not is the run's verdict. */
void pipe_until_over(struct pipe_run *p);

/* Free what they hold; also where there are none. */
void pipe_until_free(struct pipe_run *p);

#endif
