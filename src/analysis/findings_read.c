/* Reading a report: whether an answer is one, the beginning of one, or one that cannot be. */
#include "analysis/findings.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/utf8.h"

/* What the next line of a report turned out to be. */
enum findings_line {
	LINE_READ,
	LINE_OTHER, /* no line of a report */
	LINE_CUT,   /* the text ended before it did, and so far it could be one */
};

/* An answer that is being read. */
struct findings_reading {
	struct findings *f;
	struct span rest;
	size_t room;       /* of f->list */
	uint64_t lines;    /* of the list, so far */
	uint64_t left;     /* of the words, for the lines to come */
	const char *wrong; /* the first contradiction; NULL: none */
};

static void contradict(struct findings_reading *r, bool is_wrong, const char *what)
{
	if (is_wrong && !r->wrong)
		r->wrong = what;
}

/* A number as printf would write it, at the front of text. Returns how many digits it has; 0: there
 * is none. One of more than 64 bits cannot be. */
static size_t read_number(struct findings_reading *r, struct span text, uint64_t *out)
{
	bool overflows = false;
	uint64_t value = 0;
	size_t len = 0;

	for (; len < text.len && text.data[len] >= '0' && text.data[len] <= '9'; len++)
		overflows |=
			__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, (uint64_t)(text.data[len] - '0'), &value);
	if (len > 1 && text.data[0] == '0')
		return 0;
	contradict(r, overflows, "a number in it is too large");
	*out = value;
	return len;
}

/* A line "name: N". */
static enum findings_line take_count(struct findings_reading *r, const char *name, uint64_t *out)
{
	const struct span start = span_of(name);
	struct span digits;
	size_t len;

	if (r->rest.len <= start.len)
		return span_starts_with(start, r->rest) ? LINE_CUT : LINE_OTHER;
	if (!span_starts_with(r->rest, start))
		return LINE_OTHER;
	digits = span_from(r->rest, start.len);
	len = read_number(r, digits, out);
	if (len && len == digits.len)
		return LINE_CUT;
	if (!len || digits.data[len] != '\n')
		return LINE_OTHER;
	r->rest = span_from(digits, len + 1);
	return LINE_READ;
}

/* The one line that may be missing. */
static enum findings_line take_invalid(struct findings_reading *r, uint64_t *out)
{
	enum findings_line line = take_count(r, "invalid: ", out);

	contradict(r, line == LINE_READ && *out == 0, "it reports 0 invalid bytes");
	return line == LINE_OTHER ? LINE_READ : line;
}

static enum findings_line take_counts(struct findings_reading *r)
{
	struct counts *c = &r->f->counts;
	enum findings_line line = take_count(r, "length: ", &c->length);

	if (line == LINE_READ)
		line = take_count(r, "bytes: ", &c->bytes);
	if (line == LINE_READ)
		line = take_invalid(r, &c->invalid);
	if (line == LINE_READ)
		line = take_count(r, "words: ", &c->words);
	if (line == LINE_READ)
		line = take_count(r, "unique: ", &c->unique);
	return line;
}

static void judge_counts(struct findings_reading *r)
{
	const struct counts *c = &r->f->counts;

	contradict(r, c->length > c->bytes, "its length is more than its bytes");
	contradict(r, c->invalid > c->length, "it has more invalid bytes than its length");
	contradict(r, c->words > c->length - c->invalid, "it has more words than its length");
	contradict(r, c->unique > c->words, "it has more unique words than words");
}

static bool is_well_formed(struct span text)
{
	uint32_t code;

	while (text.len > 0) {
		int len = utf8_decode(text, &code);

		if (len <= 0)
			return false;
		text = span_from(text, (size_t)len);
	}
	return true;
}

/* A line "word N". */
static enum findings_line take_finding(struct findings_reading *r, struct finding *out)
{
	const uint8_t *end = memchr(r->rest.data, '\n', r->rest.len), *space;
	struct span line, digits;

	if (!end)
		return LINE_CUT;
	line = (struct span){r->rest.data, (size_t)(end - r->rest.data)};
	space = line.len ? memrchr(line.data, ' ', line.len) : NULL;
	if (!space || space == line.data)
		return LINE_OTHER;
	out->word = (struct span){line.data, (size_t)(space - line.data)};
	digits = span_from(line, out->word.len + 1);
	if (!digits.len || read_number(r, digits, &out->count) != digits.len ||
		!is_well_formed(out->word))
		return LINE_OTHER;
	r->rest = span_from(r->rest, line.len + 1);
	return LINE_READ;
}

/* The list, to the end of the text. Its lines are kept as far as there is room. */
static enum findings_line take_list(struct findings_reading *r)
{
	enum findings_line line = LINE_READ;
	struct finding next = {0};

	while (r->rest.len && line == LINE_READ) {
		line = take_finding(r, &next);
		if (line == LINE_OTHER)
			return line;
		contradict(
			r, r->lines == r->f->counts.unique, "it lists more words than are unique");
		if (line == LINE_CUT)
			return line;
		r->lines++;
		contradict(r, next.count == 0, "it lists a word with count 0");
		contradict(r, next.count > r->left, "its list has more words than it says");
		r->left -= next.count < r->left ? next.count : r->left;
		if (r->f->len < r->room)
			r->f->list[r->f->len++] = next;
	}
	if (r->lines < r->f->counts.unique)
		line = LINE_CUT;
	return line;
}

/* Each word that is still to be listed was met, and all of them make up the rest. */
static void judge_list(struct findings_reading *r, enum findings_line line)
{
	uint64_t unique = r->f->counts.unique;

	contradict(r, r->lines < unique && unique - r->lines > r->left,
		"its list has more words than it says");
	contradict(r, line == LINE_READ && r->left, "its list has fewer words than it says");
}

/* ---- no word is listed twice ---- */

/* Words by their hash, which a peer cannot know. A slot has the number of a word, plus 1, and above
 * it some bits of the hash; 0: free. */
enum { NUMBER_BITS = 40 };

static uint64_t slot_of(uint64_t hash, size_t number)
{
	return (hash >> NUMBER_BITS << NUMBER_BITS) | (number + 1);
}

static bool is_same(const struct findings *f, uint64_t slot, size_t number)
{
	const struct span a = f->list[(slot & (((uint64_t)1 << NUMBER_BITS) - 1)) - 1].word,
			  b = f->list[number].word;

	return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

/* Returns 1 if a word stands twice in the list, 0 if none does, -1 when memory is out. */
static int lists_twice(const struct findings *f)
{
	const struct hash_key key = hash_key_random();
	size_t mask = 2;
	uint64_t *slots;
	int twice = 0;

	while (mask / 2 < f->len)
		mask *= 2;
	slots = calloc(mask--, sizeof(*slots));
	if (!slots)
		return -1;
	for (size_t i = 0; i < f->len && !twice; i++) {
		uint64_t hash = hash_siphash(&key, f->list[i].word), own = slot_of(hash, i);
		size_t at = hash & mask;

		for (; slots[at] && !twice; at = (at + 1) & mask)
			twice = (slots[at] ^ own) >> NUMBER_BITS == 0 && is_same(f, slots[at], i);
		slots[at] = own;
	}
	free(slots);
	return twice;
}

/* ---- all of it ---- */

/* No list is made that is larger than the text it could come from. */
static int make_list(struct findings_reading *r)
{
	enum { LINE_LEAST = sizeof("a 1\n") - 1 };
	uint64_t most = r->rest.len / LINE_LEAST;

	r->room = (size_t)(r->f->counts.unique < most ? r->f->counts.unique : most);
	r->left = r->f->counts.words;
	r->f->list = calloc(r->room + 1, sizeof(*r->f->list));
	return r->f->list ? 0 : -1;
}

/* Returns what the text is, or -1 when memory is out. */
static int read_all(struct findings_reading *r)
{
	enum findings_line line = take_counts(r);
	int twice = 0;

	if (line != LINE_READ)
		return line == LINE_CUT ? FINDINGS_CUT : FINDINGS_NONE;
	judge_counts(r);
	if (make_list(r) < 0)
		return -1;
	line = take_list(r);
	if (line == LINE_OTHER)
		return FINDINGS_NONE;
	judge_list(r, line);
	if (line == LINE_READ && !r->wrong)
		twice = lists_twice(r->f);
	contradict(r, twice > 0, "it lists a word twice");
	if (twice < 0)
		return -1;
	return r->wrong ? FINDINGS_WRONG : line == LINE_CUT ? FINDINGS_CUT : FINDINGS_READ;
}

int findings_read(struct findings *f, struct span text, const char **wrong)
{
	struct findings_reading r = {.f = f, .rest = text};
	int verdict = FINDINGS_NONE;

	*f = (struct findings){0};
	if (text.len)
		verdict = read_all(&r);
	if (verdict != FINDINGS_READ)
		findings_free(f);
	*wrong = verdict == FINDINGS_WRONG ? r.wrong : NULL;
	return verdict;
}
