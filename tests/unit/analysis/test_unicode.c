#include <stdio.h>
#include <stdlib.h>
#include <unictype.h>
#include <unistr.h>
#include <unistd.h>
#include <uniwbrk.h>

#include "analysis/analysis.h"
#include "analysis/fold.h"
#include "analysis/oracle.h"
#include "check.h"

/*
 * The official files of the Unicode Character Database, as Debian's unicode-data has them. They may
 * be newer than the library: a line with a code point that the library does not know yet is left
 * out, counted and named; such lines are few.
 */
#define UCD "/usr/share/unicode/"

enum { LEFT_OUT_MAX = 199, TEXT_MAX = 512 };

struct file {
	FILE *from;
	const char *name;
	unsigned tested, left_out;
	char unknown[4096]; /* the code points that the library does not know */
};

static void open_file(struct file *f, const char *path, const char *command)
{
	*f = (struct file){.name = strrchr(path, '/') + 1};
	if (access(path, R_OK) < 0)
		cr_skip_test("%s is not there (package unicode-data)", path);
	if (command && system("command -v bzcat >/dev/null") != 0)
		cr_skip_test("bzcat does not run (package bzip2)");
	f->from = command ? popen(command, "r") : fopen(path, "r");
	cr_assert(f->from != NULL);
}

static void close_file(struct file *f, unsigned least, bool piped)
{
	if (piped)
		pclose(f->from);
	else
		fclose(f->from);
	if (f->left_out > 0)
		fprintf(stderr, "%s: %u lines left out, for the library has no%s\n", f->name,
			f->left_out, f->unknown);
	cr_assert(ge(u32, f->tested, least));
	cr_assert(le(u32, f->left_out, LEFT_OUT_MAX));
}

/* Code points in hexadecimal, up to the end of the text or something else, as UTF-8. */
static struct span read_codes(const char *text, uint8_t *out)
{
	size_t len = 0;
	char *end;

	for (;; text = end) {
		unsigned long code = strtoul(text, &end, 16);

		if (end == text)
			break;
		len += (size_t)u8_uctomb(out + len, (ucs4_t)code, (ptrdiff_t)(TEXT_MAX - len));
	}
	return (struct span){out, len};
}

/* Whether the library knows all of them; one it does not know is noted. */
static bool all_known(struct file *f, struct span text)
{
	for (size_t at = 0; at < text.len;) {
		ucs4_t code;
		char name[16];

		at += (size_t)u8_mbtouc(&code, text.data + at, text.len - at);
		if (!uc_is_general_category_withtable(code, UC_CATEGORY_MASK_Cn))
			continue;
		snprintf(name, sizeof(name), " U+%04X", (unsigned)code);
		if (!strstr(f->unknown, name) &&
			strlen(f->unknown) + strlen(name) < sizeof(f->unknown))
			strcat(f->unknown, name);
		f->left_out++;
		return false;
	}
	f->tested++;
	return true;
}

static struct analysis analyzed(struct span text, bool exact)
{
	struct hash_key key = {{1, 2}};
	struct analysis a;

	analysis_init(&a, &key, exact);
	cr_assert(eq(int, analysis_add(&a, text), 0));
	cr_assert(eq(int, analysis_end(&a), 0));
	return a;
}

/* ---- WordBreakTest.txt: "÷ 0061 × 0308 ÷ 0020 ÷" ---- */

struct segments {
	uint8_t text[TEXT_MAX];
	size_t len, start[64], count; /* start[count] is the end */
};

static bool read_segments(const char *line, struct segments *s)
{
	static const char on[] = "\xc3\x97", boundary[] = "\xc3\xb7"; /* × ÷ */

	*s = (struct segments){.count = 0};
	for (; *line && *line != '#'; line++) {
		if (strncmp(line, boundary, 2) == 0)
			s->start[s->count++] = s->len;
		if (strncmp(line, boundary, 2) == 0 || strncmp(line, on, 2) == 0) {
			uint8_t room[TEXT_MAX];
			struct span codes = read_codes(line + 2, room);

			memcpy(s->text + s->len, codes.data, codes.len);
			s->len += codes.len;
		}
	}
	s->count -= s->count > 0;
	return s->count > 0;
}

static bool is_word(struct span text)
{
	for (size_t at = 0; at < text.len;) {
		ucs4_t code;

		at += (size_t)u8_mbtouc(&code, text.data + at, text.len - at);
		if (segment_makes_word(code))
			return true;
	}
	return false;
}

static void check_boundaries(const struct segments *s, const char *line)
{
	struct segmenter segmenter = {0};
	char found[TEXT_MAX] = {1}, wanted[TEXT_MAX] = {0};
	size_t mark = 0;

	for (size_t at = 0; at < s->len;) {
		ucs4_t code;
		int len = u8_mbtouc(&code, s->text + at, s->len - at);
		enum segment_step step =
			segmenter_step(&segmenter, (unsigned)uc_wordbreak_property(code), code);

		mark = step == SEGMENT_MAYBE ? at : mark;
		found[at] |= step == SEGMENT_HERE || step == SEGMENT_BOTH;
		found[mark] |= step == SEGMENT_THERE || step == SEGMENT_BOTH;
		at += (size_t)len;
	}
	found[mark] |= segmenter.wanted != 0;
	for (size_t i = 0; i < s->count; i++)
		wanted[s->start[i]] = 1;
	cr_assert(eq(int, memcmp(found, wanted, s->len), 0), "%s", line);
}

/* The words that an analysis finds are the segments that are words, each once for each time. */
static void check_words(const struct segments *s, const char *line)
{
	struct analysis a = analyzed((struct span){s->text, s->len}, true);
	struct tally_line found;
	uint32_t at = 0;
	uint64_t words = 0;

	while (tally_next(&a.tally, &at, &found)) {
		uint64_t count = 0;

		for (size_t i = 0; i < s->count; i++) {
			size_t len = s->start[i + 1] - s->start[i];

			count += len == found.text.len &&
			         memcmp(s->text + s->start[i], found.text.data, len) == 0;
		}
		cr_assert(eq(u64, found.count, count), "%s", line);
	}
	for (size_t i = 0; i < s->count; i++)
		words += is_word(
			(struct span){s->text + s->start[i], s->start[i + 1] - s->start[i]});
	cr_assert(eq(u64, analysis_counts(&a).words, words), "%s", line);
	analysis_free(&a);
}

Test(unicode, every_line_of_WordBreakTest)
{
	struct file f;
	struct segments s;
	char line[4096];

	open_file(&f, UCD "auxiliary/WordBreakTest.txt", NULL);
	while (fgets(line, sizeof(line), f.from)) {
		if (!read_segments(line, &s) || !all_known(&f, (struct span){s.text, s.len}))
			continue;
		check_boundaries(&s, line);
		check_words(&s, line);
	}
	close_file(&f, 1800, false);
}

/* ---- CaseFolding.txt: "0041; C; 0061; # LATIN CAPITAL LETTER A" ---- */

/* Two texts, each on a line of its own and behind a letter, so that each is a word. */
static struct span two_words(uint8_t *out, struct span one, struct span other)
{
	uint8_t *at = out;

	*at++ = 'a';
	at = mempcpy(at, one.data, one.len);
	at = mempcpy(at, "\na", 2);
	at = mempcpy(at, other.data, other.len);
	return (struct span){out, (size_t)(at - out)};
}

Test(unicode, every_full_folding_of_CaseFolding)
{
	struct file f;
	char line[4096], status;

	open_file(&f, UCD "CaseFolding.txt", NULL);
	while (fgets(line, sizeof(line), f.from)) {
		uint8_t from[TEXT_MAX], to[TEXT_MAX], both[TEXT_MAX];
		struct span one, other;
		struct analysis a;
		int mapping = 0;

		if (sscanf(line, "%*x; %c; %n", &status, &mapping) != 1 || mapping == 0 ||
			(status != 'C' && status != 'F'))
			continue;
		one = read_codes(line, from);
		other = read_codes(line + mapping, to);
		if (!all_known(&f, one))
			continue;
		a = analyzed(two_words(both, one, other), false);
		cr_assert(eq(u64, analysis_counts(&a).words, 2), "%s", line);
		cr_assert(eq(u64, analysis_counts(&a).unique, 1), "%s", line);
		analysis_free(&a);
	}
	close_file(&f, 1400, false);
}

/* ---- NormalizationTest.txt: "source;NFC;NFD;NFKC;NFKD;" ---- */

static bool are_same(struct span one, struct span other)
{
	struct fold a, b;
	uint8_t both[2 * TEXT_MAX];
	struct analysis words = analyzed(two_words(both, one, other), false);
	const struct counts counts = analysis_counts(&words);
	bool same;

	cr_assert(eq(int, fold_word(&a, one), 0));
	cr_assert(eq(int, fold_word(&b, other), 0));
	same = a.key.len == b.key.len && memcmp(a.key.data, b.key.data, a.key.len) == 0 &&
	       (counts.words != 2 || counts.unique == 1);
	fold_end(&a);
	fold_end(&b);
	analysis_free(&words);
	return same;
}

Test(unicode, every_line_of_NormalizationTest)
{
	const char *path = UCD "NormalizationTest.txt.bz2";
	struct file f;
	char line[4096];

	open_file(&f, path, "bzcat " UCD "NormalizationTest.txt.bz2");
	while (fgets(line, sizeof(line), f.from)) {
		uint8_t room[5][TEXT_MAX];
		struct span column[5];
		char *rest = line;

		if (line[0] == '#' || line[0] == '@' || line[0] == '\n')
			continue;
		for (int i = 0; i < 5; i++) {
			char *codes = strsep(&rest, ";");

			cr_assert(codes != NULL);
			column[i] = read_codes(codes, room[i]);
		}
		/* Of most that the library does not know, NFC changes nothing. */
		if (are_same(column[0], column[1]) && are_same(column[0], column[2]) &&
			are_same(column[3], column[4]))
			f.tested++;
		else if (all_known(&f, column[0]))
			cr_fatal("%s", rest);
	}
	close_file(&f, 18000, true);
}

/* A line is left out only for a code point that the library does not know. */
Test(unicode, nothing_else_is_left_out)
{
	struct file f = {.name = "none"};

	cr_assert(all_known(&f, span_of("a\u00df\U0001F600")));
	cr_assert(not(all_known(&f, span_of("a\u0378"))), "never assigned yet");
	cr_assert(eq(u32, f.left_out, 1));
	cr_assert(eq(u32, f.tested, 1));
	cr_assert(eq(str, f.unknown, " U+0378"));
}
