/* TLS on a link: bytes to records and back. The library never touches a descriptor: it is fed what
 * the link below reads, and what it makes is written there. */
#include "transport/tls_state.h"

#ifdef TLS_IS_BUILT_IN

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "report/report.h"

enum {
	/* What a record takes at most (RFC 8446 section 5.2). The library may keep so much of one
	 * that has come in part. */
	RECORD_MAX_BYTES = 17 * 1024,
	SMALL_BYTES = 2 * 1024,      /* read at a time where there is room for little */
	WRITE_MAX_BYTES = 64 * 1024, /* encrypted at a time, and kept where it is not taken */
	/* Answers that the protocol owes (key updates) come on top: past this, nothing is read. */
	OUT_MAX_BYTES = 2 * WRITE_MAX_BYTES,
	SPARE_BYTES =
		512, /* of memory that the library writes to: kept from one write to the next */
};

static struct tls_link *tls_link_of(const struct link *link)
{
	return link->held;
}

static const struct tls_library *tls_lib_of(const struct tls_link *t)
{
	return &t->tls->lib;
}

/* ---- what the library reads and writes ---- */

/* It reads those bytes next, which must stay where they are until then. Returns 0, or -1 when
 * memory is out. */
static int tls_feed(struct tls_link *t, struct span bytes)
{
	const struct tls_library *lib = tls_lib_of(t);
	BUF_MEM *memory = lib->BUF_MEM_new();

	if (!memory)
		return -1;
	/* It is only read (BIO_FLAGS_MEM_RDONLY), though the member is not const. */
	memcpy(&memory->data, &bytes.data, sizeof(memory->data));
	memory->length = memory->max = bytes.len;
	lib->BIO_ctrl(t->reads, BIO_C_SET_BUF_MEM, BIO_CLOSE, memory);
	return 0;
}

/* How much of it was not read. */
static size_t tls_unfed(struct tls_link *t)
{
	return (size_t)tls_lib_of(t)->BIO_ctrl(t->reads, BIO_CTRL_PENDING, 0, NULL);
}

/* What it has written. */
static struct span tls_made(struct tls_link *t, BUF_MEM **memory)
{
	tls_lib_of(t)->BIO_ctrl(t->writes, BIO_C_GET_BUF_MEM_PTR, 0, (void *)memory);
	return (struct span){(const uint8_t *)(*memory)->data, (*memory)->length};
}

/* It writes to the room that all connections share, for the length of a call, so that its own
 * memory need not grow and none is held. Returns 0, or -1 when memory is out. */
static int tls_lend_room(struct tls_link *t)
{
	const struct tls_library *lib = tls_lib_of(t);
	BUF_MEM *memory = lib->BUF_MEM_new();

	if (!memory)
		return -1;
	memory->data = (char *)t->tls->room;
	memory->max = TLS_ROOM_BYTES;
	lib->BIO_ctrl(t->writes, BIO_C_SET_BUF_MEM, BIO_CLOSE, memory);
	return 0;
}

/* It has been taken. A large memory is given back, so that an idle connection has none. Where there
 * is nothing to take its place, it is reset before the room is taken out of it: with no memory it
 * would not forget what it has to read. */
static void tls_forget_made(struct tls_link *t, BUF_MEM *memory)
{
	const struct tls_library *lib = tls_lib_of(t);
	bool is_room = memory->data == (char *)t->tls->room;
	BUF_MEM *none = NULL;

	if (is_room || memory->max > SPARE_BYTES)
		none = lib->BUF_MEM_new();
	if (!none)
		lib->BIO_ctrl(t->writes, BIO_CTRL_RESET, 0, NULL);
	if (is_room) {
		memory->data = NULL;
		memory->length = memory->max = 0;
	}
	if (none)
		lib->BIO_ctrl(t->writes, BIO_C_SET_BUF_MEM, BIO_CLOSE, none);
}

static enum io tls_fail_as_below(struct link *link)
{
	struct tls_link *t = tls_link_of(link);
	const struct err *why = link_story(&t->below);

	t->broken = true;
	link->error = t->below.error;
	return why ? link_fail_with(link, why) : IO_FAIL;
}

static enum io tls_lack_memory(struct link *link)
{
	tls_link_of(link)->broken = true;
	link->error = ENOMEM;
	return IO_FAIL;
}

/* One write of what waits. A failure ends our side alone: what the peer had sent is still read. */
static enum io tls_write_below(struct link *link, struct span out, size_t *taken)
{
	struct tls_link *t = tls_link_of(link);
	enum io verdict = t->below.via->write(&t->below, out, taken);

	if (verdict == IO_FAIL && t->settled) {
		*taken = out.len;
		return IO_DONE;
	}
	if (verdict != IO_FAIL)
		return verdict;
	t->mute = true;
	link->error = t->below.error;
	return IO_FAIL;
}

/* Write what waited, and then what the library has made; what is not taken waits. IO_AGAIN: some
 * does. IO_FAIL: nothing can be written any more (mute), or memory is out (broken). */
static enum io tls_flush(struct link *link)
{
	struct tls_link *t = tls_link_of(link);
	BUF_MEM *memory = NULL;
	struct span made = tls_made(t, &memory);
	bool lacks;
	size_t taken = 0;

	if (t->out.len && !t->mute) {
		tls_write_below(link, buf_span(&t->out), &taken);
		buf_take(&t->out, taken);
		taken = 0;
	}
	if (made.len && !t->out.len && !t->mute) {
		tls_write_below(link, made, &taken);
		made = span_from(made, taken);
	}
	lacks = made.len && !t->mute && buf_add(&t->out, made) < 0;
	if (memory->max)
		tls_forget_made(t, memory);
	if (t->mute) {
		buf_free(&t->out);
		link->holds = false;
		return IO_FAIL;
	}
	if (lacks)
		return tls_lack_memory(link);
	link->holds = t->out.len > 0;
	return link->holds ? IO_AGAIN : IO_DONE;
}

/* Feed it what the link below has, read to where there is room. */
static enum io tls_read_below(struct link *link, uint8_t *room, size_t size)
{
	struct tls_link *t = tls_link_of(link);
	size_t got = 0;
	enum io verdict;

	if (t->below_ended)
		return IO_EOF;
	verdict = link_read(&t->below, room, size, &got);
	t->below_left = t->below.left || got == size;
	t->below.left = false;
	if (verdict == IO_FAIL)
		return tls_fail_as_below(link);
	t->below_ended = verdict == IO_EOF;
	if (verdict == IO_DONE && tls_feed(t, (struct span){room, got}) < 0)
		return tls_lack_memory(link);
	return verdict;
}

/* What it was fed and has not read stays for the next time: its place is about to be another's. */
static int tls_keep_unfed(struct tls_link *t, const uint8_t *end)
{
	size_t len = tls_unfed(t);
	struct buf kept = {0};

	if (buf_add(&kept, (struct span){end - len, len}) < 0 ||
		tls_feed(t, (struct span){0}) < 0) {
		buf_free(&kept);
		return -1;
	}
	buf_free(&t->in);
	t->in = kept;
	return 0;
}

/* ---- reading ---- */

/* Decrypt into room what there is. Returns how much; how it ended is for SSL_get_error to say. */
static size_t tls_decrypt(struct tls_link *t, uint8_t *room, size_t size, int *ended)
{
	const struct tls_library *lib = tls_lib_of(t);
	size_t len = 0, got = 0;

	*ended = SSL_ERROR_NONE;
	lib->ERR_clear_error();
	while (len < size) {
		int rc = lib->SSL_read_ex(t->ssl, room + len, size - len, &got);

		if (rc != 1) {
			*ended = lib->SSL_get_error(t->ssl, rc);
			break;
		}
		len += got;
	}
	return len;
}

static enum io tls_read_ended(struct link *link, int ended)
{
	struct tls_link *t = tls_link_of(link);

	if (ended == SSL_ERROR_ZERO_RETURN) {
		t->peer_ended = true;
		return IO_EOF;
	}
	if (ended != SSL_ERROR_WANT_READ)
		return tls_fail(link);
	if (!t->below_ended)
		return IO_AGAIN;
	return link->unheard ? IO_EOF : tls_fail_cut(link);
}

/* Where to read to: after what is decrypted, which begins the room, or aside. */
static enum io tls_fill(struct link *link, uint8_t *room, size_t size, uint8_t small[SMALL_BYTES],
	const uint8_t **end)
{
	struct tls_link *t = tls_link_of(link);
	bool roomy = size >= (size_t)2 * RECORD_MAX_BYTES;

	if (t->in.len) {
		*end = buf_span(&t->in).data + t->in.len;
		return tls_feed(t, buf_span(&t->in)) < 0 ? tls_lack_memory(link) : IO_DONE;
	}
	if (roomy) {
		room += RECORD_MAX_BYTES;
		size -= RECORD_MAX_BYTES;
	} else {
		room = small;
		size = SMALL_BYTES;
	}
	if (tls_lib_of(t)->SSL_pending(t->ssl))
		return IO_DONE; /* it has something left, and needs nothing */
	*end = NULL;
	switch (tls_read_below(link, room, size)) {
	case IO_FAIL: return IO_FAIL;
	case IO_AGAIN: return IO_AGAIN;
	case IO_EOF: return IO_DONE;
	case IO_DONE: break;
	}
	*end = room + tls_unfed(t);
	return IO_DONE;
}

/* What was decrypted is given first; how it ended is for the next read to tell. */
static void tls_note_ended(struct link *link, int ended)
{
	struct tls_link *t = tls_link_of(link);

	if (ended == SSL_ERROR_ZERO_RETURN)
		t->peer_ended = true;
	else if (ended != SSL_ERROR_NONE && ended != SSL_ERROR_WANT_READ)
		tls_fail(link);
	link->inside |= t->peer_ended || t->broken || t->below_ended;
}

static enum io tls_read(struct link *link, uint8_t *room, size_t size, size_t *got)
{
	struct tls_link *t = tls_link_of(link);
	uint8_t small[SMALL_BYTES];
	const uint8_t *end = NULL;
	enum io verdict;
	int ended;

	link->inside = false;
	if (t->broken || t->peer_ended)
		return t->broken ? IO_FAIL : IO_EOF;
	if (t->out.len > OUT_MAX_BYTES)
		return IO_AGAIN;
	verdict = tls_fill(link, room, size, small, &end);
	if (verdict != IO_DONE)
		return verdict;
	*got = tls_decrypt(t, room, size, &ended);
	if (!tls_unfed(t))
		buf_free(&t->in);
	else if (tls_keep_unfed(t, end) < 0)
		return tls_lack_memory(link);
	link->inside = t->in.len || tls_lib_of(t)->SSL_pending(t->ssl);
	if (*got)
		tls_note_ended(link, ended);
	else
		verdict = tls_read_ended(link, ended);
	/* What was read now may not have been all, though this read is from inside. */
	link->left = t->below_left;
	/* What the protocol answers; a failure is met again by the next write or read. */
	if (tls_flush(link) == IO_FAIL && t->broken && !*got)
		return IO_FAIL;
	return verdict;
}

/* ---- writing ---- */

/* Encrypt some of out, and write it. Where the kernel does not take all of that, link.holds. */
static enum io tls_write_some(struct link *link, struct span out, size_t *taken)
{
	struct tls_link *t = tls_link_of(link);
	const struct tls_library *lib = tls_lib_of(t);
	size_t len = out.len < WRITE_MAX_BYTES ? out.len : WRITE_MAX_BYTES;
	enum io verdict = IO_DONE;

	lib->ERR_clear_error();
	if (len > SPARE_BYTES / 2 && tls_lend_room(t) < 0)
		return tls_lack_memory(link);
	if (lib->SSL_write_ex(t->ssl, out.data, len, taken) != 1) {
		*taken = 0;
		verdict = tls_fail(link);
	}
	return tls_flush(link) == IO_FAIL ? IO_FAIL : verdict;
}

/* All of it, as long as the kernel takes it: what is left would cost its owner a turn of the loop,
 * and the room that it lies in. */
static enum io tls_write(struct link *link, struct span out, size_t *taken)
{
	struct tls_link *t = tls_link_of(link);
	enum io verdict = IO_DONE;
	size_t written = 0;

	if (t->broken || t->mute)
		return IO_FAIL;
	if (link->holds)
		verdict = tls_flush(link);
	while (verdict == IO_DONE && out.len && !link->holds) {
		verdict = tls_write_some(link, out, &written);
		out = span_from(out, written);
		*taken += written;
	}
	return verdict;
}

/* Where the peer has ended and has all that we sent, it may have closed: whether it still takes our
 * end is no matter. */
static enum io tls_settle(struct link *link)
{
	struct tls_link *t = tls_link_of(link);
	const struct transport *via = t->below.via;

	if (!t->peer_ended || t->out.len || (via->unsent && via->unsent(&t->below) > 0))
		return IO_DONE;
	link->error = via->pending ? via->pending(&t->below) : 0;
	t->settled = !link->error;
	return link->error ? IO_FAIL : IO_DONE;
}

/* Our close_notify. What has failed does not get one: it would vouch for what came before. */
static enum io tls_finish(struct link *link)
{
	struct tls_link *t = tls_link_of(link);

	if (t->broken || t->mute)
		return t->below.via->finish ? t->below.via->finish(&t->below) : IO_DONE;
	if (!t->sent_end) {
		if (tls_settle(link) == IO_FAIL)
			return IO_FAIL;
		tls_lib_of(t)->ERR_clear_error();
		t->sent_end = true;
		if (tls_lib_of(t)->SSL_shutdown(t->ssl) < 0)
			return tls_fail(link);
	}
	return tls_flush(link);
}

/* ---- what the link below knows ---- */

static int tls_unsent(struct link *link)
{
	struct tls_link *t = tls_link_of(link);
	int below = t->below.via->unsent ? t->below.via->unsent(&t->below) : 0;

	if (t->settled)
		return 0;
	return below < 0 ? below : below + (int)t->out.len;
}

static size_t tls_held(const struct link *link)
{
	return tls_link_of(link)->out.cap;
}

static struct link_path tls_look(struct link *link)
{
	return link_look(&tls_link_of(link)->below);
}

static int tls_pending(struct link *link)
{
	struct tls_link *t = tls_link_of(link);

	return t->below.via->pending && !t->settled ? t->below.via->pending(&t->below) : 0;
}

static uint32_t tls_wants(struct link *link, uint32_t asked)
{
	const struct tls_link *t = tls_link_of(link);

	if (link->holds)
		asked |= EPOLLOUT;
	return t->out.len > OUT_MAX_BYTES ? asked & ~(uint32_t)EPOLLIN : asked;
}

static struct link tls_take_off(struct link *link)
{
	struct tls_link *t = tls_link_of(link);
	struct link below = t->below;

	tls_lib_of(t)->SSL_free(t->ssl);
	buf_free(&t->in);
	buf_free(&t->out);
	buf_free(&t->refused);
	free(t);
	return below;
}

/* What came unasked is read first (a server's tickets, what a peer sent that was refused): a close
 * with input unread is a reset, which would destroy our alert or last bytes. */
static void tls_read_rest(struct tls_link *t)
{
	enum { READS_MAX = 32 };
	uint8_t room[SMALL_BYTES];
	size_t got;

	for (int i = 0; i < READS_MAX && !t->below_ended; i++)
		if (link_read(&t->below, room, sizeof(room), &got) != IO_DONE)
			return;
}

static int tls_close(struct link *link)
{
	struct tls_link *t = tls_link_of(link);
	struct link below;

	if (t->sent_end || t->broken)
		tls_read_rest(t);
	below = tls_take_off(link);
	return link_close(&below);
}

static void tls_reset(struct link *link)
{
	struct link below = tls_take_off(link);

	link_forget(&below);
	if (below.via->reset)
		below.via->reset(&below);
	else
		below.via->close(&below);
}

static const struct transport tls_row = {
	.name = "tls",
	.edges = true,
	.straight = true,
	.read = tls_read,
	.write = tls_write,
	.finish = tls_finish,
	.unsent = tls_unsent,
	.held = tls_held,
	.look = tls_look,
	.pending = tls_pending,
	.wants = tls_wants,
	.close = tls_close,
	.reset = tls_reset,
};

/* ---- its beginning ---- */

enum io tls_shake_hands(struct link *link, uint8_t *room, size_t size)
{
	struct tls_link *t = tls_link_of(link);
	const struct tls_library *lib = tls_lib_of(t);
	const uint8_t *end = NULL;

	for (;;) {
		int rc, ended;

		lib->ERR_clear_error();
		rc = lib->SSL_do_handshake(t->ssl);
		ended = rc == 1 ? SSL_ERROR_NONE : lib->SSL_get_error(t->ssl, rc);
		if (tls_flush(link) == IO_FAIL && (t->broken || ended == SSL_ERROR_NONE))
			return tls_fail_handshake(link, link->error);
		if (ended == SSL_ERROR_NONE)
			break;
		if (ended != SSL_ERROR_WANT_READ)
			return tls_fail_handshake(link, 0);
		switch (tls_read_below(link, room, size)) {
		case IO_DONE: end = room + tls_unfed(t); break;
		case IO_AGAIN: return IO_AGAIN;
		case IO_EOF: return tls_fail_handshake(link, ECONNABORTED);
		case IO_FAIL: return tls_fail_handshake(link, link->error);
		}
	}
	if (tls_unfed(t) && tls_keep_unfed(t, end) < 0)
		return tls_lack_memory(link);
	link->inside = t->in.len || lib->SSL_pending(t->ssl);
	link->left = t->below_left;
	link->end_closes = true;
	link->ends_both = lib->SSL_version(t->ssl) < TLS1_3_VERSION;
	/* RFC 8446 section 4.4.2.4: it sees our certificate when our handshake is over. */
	link->judged_late = t->asked && !link->ends_both;
	return IO_DONE;
}

static int tls_begin(struct tls_link *t)
{
	const struct tls_library *lib = tls_lib_of(t);

	t->ssl = lib->SSL_new(t->tls->ctx);
	if (!t->ssl)
		return -1;
	t->reads = lib->BIO_new(lib->BIO_s_mem());
	t->writes = lib->BIO_new(lib->BIO_s_mem());
	if (t->reads)
		lib->BIO_set_flags(t->reads, BIO_FLAGS_MEM_RDONLY);
	lib->SSL_set_bio(t->ssl, t->reads, t->writes); /* it frees them */
	if (!t->reads || !t->writes || lib->SSL_set_ex_data(t->ssl, 0, t) != 1)
		return -1;
	tls_trace_begin(t);
	if (t->tls->server)
		lib->SSL_set_accept_state(t->ssl);
	else
		lib->SSL_set_connect_state(t->ssl);
	return tls_verify_expect(t);
}

struct tls_link *tls_over(
	struct tls *tls, struct link *link, const struct addr *at, const char *name)
{
	struct tls_link *t = calloc(1, sizeof(*t));
	struct link upper = link_of(&tls_row, link->to);

	if (!t)
		return NULL;
	t->tls = tls;
	t->below = *link;
	t->at = *at;
	t->name = name;
	if (tls_begin(t) < 0) {
		if (t->ssl)
			tls->lib.SSL_free(t->ssl);
		free(t);
		return NULL;
	}
	upper.fd = link->fd;
	upper.origin = link->origin;
	upper.held = t;
	*link = upper;
	return t;
}

#endif
