/* Where sockx serve listens: what was typed, as addresses. */
#include "cmd/serve.h"

static int add_address(struct serve_run *run, const struct addr *at, struct err *err)
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

static int add_all(struct serve_run *run, const struct resolved *answer, struct err *err)
{
	for (size_t i = 0; i < answer->count; i++)
		if (add_address(run, &answer->at[i], err) < 0)
			return -1;
	return 0;
}

static void on_resolved(void *arg, const struct resolved *answer, const struct err *why)
{
	struct serve_run *run = arg;
	struct err err = {0};

	run->resolve = NULL;
	if (answer && add_all(run, answer, &err) < 0)
		why = &err;
	serve_end(run, why);
}

/* All addresses of one host. The loop turns meanwhile, so that signals and limits hold. */
static int add_host(struct serve_run *run, const char *host, struct err *err)
{
	const struct resolve_query query = {.host = host,
		.port = run->where.port,
		.family = run->where.family,
		.numeric = run->conf->where.numeric,
		.passive = true};
	struct resolved answer;
	int known;

	if (host_check(host, err) < 0)
		return -1;
	known = resolve_at_once(&query, &answer, err);
	if (known != 0)
		return known < 0 ? -1 : add_all(run, &answer, err);
	run->resolve = resolve_start(&run->loop, &query, on_resolved, run, err);
	if (!run->resolve || loop_run(&run->loop, err) < 0)
		return -1;
	if (!run->verdict.kind)
		return 0;
	*err = run->verdict;
	return -1;
}

/* Who may reach a server whose operator named no address: all, unless its datagrams could be used
 * to flood others, whose addresses somebody forged. */
static bool for_all(const struct serve_run *run)
{
	return !(run->where.via->connectionless && run->mode->amplifies);
}

/* IPv4, and IPv6 beside it, where the machine has it. */
static void add_both(struct serve_run *run)
{
	struct addr (*address)(int family, uint16_t port) = for_all(run) ? addr_any : addr_loopback;
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

	if (run->where.path.len)
		return add_address(run, &run->where.path, err);
	if (word[0] && add_host(run, word, err) < 0)
		return -1;
	for (size_t i = 0; i < hosts->count && !run->interrupted; i++)
		if (add_host(run, hosts->items[i], err) < 0)
			return -1;
	if (!word[0] && hosts->count == 0)
		add_both(run);
	return 0;
}
