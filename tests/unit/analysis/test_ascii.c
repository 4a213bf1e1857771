#include <stdlib.h>

#include "analysis/ascii.h"
#include "analysis/oracle.h"
#include "analysis/segment.h"
#include "check.h"

Test(ascii, the_library_classes_it_as_the_scan_expects)
{
	struct ascii a;

	ascii_init(&a);
	cr_assert(a.regular);
	cr_assert(a.makes_word['a']);
	cr_assert(not(a.makes_word['_']));
}

Test(ascii, bits_are_gathered_alike_with_and_without_the_instruction)
{
	uint64_t seed = 3;

	for (int round = 0; round < 1000; round++) {
		uint64_t bits = oracle_random(&seed);
		uint32_t wanted = 0;
		ascii_lanes lanes;

		for (unsigned i = 0; i < 16; i++) {
			lanes[i] = bits >> i & 1 ? -1 : 0;
			wanted |= (uint32_t)(bits >> i & 1) << i;
		}
		cr_assert(eq(u32, ascii_bits(lanes), wanted));
		cr_assert(eq(u32, ascii_bits_portably(lanes), wanted));
	}
}

/* Scan a copy that ends where its memory does. */
static struct ascii_found scan(const struct ascii *a, struct span text, bool exact)
{
	uint8_t *copy = malloc(text.len + 1);
	struct ascii_found s;

	memcpy(copy + 1, text.data, text.len);
	ascii_scan(a, (struct span){copy + 1, text.len}, exact, &s);
	free(copy);
	return s;
}

static size_t ascii_len(struct span text)
{
	size_t n = 0;

	while (n < text.len && n < ASCII_SCAN_BYTES && text.data[n] < 0x80)
		n++;
	return n;
}

static bool has_run(struct span segment)
{
	for (size_t i = 0; i < segment.len; i++)
		if (segment_makes_word(segment.data[i]) || segment.data[i] == '_')
			return true;
	return false;
}

static void compare(const struct ascii_found *s, struct span text, const char *breaks)
{
	size_t start = 0;

	for (size_t i = 0; i < s->whole; i++) {
		size_t end = i + 1;
		bool within = (s->words[i / 64] >> i % 64 & 1) != 0;

		start = breaks[i] ? i : start;
		while (!breaks[end])
			end++;
		cr_assert(eq(int, within, has_run((struct span){text.data + start, end - start})),
			"byte %zu of %.*s", i, (int)text.len, (const char *)text.data);
	}
	cr_assert(
		breaks[s->whole], "%zu of %.*s", s->whole, (int)text.len, (const char *)text.data);
}

Test(ascii, whole_segments_are_found_and_the_last_is_left)
{
	static char breaks[3 * ASCII_SCAN_BYTES];
	struct ascii a;
	uint64_t seed = 5;

	ascii_init(&a);
	for (int round = 0; round < 3000; round++) {
		struct span text =
			oracle_text(&seed, oracle_random(&seed) % (round % 8 ? 200 : 2500));
		struct ascii_found s = scan(&a, text, false);

		cr_assert(eq(sz, s.len, ascii_len(text)));
		cr_assert(s.len == 0 ? s.whole == 0 : s.whole < s.len);
		/* What follows may change only what is left out. */
		text.len = s.len;
		if (text.len > 0) {
			oracle_breaks(text, breaks);
			compare(&s, text, breaks);
		}
		for (size_t i = s.whole; s.len > 0 && i < (s.whole / 64 + 1) * 64; i++)
			cr_assert(not(s.words[i / 64] >> i % 64 & 1));
		free((void *)text.data);
	}
}

Test(ascii, keys_are_the_lower_case_or_the_text_itself)
{
	uint8_t text[128];
	struct ascii_found s;
	struct ascii a;

	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)i;
	ascii_init(&a);
	s = scan(&a, (struct span){text, sizeof(text)}, true);
	cr_assert(eq(int, memcmp(s.keys, text, sizeof(text)), 0));
	s = scan(&a, (struct span){text, sizeof(text)}, false);
	for (unsigned i = 0; i < sizeof(text); i++)
		cr_assert(eq(u8, s.keys[i], (uint8_t)(i >= 'A' && i <= 'Z' ? i + 32 : i)));
}

Test(ascii, a_run_of_spaces_is_left_whole)
{
	struct ascii_found s;
	struct ascii a;

	ascii_init(&a);
	s = scan(&a, span_of("word    "), false);
	cr_assert(eq(sz, s.whole, 4));
	s = scan(&a, span_of("word.  ."), false);
	cr_assert(eq(sz, s.whole, 7));
	s = scan(&a, span_of("two word."), false);
	cr_assert(eq(sz, s.whole, 4));
	s = scan(&a, span_of("wordword"), false);
	cr_assert(eq(sz, s.whole, 0));
	s = scan(&a, span_of("\xc3\xa9"), false);
	cr_assert(eq(sz, s.len, 0));
}
