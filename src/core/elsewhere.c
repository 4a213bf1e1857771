#include "core/elsewhere.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/messages.h"
#include "os/sys_socket.h"

struct elsewhere {
	struct link below;
	struct addr at;
	struct elsewhere_conf conf;
	int hops;         /* what is sent may travel so many; 0: as usual */
	struct buf kept;  /* messages sent to `at`, until it answers */
	struct buf again; /* ... to one before it, and to be sent to `at` first */
	bool answered;    /* there is no going elsewhere any more */
	bool too_much;    /* ... nor here: more was sent than is kept */
};

static void elsewhere_keep(struct elsewhere *e, struct span sent)
{
	if (e->answered || e->too_much)
		return;
	e->too_much =
		e->kept.len + sent.len > ELSEWHERE_MAX_BYTES || messages_add(&e->kept, sent) < 0;
	if (e->too_much)
		buf_free(&e->kept);
}

/* What is too long, or what we lack, is so everywhere. */
static bool elsewhere_is_refusal(int error)
{
	return error != EMSGSIZE && error != EOVERFLOW && !err_is_shortage(error);
}

/* There is nowhere to go on. Returns IO_FAIL. */
static enum io elsewhere_fail(struct link *link, int error)
{
	struct elsewhere *e = link->held;
	struct err why = {0};

	link->error = error;
	if (e->answered || !elsewhere_is_refusal(error))
		return IO_FAIL;
	err_sys(&why, ERR_REFUSED, error, "cannot reach %s", addr_text(&e->at).text);
	e->below.via->advise(e->below.to, &why, error, &e->at);
	return link_fail_with(link, &why);
}

static void elsewhere_limit_hops(struct link *link, int hops)
{
	struct elsewhere *e = link->held;

	e->hops = hops;
	if (e->below.via->limit_hops)
		e->below.via->limit_hops(&e->below, hops);
}

/* The address refuses: take the next one. Returns IO_DONE, or IO_FAIL. */
static enum io elsewhere_move(struct link *link, int error)
{
	struct elsewhere *e = link->held;
	struct link next;
	struct addr at;

	if (e->answered || e->too_much || !elsewhere_is_refusal(error) ||
		buf_add(&e->kept, buf_span(&e->again)) < 0 ||
		!e->conf.next(e->conf.arg, error, &next, &at))
		return elsewhere_fail(link, error);
	link_close(&e->below);
	e->below = next;
	e->at = at;
	if (e->hops)
		elsewhere_limit_hops(link, e->hops);
	link->fd = next.fd;
	link->moved = true;
	buf_free(&e->again);
	e->again = e->kept;
	e->kept = (struct buf){0};
	return IO_DONE;
}

/* One message, to whatever address takes it. A move puts all before it into `again`. */
static enum io elsewhere_try(struct link *link, struct span out)
{
	struct elsewhere *e = link->held;
	size_t taken = 0;
	enum io verdict = e->below.via->write(&e->below, out, &taken);

	if (verdict == IO_DONE)
		elsewhere_keep(e, out);
	return verdict == IO_FAIL ? elsewhere_move(link, e->below.error) : verdict;
}

/* Send again what another address had been given. */
static enum io elsewhere_catch_up(struct link *link)
{
	struct elsewhere *e = link->held;

	while (e->again.len) {
		int here = link->fd;
		enum io verdict = elsewhere_try(link, messages_first(&e->again));

		if (verdict != IO_DONE)
			return verdict;
		if (link->fd == here)
			messages_drop_first(&e->again);
	}
	return IO_DONE;
}

static enum io elsewhere_write(struct link *link, struct span out, size_t *taken)
{
	for (;;) {
		enum io verdict = elsewhere_catch_up(link);
		int here = link->fd;

		if (verdict == IO_DONE)
			verdict = elsewhere_try(link, out);
		if (verdict != IO_DONE)
			return verdict;
		if (link->fd == here) {
			*taken = out.len;
			return IO_DONE;
		}
	}
}

static enum io elsewhere_read(struct link *link, uint8_t *room, size_t size, size_t *got)
{
	struct elsewhere *e = link->held;
	enum io verdict = elsewhere_catch_up(link);

	if (verdict == IO_FAIL)
		return IO_FAIL;
	verdict = link_read(&e->below, room, size, got);
	if (verdict == IO_DONE) {
		e->answered = true;
		buf_free(&e->kept);
	}
	if (verdict != IO_FAIL)
		return verdict;
	verdict = elsewhere_move(link, e->below.error);
	if (verdict == IO_DONE)
		verdict = elsewhere_catch_up(link);
	return verdict == IO_FAIL ? IO_FAIL : IO_AGAIN;
}

static uint32_t elsewhere_wants(struct link *link, uint32_t asked)
{
	const struct elsewhere *e = link->held;

	return e->again.len ? asked | EPOLLOUT : asked;
}

/* The peer does not see our end, but all has to be sent before it. */
static enum io elsewhere_finish(struct link *link)
{
	return elsewhere_catch_up(link);
}

static int elsewhere_unsent(struct link *link)
{
	struct elsewhere *e = link->held;

	return e->below.via->unsent ? e->below.via->unsent(&e->below) : 0;
}

/* A refusal that only shows now is one all the same. */
static int elsewhere_pending(struct link *link)
{
	struct elsewhere *e = link->held;
	int error = e->below.via->pending ? e->below.via->pending(&e->below) : 0;

	if (!error || elsewhere_move(link, error) == IO_DONE)
		return elsewhere_catch_up(link) == IO_FAIL ? link->error : 0;
	return error;
}

static struct addr elsewhere_address(const struct link *link)
{
	const struct elsewhere *e = link->held;

	return e->at;
}

static int elsewhere_close(struct link *link)
{
	struct elsewhere *e = link->held;
	int error = link_close(&e->below);

	buf_free(&e->kept);
	buf_free(&e->again);
	free(e);
	return error;
}

static const struct transport elsewhere_row = {
	.name = "elsewhere",
	.connectionless = true,
	.read = elsewhere_read,
	.write = elsewhere_write,
	.finish = elsewhere_finish,
	.unsent = elsewhere_unsent,
	.pending = elsewhere_pending,
	.wants = elsewhere_wants,
	.missed = sys_missed,
	.limit_hops = elsewhere_limit_hops,
	.address = elsewhere_address,
	.close = elsewhere_close,
};

int elsewhere_over(struct link *link, const struct addr *at, const struct elsewhere_conf *conf)
{
	struct elsewhere *e = calloc(1, sizeof(*e));

	if (!e)
		return -1;
	e->below = *link;
	e->at = *at;
	e->conf = *conf;
	*link = link_of(&elsewhere_row, e->below.to);
	link->held = e;
	link->fd = e->below.fd;
	link->message_max = e->below.message_max;
	return 0;
}

size_t elsewhere_kept(const struct link *link)
{
	const struct elsewhere *e = link->held;

	return e->kept.len;
}
