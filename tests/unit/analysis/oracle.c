#include "analysis/oracle.h"

#include <stdlib.h>
#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>
#include <unictype.h>
#include <uniwbrk.h>

#include "analysis/counts.h"
#include "base/utf8.h"

/* A code point; an invalid byte is one that stands apart like the end of a line. */
struct letter {
	uint32_t code;
	int class;
	size_t at, len;
	bool invalid;
	bool odd_ri; /* the regional indicators that end with it are odd in number */
};

struct letters {
	struct letter *of;
	size_t count;
};

static bool ignored(int class)
{
	return class == WBP_EXTEND || class == WBP_FORMAT || class == WBP_ZWJ;
}

static struct letters read_letters(struct span text)
{
	struct letters l = {calloc(text.len + 1, sizeof(*l.of)), 0};
	bool odd = false;

	for (size_t at = 0; at < text.len;) {
		struct letter *next = &l.of[l.count++];
		int len = utf8_decode(span_from(text, at), &next->code);

		next->invalid = len <= 0;
		next->at = at;
		next->len = len <= 0 ? 1 : (size_t)len;
		next->class = len <= 0 ? WBP_NEWLINE : uc_wordbreak_property(next->code);
		if (!ignored(next->class))
			odd = next->class == WBP_RI && !odd;
		next->odd_ri = odd;
		at += next->len;
	}
	return l;
}

static bool newline(int class)
{
	return class == WBP_CR || class == WBP_LF || class == WBP_NEWLINE;
}

static bool ahletter(int class)
{
	return class == WBP_ALETTER || class == WBP_HL;
}

static bool midnumletq(int class)
{
	return class == WBP_MIDNUMLET || class == WBP_SQ;
}

/* WB4: what stands before i as the later rules see it; -1: nothing. */
static ptrdiff_t before(const struct letters *l, ptrdiff_t i)
{
	for (i--; i > 0 && ignored(l->of[i].class) && !newline(l->of[i - 1].class);)
		i--;
	return i;
}

static int class_at(const struct letters *l, ptrdiff_t i)
{
	return i < 0 || (size_t)i >= l->count ? -1 : l->of[i].class;
}

static ptrdiff_t behind(const struct letters *l, ptrdiff_t i)
{
	do
		i++;
	while (ignored(class_at(l, i)));
	return i;
}

/* The rules, in their order; whether there is a boundary before i, which is neither end. */
static bool boundary(const struct letters *l, ptrdiff_t i)
{
	int last = l->of[i - 1].class, c = l->of[i].class, p, pp, n;

	if (last == WBP_CR && c == WBP_LF) /* WB3 */
		return false;
	if (newline(last) || newline(c)) /* WB3a, WB3b */
		return true;
	if (last == WBP_ZWJ && uc_is_property_extended_pictographic(l->of[i].code)) /* WB3c */
		return false;
	if (last == WBP_WSS && c == WBP_WSS) /* WB3d */
		return false;
	if (ignored(c)) /* WB4 */
		return false;
	p = class_at(l, before(l, i));
	pp = class_at(l, before(l, before(l, i)));
	n = class_at(l, behind(l, i));
	if (ahletter(p) && ahletter(c)) /* WB5 */
		return false;
	if (ahletter(p) && (c == WBP_MIDLETTER || midnumletq(c)) && ahletter(n)) /* WB6 */
		return false;
	if (ahletter(pp) && (p == WBP_MIDLETTER || midnumletq(p)) && ahletter(c)) /* WB7 */
		return false;
	if (p == WBP_HL && c == WBP_SQ) /* WB7a */
		return false;
	if (p == WBP_HL && c == WBP_DQ && n == WBP_HL) /* WB7b */
		return false;
	if (pp == WBP_HL && p == WBP_DQ && c == WBP_HL) /* WB7c */
		return false;
	if (p == WBP_NUMERIC && c == WBP_NUMERIC) /* WB8 */
		return false;
	if (ahletter(p) && c == WBP_NUMERIC) /* WB9 */
		return false;
	if (p == WBP_NUMERIC && ahletter(c)) /* WB10 */
		return false;
	if (pp == WBP_NUMERIC && (p == WBP_MIDNUM || midnumletq(p)) && c == WBP_NUMERIC) /* WB11 */
		return false;
	if (p == WBP_NUMERIC && (c == WBP_MIDNUM || midnumletq(c)) && n == WBP_NUMERIC) /* WB12 */
		return false;
	if (p == WBP_KATAKANA && c == WBP_KATAKANA) /* WB13 */
		return false;
	if ((ahletter(p) || p == WBP_NUMERIC || p == WBP_KATAKANA || p == WBP_EXTENDNUMLET) &&
		c == WBP_EXTENDNUMLET) /* WB13a */
		return false;
	if (p == WBP_EXTENDNUMLET &&
		(ahletter(c) || c == WBP_NUMERIC || c == WBP_KATAKANA)) /* WB13b */
		return false;
	return !(c == WBP_RI && l->of[i - 1].odd_ri); /* WB15, WB16, WB999 */
}

void oracle_breaks(struct span text, char *out)
{
	struct letters l = read_letters(text);

	memset(out, 0, text.len);
	for (size_t i = 0; i < l.count; i++)
		out[l.of[i].at] = i == 0 || boundary(&l, (ptrdiff_t)i);
	free(l.of);
}

/* ---- the report ---- */

struct word {
	struct span shown;
	uint8_t *key;
	size_t key_len;
	uint64_t count;
};

struct words {
	struct word *of;
	struct counts counts;
};

static void count_word(struct words *all, struct span text, bool exact)
{
	size_t len = 0;
	uint8_t *key;

	if (exact) {
		key = malloc(text.len);
		memcpy(key, text.data, len = text.len);
	} else {
		key = u8_casefold(text.data, text.len, NULL, UNINORM_NFC, NULL, &len);
	}
	all->counts.words++;
	for (size_t i = 0; i < all->counts.unique; i++) {
		if (all->of[i].key_len != len || memcmp(all->of[i].key, key, len) != 0)
			continue;
		all->of[i].count++;
		free(key);
		return;
	}
	all->of[all->counts.unique++] = (struct word){text, key, len, 1};
}

static struct buf write_words(struct words *all)
{
	struct buf out = {0};

	buf_printf(&out, "length: %lu\nbytes: %lu\n", (unsigned long)all->counts.length,
		(unsigned long)all->counts.bytes);
	if (all->counts.invalid > 0)
		buf_printf(&out, "invalid: %lu\n", (unsigned long)all->counts.invalid);
	buf_printf(&out, "words: %lu\nunique: %lu\n", (unsigned long)all->counts.words,
		(unsigned long)all->counts.unique);
	for (size_t i = 0; i < all->counts.unique; i++) {
		buf_add(&out, all->of[i].shown);
		buf_printf(&out, " %lu\n", (unsigned long)all->of[i].count);
		free(all->of[i].key);
	}
	return out;
}

struct buf oracle_report(struct span text, bool exact)
{
	struct letters l = read_letters(text);
	struct words all = {
		calloc(l.count + 1, sizeof(struct word)), {.length = l.count, .bytes = text.len}};
	bool makes_word = false;
	struct buf out;

	for (size_t i = 0, start = 0; i < l.count; i++) {
		all.counts.invalid += l.of[i].invalid;
		makes_word |= !l.of[i].invalid && uc_is_general_category_withtable(l.of[i].code,
							  UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N);
		if (i + 1 < l.count && !boundary(&l, (ptrdiff_t)i + 1))
			continue;
		if (makes_word)
			count_word(&all,
				(struct span){text.data + l.of[start].at,
					l.of[i].at + l.of[i].len - l.of[start].at},
				exact);
		makes_word = false;
		start = i + 1;
	}
	out = write_words(&all);
	free(all.of);
	free(l.of);
	return out;
}

/* ---- texts ---- */

uint64_t oracle_random(uint64_t *seed)
{
	/* xorshift64* */
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * 0x2545f4914f6cdd1d >> 16;
}

/* What folds or normalizes in some way of its own. */
static const uint32_t peculiar[] = {'A', 'a', 'B', 'b', 's', 'S', '1', '2', 0xdf, 0x1e9e, 0x130,
	0x131, 0x3a3, 0x3c2, 0x3c3, 0xfb01, 0x149, 0x1f0, 0x390, 0x1fd3, 0x3b0, 0x1fb7, 0x1fbc,
	0x345, 0x301, 0x323, 0x308, 0x30a, 0x212b, 0xc5, 0xe5, 0x41, 0x2126, 0x3c9, 0x13a0, 0xab70,
	0x1100, 0x1161, 0x11a8, 0xac00, 0xac01, 0x10400, 0x10428, 0x1d15e, 0x958, 0x915, 0x93c,
	0x5d0, 0x5d1, 0x4e00, 0xf900, 0x30a2, 0xff9e, 0xff76, 0x3046, 0x3099, 0x1f1e6, 0x1f1e7,
	0x200d, 0x1f468, 0x2139, 0x24c2, 0xa9, 0x202e, 0xa0, 0x202f, 0x3000, 0xad, 0x2019, 0xb7,
	0x387, '\'', '.', ',', ':', ';', '"', '_', ' ', '\n', '\r', '\t', '-', 0x661, 0x66b, 0x66c,
	0x10ffff, 0x300};

enum { KINDS = 32 * 2 * 2 * 2 };

static size_t kind_of(uint32_t code)
{
	size_t makes_word =
		uc_is_general_category_withtable(code, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N);

	return (((size_t)uc_wordbreak_property(code) * 2 + makes_word) * 2 +
		       uc_is_property_extended_pictographic(code)) *
	               2 +
	       (code < 128);
}

const uint32_t *oracle_letters(size_t *count)
{
	size_t most = 2 * KINDS + sizeof(peculiar) / sizeof(peculiar[0]), last[KINDS] = {0};
	uint32_t *letters = malloc(most * sizeof(*letters));

	memcpy(letters, peculiar, sizeof(peculiar));
	*count = sizeof(peculiar) / sizeof(peculiar[0]);
	/* The first and the last of each kind. */
	for (uint32_t code = 0; code <= 0x10ffff; code++) {
		size_t kind = kind_of(code);

		if (code >= 0xd800 && code <= 0xdfff)
			continue;
		if (!last[kind]) {
			letters[*count] = code;
			*count += 2;
			last[kind] = *count - 1;
		}
		letters[last[kind]] = code;
	}
	return letters;
}

static const char ascii_letters[] = "aaaaaaabbbcCAB11122__ \n  ''..,:;\"-(\t\r~";

struct span oracle_text(uint64_t *seed, size_t letters)
{
	static const uint32_t *all;
	static size_t count;
	uint8_t *text = malloc(4 * letters + 1);
	size_t len = 0, some, from, ascii;

	if (!all)
		all = oracle_letters(&count);
	/* Of few letters only, so that words come again. */
	some = 2 + oracle_random(seed) % 20;
	from = oracle_random(seed) % count;
	ascii = oracle_random(seed) % 64; /* so many of 64 */
	for (size_t i = 0; i < letters; i++) {
		uint64_t r = oracle_random(seed);

		if (r % 64 == 0 && ascii % 4 == 0)
			text[len++] = (uint8_t)(0x80 + (r >> 8) % 0x80);
		else if (r / 64 % 64 < ascii)
			text[len++] =
				(uint8_t)ascii_letters[(r >> 12) % (sizeof(ascii_letters) - 1)];
		else
			len += (size_t)u8_uctomb(text + len,
				all[(from + (r >> 12) % some * 13) % count],
				(ptrdiff_t)(4 * letters - len));
	}
	return (struct span){text, len};
}
