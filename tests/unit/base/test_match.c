
#include "base/match.h"
#include "check.h"

TestSuite(match, .timeout = 20);

/* Where text ends in bytes that come so many at a time; 0: it does not come. */
static size_t found(const char *text, const char *bytes, size_t at_a_time)
{
	struct span left = span_of(bytes);
	struct match m;
	size_t before = 0, end = 0;

	cr_assert(eq(int, match_init(&m, span_of(text)), 0));
	while (left.len && !end) {
		const size_t n = left.len < at_a_time ? left.len : at_a_time;

		end = match_find(&m, (struct span){left.data, n});
		if (end)
			end += before;
		before += n;
		left = span_from(left, n);
	}
	match_free(&m);
	return end;
}

Test(match, a_text_is_found_however_it_is_cut)
{
	for (size_t n = 1; n < 12; n++) {
		cr_expect(eq(sz, found("ready", "not yet, ready now", n), 14));
		cr_expect(eq(sz, found("r", "ready", n), 1));
		cr_expect(eq(sz, found("ready", "read", n), 0));
		cr_expect(eq(sz, found("\r\n\r\n", "a\r\nb\r\n\r\r\n\r\n", n), 11));
	}
}

Test(match, a_beginning_that_repeats_itself_is_not_missed)
{
	for (size_t n = 1; n < 12; n++) {
		cr_expect(eq(sz, found("aab", "aaaab", n), 5));
		cr_expect(eq(sz, found("abababc", "ababababc", n), 9));
		cr_expect(eq(sz, found("nano", "nanano", n), 6));
	}
}

Test(match, once_found_it_is_looked_for_anew)
{
	struct match m;

	cr_assert(eq(int, match_init(&m, span_of("aa")), 0));
	cr_expect(eq(sz, match_find(&m, span_of("aaa")), 2));
	cr_expect(eq(sz, match_find(&m, span_of("a")), 0));
	match_restart(&m);
	cr_expect(eq(sz, match_find(&m, span_of("a")), 0));
	cr_expect(eq(sz, match_find(&m, span_of("a")), 1));
	match_free(&m);
}

Test(match, any_byte_may_be_in_it)
{
	static const uint8_t text[] = {0, 0xff, 0}, bytes[] = {1, 0, 0, 0xff, 0};
	struct match m;

	cr_assert(eq(int, match_init(&m, (struct span){text, sizeof(text)}), 0));
	cr_expect(eq(sz, match_find(&m, (struct span){bytes, sizeof(bytes)}), 5));
	match_free(&m);
}
