#include "analysis/findings.h"

#include <stdlib.h>

#include "analysis/fold.h"
#include "analysis/texts.h"

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
