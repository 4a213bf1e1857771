#ifndef SOCKX_MODE_PIPE_H
#define SOCKX_MODE_PIPE_H

#include "core/screen.h"
#include "mode/mode.h"

/*
 * pipe: standard input and output joined to a peer, netcat's main job. `serve` runs it for one
 * client after the other, `connect` for the server it reached.
 *
 * Three connections take part: in (standard input, which only reads), out (standard output, which
 * only writes) and net. Each direction, in -> net and net -> out, has its own back-pressure and its
 * own end, which is passed on at once.
 */

struct pipe_conf {
	int64_t quit_after_ms; /* -1: not given */
	bool no_shutdown, send_only, recv_only;
};

struct pipe_run {
	struct mode_env *env;
	struct conn_owner in_owner, out_owner;
	struct conn *in, *out, *net; /* NULL: none (any more) */
	struct timer quit;           /* --quit-after: input has ended and is sent */
	struct screen screen;        /* out, as the peer's bytes reach it */
	struct buf held;    /* of the input: read when net was lost already, for the next */
	struct err verdict; /* why the run failed, or none */
	bool input_over;    /* standard input has ended */
	bool crlf;          /* lines that end in a bare LF are sent with CR LF */
	bool after_cr;      /* ... and the last byte sent was a CR */
	bool finishing;     /* done is told once out has been written */
	bool told;          /* ... and has been */
};

#endif
