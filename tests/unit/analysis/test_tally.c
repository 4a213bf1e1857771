#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/fold.h"
#include "analysis/tally.h"
#include "base/buf.h"
#include "check.h"
#include "memory.h"

static const struct hash_key key = {{1, 2}};

static int add(struct tally *t, const char *text)
{
	struct tally_word word = {.text = span_of(text), .ascii = fold_is_ascii(span_of(text))};

	return tally_add(t, &word);
}

/* Count the words of a text that is split at spaces, and tell: "word 2,other 1". */
static struct told {
	char text[512];
} told(const char *words, bool exact)
{
	struct tally t;
	struct told out = {""};
	struct tally_line line;
	char copy[512], *rest = copy, *word;
	uint32_t at = 0;

	snprintf(copy, sizeof(copy), "%s", words);
	tally_init(&t, &key, exact);
	while ((word = strsep(&rest, " ")))
		cr_assert(eq(int, add(&t, word), 0));
	while (tally_next(&t, &at, &line))
		snprintf(out.text + strlen(out.text), sizeof(out.text) - strlen(out.text),
			"%s%.*s %u", out.text[0] ? "," : "", (int)line.text.len,
			(const char *)line.text.data, (unsigned)line.count);
	while (tally_free_some(&t))
		;
	return out;
}

static const struct {
	const char *words, *folded, *exact;
} examples[] = {
	{"b a b", "b 2,a 1", "b 2,a 1"},
	{"The the THE tHe", "The 4", "The 1,the 1,THE 1,tHe 1"},
	{"a1 A1 _a _A", "a1 2,_a 2", "a1 1,A1 1,_a 1,_A 1"},
	/* 16 bytes lie in their entry, 17 do not. */
	{"sixteenletters-A SIXTEENLETTERS-a seventeenletters SEVENTEENletterS seventeenletterz",
		"sixteenletters-A 2,seventeenletters 2,seventeenletterz 1",
		"sixteenletters-A 1,SIXTEENLETTERS-a 1,seventeenletters 1,SEVENTEENletterS 1,"
		"seventeenletterz 1"},
	/* A spelling that is the key, one that is not, and the key after it. */
	{"\u00e9 \u00c9 e\u0301 \u00c9", "\u00e9 4", "\u00e9 1,\u00c9 2,e\u0301 1"},
	{"\u00c9 \u00e9 \u00c9", "\u00c9 3", "\u00c9 2,\u00e9 1"},
	{"Stra\u00dfe STRASSE strasse stra\u00dfe", "Stra\u00dfe 4",
		"Stra\u00dfe 1,STRASSE 1,strasse 1,stra\u00dfe 1"},
	{"strasse Stra\u00dfe", "strasse 2", "strasse 1,Stra\u00dfe 1"},
	{"STRASSENBAHNHALTESTELLE Stra\u00dfenbahnhaltestelle", "STRASSENBAHNHALTESTELLE 2",
		"STRASSENBAHNHALTESTELLE 1,Stra\u00dfenbahnhaltestelle 1"},
	{"Stra\u00dfenbahnhaltestelle STRASSENBAHNHALTESTELLE strassenBahnhaltestelle",
		"Stra\u00dfenbahnhaltestelle 3",
		"Stra\u00dfenbahnhaltestelle 1,STRASSENBAHNHALTESTELLE 1,strassenBahnhaltestelle "
		"1"},
	{"\u03a3\u03a3 \u03c3\u03c2 \u03c3\u03c3", "\u03a3\u03a3 3",
		"\u03a3\u03a3 1,\u03c3\u03c2 1,\u03c3\u03c3 1"},
	/* The sign for kelvin folds to a letter of ASCII. */
	{"\u212a k K", "\u212a 3", "\u212a 1,k 1,K 1"},
};

Test(tally, words_of_one_key_are_counted_together_and_shown_as_first_met)
{
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		cr_assert(eq(str, told(examples[i].words, false).text, (char *)examples[i].folded));
		cr_assert(eq(str, told(examples[i].words, true).text, (char *)examples[i].exact));
	}
}

/* Numbered words of all kinds. */
static void number(char *out, size_t size, uint32_t n)
{
	static const char *const kinds[] = {"w%u", "Word%u", "averylongwordofascii%u", "\u00e4%u",
		"\u00c4%u", "\u00e9nough-to-be-long-%u"};

	snprintf(out, size, kinds[n % 6], n / 6);
}

/* Each word once, and once more one that was met before, if it is ASCII in another case. */
static void count_numbers(struct tally *t, uint32_t numbers)
{
	char text[64];

	for (uint32_t n = 0; n < numbers; n++) {
		number(text, sizeof(text), n);
		cr_assert(eq(int, add(t, text), 0));
		number(text, sizeof(text), n / 2 / 6 * 6 + n % 6);
		text[0] ^= n % 6 < 3 ? 'a' ^ 'A' : 0;
		cr_assert(eq(int, add(t, text), 0));
	}
}

static void check_numbers(const struct tally *t, uint32_t numbers)
{
	struct tally_line line;
	uint64_t sum = 0;
	uint32_t at = 0, seen = 0;
	char text[64];

	while (tally_next(t, &at, &line)) {
		/* \u00e4 and \u00c4 are one, so that each sixth word is not there. */
		if (seen % 6 == 4)
			seen++;
		number(text, sizeof(text), seen++);
		cr_assert(eq(sz, line.text.len, strlen(text)));
		cr_assert(eq(int, memcmp(line.text.data, text, line.text.len), 0), "%s", text);
		sum += line.count;
	}
	cr_assert(eq(u64, sum, 2 * (uint64_t)numbers));
	cr_assert(eq(u64, t->distinct, (uint64_t)numbers / 6 * 5));
}

Test(tally, a_spelling_is_folded_once)
{
	struct tally t;

	tally_init(&t, &key, false);
	for (int i = 0; i < 3; i++) {
		add(&t, "\u00e9");
		add(&t, "\u00c8");
	}
	cr_assert(eq(u32, t.entries, 3));
	cr_assert(eq(u8, tally_at(&t, 0)->roles, TALLY_KEY | TALLY_SPELLING), "its own key");
	cr_assert(eq(u8, tally_at(&t, 1)->roles, TALLY_KEY));
	cr_assert(eq(u8, tally_at(&t, 2)->roles, TALLY_SPELLING));
	cr_assert(eq(u64, tally_at(&t, 1)->count, 3));
	while (tally_free_some(&t))
		;
}

Test(tally, many_words_keep_their_order_and_counts)
{
	enum { NUMBERS = 60000 };
	struct tally t;

	tally_init(&t, &key, false);
	count_numbers(&t, NUMBERS);
	check_numbers(&t, NUMBERS);
	cr_assert(eq(sz, t.strong.count, 0));
	while (tally_free_some(&t))
		;
}

/* With secrets of zero all short words meet in one place, which a peer that knew the secrets could
 * bring about as well: what finds no place among the first goes by SipHash. */
Test(tally, words_that_all_collide_are_counted_as_well_and_as_fast)
{
	enum { NUMBERS = 30000 };
	struct tally t;

	tally_init(&t, &key, false);
	t.mix = (struct mix){{0, 0}};
	count_numbers(&t, NUMBERS);
	check_numbers(&t, NUMBERS);
	cr_assert(gt(sz, t.strong.count, NUMBERS / 6));
	while (tally_free_some(&t))
		;
}

Test(tally, a_hash_that_went_on_before_is_that_of_the_whole)
{
	struct tally t;
	char text[300];
	struct tally_word word = {.text = {(uint8_t *)text, 0}, .ascii = true};

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('A' + i % 26);
	tally_init(&t, &key, false);
	for (word.text.len = 17; word.text.len < sizeof(text); word.text.len++) {
		word.hash = (struct tally_hash){0};
		cr_assert(eq(int, tally_add(&t, &word), 0));
		for (size_t part = 0; part <= word.text.len; part += 7)
			tally_hash_on(&t, &word.hash, word.text.data, part);
		cr_assert(lt(sz, word.hash.bytes, word.text.len));
		cr_assert(eq(int, tally_add(&t, &word), 0));
		cr_assert(eq(u64, t.distinct, word.text.len - 16));
	}
	while (tally_free_some(&t))
		;
}

Test(tally, a_long_text_is_taken_over_with_its_piece_unless_that_is_mostly_other)
{
	struct texts_piece *piece = NULL;
	struct tally_word word = {.ascii = true, .lies_in = &piece};
	struct tally_line line;
	struct tally t;
	uint32_t at = 0;

	tally_init(&t, &key, false);
	for (int i = 0; i < 3; i++)
		texts_piece_add(&piece, span_of("abcdefghijklmnopqrstuvwxyz"));
	word.text = (struct span){piece->bytes, 30};
	cr_assert(eq(int, tally_add(&t, &word), 0));
	cr_assert(piece != NULL, "copied");
	word.text = (struct span){piece->bytes + 8, 70};
	cr_assert(eq(int, tally_add(&t, &word), 0));
	cr_assert(eq(ptr, piece, NULL), "taken over");
	tally_next(&t, &at, &line);
	tally_next(&t, &at, &line);
	cr_assert(eq(ptr, (void *)line.text.data, (void *)word.text.data));
	texts_piece_add(&piece, line.text);
	word.text = (struct span){piece->bytes, 70};
	cr_assert(eq(int, tally_add(&t, &word), 0));
	cr_assert(piece != NULL, "known already");
	cr_assert(eq(u64, t.distinct, 2));
	free(piece);
	while (tally_free_some(&t))
		;
}

Test(tally, a_distinct_word_takes_64_bytes_and_its_text_at_most)
{
	enum { WORDS = 1 << 17 };
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd, after;
	struct tally t;
	char text[32];

	tally_init(&t, &key, false);
	for (int i = 0; i < WORDS; i++) {
		snprintf(text, sizeof(text), "word%x", i);
		add(&t, text);
	}
	cr_assert(eq(u64, t.distinct, WORDS));
	after = mallinfo2().uordblks + mallinfo2().hblkhd;
	/* A sanitizer does not tell. */
	if (after > before)
		cr_assert(le(sz, after - before, (size_t)WORDS * 64 + 65536));
	while (tally_free_some(&t))
		;
}

Test(tally, without_memory_it_says_so_and_can_be_freed)
{
	struct rlimit before;
	struct tally t;
	int failed = 0;
	size_t used = mallinfo2().uordblks, left;
	char text[64];

	tally_init(&t, &key, false);
	before = allow_no_more_memory();
	hoard_memory();
	for (uint32_t n = 0; n < 200000 && !failed; n++) {
		number(text, sizeof(text), n);
		failed = add(&t, text);
		if (n == 1000)
			release_memory();
	}
	while (tally_free_some(&t))
		;
	release_memory();
	allow_memory(&before);
	cr_assert(eq(int, failed, -1));
	left = mallinfo2().uordblks;
	cr_assert(le(sz, left, used + 8192), "nothing is left behind");
}
