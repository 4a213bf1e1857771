#include "core/retry.h"

#include <errno.h>

#include "base/escape.h"

enum { PAUSE_FIRST_MS = 100, PAUSE_LAST_MS = 2000 };

bool retry_is_wanted(const struct retry *r)
{
	return r->times || r->for_ms >= 0;
}

/* What time cannot mend: an address that no packet can be sent to, a path that cannot lead to a
 * server, a socket of another kind. */
static bool retry_is_lasting(int error)
{
	switch (error) {
	case EINVAL:
	case EAFNOSUPPORT:
	case EPROTOTYPE:
	case ENOTDIR:
	case ELOOP: return true;
	default: return false;
	}
}

/* Only what happened before there was a connection. A name may be made together with its server, as
 * a container's is. */
static bool retry_may_help(const struct err *why)
{
	if (why->kind == ERR_REFUSED)
		return !retry_is_lasting(why->sys);
	return why->kind == ERR_NAME || why->kind == ERR_TIMEOUT;
}

static int64_t retry_left_ms(const struct retry *r)
{
	return r->began_ms + r->for_ms - r->loop->now_ms;
}

/* Say that the time has passed, and what the last refusal was. */
static void retry_too_late(const struct retry *r, struct err *out)
{
	const struct err *last = &r->refusal;

	if (!last->kind) {
		err_set(out, ERR_TIMEOUT, "cannot connect to %s within %jd ms",
			quoted(r->typed).text, (intmax_t)r->for_ms);
		err_hint(out, "there was no answer at all; a firewall may drop what we send");
		return;
	}
	err_set(out, ERR_TIMEOUT, "cannot connect to %s within %jd ms: %s (attempts: %ju)",
		quoted(r->typed).text, (intmax_t)r->for_ms, last->what + last->cause,
		(uintmax_t)r->failed);
	err_fact(out, last->fact, &last->at);
	err_hint(out, "%s", last->hint);
}

static void retry_on_next(struct timer *t)
{
	struct retry *r = container_of(t, struct retry, next);
	struct err over = {0};

	if (r->for_ms <= 0 || retry_left_ms(r) > 0) {
		r->again(r, NULL);
		return;
	}
	retry_too_late(r, &over);
	r->again(r, &over);
}

int retry_begin(struct retry *r)
{
	r->began_ms = r->loop->now_ms;
	r->pause_ms = PAUSE_FIRST_MS;
	return retry_is_wanted(r) ? timer_init(r->loop, &r->next, retry_on_next) : 0;
}

int64_t retry_limit_ms(const struct retry *r, int64_t limit_ms)
{
	int64_t left_ms;

	if (r->for_ms <= 0)
		return limit_ms;
	left_ms = retry_left_ms(r);
	if (left_ms < 1)
		left_ms = 1;
	return limit_ms > 0 && limit_ms < left_ms ? limit_ms : left_ms;
}

/* How long until the next attempt; and the one after it comes later by a quarter. */
static int64_t retry_pause_ms(struct retry *r)
{
	int64_t pause_ms = r->pause_ms;

	r->pause_ms += r->pause_ms / 4;
	if (r->pause_ms > PAUSE_LAST_MS)
		r->pause_ms = PAUSE_LAST_MS;
	if (r->for_ms > 0 && pause_ms > retry_left_ms(r))
		pause_ms = retry_left_ms(r);
	return pause_ms;
}

bool retry_failed(struct retry *r, const struct err *why, struct err *out)
{
	*out = *why;
	if (!retry_is_wanted(r) || !retry_may_help(why))
		return false;
	r->failed++;
	if (why->kind != ERR_TIMEOUT)
		r->refusal = *why;
	if (r->for_ms > 0 && retry_left_ms(r) <= 0) {
		retry_too_late(r, out);
		return false;
	}
	if (r->times && r->failed > r->times)
		return false;
	timer_set_in(r->loop, &r->next, retry_pause_ms(r));
	return true;
}

void retry_succeeded(struct retry *r)
{
	const struct report what = {.kind = REPORT_RETRIED,
		.failures = r->failed,
		.duration_ms = {true, (uint64_t)(r->loop->now_ms - r->began_ms)}};

	if (r->failed)
		report(r->to, &what);
}

void retry_end(struct retry *r)
{
	if (r->loop)
		timer_free(r->loop, &r->next);
}
