
#include "base/utf8.h"
#include "check.h"

/* The plain rule of Unicode Table 3-6, written the other way round from what is tested. */
static size_t encode(uint32_t code, uint8_t out[4])
{
	size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const uint8_t marks[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t at = len; at-- > 1; code >>= 6)
		out[at] = (uint8_t)(0x80 | (code & 0x3f));
	out[0] = (uint8_t)(marks[len] | code);
	return len;
}

static int decode(const char *bytes, size_t len, uint32_t *code)
{
	return utf8_decode((struct span){(const uint8_t *)bytes, len}, code);
}

Test(utf8, every_code_point_but_the_surrogates_is_read_back)
{
	for (uint32_t code = 0; code <= 0x10ffff; code++) {
		uint8_t bytes[4];
		size_t len = encode(code, bytes);
		uint32_t got = 0xdead;
		int n = utf8_decode((struct span){bytes, len}, &got);

		if (code >= 0xd800 && code <= 0xdfff)
			cr_assert(n == UTF8_INVALID, "U+%04X gave %d", code, n);
		else
			cr_assert(n == (int)len && got == code, "U+%04X gave %d", code, n);
	}
}

Test(utf8, every_beginning_of_a_letter_asks_for_more)
{
	static const uint32_t codes[] = {0x80, 0x7ff, 0x800, 0xfff, 0x1000, 0xd7ff, 0xe000, 0xffff,
		0x10000, 0x3ffff, 0x40000, 0xfffff, 0x100000, 0x10ffff};
	uint32_t code;

	cr_assert(eq(int, decode("", 0, &code), UTF8_SHORT));
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		uint8_t bytes[4];
		size_t len = encode(codes[i], bytes);

		for (size_t cut = 1; cut < len; cut++)
			cr_assert(utf8_decode((struct span){bytes, cut}, &code) == UTF8_SHORT,
				"U+%04X cut at %zu", codes[i], cut);
	}
}

static const struct {
	const char *what, *bytes;
	size_t len;
} bad[] = {
	{"a lone continuation byte", "\x80", 1},
	{"the last continuation byte", "\xbf", 1},
	{"an overlong NUL", "\xc0\x80", 2},
	{"an overlong DEL", "\xc1\xbf", 2},
	{"an overlong lead at the end of input", "\xc0", 1},
	{"an overlong form of three", "\xe0\x9f\xbf", 3},
	{"the beginning of one", "\xe0\x9f", 2},
	{"the first surrogate", "\xed\xa0\x80", 3},
	{"the beginning of one", "\xed\xa0", 2},
	{"the last surrogate", "\xed\xbf\xbf", 3},
	{"an overlong form of four", "\xf0\x8f\xbf\xbf", 4},
	{"the beginning of one", "\xf0\x8f", 2},
	{"U+110000", "\xf4\x90\x80\x80", 4},
	{"the beginning of it", "\xf4\x90", 2},
	{"a lead beyond Unicode", "\xf5\x80\x80\x80", 4},
	{"a lead of five", "\xf8\x88\x80\x80\x80", 5},
	{"fe", "\xfe", 1},
	{"ff", "\xff", 1},
	{"a letter broken off by ASCII", "\xc3\x28", 2},
	{"one of three, in its second byte", "\xe2\x28\xa1", 3},
	{"one of three, in its third byte", "\xe2\x82\x28", 3},
	{"one of four, in its third byte", "\xf0\x9f\x28\x80", 4},
	{"one of four, in its fourth byte", "\xf0\x9f\x98\xc0", 4},
};

Test(utf8, what_can_never_be_well_formed_is_invalid_at_once)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint32_t code;
		int n = decode(bad[i].bytes, bad[i].len, &code);

		cr_assert(n == UTF8_INVALID, "%s gave %d", bad[i].what, n);
	}
}

Test(utf8, what_follows_a_letter_does_not_belong_to_it)
{
	uint32_t code = 0;

	cr_assert(eq(int, decode("\xe2\x82\xac\xff", 4, &code), 3));
	cr_assert(eq(u32, code, 0x20ac));
}

Test(utf8, what_steers_or_misleads_is_hidden_and_its_neighbours_are_not)
{
	static const struct {
		uint32_t from, to;
	} ranges[] = {{0, 0x1f}, {0x7f, 0x9f}, {0x61c, 0x61c}, {0x200b, 0x200b}, {0x200e, 0x200f},
		{0x2028, 0x202e}, {0x2060, 0x206f}, {0xfdd0, 0xfdef}, {0xfeff, 0xfeff},
		{0xfff9, 0xfffb}, {0xfffe, 0xffff}, {0x1fffe, 0x1ffff}, {0xdfffe, 0xe007f},
		{0x10fffe, 0x10ffff}};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		for (uint32_t code = ranges[i].from; code <= ranges[i].to; code++)
			cr_assert(utf8_is_hidden(code), "U+%04X", code);
		cr_assert(ranges[i].from == 0 || !utf8_is_hidden(ranges[i].from - 1),
			"before U+%04X", ranges[i].from);
		cr_assert(not(utf8_is_hidden(ranges[i].to + 1)), "behind U+%04X", ranges[i].to);
	}
}

Test(utf8, the_joiners_that_spell_words_and_emoji_are_shown)
{
	cr_assert(not(utf8_is_hidden(0x200c)));
	cr_assert(not(utf8_is_hidden(0x200d)));
	cr_assert(not(utf8_is_hidden(0xfe0f)));
}
