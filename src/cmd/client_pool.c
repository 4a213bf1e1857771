#include "cmd/client_pool.h"

#include "os/limits.h"

enum { SPARE_DESCRIPTORS = 8 }; /* for the signals, a timer, standard input and output */

int client_pool_check(const struct client *c, uint64_t wanted, struct err *err)
{
	size_t most = limits_descriptors(c->to, 0);

	most = most > SPARE_DESCRIPTORS ? most - SPARE_DESCRIPTORS : 0;
	if (wanted <= most)
		return 0;
	err_set(err, ERR_RUNTIME, "%ju connections are more than the %zu that can be open at once",
		(uintmax_t)wanted, most);
	return err_hint(err, "open fewer, or raise the limit of descriptors (ulimit -Hn)");
}

static void client_pool_fail(struct client_pool *p, const struct err *why)
{
	if (p->over)
		return;
	p->over = true;
	p->failed(p, why);
}

static void client_pool_on_connected(
	void *arg, const struct connected *there, const struct err *why)
{
	struct client_pool_place *place = arg;
	struct client_pool *p = place->of;
	struct err err = {0};
	struct conn *made;

	place->connector = NULL;
	if (why) {
		client_pool_fail(p, why);
		return;
	}
	made = dial_adopt(&p->client->owner, p->where.typed, there, &err);
	if (made)
		conn_begin(made);
	else
		client_pool_fail(p, &err);
}

/* The first place that is free: there is one, for those that are connected have left theirs. */
static struct client_pool_place *client_pool_free_place(struct client_pool *p)
{
	size_t i = 0;

	while (p->places[i].connector)
		i++;
	return &p->places[i];
}

static void client_pool_begin_one(struct client_pool *p)
{
	struct client_pool_place *place = client_pool_free_place(p);
	struct err err = {0};

	place->of = p;
	p->begun++;
	place->connector = connector_start(p->client->owner.loop, &p->quieter, &p->where,
		client_pool_on_connected, place, &err);
	if (!place->connector)
		client_pool_fail(p, &err);
}

/* Where the first one went, with nothing to look up, to race, or to go to instead. */
static void client_pool_aim(struct client_pool *p)
{
	p->begun = 1;
	p->where = p->client->dial.where;
	p->where.at = p->client->dial.at;
	p->quieter = *p->client->to;
	if (p->quieter.level > LEVEL_READY)
		p->quieter.level = LEVEL_READY;
}

void client_pool_up(struct client_pool *p)
{
	uint64_t at_once = p->client->where.via->connectionless ? 1 : CLIENT_POOL_AT_ONCE;

	p->client->many = p->wanted > 1;
	if (p->up++ == 0)
		client_pool_aim(p);
	while (!p->over && p->begun < p->wanted && p->begun - p->up < at_once)
		client_pool_begin_one(p);
}

void client_pool_end(struct client_pool *p)
{
	p->over = true;
	for (size_t i = 0; i < CLIENT_POOL_AT_ONCE; i++)
		if (p->places[i].connector)
			connector_cancel(p->places[i].connector);
	for (size_t i = 0; i < CLIENT_POOL_AT_ONCE; i++)
		p->places[i].connector = NULL;
}
