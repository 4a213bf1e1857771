/* TLS by the real library, both ends over the layer, under short moves, failures and orders of ends
 * that the input chooses: what is heard is what was said, in order and once; an end is heard after
 * all of it, and only if it was meant; and bytes changed on the way are never heard. Or the input
 * is what a peer sends to a server, or the name that is expected of one. */
#include "fuzz.h"

#include <errno.h>

#include "report/report.h"
#include "transport/tls_state.h"

enum {
	WIRE_MAX = 256 * 1024, /* bytes under way */
	ROUNDS = 300,          /* in which the input says what is done */
	ENDING = 40,           /* ... and in which all of it comes to an end */
	PERIOD = 65521,        /* of what is said */
	HOLDS_MAX = 160 * 1024,
};

struct party {
	struct link link;
	struct party *other;
	struct play *play;
	struct buf wire;    /* what comes to it */
	enum io shaken;     /* how far its handshake is */
	size_t said, heard; /* bytes */
	uint8_t key;        /* what it says depends on it */
	bool finished;      /* it was told to end */
	bool ended, failed; /* its reads did */
	bool mute;          /* a write below has failed */
	unsigned closed;
};

struct play {
	struct span input;
	struct party client, server;
	bool faults; /* there may be some */
	bool rough;  /* ... there was one */
	bool old;    /* it is TLS 1.2 */
};

/* What all runs share. */
static struct {
	struct reporter to;
	struct tls_conf client_conf, server_conf;
	struct tls *client, *old_client, *server;
	int (*update)(SSL *ssl, int type);
	uint8_t pattern[2 * PERIOD];
} all;

/* ---- the link below ---- */

/* How much the next call moves. */
static enum io next_move(struct party *p, size_t *most)
{
	const uint8_t what = choose(&p->play->input);

	*most = what == 0 ? SIZE_MAX : what < 100 ? what : (size_t)(what - 149) * 300;
	if (what >= 100 && what < 147)
		return IO_AGAIN;
	if (what >= 147 && what < 150 && p->play->faults) {
		p->play->rough = true;
		return IO_FAIL;
	}
	if (what >= 147 && what <= 150)
		*most = 1;
	return IO_DONE;
}

static enum io wire_fails(struct link *link, int error)
{
	link->error = error;
	return IO_FAIL;
}

static enum io wire_read(struct link *link, uint8_t *room, size_t size, size_t *got)
{
	struct party *p = link->held;
	size_t most, len;
	const enum io verdict = next_move(p, &most);

	HOLDS(!p->closed && size > 0);
	if (verdict != IO_DONE)
		return verdict == IO_AGAIN ? IO_AGAIN : wire_fails(link, ECONNRESET);
	if (!p->wire.len)
		return p->other->closed ? IO_EOF : IO_AGAIN;
	len = p->wire.len < size ? p->wire.len : size;
	*got = len < most ? len : most;
	memcpy(room, buf_span(&p->wire).data, *got);
	buf_take(&p->wire, *got);
	return IO_DONE;
}

static enum io wire_write(struct link *link, struct span out, size_t *taken)
{
	struct party *p = link->held;
	size_t most;
	const enum io verdict = next_move(p, &most);

	HOLDS(!p->closed && out.len > 0 && !p->mute);
	if (verdict == IO_FAIL || p->other->closed) {
		p->mute = true;
		return wire_fails(link, EPIPE);
	}
	if (verdict == IO_AGAIN || p->other->wire.len >= WIRE_MAX)
		return IO_AGAIN;
	out.len = out.len < most ? out.len : most;
	HOLDS(buf_add(&p->other->wire, out) == 0);
	*taken = out.len;
	return IO_DONE;
}

static enum io wire_finish(struct link *link)
{
	struct party *p = link->held;

	HOLDS(!p->closed);
	return IO_DONE;
}

static int wire_close(struct link *link)
{
	struct party *p = link->held;

	HOLDS(!p->closed++);
	return 0;
}

static void wire_reset(struct link *link)
{
	wire_close(link);
}

static const struct transport wire_row = {.name = "fuzz",
	.edges = true,
	.read = wire_read,
	.write = wire_write,
	.finish = wire_finish,
	.close = wire_close,
	.reset = wire_reset};

/* ---- what is said and heard ---- */

static struct span piece_of(const struct party *p, size_t at, size_t len)
{
	return (struct span){
		all.pattern + (at + p->key * 251U) % PERIOD, len < PERIOD ? len : PERIOD};
}

static bool can_act(const struct party *p)
{
	return p->shaken == IO_DONE && !p->failed && !p->closed;
}

static const struct tls_link *layer_of(const struct party *p)
{
	return p->link.held;
}

static void say(struct party *p, size_t len)
{
	const struct span out = len ? piece_of(p, p->said, len) : (struct span){0};
	size_t taken = 0;
	enum io verdict;

	if (!can_act(p) || p->mute || (p->finished && len))
		return;
	verdict = p->link.via->write(&p->link, out, &taken);
	HOLDS(taken <= out.len);
	HOLDS(verdict != IO_FAIL || p->play->rough || p->other->closed);
	HOLDS(verdict != IO_AGAIN || (taken == 0 && p->link.holds));
	HOLDS(layer_of(p)->out.len <= HOLDS_MAX);
	HOLDS(p->link.holds == (layer_of(p)->out.len > 0));
	if (verdict != IO_FAIL || taken)
		p->said += taken;
}

static void hear_end(struct party *p, enum io verdict)
{
	p->ended = verdict == IO_EOF;
	p->failed = verdict == IO_FAIL;
	if (verdict == IO_EOF)
		HOLDS(p->other->finished && p->heard == p->other->said);
	if (verdict == IO_FAIL) {
		HOLDS(p->play->rough || p->other->closed);
		HOLDS(link_story(&p->link) || p->link.error);
	}
}

/* One read. Returns whether a connection would read again: for the link says so, or epoll. */
static bool hear(struct party *p, size_t size)
{
	uint8_t *room;
	size_t got = 0;
	enum io verdict;
	bool left;

	if (!can_act(p) || p->ended)
		return false;
	room = malloc(size);
	HOLDS(room);
	verdict = link_read(&p->link, room, size, &got);
	left = p->link.left;
	p->link.left = false;
	if (verdict == IO_DONE) {
		HOLDS(got > 0 && got <= size && got <= p->other->said - p->heard);
		for (size_t at = 0; at < got; at += PERIOD) {
			const size_t len = got - at < PERIOD ? got - at : PERIOD;

			HOLDS(memcmp(room + at, piece_of(p->other, p->heard + at, len).data, len) ==
				0);
		}
		p->heard += got;
	}
	free(room);
	if (verdict == IO_EOF || verdict == IO_FAIL)
		hear_end(p, verdict);
	if (verdict == IO_AGAIN)
		return p->wire.len > 0 || (p->other->closed && !p->ended);
	return verdict == IO_DONE && (left || got == size || link_has_bytes(&p->link));
}

static void finish(struct party *p)
{
	enum io verdict;

	if (!can_act(p))
		return;
	p->finished = true;
	verdict = p->link.via->finish(&p->link);
	HOLDS(verdict != IO_FAIL || p->play->rough || p->other->closed);
	HOLDS(verdict != IO_AGAIN || p->link.holds);
}

static void shake(struct party *p)
{
	static uint8_t room[CONN_READ_BYTES];

	if (p->shaken != IO_AGAIN || p->closed)
		return;
	p->shaken = tls_shake_hands(&p->link, room, sizeof(room));
	HOLDS(p->shaken != IO_EOF);
	p->failed = p->shaken == IO_FAIL;
	if (p->failed) {
		HOLDS(p->play->rough || p->other->closed);
		HOLDS(link_story(&p->link) || p->link.error);
	}
	if (p->shaken == IO_DONE)
		tls_tell(p->link.held, p == &p->play->server ? 1 : 0);
}

static void close_it(struct party *p, bool by_reset)
{
	if (p->closed)
		return;
	if (by_reset) {
		link_forget(&p->link);
		p->link.via->reset(&p->link);
	} else {
		link_close(&p->link);
	}
	HOLDS(p->closed == 1);
}

/* New keys, which the library sends with what is written next: until then it cannot end. */
static void update(struct party *p, int and_the_others)
{
	if (!all.update || !can_act(p) || p->finished || p->mute || p->link.holds || p->play->old)
		return;
	all.update(layer_of(p)->ssl, and_the_others);
	say(p, 1);
}

/* ---- the play ---- */

static void change_a_byte(struct party *p, uint8_t where)
{
	if (!p->play->faults || !p->wire.len)
		return;
	p->play->rough = true;
	p->wire.data[p->wire.start + where * 37U % p->wire.len] ^= (uint8_t)(1U << where % 8);
}

static void act(struct play *play)
{
	const uint8_t what = choose(&play->input), how = choose(&play->input);
	struct party *p = what & 1 ? &play->client : &play->server;

	switch (what / 2 % 16) {
	case 0: shake(p); break;
	case 1: say(p, how); break;
	case 2: say(p, (size_t)how * 400); break;
	case 3: say(p, 0); break;
	case 4: hear(p, how + 1U); break;
	case 5: hear(p, (size_t)how * 257 + 1); break;
	case 6: hear(p, CONN_READ_BYTES); break;
	case 7: finish(p); break;
	case 8: update(p, how & 1); break;
	case 9: change_a_byte(p, how); break;
	case 10:
		if (play->faults && how >= 128) {
			play->rough = true;
			close_it(p, how & 1);
		}
		break;
	default:
		shake(&play->client);
		shake(&play->server);
		break;
	}
}

static bool is_over(const struct party *p)
{
	return p->ended || p->failed || p->closed;
}

/* All that is under way arrives, unless there was a fault; then whatever happens is in order. */
static void come_to_an_end(struct play *play)
{
	struct party *const both[] = {&play->client, &play->server};

	play->input.len = 0;
	for (int i = 0; i < ENDING && !(is_over(both[0]) && is_over(both[1])); i++) {
		for (int k = 0; k < 2; k++) {
			struct party *p = both[k];
			const size_t size = i % 3 ? CONN_READ_BYTES : 100;

			shake(p);
			say(p, 0);
			if (!p->link.holds)
				finish(p);
			for (int n = 0; n < 3000 && hear(p, size); n++)
				;
		}
	}
	if (play->rough)
		return;
	for (int k = 0; k < 2; k++) {
		HOLDS(both[k]->shaken == IO_DONE && both[k]->ended);
		HOLDS(both[k]->heard == both[k]->other->said);
	}
}

static void party_begin(struct play *play, struct party *p, struct party *other)
{
	p->play = play;
	p->other = other;
	p->shaken = IO_AGAIN;
	p->link = link_of(&wire_row, &all.to);
	p->link.held = p;
}

static void play_both(struct play *play)
{
	const struct addr at = addr_loopback(AF_INET, 443);

	HOLDS(tls_over(
		play->old ? all.old_client : all.client, &play->client.link, &at, "localhost"));
	HOLDS(tls_over(all.server, &play->server.link, &at, NULL));
	for (int i = 0; i < ROUNDS && play->input.len > 1; i++)
		act(play);
	come_to_an_end(play);
}

/* The input is what a client sends, in pieces of a size. */
static void play_raw(struct play *play)
{
	const struct addr at = addr_loopback(AF_INET, 443);
	const size_t piece = choose(&play->input) + 1U;
	struct span left = play->input;

	play->input.len = 0;
	play->rough = true;
	HOLDS(tls_over(all.server, &play->server.link, &at, NULL));
	while (left.len && play->server.shaken == IO_AGAIN) {
		const size_t len = left.len < piece ? left.len : piece;

		HOLDS(buf_add(&play->server.wire, (struct span){left.data, len}) == 0);
		left = span_from(left, len);
		shake(&play->server);
	}
	HOLDS(play->server.shaken != IO_DONE);
	play->client.closed = 1;
	shake(&play->server);
	HOLDS(play->server.shaken == IO_FAIL);
}

/* The input is a name as it was typed: what is not refused at once can be expected of a peer. */
static void play_name(struct play *play)
{
	const struct addr at = addr_loopback(AF_INET, 443);
	struct tls_conf conf = {0};
	struct err err = {0};
	char *name = text_of(play->input);

	conf.name = name;
	play->client.closed = play->server.closed = 1;
	if (tls_conf_check(&conf, &err) == 0) {
		play->client.closed = 0;
		HOLDS(tls_over(all.client, &play->client.link, &at, name));
		close_it(&play->client, true);
	}
	free(name);
}

static int drop_line(void *arg, struct span line)
{
	(void)arg;
	(void)line;
	return 0;
}

static void begin_all(void)
{
	static const char *const names[] = {"localhost"};
	struct err err = {0};

	all.to = (struct reporter){.sink.line = drop_line, .level = LEVEL_DETAIL, .json = true};
	for (size_t i = 0; i < sizeof(all.pattern); i++)
		all.pattern[i] = (uint8_t)(i % PERIOD * 167 + (i % PERIOD >> 8) * 7);
	all.server_conf.alpn = "h2,http/1.1";
	all.server = tls_of_server(&all.server_conf, &all.to, names, 1, &err);
	HOLDS(all.server);
	all.client_conf.pin = tls_own_pin(all.server);
	all.client_conf.alpn = "http/1.1";
	all.client = tls_of_client(&all.client_conf, &all.to, &err);
	all.old_client = tls_of_client(&all.client_conf, &all.to, &err);
	HOLDS(all.client && all.old_client);
	all.old_client->lib.SSL_CTX_ctrl(
		all.old_client->ctx, SSL_CTRL_SET_MAX_PROTO_VERSION, TLS1_2_VERSION, NULL);
	(void)tls_library_find("SSL_key_update", &all.update, sizeof(all.update));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct play *play = calloc(1, sizeof(*play));
	uint8_t way;

	if (!all.server)
		begin_all();
	HOLDS(play);
	play->input = (struct span){data, size};
	way = choose(&play->input);
	play->faults = way & 1;
	play->old = way & 2;
	play->server.key = 101;
	party_begin(play, &play->client, &play->server);
	party_begin(play, &play->server, &play->client);
	if (way >= 240)
		play_name(play);
	else if (way >= 200)
		play_raw(play);
	else
		play_both(play);
	if (way < 200)
		close_it(&play->client, way & 4);
	close_it(&play->server, way & 8);
	buf_free(&play->client.wire);
	buf_free(&play->server.wire);
	free(play);
	return 0;
}
