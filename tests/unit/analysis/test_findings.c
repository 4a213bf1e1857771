#include <stdio.h>
#include <stdlib.h>

#include "analysis/analysis.h"
#include "analysis/findings.h"
#include "analysis/oracle.h"
#include "check.h"
#include "memory.h"

#define HEAD "length: 20\nbytes: 21\nwords: 6\nunique: 3\n"

static struct findings read_good(const char *text)
{
	struct findings f;
	const char *wrong;

	cr_assert(eq(int, findings_read(&f, span_of(text), &wrong), FINDINGS_READ), "%s: %s", text,
		wrong);
	return f;
}

Test(findings, a_report_is_read)
{
	struct findings f = read_good(
		"length: 20\nbytes: 22\ninvalid: 2\nwords: 6\nunique: 3\nb 3\na 2\n c d 1\n");

	cr_assert(eq(u64, f.counts.length, 20));
	cr_assert(eq(u64, f.counts.bytes, 22));
	cr_assert(eq(u64, f.counts.invalid, 2));
	cr_assert(eq(u64, f.counts.words, 6));
	cr_assert(eq(u64, f.counts.unique, 3));
	cr_assert(eq(sz, f.len, 3));
	cr_assert(eq(sz, f.list[2].word.len, 4), "up to the last space");
	cr_assert(eq(u64, f.list[2].count, 1));
	findings_free(&f);
	cr_assert(eq(ptr, f.list, NULL));
}

Test(findings, a_report_may_have_no_words)
{
	struct findings f = read_good("length: 0\nbytes: 0\nwords: 0\nunique: 0\n");

	cr_assert(eq(sz, f.len, 0));
	findings_free(&f);
}

static void reads_as(const char *text, enum findings_verdict wanted)
{
	struct findings f;
	const char *wrong;

	cr_assert(eq(int, findings_read(&f, span_of(text), &wrong), (int)wanted), "%s: %s", text,
		wrong);
	cr_assert(eq(ptr, f.list, NULL));
	cr_assert(eq(int, wrong != NULL, wanted == FINDINGS_WRONG), "%s", text);
}

/* Answers of another form. */
static const char *const no_reports[] = {
	"",
	"\n",
	"lengths",
	"length: x",
	"length: 20 ",
	"length: 020",
	"length: 20\n\n",
	"length: 20\nTotal",
	"length: 20\nbytes: 21\nTotal",
	"length: 20\nbytes: 21\nwords: x",
	"length: 20\nbytes: 21\nwords: 6\nwords",
	"length: 20\nbytes: 21\nwords: 6\n\n",
	"length: 20\nbytes: 21\nwords: 6\ninvalid: 1\n",
	HEAD "\n",
	HEAD "b 3\na\n",
	HEAD "b 3\na 2\nc 1\n\n",
	HEAD "b 3\na 2\nc\n",
	HEAD "b 3\na 2\nc 01\n",
	HEAD "b 3\na 2\nc +1\n",
	HEAD "b 3\na 2\nc -1\n",
	HEAD "b 3\na 2\nc 1 \n",
	HEAD "b 3\na 2\nc 1\r\n",
	HEAD "b 3\na 2\n 1\n",
	HEAD "b 3\na 2\n1\n",
	HEAD "b 3\na 2\n\xff 1\n",
	/* What cannot be matters only in a report. */
	HEAD "b 7\nb 7\n\n",
	"length: 20\nbytes: 19\nwords: 21\nunique: 22\n\n",
	" " HEAD "b 3\na 2\nc 1\n",
	"bytes: 21\nlength: 20\nwords: 6\nunique: 3\nb 3\na 2\nc 1\n",
	"Length: 20\nbytes: 21\nwords: 6\nunique: 3\nb 3\na 2\nc 1\n",
	"length:20\nbytes: 21\nwords: 6\nunique: 3\nb 3\na 2\nc 1\n",
	"length: \nbytes: 21\nwords: 6\nunique: 3\nb 3\na 2\nc 1\n",
};

Test(findings, what_has_another_form_is_no_report)
{
	struct findings f = read_good(HEAD "b 3\na 2\nc 1\n");

	findings_free(&f);
	for (size_t i = 0; i < sizeof(no_reports) / sizeof(no_reports[0]); i++)
		reads_as(no_reports[i], FINDINGS_NONE);
}

#define FULL64 "18446744073709551615"

/* Reports that cannot be. */
static const char *const wrong_reports[] = {
	"length: 20\nbytes: 19\nwords: 6\nunique: 3\nb 3\na 2\nc 1\n",
	"length: 2\nbytes: 21\nwords: 6\nunique: 3\nb 3\na 2\nc 1\n",
	"length: 20\nbytes: 21\ninvalid: 0\nwords: 6\nunique: 3\nb 3\na 2\nc 1\n",
	"length: 20\nbytes: 21\ninvalid: 21\nwords: 6\nunique: 3\nb 3\na 2\nc 1\n",
	"length: 20\nbytes: 21\ninvalid: 15\nwords: 6\nunique: 3\nb 3\na 2\nc 1\n",
	"length: 20\nbytes: 21\nwords: 2\nunique: 3\nb 1\na 1\nc 1\n",
	"length: 20\nbytes: 21\nwords: 2\nunique: 0\n",
	"length: 20\nbytes: 21\nwords: 0\nunique: 0\na 1\n",
	"length: 18446744073709551616\nbytes: 21\nwords: 6\nunique: 3\nb 3\na 2\nc 1\n",
	HEAD "b 3\na 2\nc 1\nd 1\n",
	HEAD "b 3\na 2\nc 1\nd",
	HEAD "b 3\na 2\nc 2\n",
	HEAD "b 1\na 1\nc 1\n",
	HEAD "b 3\na 3\nc 0\n",
	HEAD "b 3\na 3\n",
	HEAD "b 7\n",
	HEAD "b 3\na 2\nb 1\n",
	HEAD "b 3\nb 2\nb 1\n",
	HEAD "b 3\na 2\nc 18446744073709551617\n",
	HEAD "b " FULL64 "\na 6\nc 1\n",
};

Test(findings, what_contradicts_itself_is_a_wrong_report)
{
	for (size_t i = 0; i < sizeof(wrong_reports) / sizeof(wrong_reports[0]); i++)
		reads_as(wrong_reports[i], FINDINGS_WRONG);
}

Test(findings, words_of_one_key_are_not_one_word)
{
	struct findings f = read_good(HEAD "b 3\nB 2\nb  1\n");

	findings_free(&f);
}

/* Beginnings of reports; no memory is asked for what cannot be there. */
static const char *const cut_reports[] = {
	"l",
	"length: ",
	"length: 2",
	"length: 20\n",
	"length: 11\nbyt",
	HEAD,
	HEAD "b 3\na 2\n",
	HEAD "b 3\na 2\nc 1",
	"length: 100000000000000\nbytes: 100000000000000\nwords: 100000000000000\n"
	"unique: 100000000000000\na 1\n",
	"length: " FULL64 "\nbytes: " FULL64 "\nwords: " FULL64 "\nunique: " FULL64 "\na 1\n",
};

Test(findings, what_could_go_on_to_be_a_report_is_cut)
{
	for (size_t i = 0; i < sizeof(cut_reports) / sizeof(cut_reports[0]); i++)
		reads_as(cut_reports[i], FINDINGS_CUT);
}

/* A report of words w0, w1 and so on, once each; the last one is as given. */
static struct buf long_report(size_t words, const char *last)
{
	struct buf out = {0};

	buf_printf(&out, "length: %zu\nbytes: %zu\nwords: %zu\nunique: %zu\n", words * 9, words * 9,
		words, words);
	for (size_t i = 0; i + 1 < words; i++)
		buf_printf(&out, "w%zu 1\n", i);
	buf_printf(&out, "%s 1\n", last);
	return out;
}

Test(findings, one_word_of_many_stands_twice, .timeout = 20)
{
	enum { MANY = 200000 };
	const char *lasts[] = {"w0", "w77777", "other"};

	for (size_t i = 0; i < sizeof(lasts) / sizeof(lasts[0]); i++) {
		struct buf report = long_report(MANY, lasts[i]);
		const char *wrong;
		struct findings f;

		cr_assert(eq(int, findings_read(&f, buf_span(&report), &wrong),
			i == 2 ? FINDINGS_READ : FINDINGS_WRONG));
		findings_free(&f);
		buf_free(&report);
	}
}

static struct told {
	char text[512];
} told(const struct findings *f, size_t about_bytes)
{
	struct findings_cursor cursor = {0};
	struct buf out = {0};
	struct told t = {""};

	while (findings_text(f, &cursor, &out, about_bytes) == 1)
		;
	memcpy(t.text, buf_span(&out).data, buf_span(&out).len);
	buf_free(&out);
	return t;
}

Test(findings, what_was_read_is_written_the_same_in_pieces_of_any_size)
{
	const char text[] =
		"length: 20\nbytes: 22\ninvalid: 2\nwords: 6\nunique: 3\nbbbbbb 3\na 2\n c d 1\n";
	struct findings f = read_good(text);

	for (size_t about = 1; about < 100; about++)
		cr_assert(eq(str, told(&f, about).text, (char *)text), "%zu", about);
	findings_free(&f);
}

/* The list alone: behind the fourth newline. */
static const char *list_of(const struct told *t)
{
	const char *at = t->text;

	for (int i = 0; i < 4; i++)
		at = strchr(at, '\n') + 1;
	return at;
}

#define LIST \
	"length: 99\nbytes: 99\nwords: 14\nunique: 6\nb 2\nZ 5\na 2\n\u00c4 3\ny 1\nz\u0308 1\n"

static const struct {
	enum findings_order order;
	size_t top;
	const char *list;
} orders[] = {
	{FINDINGS_FIRST, 9, "b 2\nZ 5\na 2\n\u00c4 3\ny 1\nz\u0308 1\n"},
	{FINDINGS_FIRST, 2, "b 2\nZ 5\n"},
	{FINDINGS_BY_COUNT, 6, "Z 5\n\u00c4 3\nb 2\na 2\ny 1\nz\u0308 1\n"},
	{FINDINGS_BY_COUNT, 3, "Z 5\n\u00c4 3\nb 2\n"},
	{FINDINGS_ALPHA, 6, "a 2\nb 2\ny 1\nZ 5\nz\u0308 1\n\u00c4 3\n"},
	{FINDINGS_ALPHA, 0, ""},
};

Test(findings, are_put_in_order_and_cut)
{
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct findings f = read_good(LIST);
		struct told t;

		cr_assert(eq(int, findings_sort(&f, orders[i].order), 0));
		findings_cut(&f, orders[i].top);
		t = told(&f, 1000);
		cr_assert(eq(str, (char *)list_of(&t), (char *)orders[i].list));
		cr_assert(eq(u64, f.counts.unique, 6), "the counts stay");
		cr_assert(strncmp(t.text, LIST, 41) == 0);
		findings_free(&f);
	}
}

Test(findings, words_of_one_key_stand_together_by_their_spelling)
{
	struct findings f =
		read_good("length: 9\nbytes: 9\nwords: 5\nunique: 5\nb 1\naa 1\nAA 1\nB 1\nAa 1\n");
	struct told t;

	cr_assert(eq(int, findings_sort(&f, FINDINGS_ALPHA), 0));
	t = told(&f, 1000);
	cr_assert(eq(str, (char *)list_of(&t), "AA 1\nAa 1\naa 1\nB 1\nb 1\n"));
	findings_free(&f);
}

Test(findings, are_members_of_a_json_object)
{
	struct findings f = read_good(
		"length: 20\nbytes: 22\ninvalid: 2\nwords: 5\nunique: 2\nb\u202e\"c 3\na 2\n");
	struct json j;

	json_open(&j);
	json_str(&j, "event", span_of("analyze"));
	findings_json(&f, &j);
	json_close(&j);
	cr_assert(not(j.failed));
	buf_add(&j.out, (struct span){(const uint8_t *)"", 1});
	cr_assert(eq(str, (char *)buf_span(&j.out).data,
		"{\"event\":\"analyze\",\"length\":20,\"bytes\":22,\"invalid\":2,\"words\":5,"
		"\"unique\":2,"
		"\"list\":[{\"word\":\"b\\u202e\\\"c\",\"count\":3},{\"word\":\"a\",\"count\":2}]}"
		"\n"));
	buf_free(&j.out);
	findings_free(&f);
}

Test(findings, every_report_is_read_and_each_part_is_cut)
{
	uint64_t seed = 77;

	for (int round = 0; round < 300; round++) {
		struct span text = oracle_text(&seed, oracle_random(&seed) % 60);
		struct buf report = oracle_report(text, false);
		struct span all = buf_span(&report);
		struct findings f;
		const char *wrong;

		cr_assert(eq(int, findings_read(&f, all, &wrong), FINDINGS_READ), "%s", wrong);
		cr_assert(eq(u64, f.counts.bytes, text.len));
		findings_free(&f);
		for (size_t len = 1; len < all.len; len++) {
			const struct span part = {all.data, len};

			cr_assert(eq(int, findings_read(&f, part, &wrong), FINDINGS_CUT), "%.*s",
				(int)len, (const char *)all.data);
		}
		buf_free(&report);
		free((void *)text.data);
	}
}

Test(findings, without_memory_nothing_is_read_or_sorted)
{
	struct findings f = read_good(LIST), none;
	struct rlimit before;
	int read, sorted;
	const char *wrong;
	struct told t;

	before = allow_no_more_memory();
	hoard_memory();
	read = findings_read(&none, span_of(LIST), &wrong);
	sorted = findings_sort(&f, FINDINGS_ALPHA);
	release_memory();
	allow_memory(&before);
	cr_assert(eq(int, read, -1));
	cr_assert(eq(ptr, none.list, NULL));
	cr_assert(eq(int, sorted, -1));
	t = told(&f, 1000);
	cr_assert(eq(str, t.text, LIST));
	findings_free(&f);
}
