#include "analysis/findings.h"

#include <stdlib.h>

#include "analysis/fold.h"
#include "analysis/texts.h"
#include "base/utf8.h"

/* ---- reading ---- */

/* Take one line off the front, without its newline. */
static bool take_line(struct span *text, struct span *line)
{
	const uint8_t *end = text->len ? memchr(text->data, '\n', text->len) : NULL;

	if (!end)
		return false;
	*line = (struct span){text->data, (size_t)(end - text->data)};
	*text = span_from(*text, line->len + 1);
	return true;
}

/* A number as printf would write it. */
static bool read_number(struct span digits, uint64_t *out)
{
	uint64_t value = 0;

	if (digits.len == 0 || (digits.len > 1 && digits.data[0] == '0'))
		return false;
	for (size_t i = 0; i < digits.len; i++) {
		if (digits.data[i] < '0' || digits.data[i] > '9' ||
			__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, (uint64_t)(digits.data[i] - '0'), &value))
			return false;
	}
	*out = value;
	return true;
}

/* A line "name: N" at the front of *text. */
static bool take_count(struct span *text, const char *name, uint64_t *out)
{
	struct span rest = *text, line, start = span_of(name);

	if (!take_line(&rest, &line) || !span_starts_with(line, start) ||
		!read_number(span_from(line, start.len), out))
		return false;
	*text = rest;
	return true;
}

static bool take_counts(struct span *text, struct counts *c)
{
	if (!take_count(text, "length: ", &c->length) || !take_count(text, "bytes: ", &c->bytes))
		return false;
	if (take_count(text, "invalid: ", &c->invalid) && c->invalid == 0)
		return false;
	return take_count(text, "words: ", &c->words) && take_count(text, "unique: ", &c->unique) &&
	       c->length <= c->bytes && c->invalid <= c->length &&
	       c->words <= c->length - c->invalid;
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

static bool take_finding(struct span *text, struct finding *out)
{
	struct span line;
	const uint8_t *space;

	if (!take_line(text, &line) || line.len == 0)
		return false;
	space = memrchr(line.data, ' ', line.len);
	if (!space || space == line.data)
		return false;
	out->word = (struct span){line.data, (size_t)(space - line.data)};
	return read_number(span_from(line, out->word.len + 1), &out->count) && out->count > 0 &&
	       is_well_formed(out->word);
}

static bool take_list(struct span *text, struct findings *f)
{
	uint64_t left = f->counts.words;

	for (f->len = 0; f->len < f->counts.unique; f->len++) {
		struct finding *next = &f->list[f->len];

		if (!take_finding(text, next) || next->count > left)
			return false;
		left -= next->count;
	}
	return left == 0 && text->len == 0;
}

int findings_read(struct findings *f, struct span text)
{
	enum { LINE_LEAST = sizeof("a 1\n") - 1 };

	*f = (struct findings){0};
	/* No list is made that is larger than the text it could come from. */
	if (!take_counts(&text, &f->counts) || f->counts.unique > text.len / LINE_LEAST)
		return 0;
	f->list = calloc((size_t)f->counts.unique + 1, sizeof(*f->list));
	if (!f->list)
		return -1;
	if (take_list(&text, f))
		return 1;
	findings_free(f);
	return 0;
}

/* Whether text ends within a line that could become "name: N". */
static bool is_begun(struct span text, const char *name)
{
	struct span start = span_of(name), digits;

	if (text.len <= start.len)
		return span_starts_with(start, text);
	digits = span_from(text, start.len);
	while (digits.len && digits.data[0] >= '0' && digits.data[0] <= '9')
		digits = span_from(digits, 1);
	return span_starts_with(text, start) && digits.len == 0;
}

/* The list, up to where it ends too early. */
static bool is_begun_list(struct span text, const struct counts *c)
{
	uint64_t left = c->words;
	struct finding next;

	for (uint64_t i = 0; i < c->unique && text.len; i++) {
		if (!memchr(text.data, '\n', text.len))
			return true;
		if (!take_finding(&text, &next) || next.count > left)
			return false;
		left -= next.count;
	}
	return text.len == 0 && left > 0;
}

bool findings_cut_short(struct span text)
{
	struct counts c = {0};

	if (!take_count(&text, "length: ", &c.length) || !take_count(&text, "bytes: ", &c.bytes))
		return false;
	if (!take_count(&text, "invalid: ", &c.invalid) && is_begun(text, "invalid: "))
		return true;
	if (!take_count(&text, "words: ", &c.words))
		return is_begun(text, "words: ");
	if (!take_count(&text, "unique: ", &c.unique))
		return is_begun(text, "unique: ");
	return is_begun_list(text, &c);
}

void findings_free(struct findings *f)
{
	free(f->list);
	*f = (struct findings){0};
}

/* ---- order ---- */

/* A finding that is being put in its place. */
struct sorted {
	struct finding finding;
	struct span key;
	size_t first; /* its place in order of appearance */
};

static int compare_first(const struct sorted *a, const struct sorted *b)
{
	return a->first < b->first ? -1 : a->first > b->first;
}

static int by_count(const void *one, const void *other)
{
	const struct sorted *a = one, *b = other;

	if (a->finding.count != b->finding.count)
		return a->finding.count > b->finding.count ? -1 : 1;
	return compare_first(a, b);
}

/* Bytes of UTF-8 stand in the order of their code points. */
static int compare_text(struct span a, struct span b)
{
	int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

	return order ? order : a.len < b.len ? -1 : a.len > b.len;
}

static int by_key(const void *one, const void *other)
{
	const struct sorted *a = one, *b = other;
	int order = compare_text(a->key, b->key);

	if (!order)
		order = compare_text(a->finding.word, b->finding.word);
	return order ? order : compare_first(a, b);
}

static int add_keys(struct sorted *list, size_t len, struct texts *keys)
{
	for (size_t i = 0; i < len; i++) {
		struct fold f;

		if (fold_word(&f, list[i].finding.word) < 0)
			return -1;
		list[i].key.len = f.key.len;
		list[i].key.data = texts_add(keys, f.key);
		fold_end(&f);
		if (!list[i].key.data)
			return -1;
	}
	return 0;
}

int findings_sort(struct findings *f, enum findings_order order)
{
	struct sorted *list;
	struct texts keys = {0};
	int failed = 0;

	if (order == FINDINGS_FIRST || f->len < 2)
		return 0;
	list = calloc(f->len, sizeof(*list));
	if (!list)
		return -1;
	for (size_t i = 0; i < f->len; i++)
		list[i] = (struct sorted){.finding = f->list[i], .first = i};
	if (order == FINDINGS_ALPHA)
		failed = add_keys(list, f->len, &keys);
	if (!failed) {
		qsort(list, f->len, sizeof(*list), order == FINDINGS_ALPHA ? by_key : by_count);
		for (size_t i = 0; i < f->len; i++)
			f->list[i] = list[i].finding;
	}
	texts_free(&keys);
	free(list);
	return failed;
}

/* ---- showing ---- */

void findings_cut(struct findings *f, size_t top)
{
	if (f->len > top)
		f->len = top;
}

int findings_text(const struct findings *f, struct findings_cursor *cursor, struct buf *out,
	size_t about_bytes)
{
	size_t enough = out->len + about_bytes;

	if (!cursor->begun && counts_put(&f->counts, out) < 0)
		return -1;
	cursor->begun = true;
	while (cursor->at < f->len) {
		const struct finding *next = &f->list[cursor->at];

		if (out->len >= enough)
			return 1;
		if (counts_put_word(next->word, next->count, &cursor->cut, out, about_bytes) < 0)
			return -1;
		cursor->at += cursor->cut == 0;
	}
	return 0;
}

void findings_json(const struct findings *f, struct json *j)
{
	json_int(j, "length", (int64_t)f->counts.length);
	json_int(j, "bytes", (int64_t)f->counts.bytes);
	json_int(j, "invalid", (int64_t)f->counts.invalid);
	json_int(j, "words", (int64_t)f->counts.words);
	json_int(j, "unique", (int64_t)f->counts.unique);
	json_list_open(j, "list");
	for (size_t i = 0; i < f->len; i++) {
		json_item_open(j);
		json_str(j, "word", f->list[i].word);
		json_int(j, "count", (int64_t)f->list[i].count);
		json_item_close(j);
	}
	json_list_close(j);
}
