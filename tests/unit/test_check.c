#include "check.h"

/* What a comparison means. (Criterion 2.4's own gt holds for two values that are equal.) */

Test(check, a_comparison_of_numbers_holds_where_its_name_says)
{
	cr_assert(eq(int, 3, 3) && !eq(int, 3, 4));
	cr_assert(ne(int, 3, 4) && !ne(int, 3, 3));
	cr_assert(lt(i64, -1, 0) && !lt(i64, 0, 0));
	cr_assert(le(i64, 0, 0) && !le(i64, 1, 0));
	cr_assert(gt(sz, 1, 0) && !gt(sz, 0, 0));
	cr_assert(ge(u64, UINT64_MAX, UINT64_MAX) && !ge(u64, 0, UINT64_MAX));
}

Test(check, texts_and_bytes_are_compared_to_their_ends)
{
	cr_assert(eq(str, "ab", "ab") && !eq(str, "ab", "abc"));
	cr_assert(eq(str, NULL, NULL) && !eq(str, NULL, "") && ne(str, "", NULL));
	cr_assert(
		eq(span, span_of("a\n"), span_of("a\n")) && !eq(span, span_of("a"), span_of("ab")));
	cr_assert(eq(ptr, NULL, NULL) && ne(ptr, "", NULL));
}
