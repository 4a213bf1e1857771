
#include "analysis/counts.h"
#include "check.h"

static void check(struct buf *out, const char *wanted)
{
	struct span text = buf_span(out);

	cr_assert(eq(sz, text.len, strlen(wanted)));
	cr_assert(eq(int, memcmp(text.data, wanted, text.len), 0), "%.*s", (int)text.len,
		(const char *)text.data);
	buf_free(out);
}

Test(counts, are_lines_of_names_and_numbers)
{
	struct counts c = {5, 7, 0, 3, 2};
	struct buf out = {0};

	cr_assert(eq(int, counts_put(&c, &out), 0));
	check(&out, "length: 5\nbytes: 7\nwords: 3\nunique: 2\n");
}

Test(counts, invalid_bytes_are_reported_if_there_are_any)
{
	struct counts c = {UINT64_MAX, UINT64_MAX, 1, 0, 0};
	struct buf out = {0};

	cr_assert(eq(int, counts_put(&c, &out), 0));
	check(&out,
		"length: 18446744073709551615\nbytes: 18446744073709551615\ninvalid: 1\nwords: 0\n"
		"unique: 0\n");
}

Test(counts, a_word_stands_before_its_count)
{
	struct buf out = {0};
	size_t cut = 0;

	cr_assert(eq(int, counts_put_word(span_of("word"), UINT64_MAX, &cut, &out, 100), 0));
	cr_assert(eq(int, counts_put_word(span_of("a b"), 0, &cut, &out, 3), 0));
	cr_assert(eq(int, counts_put_word(span_of("c"), 90, &cut, &out, 100), 0));
	cr_assert(eq(sz, cut, 0));
	check(&out, "word 18446744073709551615\na b 0\nc 90\n");
}

Test(counts, a_long_word_comes_in_pieces)
{
	struct buf out = {0};
	size_t cut = 0;

	cr_assert(eq(int, counts_put_word(span_of("abcdefgh"), 7, &cut, &out, 3), 0));
	cr_assert(eq(sz, cut, 3));
	cr_assert(eq(sz, out.len, 3));
	cr_assert(eq(int, counts_put_word(span_of("abcdefgh"), 7, &cut, &out, 3), 0));
	cr_assert(eq(sz, cut, 6));
	cr_assert(eq(int, counts_put_word(span_of("abcdefgh"), 7, &cut, &out, 3), 0));
	cr_assert(eq(sz, cut, 0));
	check(&out, "abcdefgh 7\n");
}
