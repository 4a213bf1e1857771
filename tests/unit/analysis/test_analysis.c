#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/analysis.h"
#include "analysis/oracle.h"
#include "check.h"
#include "memory.h"
#include "sanitized.h"

static const struct hash_key key = {{1, 2}};

/* The report over a text that comes in pieces: the first of `first` bytes, the others of `others`.
 * The pieces lie in memory of their own, so that reading beyond them shows. */
static struct buf report_cut(struct span text, size_t first, size_t others, bool exact)
{
	struct analysis_cursor cursor = {0};
	struct buf out = {0};
	struct analysis a;

	analysis_init(&a, &key, exact);
	for (size_t n = first; text.len > 0; text = span_from(text, n), n = others) {
		uint8_t *piece;

		n = n < text.len ? n : text.len;
		piece = malloc(n);
		memcpy(piece, text.data, n);
		cr_assert(eq(int, analysis_add(&a, (struct span){piece, n}), 0));
		free(piece);
	}
	cr_assert(eq(int, analysis_end(&a), 0));
	while (analysis_report(&a, &cursor, &out, 100) == ANALYSIS_MORE)
		;
	analysis_free(&a);
	return out;
}

static void compare(struct buf *found, const struct buf *wanted, struct span text, const char *how)
{
	struct span a = buf_span(found), b = buf_span(wanted);

	if (a.len != b.len || memcmp(a.data, b.data, a.len) != 0) {
		for (size_t i = 0; i < text.len; i++)
			fprintf(stderr, "%02x ", text.data[i]);
		fprintf(stderr, "\n--- found\n%.*s--- wanted\n%.*s", (int)a.len, (char *)a.data,
			(int)b.len, (char *)b.data);
		cr_fatal("%s: not what the oracle finds", how);
	}
	buf_free(found);
}

Test(analysis, random_texts_are_analyzed_as_the_oracle_does_wherever_they_are_cut)
{
	/* The fuzz target compares many more, with sanitizers, too. */
	enum { ROUNDS = SANITIZED_MEMORY ? 600 : 3000 };
	uint64_t seed = 42;

	for (int round = 0; round < ROUNDS; round++) {
		struct span text =
			oracle_text(&seed, oracle_random(&seed) % (round % 10 ? 40 : 400));
		bool exact = round % 3 == 0;
		struct buf wanted = oracle_report(text, exact), found;

		found = report_cut(text, SIZE_MAX, 1, exact);
		compare(&found, &wanted, text, "whole");
		found = report_cut(text, 1, 1, exact);
		compare(&found, &wanted, text, "byte by byte");
		for (size_t at = 1; at<text.len; at += text.len> 60 ? 37 : 1) {
			found = report_cut(text, at, SIZE_MAX, exact);
			compare(&found, &wanted, text, "in two");
		}
		buf_free(&wanted);
		free((void *)text.data);
	}
}

Test(analysis, a_small_text_is_reported)
{
	struct span text =
		span_of("The cat's hat, the CAT'S 3.14 \u00c4pfel \u00e4pfel a\u0308pfel \xff_ 1");
	struct buf out = report_cut(text, 7, 3, false);

	buf_add(&out, (struct span){(const uint8_t *)"", 1});
	cr_assert(eq(str, (char *)buf_span(&out).data,
		"length: 53\nbytes: 56\ninvalid: 1\nwords: 10\nunique: 6\n"
		"The 2\ncat's 2\nhat 1\n3.14 1\n\u00c4pfel 3\n1 1\n"));
	buf_free(&out);
}

Test(analysis, an_empty_text_has_nothing_in_it)
{
	struct analysis a;

	analysis_init(&a, &key, false);
	cr_assert(eq(int, analysis_add(&a, (struct span){NULL, 0}), 0));
	cr_assert(eq(int, analysis_end(&a), 0));
	cr_assert(eq(int, analysis_end(&a), 0), "and may end twice");
	cr_assert(eq(u64, analysis_counts(&a).words, 0));
	cr_assert(eq(u64, analysis_counts(&a).length, 0));
	analysis_free(&a);
	analysis_free(&a);
}

/* UAX #29 lets a word begin with spaces, see segment.h. */
Test(analysis, a_word_may_hold_spaces_but_no_newline)
{
	static const char *const odd[] = {"  \u200d\u2139", "a\u00a0b c\u202fd",
		"\u3000 \u200d\u2139", "\n\u200d\u2139", "1,\u200d\u2139'\u200d\u00a9\u200d\u2139",
		"\u2028\u200d\u2139 \xc2\x85\u200d\u2139 \v\u200d\u2139", "\t\u200d\u2139"};

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct buf wanted = oracle_report(span_of(odd[i]), false);
		struct buf found = report_cut(span_of(odd[i]), 1, 1, false);
		struct analysis a;
		struct tally_line line;
		uint32_t at = 0;

		compare(&found, &wanted, span_of(odd[i]), odd[i]);
		buf_free(&wanted);
		analysis_init(&a, &key, false);
		analysis_add(&a, span_of(odd[i]));
		analysis_end(&a);
		cr_assert(gt(u64, analysis_counts(&a).words, 0));
		while (tally_next(&a.tally, &at, &line))
			cr_assert(memchr(line.text.data, '\n', line.text.len) == NULL);
		analysis_free(&a);
	}
}

/* Each behind a letter and before some more. */
Test(analysis, only_well_formed_utf8_is_text)
{
	static const char *const forms[] = {"\xc0\x80", "\xc1\xbf", "\xc2\x80", "\xdf\xbf",
		"\xe0\x80\x80", "\xe0\x9f\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xed\xa0\x80",
		"\xed\xbf\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x80\x80\x80",
		"\xf0\x8f\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", "\xff", "\xe2\x82", "\xf0\x9f\x98", "\xc3",
		"\xe2\x82\xe2\x82\xac", "\xc3\xc3\xa9", "\x80\xbf"};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		for (int ends = 0; ends < 2; ends++) {
			char text[32];
			struct buf wanted, found;

			snprintf(text, sizeof(text), "a%s%s", forms[i], ends ? "" : "b c d");
			wanted = oracle_report(span_of(text), false);
			for (size_t cut = 1; cut < strlen(text); cut++) {
				found = report_cut(span_of(text), cut, SIZE_MAX, false);
				compare(&found, &wanted, span_of(text), text);
			}
			found = report_cut(span_of(text), 1, 1, false);
			compare(&found, &wanted, span_of(text), text);
			buf_free(&wanted);
		}
	}
}

/* U+0341 is U+0301 by another name. */
Test(analysis, what_follows_a_mark_makes_a_word_no_ascii)
{
	struct span text = span_of("a'\u0341b a'\u0301B");
	struct buf wanted = oracle_report(text, false), found;

	for (size_t cut = 1; cut < text.len; cut++) {
		found = report_cut(text, cut, 1, false);
		compare(&found, &wanted, text, "cut");
	}
	cr_assert(memmem(wanted.data, wanted.len, "unique: 1\n", 10) != NULL);
	buf_free(&wanted);
}

static void add(struct analysis *a, const char *unit, size_t times)
{
	for (size_t i = 0; i < times; i++)
		cr_assert(eq(int, analysis_add(a, span_of(unit)), 0));
}

Test(analysis, a_long_segment_is_hashed_as_it_comes_and_not_copied_at_its_end)
{
	struct texts_piece *piece;
	struct analysis a;

	analysis_init(&a, &key, false);
	add(&a, "abcdefgh", 5000);
	cr_assert(gt(sz, a.segment.hash.bytes, 40000 - 17));
	add(&a, "'", 1);
	add(&a, "\u0301\u0301\u0301\u0301", 5000);
	cr_assert(le(sz, a.segment.hash.bytes, 40000), "not beyond the mark");
	cr_assert(gt(sz, a.segment.joined.bytes, 80001 - 17));
	cr_assert(gt(sz, a.segment.behind.bytes, 40001 - 17));
	add(&a, "ab", 1);
	cr_assert(gt(sz, a.segment.hash.bytes, 80003 - 17), "the mark belongs to it");
	piece = a.segment.held;
	add(&a, " ", 1);
	cr_assert(eq(sz, a.segment.held->used, 1));
	cr_assert(eq(ptr, a.tally.texts.pieces, piece), "handed over");
	cr_assert(eq(u64, analysis_counts(&a).words, 1));
	add(&a, "ab'", 1);
	add(&a, "\uff9e\uff9e", 5000);
	add(&a, "\u200d", 1);
	add(&a, "\u00a9", 1);
	cr_assert(gt(sz, a.segment.hash.bytes, 30006 - 17), "it began the next one");
	cr_assert(eq(int, analysis_end(&a), 0));
	cr_assert(eq(u64, analysis_counts(&a).words, 3));
	analysis_free(&a);
}

/* A text of long parts, each a unit that comes again. */
struct part {
	const char *unit;
	size_t times;
};

static struct span build(const struct part *parts)
{
	size_t len = 0;
	uint8_t *text;

	for (const struct part *p = parts; p->unit; p++)
		len += strlen(p->unit) * p->times;
	text = malloc(len + 1);
	len = 0;
	for (const struct part *p = parts; p->unit; p++)
		for (size_t i = 0; i < p->times; i++, len += strlen(p->unit))
			memcpy(text + len, p->unit, strlen(p->unit));
	return (struct span){text, len};
}

/* Longer than what is folded, than a scan, and than what is hashed as it comes. */
static const struct part long_texts[][8] = {
	{{"a", 70000}, {" ", 1}, {"A", 70000}, {" ", 1}, {"b", 70000}, {" ", 3}},
	{{"\u00e9", 40000}, {" ", 1}, {"\u00c9", 40000}, {" ", 1}, {"\u00e9", 40000}},
	{{"\u00e9", 8000}, {" ", 1}, {"\u00c9", 8000}, {" ", 1}, {"e\u0301", 4000}},
	{{" ", 70000}, {"\u200d\u2139", 1}, {" ", 70000}, {"\u200d\u2139", 1}},
	{{"a", 30000}, {"'", 1}, {"\u0301", 20000}, {"b", 30000}, {" ", 1}},
	{{"a", 30000}, {"'", 1}, {"\u0301", 20000}, {" ", 30000}, {"a", 30000}},
	{{"a", 1}, {"'", 1}, {"\uff9e", 30000}, {"\n", 1}, {"a", 1}, {"'", 1}, {"\uff9e", 30000}},
	{{"1,", 30000}, {"\u200d", 1}, {"\u24c2", 1}, {"\u0301", 20000}, {".", 1},
		{"\u0301", 20000}},
	{{"\U0001F1E6", 20001}, {"a\r\n", 20000}, {"\xff", 20000}, {"\u0301", 20000}},
	{{"aB", 40000}, {"\u00e9", 1}, {" ", 1}, {"ab", 40000}, {"\u00e9", 1}},
};

Test(analysis, long_segments_are_analyzed_as_the_oracle_does)
{
	static const size_t cuts[] = {SIZE_MAX, 65536, 4099, 997};

	for (size_t i = 0; i < sizeof(long_texts) / sizeof(long_texts[0]); i++) {
		struct span text = build(long_texts[i]);
		/* The oracle folds all; over the bound it must not. */
		struct buf wanted = oracle_report(text, i == 1 || i == 9), found;

		for (size_t j = 0; j < sizeof(cuts) / sizeof(cuts[0]); j++) {
			found = report_cut(text, cuts[j], cuts[j], false);
			cr_assert(buf_span(&found).len == buf_span(&wanted).len &&
					  memcmp(found.data, wanted.data, found.len) == 0,
				"text %zu, cut at %zu", i, cuts[j]);
			buf_free(&found);
		}
		buf_free(&wanted);
		free((void *)text.data);
	}
}

Test(analysis, a_report_comes_in_pieces_of_the_size_that_was_asked_for)
{
	struct span text = build(
		(const struct part[]){{"abcdefghij", 50}, {" b c d ", 1}, {"\u00e9", 30}, {0}});
	struct buf whole = {0}, pieces = {0};
	struct analysis a;

	analysis_init(&a, &key, false);
	cr_assert(eq(int, analysis_add(&a, text), 0));
	cr_assert(eq(int, analysis_end(&a), 0));
	cr_assert(eq(int, analysis_report(&a, &(struct analysis_cursor){0}, &whole, SIZE_MAX / 2),
		ANALYSIS_DONE));
	for (size_t about = 1; about < 700; about++) {
		struct analysis_cursor cursor = {0};
		size_t before;
		int more;

		do {
			before = pieces.len;
			more = analysis_report(&a, &cursor, &pieces, about);
			cr_assert(le(sz, pieces.len - before, 64 + 2 * about));
		} while (more == ANALYSIS_MORE);
		cr_assert(eq(int, more, ANALYSIS_DONE));
		cr_assert(eq(sz, pieces.len, whole.len), "%zu", about);
		cr_assert(eq(
			int, memcmp(buf_span(&pieces).data, buf_span(&whole).data, whole.len), 0));
		buf_free(&pieces);
	}
	buf_free(&whole);
	free((void *)text.data);
	analysis_free(&a);
}

Test(analysis, a_fresh_one_holds_no_memory)
{
	struct analysis a;

	analysis_init(&a, &key, true);
	cr_assert(eq(ptr, a.tally.chunks, NULL));
	cr_assert(eq(ptr, a.tally.names.now.slots, NULL));
	cr_assert(eq(ptr, a.segment.held, NULL));
	cr_assert(le(sz, sizeof(a), 1024));
	cr_assert(not(analysis_free_some(&a)));
}

static uint32_t numbered(uint8_t *out, uint32_t from, uint32_t to)
{
	uint8_t *at = out;

	for (uint32_t n = from; n < to; n++)
		at += sprintf((char *)at, n % 2 ? "word%u " : "\u00c4rger%u-und-mehr ", n);
	return (uint32_t)(at - out);
}

Test(analysis, without_memory_it_says_so_and_leaves_nothing)
{
	static uint8_t text[65536];
	size_t used = mallinfo2().uordblks, left;
	struct rlimit before;
	struct analysis a;
	int failed = 0;

	analysis_init(&a, &key, false);
	before = allow_no_more_memory();
	hoard_memory();
	for (uint32_t n = 0; n < 2000000 && !failed; n += 1000) {
		failed = analysis_add(&a, (struct span){text, numbered(text, n, n + 1000)});
		if (n == 0) {
			cr_assert(eq(int, failed, -1));
			analysis_free(&a);
			release_memory();
			analysis_init(&a, &key, false);
			failed = 0;
		}
	}
	analysis_free(&a);
	allow_memory(&before);
	cr_assert(eq(int, failed, -1));
	left = mallinfo2().uordblks;
	cr_assert(le(sz, left, used + 8192));
}

/* The report of a text in pieces, of which some end in the middle of a word or a letter. Returns -1
 * when memory is out. */
static int report_of(struct span text, struct buf *out)
{
	struct analysis_cursor cursor = {0};
	struct analysis a;
	int rc = 0;

	analysis_init(&a, &key, false);
	for (; text.len && rc == 0; text = span_from(text, text.len < 997 ? text.len : 997))
		rc = analysis_add(&a, (struct span){text.data, text.len < 997 ? text.len : 997});
	if (rc == 0)
		rc = analysis_end(&a);
	if (rc == 0)
		do
			rc = analysis_report(&a, &cursor, out, 4000);
		while (rc == ANALYSIS_MORE);
	analysis_free(&a);
	return rc;
}

Test(analysis, each_allocation_may_fail_and_without_a_failure_the_report_is_whole)
{
	static uint8_t text[65536];
	const struct span all = {text, numbered(text, 0, 3000)};
	struct buf whole = {0}, part = {0};
	unsigned nth = 0;
	int rc = -1;

	cr_assert(eq(int, report_of(all, &whole), ANALYSIS_DONE));
	for (; rc < 0; nth++) {
		buf_free(&part);
		fail_allocation(nth + 1);
		rc = report_of(all, &part);
		if (fail_allocation(0))
			cr_assert(eq(int, rc, -1), "allocation %u", nth + 1);
	}
	cr_assert(gt(uint, nth, 20));
	cr_assert(eq(sz, part.len, whole.len));
	cr_assert(eq(int, memcmp(part.data, whole.data, whole.len), 0));
	buf_free(&whole);
	buf_free(&part);
}
