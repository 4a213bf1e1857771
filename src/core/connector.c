#include "core/connector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "report/report.h"

/* RFC 8305 section 5: the recommended Connection Attempt Delay. */
enum { ATTEMPT_DELAY_MS = 250 };

/* How soon to try again where the server has no room for one more (unix(7), connect's EAGAIN), of
 * which nothing tells when that changes: soon at first, then seldom enough to cost nothing. */
enum { RETRY_FIRST_MS = 10, RETRY_LAST_MS = 80 };

/* How long a source that cannot be had yet is waited for. */
enum { SOURCE_WAIT_MS = 2000 };

struct attempt {
	struct watch watch;
	struct link link;
	struct connector *of;
	const struct addr *at;
};

struct connector {
	struct list node; /* first: loop_bury frees it */
	struct loop *loop;
	struct reporter *to;
	struct connector_conf conf;
	struct resolve *resolve;
	struct timer deadline, next_attempt;
	size_t begun, pending;
	int retry_ms; /* no room for one more, or no source yet: when to try again; else 0 */
	int64_t source_until_ms; /* ... it is the source: when it is given up; else 0 */
	struct err last; /* why the latest of the attempts that failed did, or why it has to wait */
	void (*done)(void *arg, const struct connected *there, const struct err *why);
	void *arg;
	/* Filled one by one, and not cleared before: they are two thirds of it all. */
	struct resolved addresses;
	struct attempt attempts[RESOLVE_MAX];
};

void connector_interleave(struct resolved *addresses)
{
	const struct resolved old = *addresses;
	sa_family_t family = old.count ? old.at[0].sa.sa_family : AF_UNSPEC;
	size_t same = 0, other = 0;

	if (old.count < 2)
		return;
	for (size_t i = 0; i < old.count; i++) {
		/* Even places are the first family's while it has any, odd ones the others'. */
		while (same < old.count && old.at[same].sa.sa_family != family)
			same++;
		while (other < old.count && old.at[other].sa.sa_family == family)
			other++;
		if (same < old.count && (i % 2 == 0 || other >= old.count))
			addresses->at[i] = old.at[same++];
		else
			addresses->at[i] = old.at[other++];
	}
}

static void connector_drop_attempt(struct connector *c, struct attempt *a)
{
	loop_unwatch(c->loop, &a->watch);
	if (a->link.fd < 0)
		return;
	link_close(&a->link);
	a->link.fd = -1;
	c->pending--;
}

static void connector_clean_up(struct connector *c)
{
	if (c->resolve)
		resolve_cancel(c->resolve);
	for (size_t i = 0; i < c->begun; i++)
		connector_drop_attempt(c, &c->attempts[i]);
	timer_free(c->loop, &c->deadline);
	timer_free(c->loop, &c->next_attempt);
	loop_bury(c->loop, &c->node);
}

void connector_cancel(struct connector *c)
{
	connector_clean_up(c);
}

static void connector_give_up(struct connector *c, const struct err *why)
{
	connector_clean_up(c);
	c->done(c->arg, NULL, why);
}

static void connector_succeed(struct connector *c, struct attempt *a)
{
	struct connected there = {.link = a->link, .at = *a->at};

	for (size_t i = c->begun; i < c->addresses.count; i++)
		there.others.at[there.others.count++] = c->addresses.at[i];
	loop_unwatch(c->loop, &a->watch);
	a->link.fd = -1;
	c->pending--;
	connector_clean_up(c);
	c->done(c->arg, &there, NULL);
}

static void connector_explain(const struct connector_conf *conf, const struct addr *at,
	const struct link *link, bool source_failed, struct err *why)
{
	const int error = link->error;
	const struct addr_shown target = addr_text(at);
	const struct addr source = dial_source(&conf->from, at);
	/* ECONNRESET: it was connected, and lost before we had looked. */
	enum err_kind kind = error == ECONNRESET ? ERR_LOST : ERR_REFUSED;

	if (link_story(link)) {
		*why = *link_story(link);
		return;
	}
	if (source_failed) {
		err_sys(why, ERR_RUNTIME, error, "cannot bind the source address %s",
			addr_text(&source).text);
		err_fact(why,
			source.sa.sa_family == AF_UNIX ? FACT_SOURCE_PATH : FACT_SOURCE_ADDRESS,
			&source);
		return;
	}
	if (strcmp(target.text, conf->typed) == 0)
		err_sys(why, kind, error, "cannot connect to %s", target.text);
	else
		err_sys(why, kind, error, "cannot connect to %s (%s)", quoted(conf->typed).text,
			target.text);
	if (!err_note_shortage(why))
		conf->via->advise(link->to, why, error, at);
}

static void connector_tell(
	struct reporter *to, enum report_kind kind, const struct addr *at, const char *reason)
{
	const struct report what = {.kind = kind, .at = at, .reason = reason};

	report(to, &what);
}

static void connector_attempt_failed(struct reporter *to, const struct connector_conf *conf,
	const struct addr *at, const struct link *link, bool source_failed, struct err *why)
{
	connector_explain(conf, at, link, source_failed, why);
	connector_tell(to, REPORT_ATTEMPT_LOST, at, strerror(link->error));
}

/* Begin to connect a link. IO_FAIL, or IO_AGAIN for the source's sake: why is filled. */
static enum io connector_attempt(struct reporter *to, const struct connector_conf *conf,
	const struct addr *at, struct link *link, bool *source_failed, struct err *why)
{
	enum io verdict;

	*link = link_of(conf->via, to);
	link->one_way = conf->one_way;
	*source_failed = false;
	verdict = conf->via->connect(link, at, &conf->from, source_failed);
	if (verdict == IO_FAIL) {
		connector_attempt_failed(to, conf, at, link, *source_failed, why);
		link->fd = -1;
	} else if (*source_failed) {
		connector_explain(conf, at, link, true, why);
	}
	if (link->fd < 0)
		link_forget(link);
	return verdict;
}

bool connector_next(struct reporter *to, const struct connector_conf *conf,
	struct resolved *addresses, struct link *link, struct addr *at, struct err *err)
{
	struct resolved left = *addresses;
	bool found = false, source_failed;

	addresses->count = 0;
	for (size_t i = 0; i < left.count; i++) {
		if (found) {
			addresses->at[addresses->count++] = left.at[i];
			continue;
		}
		*at = left.at[i];
		connector_tell(to, REPORT_ATTEMPT, at, NULL);
		found = connector_attempt(to, conf, at, link, &source_failed, err) == IO_DONE;
	}
	return found;
}

static void connector_begin_next(struct connector *c);

/* A verdict on a: done, wait on, or go on with the others. */
static void connector_judge(struct connector *c, struct attempt *a, enum io verdict)
{
	switch (verdict) {
	case IO_DONE: connector_succeed(c, a); return;
	case IO_AGAIN: return;
	case IO_EOF:
	case IO_FAIL: break;
	}
	connector_attempt_failed(c->to, &c->conf, a->at, &a->link, false, &c->last);
	connector_drop_attempt(c, a);
	connector_begin_next(c);
}

static void connector_on_ready(struct watch *w, uint32_t events)
{
	struct attempt *a = container_of(w, struct attempt, watch);

	(void)events;
	connector_judge(a->of, a, a->link.via->ready(&a->link));
}

/* The source cannot be had yet: not for ever. */
static enum io connector_await_source(struct connector *c)
{
	if (!c->source_until_ms)
		c->source_until_ms = c->loop->now_ms + SOURCE_WAIT_MS;
	return c->loop->now_ms < c->source_until_ms ? IO_AGAIN : IO_FAIL;
}

/* Begin one attempt. Returns its verdict; IO_AGAIN: it is under way. */
static enum io connector_begin(struct connector *c, struct attempt *a)
{
	bool source_failed;
	enum io verdict;

	if (!c->retry_ms)
		connector_tell(c->to, REPORT_ATTEMPT, a->at, NULL);
	verdict = connector_attempt(c->to, &c->conf, a->at, &a->link, &source_failed, &c->last);
	if (verdict == IO_AGAIN && source_failed)
		verdict = connector_await_source(c);
	else
		c->source_until_ms = 0;
	if (verdict != IO_AGAIN || a->link.fd >= 0)
		c->retry_ms = 0;
	else if (!c->retry_ms)
		c->retry_ms = RETRY_FIRST_MS;
	else if (c->retry_ms < RETRY_LAST_MS)
		c->retry_ms *= 2;
	a->watch = (struct watch){.fd = a->link.fd, .ready = connector_on_ready};
	if (a->link.fd >= 0 && verdict == IO_AGAIN &&
		loop_watch(c->loop, &a->watch, EPOLLOUT) < 0) {
		a->link.error = errno;
		connector_attempt_failed(c->to, &c->conf, a->at, &a->link, false, &c->last);
		link_close(&a->link);
		a->link.fd = -1;
		verdict = IO_FAIL;
	}
	if (a->link.fd >= 0)
		c->pending++;
	return verdict;
}

static void connector_on_patience(struct timer *t)
{
	struct connector *c = container_of(t, struct connector, next_attempt);

	connector_give_up(c, &c->last);
}

/* All addresses have been tried, and some are still silent. */
static void connector_await(struct connector *c)
{
	if (!c->conf.patience_ms || !c->last.kind ||
		c->next_attempt.expired == connector_on_patience)
		return;
	c->next_attempt.expired = connector_on_patience;
	timer_set_in(c->loop, &c->next_attempt, c->conf.patience_ms);
}

/* The next address, at once: the one before it failed, or its head start is over. */
static void connector_begin_next(struct connector *c)
{
	while (c->begun < c->addresses.count) {
		struct attempt *a = &c->attempts[c->begun];
		enum io verdict;

		*a = (struct attempt){.of = c, .at = &c->addresses.at[c->begun]};
		verdict = connector_begin(c, a);
		if (c->retry_ms) {
			timer_set_in(c->loop, &c->next_attempt, c->retry_ms);
			return;
		}
		c->begun++;
		if (verdict == IO_DONE) {
			connector_succeed(c, a);
			return;
		}
		if (verdict == IO_AGAIN) {
			if (c->begun < c->addresses.count)
				timer_set_in(c->loop, &c->next_attempt, ATTEMPT_DELAY_MS);
			else
				connector_await(c);
			return;
		}
	}
	if (c->pending == 0)
		connector_give_up(c, &c->last);
	else
		connector_await(c);
}

static void connector_on_next_attempt(struct timer *t)
{
	connector_begin_next(container_of(t, struct connector, next_attempt));
}

static void connector_on_deadline(struct timer *t)
{
	struct connector *c = container_of(t, struct connector, deadline);
	struct err why = {0};

	if (c->source_until_ms) {
		why = c->last;
		why.kind = ERR_TIMEOUT;
		connector_give_up(c, &why);
		return;
	}
	err_set(&why, ERR_TIMEOUT, "cannot %s %s within %jd ms",
		c->resolve ? "look up" : "connect to", quoted(c->conf.typed).text,
		(intmax_t)c->conf.timeout_ms);
	err_fact(&why, c->retry_ms ? FACT_BACKLOG_FULL : FACT_NO_ANSWER, NULL);
	connector_give_up(c, &why);
}

/* With a source address, only its own kind of address can be reached. */
static void connector_keep_family_of_source(struct connector *c)
{
	size_t kept = 0;

	if (!c->conf.from.source.len)
		return;
	for (size_t i = 0; i < c->addresses.count; i++)
		if (c->addresses.at[i].sa.sa_family == c->conf.from.source.sa.sa_family)
			c->addresses.at[kept++] = c->addresses.at[i];
	c->addresses.count = kept;
	if (!kept) {
		err_set(&c->last, ERR_USAGE, "the source address %s is of another kind than %s",
			addr_text(&c->conf.from.source).text, quoted(c->conf.typed).text);
		err_hint(&c->last, "give both as IPv4 or both as IPv6");
	}
}

static void connector_race(struct connector *c)
{
	connector_keep_family_of_source(c);
	connector_interleave(&c->addresses);
	connector_begin_next(c);
}

static void connector_on_resolved(void *arg, const struct resolved *answer, const struct err *why)
{
	struct connector *c = arg;

	c->resolve = NULL;
	if (!answer) {
		connector_give_up(c, why);
		return;
	}
	c->addresses = *answer;
	connector_race(c);
}

/* The first attempt is the loop's, so that done is never called from connector_start. */
static void connector_on_first_attempt(struct timer *t)
{
	struct connector *c = container_of(t, struct connector, next_attempt);

	c->next_attempt.expired = connector_on_next_attempt;
	connector_race(c);
}

/* As resolve_at_once. */
static int connector_look_up_at_once(struct connector *c, struct err *err)
{
	if (!c->conf.at.len)
		return resolve_at_once(&c->conf.target, &c->addresses, err);
	c->addresses = (struct resolved){.at = {c->conf.at}, .count = 1};
	return 1;
}

const char *connector_stage(const struct connector *c)
{
	return c->resolve ? "looking up its name" : "connecting";
}

struct connector *connector_start(struct loop *loop, struct reporter *to,
	const struct connector_conf *conf,
	void (*done)(void *arg, const struct connected *there, const struct err *why), void *arg,
	struct err *err)
{
	const struct report resolving = {.kind = REPORT_RESOLVING,
		.address = conf->target.host,
		.host = conf->target.host,
		.port = conf->target.port};
	struct connector *c = malloc(sizeof(*c));
	int known;

	if (c)
		memset(c, 0, offsetof(struct connector, addresses.at));
	if (!c || timer_init(loop, &c->deadline, connector_on_deadline) < 0 ||
		timer_init(loop, &c->next_attempt, connector_on_first_attempt) < 0) {
		free(c);
		err_set(err, ERR_RUNTIME, "cannot connect to %s: out of memory",
			quoted(conf->typed).text);
		return NULL;
	}
	list_init(&c->node);
	c->loop = loop;
	c->to = to;
	c->conf = *conf;
	c->done = done;
	c->arg = arg;
	known = connector_look_up_at_once(c, err);
	if (known == 0) {
		report(to, &resolving);
		c->resolve = resolve_start(loop, &conf->target, connector_on_resolved, c, err);
	}
	if (known < 0 || (known == 0 && !c->resolve)) {
		connector_clean_up(c);
		return NULL;
	}
	if (known > 0)
		timer_set_in(loop, &c->next_attempt, 0);
	if (conf->timeout_ms)
		timer_set_in(loop, &c->deadline, conf->timeout_ms);
	return c;
}
