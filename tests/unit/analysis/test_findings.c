#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/analysis.h"
#include "analysis/findings.h"
#include "analysis/oracle.h"
#include "memory.h"

#define HEAD "length: 20\nbytes: 21\nwords: 6\nunique: 3\n"

static struct findings read_good(const char *text)
{
	struct findings f;

	cr_assert(eq(int, findings_read(&f, span_of(text)), 1), "%s", text);
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

static const char *const no_reports[] = {
	"",
	"\n",
	"length: 20",
	"length: 20\nbytes: 21\nwords: 6\n",
	HEAD,
	HEAD "b 3\na 2\n",
	HEAD "b 3\na 2\nc 1",
	HEAD "b 3\na 2\nc 1\n\n",
	HEAD "b 3\na 2\nc 1\nd 1\n",
	HEAD "b 3\na 2\nc 2\n",
	HEAD "b 3\na 2\nc\n",
	HEAD "b 3\na 3\nc 0\n",
	HEAD "b 3\na 2\nc 01\n",
	HEAD "b 3\na 2\nc +1\n",
	HEAD "b 3\na 2\nc -1\n",
	HEAD "b 3\na 2\nc 1 \n",
	HEAD "b 3\na 2\nc 1\r\n",
	HEAD "b 3\na 2\n 1\n",
	HEAD "b 3\na 2\n1\n",
	HEAD "b 3\na 2\n\xff 1\n",
	HEAD "b 3\na 2\nc 18446744073709551617\n",
	HEAD "b 18446744073709551615\na 6\nc 1\n",
	" " HEAD "b 3\na 2\nc 1\n",
	"length: 20\nbytes: 19\nwords: 6\nunique: 3\nb 3\na 2\nc 1\n",
	"length: 2\nbytes: 21\nwords: 6\nunique: 3\nb 3\na 2\nc 1\n",
	"length: 20\nbytes: 21\ninvalid: 0\nwords: 6\nunique: 3\nb 3\na 2\nc 1\n",
	"length: 20\nbytes: 21\ninvalid: 21\nwords: 6\nunique: 3\nb 3\na 2\nc 1\n",
	"length: 20\nbytes: 21\ninvalid: 15\nwords: 6\nunique: 3\nb 3\na 2\nc 1\n",
	"length: 20\nbytes: 21\nwords: 2\nunique: 3\nb 1\na 1\nc 1\n",
	"bytes: 21\nlength: 20\nwords: 6\nunique: 3\nb 3\na 2\nc 1\n",
	"Length: 20\nbytes: 21\nwords: 6\nunique: 3\nb 3\na 2\nc 1\n",
	"length:20\nbytes: 21\nwords: 6\nunique: 3\nb 3\na 2\nc 1\n",
	"length: \nbytes: 21\nwords: 6\nunique: 3\nb 3\na 2\nc 1\n",
	"length: 18446744073709551616\nbytes: 21\nwords: 6\nunique: 3\nb 3\na 2\nc 1\n",
	/* No memory is asked for what cannot be there. */
	"length: 100000000000000\nbytes: 100000000000000\nwords: 100000000000000\n"
	"unique: 100000000000000\na 1\n",
	"length: 18446744073709551615\nbytes: 18446744073709551615\nwords: 18446744073709551615\n"
	"unique: 18446744073709551615\na 1\n",
};

Test(findings, what_is_not_exactly_a_report_is_none)
{
	struct findings f = read_good(HEAD "b 3\na 2\nc 1\n");

	findings_free(&f);
	for (size_t i = 0; i < sizeof(no_reports) / sizeof(no_reports[0]); i++) {
		cr_assert(
			eq(int, findings_read(&f, span_of(no_reports[i])), 0), "%s", no_reports[i]);
		cr_assert(eq(ptr, f.list, NULL));
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

/* How much of a report tells that it is one: its first two lines. */
static size_t known_by(struct span report)
{
	const uint8_t *end = memchr(report.data, '\n', report.len);

	end = memchr(end + 1, '\n', (size_t)(report.data + report.len - end - 1));
	return (size_t)(end + 1 - report.data);
}

static const char *const not_cut_short[] = {
	"",
	"length: 20\n",
	"length: 20\nbytes: 21",
	"length: 20\nbytes: 21\nTotal",
	"length: 20\nbytes: 21\nwords: x",
	"length: 20\nbytes: 21\nwords: 6\nwords",
	"length: 20\nbytes: 21\nwords: 6\n\n",
	HEAD "b 3\na 2\nc 1\n",
	HEAD "b 3\na 2\nc 1\nd",
	HEAD "b 3\na\n",
	HEAD "b 3\na 3\n",
	HEAD "b 7\n",
	HEAD "\n",
};

Test(findings, what_cannot_become_a_report_is_not_one_cut_short)
{
	for (size_t i = 0; i < sizeof(not_cut_short) / sizeof(not_cut_short[0]); i++)
		cr_assert(
			not(findings_cut_short(span_of(not_cut_short[i]))), "%s", not_cut_short[i]);
	cr_assert(findings_cut_short(span_of(HEAD "b 3\na 2\nc 1")), "or 12, or 13");
}

Test(findings, every_report_is_read_and_no_part_of_one)
{
	uint64_t seed = 77;

	for (int round = 0; round < 300; round++) {
		struct span text = oracle_text(&seed, oracle_random(&seed) % 60);
		struct buf report = oracle_report(text, false);
		struct span all = buf_span(&report);
		struct findings f;

		cr_assert(eq(int, findings_read(&f, all), 1));
		cr_assert(eq(u64, f.counts.bytes, text.len));
		findings_free(&f);
		for (size_t len = 0; len < all.len; len++) {
			const struct span part = {all.data, len};

			cr_assert(eq(int, findings_read(&f, part), 0), "%.*s", (int)len,
				(const char *)all.data);
			cr_assert(eq(int, findings_cut_short(part), len >= known_by(all)), "%.*s",
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
	struct told t;

	before = allow_no_more_memory();
	hoard_memory();
	read = findings_read(&none, span_of(LIST));
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
