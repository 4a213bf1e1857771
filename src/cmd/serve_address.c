/* Where sockx serve listens: what was typed, as addresses. */
#include "cmd/host.h"
#include "cmd/serve.h"

static int serve_address_add(struct serve_run *run, const struct addr *at, struct err *err)
{
	for (size_t i = 0; i < run->at_count; i++)
		if (addr_equal(&run->at[i], at))
			return 0;
	if (run->at_count == SERVER_LISTENERS_MAX)
		return err_set(err, ERR_USAGE, "more than %d addresses to listen on",
			SERVER_LISTENERS_MAX);
	run->at[run->at_count++] = *at;
	return 0;
}

static int serve_address_add_all(
	struct serve_run *run, const struct resolved *answer, struct err *err)
{
	for (size_t i = 0; i < answer->count; i++)
		if (serve_address_add(run, &answer->at[i], err) < 0)
			return -1;
	return 0;
}

/* All hosts' addresses, in the order typed, whichever answered first. */
static int serve_address_add_hosts(struct serve_run *run, struct err *err)
{
	for (size_t i = 0; i < run->host_count; i++)
		if (serve_address_add_all(run, &run->hosts[i].addresses, err) < 0)
			return -1;
	return 0;
}

/* The last answer begins the serving; the first failure ends the run. */
static void serve_address_on_resolved(
	void *arg, const struct resolved *answer, const struct err *why)
{
	struct serve_host *h = arg;
	struct serve_run *run = h->run;
	struct err err = {0};

	h->resolve = NULL;
	if (run->loop.stopped)
		return; /* the run ended earlier in this turn */
	if (!answer) {
		serve_end(run, why);
		return;
	}
	h->addresses = *answer;
	run->unanswered--;
	if (run->unanswered)
		return;
	if (serve_address_add_hosts(run, &err) < 0 || serve_begin(run, &err) < 0)
		serve_end(run, &err);
}

/* Know a host's addresses, or begin to look them up. */
static int serve_address_find_host(struct serve_run *run, const char *host, struct err *err)
{
	struct serve_host *h = &run->hosts[run->host_count++];
	const struct resolve_query query = {.host = host,
		.port = run->where.port,
		.family = run->where.family,
		.numeric = run->conf->where.numeric,
		.passive = true};
	int known;

	h->run = run;
	if (host_check(host, run->conf->where.sockets.interface, err) < 0)
		return -1;
	known = resolve_at_once(&query, &h->addresses, err);
	if (known != 0)
		return known < 0 ? -1 : 0;
	h->resolve = resolve_start(&run->loop, &query, serve_address_on_resolved, h, err);
	if (!h->resolve)
		return -1;
	run->unanswered++;
	return 0;
}

void serve_forget_hosts(struct serve_run *run)
{
	for (size_t i = 0; i < run->host_count; i++)
		if (run->hosts[i].resolve)
			resolve_cancel(run->hosts[i].resolve);
}

/* Who may reach a server whose operator named no address: all, unless it gives them more than it
 * does itself, or its datagrams could be used to flood others, whose addresses were forged. */
static bool serve_address_for_all(const struct serve_run *run)
{
	return !run->mode->exposes && !(run->where.via->connectionless && run->mode->amplifies);
}

/* IPv4, and IPv6 beside it, where the machine has it. */
static void serve_address_add_both(struct serve_run *run)
{
	struct addr (*address)(int family, uint16_t port) =
		serve_address_for_all(run) ? addr_any : addr_loopback;
	int family = run->where.family;

	if (family != AF_INET6)
		run->at[run->at_count++] = address(AF_INET, run->where.port);
	if (family != AF_INET)
		run->at[run->at_count++] = address(AF_INET6, run->where.port);
	run->server.conf.any = family == AF_UNSPEC;
}

int serve_find_addresses(struct serve_run *run, struct err *err)
{
	const struct opt_list *hosts = &run->conf->hosts;
	const char *word = run->where.at.host;

	if (run->at_count)
		return 1; /* they were handed over */
	if (run->where.path.len)
		return serve_address_add(run, &run->where.path, err) < 0 ? -1 : 1;
	if (word[0] && serve_address_find_host(run, word, err) < 0)
		return -1;
	for (size_t i = 0; i < hosts->count; i++)
		if (serve_address_find_host(run, hosts->items[i], err) < 0)
			return -1;
	if (run->unanswered)
		return 0;
	if (run->host_count == 0)
		serve_address_add_both(run);
	return serve_address_add_hosts(run, err) < 0 ? -1 : 1;
}
