#include <stdlib.h>
#include <unictype.h>
#include <unistr.h>
#include <uniwbrk.h>

#include "analysis/oracle.h"
#include "analysis/segment.h"
#include "check.h"

/* Whether a segment begins at each byte of valid UTF-8, as the segmenter tells it. */
static void breaks_of(struct span text, char *out)
{
	struct segmenter s = {0};
	size_t mark = 0;

	memset(out, 0, text.len);
	for (size_t at = 0; at < text.len;) {
		ucs4_t code;
		int len = u8_mbtouc(&code, text.data + at, text.len - at);
		enum segment_step step =
			segmenter_step(&s, (unsigned)uc_wordbreak_property(code), code);

		if (step == SEGMENT_MAYBE)
			mark = at;
		if (step == SEGMENT_THERE || step == SEGMENT_BOTH)
			out[mark] = 1;
		out[at] = step == SEGMENT_HERE || step == SEGMENT_BOTH;
		at += (size_t)len;
	}
	if (s.wanted)
		out[mark] = 1;
	if (text.len > 0)
		out[0] = 1;
}

/* As '|' before each segment: "|ab|.| |c". */
static struct shown {
	char text[256];
} shown(const char *text)
{
	struct span in = span_of(text);
	struct shown s = {""};
	char breaks[128];
	size_t len = 0;

	breaks_of(in, breaks);
	for (size_t i = 0; i < in.len; i++) {
		if (breaks[i])
			s.text[len++] = '|';
		s.text[len++] = text[i];
	}
	return s;
}

static const struct {
	const char *text, *segments;
} examples[] = {
	{"", ""},
	{"a", "|a"},
	{"can't stop.", "|can't| |stop|."},
	{"a' b", "|a|'| |b"},
	{"a'1", "|a|'|1"},
	{"'a'", "|'|a|'"},
	{"3.14, 1,000.5 1.a a.1", "|3.14|,| |1,000.5| |1|.|a| |a|.|1"},
	{"1'2 1:2 a;b", "|1'2| |1|:|2| |a|;|b"},
	{"a..b a_b __ _1", "|a|.|.|b| |a_b| |__| |_1"},
	{"x\r\ny\n\nz\r\r", "|x|\r\n|y|\n|\n|z|\r|\r"},
	{"a   b\t\tc", "|a|   |b|\t|\t|c"},
	/* Extend and Format (WB4), also in front of a mark's decision, and at the start of a line.
         */
	{"a\u0308b\u00ad'\u0308\u00adc", "|a\u0308b\u00ad'\u0308\u00adc"},
	{"a'\u0308 b", "|a|'\u0308| |b"},
	{"\n\u0308a", "|\n|\u0308|a"},
	{"\u0308\u0308a", "|\u0308\u0308|a"},
	{"a\u202eb", "|a\u202eb"},
	/* Hebrew, with its quotes (WB7a to WB7c). */
	{"\u05d0'", "|\u05d0'"},
	{"\u05d0' ", "|\u05d0'| "},
	{"\u05d0'a", "|\u05d0'a"},
	{"\u05d0'1", "|\u05d0'|1"},
	{"\u05d0''a", "|\u05d0'|'|a"},
	{"\u05d0\"\u05d1", "|\u05d0\"\u05d1"},
	{"\u05d0\"a", "|\u05d0|\"|a"},
	{"a\"\u05d1", "|a|\"|\u05d1"},
	{"\u05d0\"", "|\u05d0|\""},
	/* Katakana and low lines (WB13). */
	{"\u30a2\u30ab_\u30a2", "|\u30a2\u30ab_\u30a2"},
	{"\u30a2a\u4e00\u4e01", "|\u30a2|a|\u4e00|\u4e01"},
	/* Flags (WB15, WB16). */
	{"a\U0001F1E6\U0001F1E7\U0001F1E6b", "|a|\U0001F1E6\U0001F1E7|\U0001F1E6|b"},
	{"\U0001F1E6\u200d\U0001F1E6\U0001F1E7", "|\U0001F1E6\u200d\U0001F1E6|\U0001F1E7"},
	/* What a zero width joiner does (WB3c), to marks and to spaces, too. */
	{"\U0001F468\u200d\u2695 \u2695", "|\U0001F468\u200d\u2695| |\u2695"},
	{"a'\u200d\u00a9b", "|a|'\u200d\u00a9|b"},
	{"a'\u200d\u2139", "|a'\u200d\u2139"},
	{"1'\u200d\u2139", "|1|'\u200d\u2139"},
	{"  \u200d\u2139", "|  \u200d\u2139"},
	{" \u0308 ", "| \u0308| "},
	{"\n\u200d\u2139", "|\n|\u200d\u2139"},
};

Test(segment, words_begin_and_end_by_the_rules)
{
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
		cr_assert(eq(str, shown(examples[i].text).text, (char *)examples[i].segments),
			"example %zu", i);
}

/* Where the library has it otherwise, see segment.h. */
static bool library_differs(struct span text)
{
	uint32_t code, last = 0;
	bool differs = false;

	for (size_t at = 0; at < text.len; last = code) {
		at += (size_t)u8_mbtouc(&code, text.data + at, text.len - at);
		differs |= last == 0x200d && uc_is_property_extended_pictographic(code) &&
		           (uc_wordbreak_property(code) == WBP_ALETTER);
	}
	return differs;
}

static size_t valid_part(struct span text)
{
	const uint8_t *wrong = u8_check(text.data, text.len);

	return wrong ? (size_t)(wrong - text.data) : text.len;
}

Test(segment, random_texts_are_cut_as_the_rules_and_the_library_say)
{
	uint64_t seed = 7;
	size_t compared = 0;

	for (int round = 0; round < 30000; round++) {
		struct span text = oracle_text(&seed, 1 + oracle_random(&seed) % 24);
		char found[128], wanted[128], library[128];

		text.len = valid_part(text);
		if (text.len > 0) {
			breaks_of(text, found);
			oracle_breaks(text, wanted);
			cr_assert(
				memcmp(found, wanted, text.len) == 0, "the rules, round %d", round);
			u8_wordbreaks(text.data, text.len, library);
			library[0] = 1;
			if (!library_differs(text)) {
				compared++;
				cr_assert(memcmp(found, library, text.len) == 0,
					"the library, round %d", round);
			}
		}
		free((void *)text.data);
	}
	cr_assert(gt(sz, compared, 10000));
}

Test(segment, a_line_ends_every_segment_whatever_stands_around_it)
{
	size_t count;
	const uint32_t *letters = oracle_letters(&count);

	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < 2 * count; j++) {
			uint32_t other = j < count ? letters[j] : 0x200d;
			struct segmenter s = {0};

			segmenter_step(&s, (unsigned)uc_wordbreak_property(letters[i]), letters[i]);
			segmenter_step(&s, (unsigned)uc_wordbreak_property(other), other);
			if (other == '\r')
				continue;
			cr_assert(segmenter_step(&s, WBP_LF, '\n') >= SEGMENT_HERE, "%x %x",
				(unsigned)letters[i], (unsigned)other);
			cr_assert(ne(int,
				segmenter_step(&s, (unsigned)uc_wordbreak_property(other), other),
				SEGMENT_ON));
		}
	}
	free((void *)letters);
}

Test(segment, a_word_holds_a_letter_or_a_number)
{
	cr_assert(segment_makes_word('a'));
	cr_assert(segment_makes_word('7'));
	cr_assert(segment_makes_word(0x4e00));
	cr_assert(segment_makes_word(0x2160)); /* Nl */
	cr_assert(segment_makes_word(0xbd));   /* No */
	cr_assert(not(segment_makes_word('_')));
	cr_assert(not(segment_makes_word(0x301)));
	cr_assert(not(segment_makes_word(0x1f600)));
	cr_assert(not(segment_makes_word(UINT32_MAX)));
}

Test(segment, marks_of_ascii_join_as_they_do_in_a_text)
{
	for (char before = '\t'; before < 127; before++) {
		for (char mark = '!'; mark < 'A'; mark++) {
			for (char behind = '\t'; behind < 127; behind++) {
				const uint8_t text[] = {
					(uint8_t)before, (uint8_t)mark, (uint8_t)behind};
				unsigned class = (unsigned)uc_wordbreak_property((ucs4_t)mark);
				char breaks[3];

				if (class != WBP_MIDLETTER && class != WBP_MIDNUM &&
					class != WBP_MIDNUMLET && class != WBP_SQ)
					continue;
				breaks_of((struct span){text, 3}, breaks);
				cr_assert(eq(int,
					segment_mark_joins(
						(unsigned)uc_wordbreak_property((ucs4_t)before),
						class,
						(unsigned)uc_wordbreak_property((ucs4_t)behind)),
					!breaks[1] && !breaks[2]));
			}
		}
	}
}
