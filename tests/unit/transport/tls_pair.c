#include "tls_pair.h"

#ifdef TLS_IS_BUILT_IN

#include <errno.h>
#include <stdlib.h>

enum { PAIR_ROUNDS = 200000, PAIR_IDLE_ROUNDS = 8 };

/* ---- the link below ---- */

/* What is under way is not among the allocations that tests let fail, as buf_add would be. */
static void wire_add(struct buf *b, struct span bytes)
{
	if (b->start) {
		memmove(b->data, b->data + b->start, b->len);
		b->start = 0;
	}
	if (b->len + bytes.len > b->cap) {
		b->cap = 2 * (b->len + bytes.len);
		b->data = reallocarray(b->data, b->cap, 1);
		cr_assert(b->data != NULL);
	}
	memcpy(b->data + b->len, bytes.data, bytes.len);
	b->len += bytes.len;
}

static void wire_take(struct buf *b, size_t len)
{
	b->start += len;
	b->len -= len;
}

static bool side_waits(struct tls_side *side)
{
	return ++side->calls && side->moves.again_every &&
	       side->calls % side->moves.again_every == 0;
}

static size_t side_most(const struct tls_side *side, size_t per_call, size_t len)
{
	size_t most = side->moves.ragged ? 1 + side->calls * 389U % 1500 : per_call;

	return most && len > most ? most : len;
}

static enum io side_fails(struct link *link, int error)
{
	link->error = error;
	return IO_FAIL;
}

static enum io side_read(struct link *link, uint8_t *room, size_t size, size_t *got)
{
	struct tls_side *side = link->held;
	size_t len =
		side_most(side, side->moves.per_read, side->in->len < size ? side->in->len : size);

	cr_assert(gt(sz, size, 0));
	if (!len && side->moves.read_error)
		return side_fails(link, side->moves.read_error);
	if (!len && side->moves.ends)
		return IO_EOF;
	if (!len || side_waits(side))
		return IO_AGAIN;
	memcpy(room, buf_span(side->in).data, len);
	wire_take(side->in, len);
	*got = len;
	return IO_DONE;
}

static enum io side_write(struct link *link, struct span out, size_t *taken)
{
	struct tls_side *side = link->held;
	const struct moves *m = &side->moves;

	cr_assert(gt(sz, out.len, 0), "an empty write says nothing");
	cr_assert(eq(uint, side->finished, 0), "nothing is written after our end");
	if (m->write_error) {
		side->refused++;
		return side_fails(link, m->write_error);
	}
	if (side_waits(side) || m->deaf || (m->room && side->out->len >= m->room))
		return IO_AGAIN;
	out.len = side_most(side, m->per_write, out.len);
	if (m->room && out.len > m->room - side->out->len)
		out.len = m->room - side->out->len;
	wire_add(side->out, out);
	*taken = out.len;
	return IO_DONE;
}

static enum io side_finish(struct link *link)
{
	struct tls_side *side = link->held;

	side->finished++;
	return IO_DONE;
}

static int side_unsent(struct link *link)
{
	const struct tls_side *side = link->held;

	return (int)side->out->len;
}

static int side_close(struct link *link)
{
	struct tls_side *side = link->held;

	side->closed++;
	return 0;
}

static void side_reset(struct link *link)
{
	struct tls_side *side = link->held;

	side->was_reset++;
}

static const struct transport side_row = {.name = "memory",
	.edges = true,
	.read = side_read,
	.write = side_write,
	.finish = side_finish,
	.unsent = side_unsent,
	.close = side_close,
	.reset = side_reset};

/* ---- both ends ---- */

static void side_begin(struct tls_side *side, struct buf *in, struct buf *out)
{
	side->in = in;
	side->out = out;
	side->to = lines_reporter(&side->lines);
	side->link = link_of(&side_row, &side->to);
	side->link.held = side;
	side->over = IO_AGAIN;
}

void pair_begin(struct tls_pair *p)
{
	static const char *const names[] = {"localhost", "127.0.0.1"};
	struct err err = {0};

	side_begin(&p->client, &p->to_client, &p->to_server);
	side_begin(&p->server, &p->to_server, &p->to_client);
	p->server.tls = tls_of_server(&p->server.conf, &p->server.to, names, 2, &err);
	cr_assert(p->server.tls != NULL, "%s", err.what);
	snprintf(p->pin, sizeof(p->pin), "%s", tls_own_pin(p->server.tls));
	if (!p->client.conf.pin && !p->client.conf.no_verify && !p->client.conf.ca)
		p->client.conf.pin = p->pin;
	p->client.tls = tls_of_client(&p->client.conf, &p->client.to, &err);
	cr_assert(p->client.tls != NULL, "%s", err.what);
}

void pair_join(struct tls_pair *p)
{
	const struct addr at = addr_loopback(AF_INET, 4433);

	cr_assert(tls_over(p->client.tls, &p->client.link, &at, p->name ? p->name : "localhost"));
	cr_assert(tls_over(p->server.tls, &p->server.link, &at, NULL));
}

struct tls_link *pair_layer(struct tls_side *side)
{
	return side->link.held;
}

enum io side_shake(struct tls_side *side)
{
	static uint8_t room[CONN_READ_BYTES];

	return tls_shake_hands(&side->link, room, sizeof(room));
}

bool pair_shake(struct tls_pair *p)
{
	enum io client = IO_AGAIN, server = IO_AGAIN;
	unsigned idle = 0;

	while ((client != IO_DONE || server != IO_DONE) && idle < PAIR_IDLE_ROUNDS) {
		size_t before = p->client.calls + p->server.calls, none = 0;

		if (client == IO_AGAIN)
			client = side_shake(&p->client);
		else if (client == IO_DONE && p->client.link.holds)
			pair_write(&p->client, (struct span){0}, &none);
		if (server == IO_AGAIN)
			server = side_shake(&p->server);
		else if (server == IO_DONE && p->server.link.holds)
			pair_write(&p->server, (struct span){0}, &none);
		idle = p->client.calls + p->server.calls == before ? idle + 1 : 0;
	}
	p->client.over = client == IO_FAIL ? IO_FAIL : IO_AGAIN;
	p->server.over = server == IO_FAIL ? IO_FAIL : IO_AGAIN;
	return client == IO_DONE && server == IO_DONE;
}

void pair_open(struct tls_pair *p)
{
	pair_begin(p);
	pair_join(p);
	cr_assert(pair_shake(p));
}

enum io pair_write(struct tls_side *side, struct span bytes, size_t *taken)
{
	*taken = 0;
	return side->link.via->write(&side->link, bytes, taken);
}

/* Again as long as there may be more: where epoll would tell of it, or the link does. */
void pair_read(struct tls_side *side)
{
	static uint8_t room[CONN_READ_BYTES];
	size_t size = side->read_max ? side->read_max : sizeof(room);

	while (side->over == IO_AGAIN) {
		size_t got = 0;
		bool was_there = side->in->len || side->moves.ends || side->moves.read_error;
		enum io verdict = link_read(&side->link, room, size, &got);

		if (verdict == IO_DONE)
			cr_assert(eq(int, buf_add(&side->heard, (struct span){room, got}), 0));
		else if (verdict != IO_AGAIN)
			side->over = verdict;
		if (verdict == IO_AGAIN && !was_there)
			break;
		if (verdict == IO_AGAIN && pair_layer(side)->out.len)
			break; /* it may have to write first */
	}
}

void pair_send(struct tls_side *from, struct tls_side *to, struct span bytes)
{
	for (int i = 0; bytes.len || from->link.holds; i++) {
		size_t taken;

		cr_assert(lt(int, i, PAIR_ROUNDS), "%zu bytes are not taken", bytes.len);
		cr_assert(ne(int, pair_write(from, bytes, &taken), IO_FAIL));
		bytes = span_from(bytes, taken);
		pair_read(to);
	}
	pair_read(to);
}

enum io pair_finish(struct tls_side *side)
{
	return side->link.via->finish(&side->link);
}

static void side_close_it(struct tls_side *side)
{
	if (side->link.via != &side_row)
		link_close(&side->link);
	else
		link_forget(&side->link);
	tls_free(side->tls);
	buf_free(&side->heard);
}

void pair_close(struct tls_pair *p)
{
	side_close_it(&p->client);
	side_close_it(&p->server);
	buf_free(&p->to_client);
	buf_free(&p->to_server);
}

#endif
