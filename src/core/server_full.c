#include "core/server_full.h"

#include <string.h>

#include "os/sys_event.h"
#include "report/report.h"

enum {
	RESUMED_AFTER_MS = 1000, /* there have been free places for so long */
	SILENT_MS = 10000,       /* a client that owes a message may be silent for so long */
	SILENT_LOOK_MS = 1000,   /* how often it is asked whether a client waits */
	SILENT_NEXT_MS = 20,     /* after one has given its place, until the next may have to */
};

static void full_tell(struct server *s, const struct addr *at, struct report what)
{
	what.at = at;
	s->paused_told = what.kind == REPORT_ACCEPT_PAUSED;
	if (s->paused_told)
		timer_set_in(s->clients.loop, &s->silent, SILENT_LOOK_MS);
	else
		timer_clear(s->clients.loop, &s->silent);
	report(s->clients.to, &what);
}

static void full_on_resumed(struct timer *t)
{
	struct server *s = container_of(t, struct server, resumed);

	if (!s->stopping && s->listening)
		full_tell(s, &s->listeners[0].at, (struct report){.kind = REPORT_ACCEPT_RESUMED});
}

static bool full_is_now(const struct server *s)
{
	return s->starved || server_open(s) >= s->conf.max_conns;
}

/* Whether a client is in the backlog that a place would do good. A server that counts its clients,
 * and has its last ones, takes no more. */
static bool full_client_waits(const struct server *s)
{
	if (s->conf.exit_after && s->served + server_open(s) >= s->conf.exit_after)
		return false;
	for (size_t i = 0; i < s->listening; i++)
		if (sys_readable(s->clients.to, s->listeners[i].socket.fd) > 0)
			return true;
	return false;
}

/* One leaves at a time: how many wait is not known. */
static void full_on_silent(struct timer *t)
{
	struct server *s = container_of(t, struct server, silent);
	int64_t next_ms = SILENT_LOOK_MS;

	if (s->stopping || s->enough)
		return;
	if (full_is_now(s) && full_client_waits(s) &&
		conn_refuse_silent(&s->clients, SILENT_MS,
			"silent for 10 s while others wait for a place", &next_ms))
		next_ms = SILENT_NEXT_MS;
	timer_set_in(
		s->clients.loop, &s->silent, next_ms < SILENT_LOOK_MS ? next_ms : SILENT_LOOK_MS);
}

int server_full_init(struct server *s)
{
	return timer_init(s->clients.loop, &s->resumed, full_on_resumed) < 0
	               ? -1
	               : timer_init(s->clients.loop, &s->silent, full_on_silent);
}

void server_full_free(struct server *s)
{
	timer_free(s->clients.loop, &s->resumed);
	timer_free(s->clients.loop, &s->silent);
}

void server_full_lack(struct server *s, const struct addr *at, int error)
{
	if (!s->paused_told)
		full_tell(s, at,
			(struct report){.kind = REPORT_ACCEPT_PAUSED, .reason = strerror(error)});
}

static void full_tell_full(struct server *s)
{
	struct err why = {0};

	err_set(&why, ERR_NONE, "%zu of %zu places are taken", server_open(s), s->conf.max_conns);
	err_fact(&why, s->most_by_descriptors ? FACT_DESCRIPTOR_LIMIT : FACT_CLIENTS_LIMIT, NULL);
	full_tell(
		s, &s->listeners[0].at, (struct report){.kind = REPORT_ACCEPT_PAUSED, .why = &why});
}

void server_full_review(struct server *s)
{
	bool full = server_open(s) >= s->conf.max_conns;

	if (s->stopping || !s->listening || s->conf.exclusive || s->conf.via->receive)
		return;
	if (full && !s->paused_told)
		full_tell_full(s);
	if (full || s->starved)
		timer_clear(s->clients.loop, &s->resumed);
	else if (s->paused_told && !s->resumed.place)
		timer_set_in(s->clients.loop, &s->resumed, RESUMED_AFTER_MS);
}
