/* A measurement: how it is set up, and what it gives back. */
#include "measure/measure.h"

#include <stdlib.h>

#include "measure/measure_state.h"

enum {
	SHOWN_INTERVAL_US = 10000, /* more than 100 lines a second are not for reading ... */
	SHOWN_COUNT = 100,         /* ... nor are more than that, however fast they come */
};

static bool measure_shows(const struct measure *m)
{
	const struct measure_conf *conf = m->conf;

	if (m->load || m->json || m->quiet)
		return false;
	return m->schedule.interval_ns >= (int64_t)SHOWN_INTERVAL_US * 1000 ||
	       (conf->count && conf->count <= SHOWN_COUNT);
}

/* What the options mean together. */
static void measure_settings(struct measure *m)
{
	int64_t interval_us = m->conf->interval_us;

	if (interval_us < 0)
		interval_us = m->load ? 0 : 1000000;
	m->window = m->conf->window;
	m->schedule =
		(struct schedule){.interval_ns = interval_us * 1000, .lanes = m->conf->connections};
	m->shows = measure_shows(m);
	m->alone = m->via->message_max;
	m->connectionless = m->via->connectionless;
}

int measure_init(struct measure *m, struct err *err)
{
	measure_settings(m);
	m->alarm = (struct alarm){.rings = measure_on_alarm, .watch.fd = -1};
	m->signals = (struct signals){.stop = measure_on_signal, .arg = m, .watch.fd = -1};
	m->lanes = calloc(m->conf->connections, sizeof(struct lane *));
	if (!m->lanes || probe_init(&m->probe, m->conf->size, m->alone) < 0 ||
		timer_init(m->loop, &m->look, measure_on_look) < 0 ||
		timer_init(m->loop, &m->limit, measure_on_limit) < 0)
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	return alarm_open(&m->alarm, m->loop, err);
}

void measure_free(struct measure *m)
{
	if (!m->lanes)
		return;
	for (uint64_t i = 0; i < m->conf->connections; i++)
		if (m->lanes[i])
			flight_free(&m->lanes[i]->flight);
	timer_free(m->loop, &m->look);
	timer_free(m->loop, &m->limit);
	alarm_close(&m->alarm);
	signals_close(&m->signals);
	probe_free(&m->probe);
	free(m->lanes);
	m->lanes = NULL;
}
