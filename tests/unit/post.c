#include "post.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "held_clock.h"
#include "os/timer.h"
#include "peer.h"

/* ---- the transport ---- */

static struct post *post_behind(struct reporter *to)
{
	return container_of(to, struct post, to);
}

struct addr post_addr(uint16_t port)
{
	return addr_loopback(AF_INET, port);
}

static size_t letter_len(const struct letter *l)
{
	return l->len || !l->text ? l->len : strlen(l->text);
}

static void hand_over(const struct letter *l, struct datagram *in)
{
	cr_assert(ge(sz, in->len, POST_DATAGRAM_MAX), "each has all the room there may be need of");
	in->peer = post_addr(l->from);
	in->local = l->local;
	in->hops = l->hops;
	in->cut = l->cut;
	in->forbidden = l->forbidden;
	in->len = letter_len(l);
	if (l->text)
		memcpy(in->data, l->text, in->len);
}

static int post_take(struct reporter *to, const struct listening *socket, const struct addr *own,
	struct datagram *in, size_t count)
{
	struct post *p = post_behind(to);
	size_t came = p->waiting_count < count ? p->waiting_count : count;

	(void)socket;
	cr_assert(eq(int, addr_port(own), 7000));
	p->receives++;
	p->asked_for = count;
	if (p->receive_errors) {
		p->receive_errors--;
		errno = p->receive_error;
		return -1;
	}
	for (size_t i = 0; i < came; i++)
		hand_over(&p->waiting[i], &in[i]);
	p->waiting_count -= came;
	memmove(p->waiting, p->waiting + came, p->waiting_count * sizeof(p->waiting[0]));
	return (int)came;
}

static void record(struct post *p, int fd, const struct datagram *out)
{
	struct sent_letter *s = &p->sent[p->sent_count++ % POST_SENT_MAX];

	*s = (struct sent_letter){.to = addr_port(&out->peer),
		.fd = fd,
		.hops = out->hops,
		.call = p->sends,
		.local = out->local,
		.len = out->len};
	memcpy(s->text, out->data, out->len < sizeof(s->text) ? out->len : sizeof(s->text) - 1);
}

static bool refuses(const struct post *p, const struct datagram *out)
{
	return p->refusal.times && p->refusal.to == addr_port(&out->peer);
}

/* As sendmmsg(2): it reports an error of the first only. */
static int post_give(struct reporter *to, int fd, struct datagram *out, size_t count)
{
	struct post *p = post_behind(to);
	size_t i;

	p->sends++;
	if (p->takes && p->takes < count)
		count = p->takes;
	if (refuses(p, &out[0])) {
		p->refusal.times--;
		errno = p->refusal.error;
		return -1;
	}
	for (i = 0; i < count && !refuses(p, &out[i]); i++)
		record(p, fd, &out[i]);
	return (int)i;
}

static int post_next_failure(struct reporter *to, int fd, struct addr *peer)
{
	struct post *p = post_behind(to);

	(void)fd;
	if (p->failures_told == p->failure_count)
		return 0;
	*peer = post_addr(p->failures[p->failures_told].peer);
	return p->failures[p->failures_told++].error;
}

static void no_advice(struct reporter *to, struct err *err, int error, const struct addr *at)
{
	(void)to;
	(void)err;
	(void)error;
	(void)at;
}

static const struct transport post_row = {
	.name = "post",
	.message_max = 1000,
	.connectionless = true,
	.advise = no_advice,
	.datagram_max = POST_DATAGRAM_MAX,
	.receive = post_take,
	.send = post_give,
	.failure = post_next_failure,
};

/* ---- the handler, and the server ---- */

struct post *post_of(struct conn *c)
{
	return conn_ctx(c);
}

uint16_t port_of(struct conn *c)
{
	const struct addr at = conn_address(c);

	return addr_port(&at);
}

static void write_down(struct post *p, const char *mark, uint16_t port, struct span what)
{
	size_t used = strlen(p->told);

	snprintf(p->told + used, sizeof(p->told) - used, "%s%s%u%s%.*s", used ? " " : "", mark,
		port, what.data ? ":" : "", (int)what.len, (const char *)what.data);
}

static void on_open(struct conn *c)
{
	write_down(post_of(c), "+", port_of(c), (struct span){0});
	if (post_of(c)->opened)
		post_of(c)->opened(c);
}

static void on_data(struct conn *c, struct span in)
{
	write_down(post_of(c), "", port_of(c), in);
	if (post_of(c)->came)
		post_of(c)->came(c, in);
}

static void on_closed(struct conn *c, const struct err *why)
{
	struct post *p = post_of(c);

	write_down(p, "-", port_of(c), (struct span){0});
	if (!why)
		return;
	p->lost++;
	p->why = *why;
}

static struct conn *welcome(void *arg, const struct link *link, const struct addr *peer)
{
	struct post *p = arg;
	struct conn *c = p->welcomes_nobody ? NULL : conn_new(&p->owner, link, peer, CONN_BOTH);

	if (c)
		conn_open(c);
	return c;
}

static void on_changed(void *arg)
{
	((struct post *)arg)->changes++;
}

/* ---- what tests do ---- */

void post_begin(struct post *p, size_t max, bool replaces)
{
	struct sessions_conf conf = {.max = max, .replaces = replaces};
	struct err err;

	*p = (struct post){
		.row = post_row, .on = {.open = on_open, .data = on_data, .closed = on_closed}};
	p->to = lines_reporter(&p->lines);
	cr_assert(eq(int, loop_init(&p->loop, &err), 0));
	p->owner = (struct conn_owner){.loop = &p->loop, .to = &p->to, .on = &p->on, .ctx = p};
	conn_owner_init(&p->owner);
	conf.via = &p->row;
	conf.owner = &p->owner;
	conf.welcome = welcome;
	conf.changed = on_changed;
	conf.arg = p;
	cr_assert(eq(int, sessions_init(&p->sessions, &conf), 0));
}

void post_end(struct post *p)
{
	conn_owner_free(&p->owner);
	cr_expect(eq(sz, p->sessions.count, 0), "no session outlives its connection");
	cr_expect(eq(sz, p->sessions.unwilling, 0));
	sessions_free(&p->sessions);
	cr_expect(eq(u32, p->loop.timers_counted, 0));
	loop_free(&p->loop);
}

void post_letter(struct post *p, const struct letter *letter)
{
	cr_assert(lt(sz, p->waiting_count, SESSIONS_BATCH));
	p->waiting[p->waiting_count++] = *letter;
}

void post_text(struct post *p, uint16_t from, const char *text)
{
	post_letter(p, &(struct letter){.from = from, .text = text});
}

void post_failure(struct post *p, uint16_t peer, int error)
{
	cr_assert(lt(sz, p->failure_count, POST_FAILURES_MAX));
	p->failures[p->failure_count].peer = peer;
	p->failures[p->failure_count++].error = error;
}

int post_receive(struct post *p, int fd, uint32_t events)
{
	const struct listening socket = {.fd = fd};
	const struct addr own = post_addr(7000);

	return sessions_receive(&p->sessions, &socket, &own, events);
}

void post_turn(struct post *p)
{
	clock_hold_at(p->loop.now_ms);
	turn_for_ms(&p->loop, 0);
	clock_release();
}

void post_deliver(struct post *p)
{
	cr_assert(eq(int, post_receive(p, POST_FD, EPOLLIN), 0));
	post_turn(p);
}

void post_say(struct post *p, uint16_t from, const char *text)
{
	post_text(p, from, text);
	post_deliver(p);
}

void post_pass_ms(struct post *p, int64_t ms)
{
	int64_t end_ms = p->loop.now_ms + ms;

	while (p->loop.timers_set && p->loop.heap[1]->at_ms <= end_ms) {
		if (p->loop.heap[1]->at_ms > p->loop.now_ms)
			p->loop.now_ms = p->loop.heap[1]->at_ms;
		timers_run(&p->loop);
	}
	p->loop.now_ms = end_ms;
}

struct conn *post_conn(struct post *p, uint16_t port)
{
	struct list *node;

	for (node = p->owner.conns.next; node != &p->owner.conns; node = node->next)
		if (port_of(conn_of_node(node)) == port)
			return conn_of_node(node);
	return NULL;
}

void post_echo(struct conn *c, struct span in)
{
	conn_write(c, in);
}

struct post_text post_sent(const struct post *p)
{
	struct post_text all = {""};

	for (size_t i = 0; i < p->sent_count && i < POST_SENT_MAX; i++) {
		size_t used = strlen(all.text);

		snprintf(all.text + used, sizeof(all.text) - used, "%s%u:%s", used ? " " : "",
			p->sent[i].to, p->sent[i].text);
	}
	return all;
}
