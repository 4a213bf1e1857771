/* The framer: however a stream is cut, and wherever its peer falls silent, messages are the lines.
 */
#include "fuzz.h"

#include "core/framer.h"
#include "os/loop.h"
#include "report/report.h"

/* What a framer is to say, by a plain reading of framer.h. */
struct framing {
	struct framer framer;
	struct buf line;   /* that has not ended, as it should be held */
	struct buf wanted; /* messages, each with a newline behind it */
	struct buf said;
	bool refused;
	unsigned large; /* moves so far */
};

static void note(struct buf *to, struct span message)
{
	HOLDS(buf_add(to, message) == 0);
	HOLDS(buf_add(to, span_of("\n")) == 0);
}

static bool on_said(struct conn *c, struct span message)
{
	struct framing *f = conn_ctx(c);

	note(&f->said, message);
	return true;
}

static void on_data(struct conn *c, struct span in)
{
	struct framing *f = conn_ctx(c);

	framer_data(&f->framer, c, in, 1000, on_said);
}

static const struct handler reads = {.data = on_data};

/* The line is whole. */
static void expect(struct framing *f)
{
	struct span line = buf_span(&f->line);

	if (line.len && line.data[line.len - 1] == '\n')
		line.len--;
	if (line.len < f->line.len && line.len && line.data[line.len - 1] == '\r')
		line.len--;
	if (line.len > FRAMER_MAX_BYTES)
		f->refused = true;
	else
		note(&f->wanted, line);
	buf_free(&f->line);
}

static void is_as_wanted(struct framing *f)
{
	HOLDS(span_equal(buf_span(&f->said), buf_span(&f->wanted)));
	buf_free(&f->said);
	buf_free(&f->wanted);
}

static void feed(struct framing *f, struct conn *c, struct span in)
{
	struct span left = in;

	while (!f->refused && left.len) {
		const uint8_t *end = memchr(left.data, '\n', left.len);
		const size_t len = end ? (size_t)(end - left.data) + 1 : left.len;

		HOLDS(buf_add(&f->line, (struct span){left.data, len}) == 0);
		if (end)
			expect(f);
		left = span_from(left, len);
	}
	f->refused |= f->line.len > FRAMER_MAX_BYTES + 1;
	conn_deliver(c, in);
	is_as_wanted(f);
	HOLDS(f->refused == conn_closing(c));
	HOLDS(f->refused || span_equal(buf_span(&f->framer.held), buf_span(&f->line)));
}

static void settle(struct framing *f, struct conn *c)
{
	if (f->line.len && f->line.len <= FRAMER_SETTLE_MAX_BYTES)
		expect(f);
	if (f->framer.held.len <= FRAMER_SETTLE_MAX_BYTES)
		framer_settled(&f->framer, c, on_said);
	is_as_wanted(f);
}

/* A move: 0 to 199 bytes, or very many of one, or silence. */
static void move(struct framing *f, struct conn *c, struct span *input)
{
	const uint8_t what = choose(input);
	struct span part = {input->data, what < input->len ? what : input->len};
	uint8_t *bytes;

	if (what < 200) {
		bytes = exact_copy(part);
		*input = span_from(*input, part.len);
	} else if (what < 240 && f->large++ < 6) {
		part.len =
			(size_t)(what - 199) * 1639; /* 40 of them are one more than 65536 + 23 */
		bytes = malloc(part.len);
		HOLDS(bytes);
		memset(bytes, 'a' + choose(input) % 26, part.len);
	} else {
		settle(f, c);
		return;
	}
	feed(f, c, (struct span){bytes, part.len});
	free(bytes);
}

static enum io takes_all(struct link *link, struct span out, size_t *taken)
{
	(void)link;
	*taken = out.len;
	return IO_DONE;
}

static int closes(struct link *link)
{
	(void)link;
	return 0;
}

static const struct transport fuzz_row = {.name = "fuzz", .write = takes_all, .close = closes};

static int no_line(void *arg, struct span line)
{
	(void)arg;
	(void)line;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = {data, size};
	struct reporter to = {.sink.line = no_line};
	struct framing f = {0};
	struct loop loop;
	struct conn_owner owner = {.loop = &loop, .to = &to, .on = &reads, .ctx = &f};
	const struct link link = link_of(&fuzz_row, &to);
	struct conn *c;
	struct err err;

	HOLDS(loop_init(&loop, &err) == 0);
	conn_owner_init(&owner);
	c = conn_new(&owner, &link, NULL, CONN_BOTH);
	HOLDS(c);
	conn_open(c);
	while (input.len && !f.refused)
		move(&f, c, &input);
	conn_owner_free(&owner);
	framer_free(&f.framer);
	buf_free(&f.line);
	loop_free(&loop);
	return 0;
}
