#ifndef UNIT_HOUSE_H
#define UNIT_HOUSE_H

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "core/server.h"
#include "mode/mode.h"
#include "peer.h"
#include "script.h"
#include "transport/tcp.h"

/* A server over real loopback sockets, on a loop in the process under test. */

/* A server on a loop that may have others. */
struct house {
	struct server server;
	struct reporter to;
	struct scratch scratch;
	struct lines lines;
	struct addr at[2];
	unsigned ended;
	bool failed;
	struct err why;
};

static inline void on_ended(void *arg, const struct err *why)
{
	struct house *h = arg;

	h->ended++;
	h->failed = why != NULL;
	if (why)
		h->why = *why;
}

/* IPv4 alone, on a free port; tests change what they like before they open it. */
static inline void build(struct house *h, struct loop *loop, const char *mode)
{
	*h = (struct house){.at = {addr_loopback(AF_INET, 0), addr_loopback(AF_INET6, 0)}};
	h->to = lines_reporter(&h->lines);
	cr_assert(eq(int, scratch_init(&h->scratch), 0));
	h->server.conf = (struct server_conf){.via = &transport_tcp,
		.mode = mode,
		.at = h->at,
		.at_count = 1,
		.listen.backlog = 100,
		.max_conns = 100};
	h->server.clients = (struct conn_owner){
		.loop = loop, .to = &h->to, .scratch = &h->scratch, .on = &mode_find(mode)->on};
	h->server.ended = on_ended;
	h->server.arg = h;
}

/* What its mode needs to begin with: the caller frees it. */
static inline void *begin_mode(struct house *h)
{
	const struct mode *mode = mode_find(h->server.conf.mode);
	struct mode_env env = {.state = calloc(1, mode->state_size)};
	struct err err;

	cr_assert(eq(int, mode->begin(&env, &err), 0), "%s", err.what);
	h->server.clients.ctx = env.state;
	return env.state;
}

static inline void open_house(struct house *h)
{
	struct err err;

	cr_assert(eq(int, server_start(&h->server, &err), 0), "%s", err.what);
}

static inline void raze(struct house *h)
{
	server_free(&h->server);
	scratch_free(&h->scratch, &h->to);
}

static inline void begin_loop(struct loop *l)
{
	struct err err;

	cr_assert(eq(int, loop_init(l, &err), 0));
}

static inline void end_loop(struct loop *l)
{
	cr_assert(eq(u32, l->timers_counted, 0));
	loop_free(l);
}

static inline void visit(struct peer *p, struct house *h)
{
	peer_connect(p, &h->server.listeners[0].at);
}

static inline bool hears(struct peer *p, const char *text)
{
	peer_hear(p);
	return strcmp(p->heard, text) == 0;
}

static inline bool sees_the_end(struct peer *p)
{
	peer_hear(p);
	return p->ended || p->error;
}

/* One house, one loop: most tests. */
struct stand {
	struct loop loop;
	struct house house;
	unsigned descriptors;
};

static inline void prepare(struct stand *s, const char *mode)
{
	s->descriptors = open_descriptors();
	begin_loop(&s->loop);
	build(&s->house, &s->loop, mode);
}

static inline void clear_away(struct stand *s)
{
	raze(&s->house);
	end_loop(&s->loop);
	cr_assert(eq(uint, open_descriptors(), s->descriptors), "no descriptor is left open");
}

static inline unsigned times_in(const char *text, const char *part)
{
	unsigned times = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		times++;
	return times;
}

#endif
