#include "core/server_full.h"

#include <stdio.h>
#include <string.h>

#include "report/report.h"

enum { RESUMED_AFTER_MS = 1000 }; /* there have been free places for so long */

static void full_tell(
	struct server *s, enum report_kind kind, const struct addr *at, const char *reason)
{
	const struct addr_text address = addr_text(at);

	s->paused_told = kind == REPORT_ACCEPT_PAUSED;
	report(s->clients.to,
		&(struct report){.kind = kind, .address = address.text, .reason = reason});
}

static void on_resumed(struct timer *t)
{
	struct server *s = container_of(t, struct server, resumed);

	if (!s->stopping)
		full_tell(s, REPORT_ACCEPT_RESUMED, &s->listeners[0].at, NULL);
}

int server_full_init(struct server *s)
{
	return timer_init(s->clients.loop, &s->resumed, on_resumed);
}

void server_full_free(struct server *s)
{
	timer_free(s->clients.loop, &s->resumed);
}

void server_full_lack(struct server *s, const struct addr *at, int error)
{
	if (!s->paused_told)
		full_tell(s, REPORT_ACCEPT_PAUSED, at, strerror(error));
}

static void tell_full(struct server *s)
{
	char reason[160];

	snprintf(reason, sizeof(reason),
		"%zu of %zu places are taken (-i closes silent connections, %s)",
		s->clients.open_now, s->conf.max_conns,
		s->most_by_descriptors ? "'ulimit -Hn' allows more" : "--max-conns allows more");
	full_tell(s, REPORT_ACCEPT_PAUSED, &s->listeners[0].at, reason);
}

void server_full_review(struct server *s)
{
	bool full = s->clients.open_now >= s->conf.max_conns;

	if (s->stopping || s->conf.exclusive || s->conf.via->receive)
		return;
	if (full && !s->paused_told)
		tell_full(s);
	if (full || s->starved)
		timer_clear(s->clients.loop, &s->resumed);
	else if (s->paused_told && !s->resumed.place)
		timer_set_in(s->clients.loop, &s->resumed, RESUMED_AFTER_MS);
}
