#include <stdlib.h>
#include <unicase.h>

#include "analysis/fold.h"
#include "analysis/oracle.h"
#include "check.h"

Test(fold, eight_bytes_of_ascii_are_folded_as_the_library_folds_them)
{
	for (unsigned byte = 0; byte < 128; byte++) {
		for (unsigned place = 0; place < 8; place++) {
			uint8_t text[8], folded[8];
			uint64_t bytes;
			size_t len = sizeof(folded);

			memset(text, byte % 2 ? 'Z' : 'a', sizeof(text));
			text[place] = (uint8_t)byte;
			memcpy(&bytes, text, sizeof(bytes));
			bytes = fold_ascii_8(bytes);
			cr_assert(eq(ptr, u8_casefold(text, 8, NULL, UNINORM_NFC, folded, &len),
				folded));
			cr_assert(eq(int, memcmp(&bytes, folded, 8), 0), "byte %u", byte);
		}
	}
}

static bool equal(const char *one, const char *other)
{
	return fold_ascii_equal((const uint8_t *)one, (const uint8_t *)other, strlen(one));
}

Test(fold, texts_of_ascii_are_compared_in_any_case)
{
	cr_assert(equal("", ""));
	cr_assert(equal("The Quick Brown FOX", "the quick brown fox"));
	cr_assert(not(equal("The Quick Brown FOX", "the quick brown fob")));
	cr_assert(not(equal("The Quick Brown FOX", "the quick-brown fox")));
	cr_assert(not(equal("@", "`")), "only letters have a case");
	cr_assert(not(equal("[", "{")));
}

Test(fold, one_byte_anywhere_makes_it_no_ascii)
{
	uint8_t text[40];

	memset(text, 0x7f, sizeof(text));
	for (size_t len = 0; len < sizeof(text); len++)
		cr_assert(fold_is_ascii((struct span){text, len}));
	for (size_t at = 0; at < sizeof(text); at++) {
		text[at] = 0x80;
		cr_assert(not(fold_is_ascii((struct span){text, sizeof(text)})), "%zu", at);
		cr_assert(fold_is_ascii((struct span){text, at}));
		text[at] = 0;
	}
}

static void compare(struct span word)
{
	size_t len = 0;
	uint8_t *wanted = u8_casefold(word.data, word.len, NULL, UNINORM_NFC, NULL, &len);
	struct fold f;

	cr_assert(eq(int, fold_word(&f, word), 0));
	cr_assert(eq(sz, f.key.len, len));
	cr_assert(eq(int, memcmp(f.key.data, wanted, len), 0));
	fold_end(&f);
	free(wanted);
}

Test(fold, a_key_is_what_the_library_says_whatever_its_length)
{
	uint8_t *text = malloc(70000);

	for (size_t len = 1; len < 70000; len = len < 600 ? len + 1 : len * 3) {
		memset(text, 'A', len);
		compare((struct span){text, len});
		for (size_t i = 0; i + 1 < len; i += 2)
			memcpy(text + i, "\xc3\x89", 2);
		if (len <= FOLD_MAX_BYTES)
			compare((struct span){text, len});
	}
	compare(span_of("Stra\u00dfe \u1e9e \u0130 \ufb01 \u0390\u0345\u0301 \uac00 A\u030a"));
	free(text);
}

Test(fold, what_is_not_ascii_and_too_long_is_its_own_key)
{
	enum { LEN = FOLD_MAX_BYTES + 1 };
	uint8_t *text = malloc(LEN);
	struct fold f;

	memset(text, 'A', LEN);
	memcpy(text + 10, "\xc3\x89", 2);
	cr_assert(eq(int, fold_word(&f, (struct span){text, LEN}), 0));
	cr_assert(eq(int, memcmp(f.key.data, text, LEN), 0));
	fold_end(&f);
	cr_assert(eq(int, fold_word(&f, (struct span){text, FOLD_MAX_BYTES}), 0));
	cr_assert(eq(u8, f.key.data[0], 'a'));
	fold_end(&f);
	memset(text, 'A', LEN);
	cr_assert(eq(int, fold_word(&f, (struct span){text, LEN}), 0));
	cr_assert(eq(u8, f.key.data[LEN - 1], 'a'));
	fold_end(&f);
	free(text);
}
