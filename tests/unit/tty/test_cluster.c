#include <stdlib.h>

#include "check.h"
#include "tty/cluster.h"

TestSuite(cluster, .timeout = 20);

/* A text, a bar between its letters. */
static const char *const texts[] = {
	"a|b| |c",
	"e\314\201\314\247|z",
	"\346\274\242|\345\255\227",
	"\360\237\207\251\360\237\207\252|\360\237\207\253\360\237\207\267|\360\237\207\256",
	"a|\360\237\221\250\342\200\215\360\237\221\251\342\200\215\360\237\221\247|b",
	"\360\237\221\215\360\237\217\275|\360\237\221\215",
	"\341\204\200\341\205\241\341\206\250|\352\260\200",
	"\314\201|a",
};

Test(cluster, letters_end_where_a_person_says_they_do_in_both_directions)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t breaks[20], count = 0, len = 0, at = 0;
		uint8_t text[100];

		breaks[count++] = 0;
		for (const char *p = texts[i]; *p; p++)
			if (*p == '|')
				breaks[count++] = len;
			else
				text[len++] = (uint8_t)*p;
		breaks[count] = len;
		for (size_t k = 1; k <= count; k++) {
			at = cluster_next((struct span){text, len}, at);
			cr_assert(eq(sz, at, breaks[k]), "%s", texts[i]);
		}
		for (size_t k = count; k > 0; k--) {
			at = cluster_prev((struct span){text, len}, at);
			cr_assert(eq(sz, at, breaks[k - 1]), "%s", texts[i]);
		}
		cr_assert(eq(sz, cluster_prev((struct span){text, len}, 0), 0));
		cr_assert(eq(sz, cluster_next((struct span){text, len}, len), len));
	}
}

Test(cluster, one_that_never_ends_is_cut_between_code_points)
{
	uint8_t text[3 * CLUSTER_MAX_BYTES];
	struct span all = {text, sizeof(text)};
	size_t at = 0;

	for (size_t i = 0; i < sizeof(text); i += 3)
		memcpy(text + i, "\341\252\260", 3); /* U+1AB0, a mark */
	while (at < sizeof(text)) {
		size_t next = cluster_next(all, at);

		cr_assert(gt(sz, next, at));
		cr_assert(le(sz, next - at, CLUSTER_MAX_BYTES));
		cr_assert(eq(sz, next % 3, 0));
		at = next;
	}
	while (at) {
		size_t prev = cluster_prev(all, at);

		cr_assert(lt(sz, prev, at));
		cr_assert(le(sz, at - prev, CLUSTER_MAX_BYTES));
		cr_assert(eq(sz, prev % 3, 0));
		at = prev;
	}
}

Test(cluster, widths_are_those_of_terminals)
{
	cr_assert(eq(sz, code_width('a'), 1));
	cr_assert(eq(sz, code_width(0xe4), 1));
	cr_assert(eq(sz, code_width(0x6f22), 2));
	cr_assert(eq(sz, code_width(0x1f642), 2));
	cr_assert(eq(sz, code_width(0x301), 0));
	cr_assert(eq(sz, code_width(0x200d), 0));
}
