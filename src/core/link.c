#include "core/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "report/report.h"

struct link_aside {
	struct err *why;
	uint8_t *bytes; /* given back: bytes[at..len) */
	size_t len, at;
	struct lent_pipe *pipe;
	int64_t hung_up_ms; /* when its terminal was first found gone; else 0 */
};

struct link link_of(const struct transport *via, struct reporter *to)
{
	return (struct link){.via = via,
		.to = to,
		.fd = -1,
		.origin = -1,
		.message_max = (uint32_t)via->message_max,
		.connectionless = via->connectionless,
		.bulk = (uint8_t)via->bulk};
}

static struct link_aside *link_aside_of(struct link *link)
{
	if (!link->aside)
		link->aside = calloc(1, sizeof(*link->aside));
	return link->aside;
}

/* ---- what was read too much ---- */

int link_unread(struct link *link, struct span bytes)
{
	struct link_aside *aside = link_aside_of(link);
	size_t rest;
	uint8_t *all;

	if (!aside)
		return -1;
	rest = aside->len - aside->at;
	all = malloc(bytes.len + rest + 1);
	if (!all)
		return -1;
	if (bytes.len)
		memcpy(all, bytes.data, bytes.len);
	if (rest)
		memcpy(all + bytes.len, aside->bytes + aside->at, rest);
	free(aside->bytes);
	aside->bytes = all;
	aside->len = bytes.len + rest;
	aside->at = 0;
	link->unread = true;
	return 0;
}

static size_t link_take_back(struct link *link, uint8_t *room, size_t size)
{
	struct link_aside *aside = link->aside;
	size_t len = aside->len - aside->at;

	if (len > size)
		len = size;
	memcpy(room, aside->bytes + aside->at, len);
	aside->at += len;
	if (aside->at < aside->len)
		return len;
	free(aside->bytes);
	aside->bytes = NULL;
	aside->len = aside->at = 0;
	link->unread = false;
	return len;
}

enum io link_read(struct link *link, uint8_t *room, size_t size, size_t *got)
{
	if (!link->unread)
		return link->via->read(link, room, size, got);
	*got = link_take_back(link, room, size);
	return IO_DONE;
}

enum io link_drop(struct link *link, uint8_t *room, size_t size, size_t *got)
{
	enum io verdict;

	if (!link->via->drop || link->unread || link->to->trace)
		return link_read(link, room, size, got);
	verdict = link->via->drop(link, LINK_DROP_BYTES, got);
	if (verdict == IO_FAIL && link->error == EFAULT)
		return link_read(link, room, size, got);
	if (verdict == IO_DONE && *got == LINK_DROP_BYTES)
		link->left = true;
	return verdict;
}

/* ---- what waits in a pipe ---- */

int link_hold_pipe(struct link *link, struct lent_pipe *pipe)
{
	struct link_aside *aside = pipe ? link_aside_of(link) : link->aside;

	if (aside)
		aside->pipe = pipe;
	return aside || !pipe ? 0 : -1;
}

struct lent_pipe *link_held_pipe(const struct link *link)
{
	return link->aside ? link->aside->pipe : NULL;
}

/* ---- why it failed ---- */

bool link_is_hanging_up(struct link *link, int64_t within_ms)
{
	struct link_aside *aside = link_aside_of(link);
	int64_t now_ms = clock_ms();

	if (!aside)
		return false;
	if (!aside->hung_up_ms)
		aside->hung_up_ms = now_ms;
	return now_ms - aside->hung_up_ms < within_ms;
}

enum io link_fail_with(struct link *link, const struct err *why)
{
	struct link_aside *aside = link_aside_of(link);

	link->error = why->sys ? why->sys : EIO;
	if (aside && !aside->why)
		aside->why = malloc(sizeof(*why));
	if (aside && aside->why)
		*aside->why = *why;
	return IO_FAIL;
}

const struct err *link_story(const struct link *link)
{
	return link->aside ? link->aside->why : NULL;
}

struct link_path link_look(struct link *link)
{
	if (!link->via->look || link->fd < 0)
		return (struct link_path){0};
	return link->via->look(link);
}

void link_forget(struct link *link)
{
	struct link_aside *aside = link->aside;

	link->aside = NULL;
	link->unread = false;
	if (!aside)
		return;
	free(aside->bytes);
	free(aside->why);
	free(aside);
}

int link_close(struct link *link)
{
	link_forget(link);
	return link->via->close(link);
}

struct addr dial_source(const struct dial_conf *conf, const struct addr *at)
{
	if (conf->source.len || !conf->source_port)
		return conf->source;
	return addr_any(at->sa.sa_family, conf->source_port);
}
