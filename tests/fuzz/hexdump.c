/* A hex dump: whatever passes in whatever pieces, each row is printable and has its form, and the
 * bytes that are read back from the rows are those that passed, in each direction. */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/hexdump.h"
#include "cmd/hexdump.h"

enum { WAYS = 4 }; /* two connections, two directions */

struct passed {
	struct buf bytes; /* all that went that way */
	struct buf again; /* ... as the rows have it */
	bool whole;       /* in messages */
	size_t due;       /* the place that the next row must have */
};

struct show {
	struct reporter to;
	struct hexdump hexdump;
	struct passed ways[WAYS];
	struct buf text;
};

static int take_line(void *arg, struct span line)
{
	struct show *s = arg;

	return buf_add(&s->text, line);
}

static int hex_digit(uint8_t letter)
{
	const char *digits = "0123456789abcdef", *at = memchr(digits, letter, 16);

	HOLDS(at);
	return (int)(at - digits);
}

/* "  0.000000 1+ > ": where the row itself begins. */
static struct span read_heading(struct span line, struct show *s, struct passed **way)
{
	const uint8_t *sign = memchr(line.data, '.', line.len);
	size_t at;

	HOLDS(sign);
	at = (size_t)(sign - line.data) + 7;
	HOLDS(line.len > at + 6 && line.data[at] == ' ' && line.data[at + 3] == ' ');
	HOLDS(line.data[at + 4] == '<' || line.data[at + 4] == '>');
	*way = &s->ways[(line.data[at + 2] == '+') * 2 + (line.data[at + 4] == '>')];
	return span_from(line, at + 6);
}

static void read_row(struct show *s, struct span line)
{
	struct passed *way;
	struct span row = read_heading(line, s, &way);
	size_t place = 0, len = 0;

	for (size_t i = 0; i < line.len; i++)
		HOLDS(line.data[i] >= ' ' && line.data[i] <= '~');
	HOLDS(row.len > 10 && line.len <= 100);
	for (size_t i = 0; i < 8; i++)
		place = place * 16 + (size_t)hex_digit(row.data[i]);
	if (way->whole && place == 0)
		way->due = 0;
	HOLDS(place == way->due);
	row = span_from(row, 10);
	if (row.data[0] == '(') {
		HOLDS(way->whole && span_equal(row, span_of("(empty message)")));
		return;
	}
	HOLDS(row.len > 52 && row.data[50] == '|' && row.data[row.len - 1] == '|');
	for (len = 0; len < row.len - 52; len++) {
		const uint8_t *hex = row.data + 3 * len + (len >= 8);
		const uint8_t byte = (uint8_t)(hex_digit(hex[0]) * 16 + hex_digit(hex[1]));

		HOLDS(row.data[51 + len] == (byte >= ' ' && byte <= '~' ? byte : '.'));
		HOLDS(buf_add(&way->again, (struct span){&byte, 1}) == 0);
	}
	HOLDS(len && len <= HEXDUMP_ROW_BYTES);
	way->due += len;
}

static void read_rows(struct show *s)
{
	struct span left = buf_span(&s->text);

	while (left.len) {
		const uint8_t *end = memchr(left.data, '\n', left.len);

		HOLDS(end);
		read_row(s, (struct span){left.data, (size_t)(end - left.data)});
		left = span_from(left, (size_t)(end - left.data) + 1);
	}
}

static void read_file(struct show *s, int fd)
{
	uint8_t room[4096];
	ssize_t n;

	while ((n = pread(fd, room, sizeof(room), (off_t)s->text.len)) > 0)
		HOLDS(buf_add(&s->text, (struct span){room, (size_t)n}) == 0);
}

static void pass(struct show *s, struct span *input)
{
	const uint8_t way = choose(input) % WAYS, want = choose(input);
	struct passed *p = &s->ways[way];
	const struct span piece = {input->data, want < input->len ? want : input->len};
	uint8_t *copy = exact_copy(piece);

	s->to.dump->show(s->to.dump, &(struct dump_piece){.conn = 1,
					     .onward = way >= 2,
					     .sent = way & 1,
					     .whole = p->whole,
					     .at = p->whole ? 0 : p->bytes.len,
					     .bytes = {copy, piece.len}});
	HOLDS(buf_add(&p->bytes, piece) == 0);
	free(copy);
	*input = span_from(*input, piece.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = {data, size};
	const uint8_t how = choose(&input);
	struct show s = {.to.sink = {take_line, &s}};
	struct talk_conf talk = {.hexdump = ""};
	struct err err = {0};
	char path[32];
	int fd = -1;

	if (how & 1) {
		fd = memfd_create("dump", 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		talk.hexdump = path;
	}
	for (int i = 0; i < WAYS; i++)
		s.ways[i].whole = how >> (1 + i) & 1;
	HOLDS(hexdump_begin(&s.hexdump, &s.to, &talk, &err) == 0);
	while (input.len)
		pass(&s, &input);
	HOLDS(hexdump_end(&s.hexdump, &err) == 0);
	if (fd >= 0) {
		HOLDS(!s.text.len);
		read_file(&s, fd);
		close(fd);
	}
	read_rows(&s);
	for (int i = 0; i < WAYS; i++) {
		HOLDS(span_equal(buf_span(&s.ways[i].bytes), buf_span(&s.ways[i].again)));
		buf_free(&s.ways[i].bytes);
		buf_free(&s.ways[i].again);
	}
	buf_free(&s.text);
	return 0;
}
