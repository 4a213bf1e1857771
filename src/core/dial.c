#include "core/dial.h"

#include <string.h>

#include "core/elsewhere.h"
#include "report/report.h"

static void dial_tell_connected(struct dial *d)
{
	const struct transport *via = d->where.via;
	const struct report connected = {
		.kind = d->conn               ? REPORT_JOINED
	                : via->connectionless ? REPORT_AIMED
	                                      : REPORT_CONNECTED,
		.conn = d->conn,
		.at = &d->at,
		.transport = via->name,
	};

	report(d->owner->to, &connected);
}

/* The address that datagrams went to refuses them: the next one of the name may do better. */
static bool dial_go_elsewhere(void *arg, int error, struct link *link, struct addr *at)
{
	struct dial *d = arg;
	const struct report lost = {
		.kind = REPORT_ATTEMPT_LOST, .at = &d->at, .reason = strerror(error)};
	struct err unused;

	if (!d->others.count)
		return false;
	report(d->owner->to, &lost);
	if (!connector_next(d->owner->to, &d->where, &d->others, link, at, &unused))
		return false;
	d->at = *at;
	dial_tell_connected(d);
	return true;
}

struct conn *dial_adopt(
	struct conn_owner *owner, const char *typed, const struct connected *there, struct err *err)
{
	struct conn *made = conn_new(owner, &there->link, &there->at, CONN_BOTH);
	struct link unused = there->link;

	if (made)
		return made;
	link_close(&unused);
	err_set(err, ERR_RUNTIME, "connection to %s: out of memory", typed);
	return NULL;
}

int64_t dial_time_left_ms(const struct dial *d)
{
	int64_t left_ms = d->began_ms + d->where.timeout_ms - d->owner->loop->now_ms;

	if (d->where.timeout_ms <= 0)
		return 0;
	return left_ms > 0 ? left_ms : 1;
}

/* The connection, of what the connector found. Returns NULL, with err, when memory is out. */
static struct conn *dial_make(struct dial *d, const struct connected *there, struct err *err)
{
	const struct elsewhere_conf conf = {.next = dial_go_elsewhere, .arg = d};
	struct connected found = *there;

	if (d->where.via->connectionless && elsewhere_over(&found.link, &found.at, &conf) < 0)
		d->others.count = 0; /* it will do without */
	return dial_adopt(d->owner, d->where.typed, &found, err);
}

static void dial_on_connected(void *arg, const struct connected *there, const struct err *why)
{
	struct dial *d = arg;
	struct err none = {0};
	struct conn *made;

	d->connector = NULL;
	if (why) {
		d->done(d, NULL, why);
		return;
	}
	d->others = there->others;
	d->at = there->at;
	made = dial_make(d, there, &none);
	d->done(d, made, made ? NULL : &none);
	if (!made)
		return;
	dial_tell_connected(d);
	d->owner->opening_ms = dial_time_left_ms(d);
	conn_begin_with(made, d->steps ? d->steps : d->owner->steps);
}

int dial_start(struct dial *d, struct err *err)
{
	struct conn_owner *owner = d->owner;

	d->began_ms = owner->loop->now_ms;
	d->where.target.shared = d->names;
	d->connector =
		connector_start(owner->loop, owner->to, &d->where, dial_on_connected, d, err);
	return d->connector ? 0 : -1;
}

void dial_stop(struct dial *d)
{
	if (d->connector)
		connector_cancel(d->connector);
	d->connector = NULL;
}
