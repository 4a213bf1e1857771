#include "cmd/far.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "cmd/secure.h"

/* Fill where d goes, and from where. */
static int far_aim(const struct mode_shared *shared, bool numeric, int64_t timeout_ms,
	struct dial *d, const struct target *to, struct err *err)
{
	const struct where_conf plain = {.numeric = numeric, .sockets = SOCKET_OPTIONS_NONE};
	struct where where;

	if (where_of_target(to, numeric, &where, err) < 0 ||
		where_aim(&where, &plain, timeout_ms, d, err) < 0)
		return -1;
	if (where.at.host[0])
		d->where.target.host = to->at.host; /* which stays */
	return where_read_source(shared->to_source, where.path.len, &d->where.from, err);
}

/* The steps of a target that has TLS: they differ by the name of its host alone. */
static const struct step_entry *far_steps_of(const struct far *far, const struct target *to)
{
	const char *name = secure_name(&far->conf, to->at.host);

	for (size_t i = 0; i < OPT_LIST_MAX; i++)
		if (far->names[i] && strcmp(far->names[i], name) == 0)
			return far->steps[i];
	return NULL;
}

int far_dial(const struct far *far, const struct mode_shared *shared, bool numeric,
	int64_t timeout_ms, struct dial *d, const struct target *to, struct err *err)
{
	if (far_aim(shared, numeric, timeout_ms, d, to, err) < 0)
		return -1;
	d->steps = to->by == TRAVEL_TLS ? far_steps_of(far, to) : NULL;
	if (to->by == TRAVEL_TLS && !d->steps)
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	return dial_start(d, err);
}

/* ---- TLS ---- */

static struct tls_conf far_tls_conf(const struct mode_shared *shared)
{
	return (struct tls_conf){.ca = shared->to_tls_ca,
		.name = shared->to_tls_name,
		.pin = shared->to_tls_pin,
		.no_verify = shared->to_tls_no_verify};
}

static bool far_has_tls(const char *word, struct target *to)
{
	return !target_read(word, to) && to->by == TRAVEL_TLS;
}

int far_begin(
	struct far *far, const struct mode_shared *shared, struct reporter *to, struct err *err)
{
	struct target target;

	far->conf = far_tls_conf(shared);
	for (size_t i = 0; i < shared->to.count; i++) {
		if (!far_has_tls(shared->to.items[i], &target))
			continue;
		if (!far->tls)
			far->tls = tls_of_client(&far->conf, to, err);
		if (!far->tls)
			return -1;
		far->names[i] = strdup(secure_name(&far->conf, target.at.host));
		far->ends[i] = (struct tls_end){far->tls, far->names[i]};
		far->steps[i][0] = (struct step_entry){&step_tls, &far->ends[i]};
		if (!far->names[i])
			return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	}
	return 0;
}

void far_end(struct far *far)
{
	for (size_t i = 0; far->tls && i < OPT_LIST_MAX; i++)
		free(far->names[i]);
	tls_free(far->tls);
	*far = (struct far){0};
}

/* What is said about TLS with the targets can be meant. */
static int far_check_tls(const struct mode_shared *shared, struct err *err)
{
	const struct tls_conf conf = far_tls_conf(shared);
	struct where where = {0};
	struct target target;

	for (size_t i = 0; i < shared->to.count; i++)
		where.tls |= far_has_tls(shared->to.items[i], &target);
	if (where.tls)
		return secure_check(&conf, &where, err);
	if (!conf.ca && !conf.name && !conf.pin && !conf.no_verify)
		return 0;
	err_set(err, ERR_USAGE, "'--to-tls-...' is for a target with TLS, and there is none");
	return err_hint(err, "write it as --to tls://HOST:PORT");
}

static int far_read(const char *word, struct target *out, struct err *err)
{
	const char *wrong = target_read(word, out);

	if (!wrong && !out->at.digits)
		return 0;
	if (wrong)
		err_set(err, ERR_USAGE, "address %s %s", quoted(word).text, wrong);
	else
		err_set(err, ERR_USAGE, "%s is a port without a host", quoted(word).text);
	return err_hint(err, "after --to write HOST:PORT, udp://HOST:PORT or unix:PATH");
}

/* What passes over a transport. */
static const char *far_goods(const struct transport *via)
{
	if (via->connectionless)
		return "datagrams";
	return via->message_max ? "packets" : "a stream";
}

/* Nothing else would be kept whole: an end, the bounds of messages. */
static int far_suits(const struct mode *mode, const struct transport *near,
	const struct transport *far, struct err *err)
{
	if (near->connectionless == far->connectionless && !near->message_max == !far->message_max)
		return 0;
	err_set(err, ERR_USAGE, "mode %s cannot join %s to %s", mode->name, far_goods(near),
		far_goods(far));
	return err_hint(err, "both sides must be streams (TCP or Unix), both datagrams (UDP or "
			     "Unix), or both sequenced packets");
}

int far_check(const struct mode *mode, const struct mode_shared *shared, bool numeric,
	const struct transport *via, struct err *err)
{
	if (!(mode->takes & MODE_TAKES_TARGET))
		return 0;
	if (far_check_tls(shared, err) < 0)
		return -1;
	for (size_t i = 0; i < shared->to.count; i++) {
		struct dial d = {0};
		struct target to;
		struct resolved known;

		if (far_read(shared->to.items[i], &to, err) < 0 ||
			far_aim(shared, numeric, 0, &d, &to, err) < 0 ||
			far_suits(mode, via, d.where.via, err) < 0 ||
			(!d.where.at.len && resolve_at_once(&d.where.target, &known, err) < 0))
			return -1;
	}
	return 0;
}

/* Whether one that connects to an address reaches what listens at another, as far as that shows. */
static bool far_reaches(const struct addr *to, const struct addr *at)
{
	if (addr_equal(to, at))
		return true;
	return to->sa.sa_family == at->sa.sa_family && addr_port(to) == addr_port(at) &&
	       addr_is_loopback(to) && addr_is_any(at);
}

static bool far_reaches_any(const struct resolved *known, const struct addr *at, size_t count)
{
	for (size_t i = 0; i < known->count; i++)
		for (size_t k = 0; k < count; k++)
			if (far_reaches(&known->at[i], &at[k]))
				return true;
	return false;
}

/* The addresses of a target that takes no look-up; else none. */
static struct resolved far_known(const struct dial *d)
{
	struct resolved known = {.at = {d->where.at}, .count = 1};
	struct err unused;

	if (!d->where.at.len && resolve_at_once(&d->where.target, &known, &unused) <= 0)
		known.count = 0;
	return known;
}

int far_check_loop(const struct mode_shared *shared, const struct transport *via,
	const struct addr *at, size_t count, struct err *err)
{
	for (size_t i = 0; i < shared->to.count; i++) {
		const char *word = shared->to.items[i];
		struct dial d = {0};
		struct resolved known;
		struct target to;

		if (far_read(word, &to, err) < 0 || far_aim(shared, false, 0, &d, &to, err) < 0)
			return -1;
		known = far_known(&d);
		if (d.where.via != via || !far_reaches_any(&known, at, count))
			continue;
		err_set(err, ERR_USAGE, "'--to %s' is where this server listens itself", word);
		return err_hint(err, "each client would make it its own client, and so on");
	}
	return 0;
}
