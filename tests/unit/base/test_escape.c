#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "check.h"

/* What a reader sees; no test here shows more. */
struct view {
	char text[2048];
};

static struct view take_view(struct buf *out)
{
	struct view v = {""};
	struct span seen = buf_span(out);

	cr_assert(lt(sz, seen.len, sizeof(v.text)));
	if (seen.len > 0)
		memcpy(v.text, seen.data, seen.len);
	buf_free(out);
	return v;
}

/* in, given in two parts. */
static struct view shown_split(struct span in, size_t cut, bool one_line)
{
	struct escaper e = {.one_line = one_line};
	struct buf out = {0};

	cr_assert(eq(int, escape_add(&e, (struct span){in.data, cut}, &out), 0));
	cr_assert(eq(int, escape_add(&e, span_from(in, cut), &out), 0));
	cr_assert(eq(int, escape_end(&e, &out), 0));
	cr_assert(eq(u8, e.held_len, 0));
	return take_view(&out);
}

static struct view shown(struct span in, bool one_line)
{
	return shown_split(in, in.len, one_line);
}

struct example {
	const char *in;
	size_t len;
	const char *out;
};
#define EXAMPLE(in, out)                \
	{                               \
		in, sizeof(in) - 1, out \
	}

static void hold_true(const struct example *examples, size_t count, bool one_line)
{
	for (size_t i = 0; i < count; i++) {
		struct span in = {(const uint8_t *)examples[i].in, examples[i].len};
		struct view v = shown(in, one_line);

		cr_assert(strcmp(v.text, examples[i].out) == 0, "'%s' instead of '%s'", v.text,
			examples[i].out);
	}
}
#define HOLD_TRUE(examples, one_line) \
	hold_true(examples, sizeof(examples) / sizeof((examples)[0]), one_line)

Test(escape, letters_of_every_script_pass)
{
	static const struct example examples[] = {
		EXAMPLE("", ""),
		EXAMPLE("plain ~ text", "plain ~ text"),
		EXAMPLE("Grüße, мир, 世界, \xf0\x9f\x98\x80", "Grüße, мир, 世界, \xf0\x9f\x98\x80"),
		EXAMPLE("\u00a0|\u061b|\u061d|\u200c\u200d|\u2027|\u2070",
			"\u00a0|\u061b|\u061d|\u200c\u200d|\u2027|\u2070"),
		EXAMPLE("back\\slash and \\x1b", "back\\slash and \\x1b"),
	};

	HOLD_TRUE(examples, false);
	HOLD_TRUE(examples, true);
}

Test(escape, what_steers_a_terminal_is_spelled_out)
{
	static const struct example examples[] = {
		EXAMPLE("\x1b[31mred", "\\x1b[31mred"),
		EXAMPLE("\a\b\v\f", "\\x07\\x08\\x0b\\x0c"),
		EXAMPLE("a\0b", "a\\x00b"),
		EXAMPLE("\x1f \x7e\x7f", "\\x1f ~\\x7f"),
		EXAMPLE("\xc2\x80\xc2\x9b\xc2\x9f", "\\u{80}\\u{9B}\\u{9F}"),
		EXAMPLE("\x9b"
			"31m",
			"\\x9b31m"),
		EXAMPLE("\u061c\u200b\u200e\u200f", "\\u{61C}\\u{200B}\\u{200E}\\u{200F}"),
		EXAMPLE("\u2028\u2029\u202a\u202e", "\\u{2028}\\u{2029}\\u{202A}\\u{202E}"),
		EXAMPLE("\u2066\u2069\ufeff", "\\u{2066}\\u{2069}\\u{FEFF}"),
		EXAMPLE("\U000E0041\xf4\x8f\xbf\xbf", "\\u{E0041}\\u{10FFFF}"),
	};

	HOLD_TRUE(examples, false);
	HOLD_TRUE(examples, true);
}

Test(escape, each_byte_of_invalid_utf8_is_spelled_out)
{
	static const struct example examples[] = {
		EXAMPLE("a\xff\xfe"
			"b",
			"a\\xff\\xfeb"),
		EXAMPLE("\xc0\xaf", "\\xc0\\xaf"),
		EXAMPLE("\xed\xa0\x80", "\\xed\\xa0\\x80"),
		EXAMPLE("\xe2\x82z", "\\xe2\\x82z"),
		EXAMPLE("\xf0\x9f\x98\xc3\xa9", "\\xf0\\x9f\\x98é"),
		EXAMPLE("\xf0\x9f\x98", "\\xf0\\x9f\\x98"),
		EXAMPLE("\xe2\x82\n", "\\xe2\\x82\n"),
	};

	HOLD_TRUE(examples, false);
}

Test(escape, lines_and_tabs_pass_and_only_the_cr_of_a_line_end_with_them)
{
	static const struct example examples[] = {
		EXAMPLE("a\tb\nc\r\nd", "a\tb\nc\r\nd"),
		EXAMPLE("evil\rgood", "evil\\rgood"),
		EXAMPLE("\r\r\n", "\\r\r\n"),
		EXAMPLE("\r\r", "\\r\\r"),
		EXAMPLE("end\r", "end\\r"),
		EXAMPLE("\n\r", "\n\\r"),
		EXAMPLE("\r\xc3\xa9\r\x1b", "\\ré\\r\\x1b"),
	};

	HOLD_TRUE(examples, false);
}

Test(escape, on_one_line_even_line_ends_and_tabs_are_spelled_out)
{
	static const struct example examples[] = {
		EXAMPLE("a\tb\nc\r\nd\re", "a\\tb\\nc\\r\\nd\\re"),
		EXAMPLE("end\r", "end\\r"),
	};

	HOLD_TRUE(examples, true);
}

Test(escape, where_the_input_is_cut_changes_nothing)
{
	static const char mixed[] =
		"ab\r\nc\rd\r\r\n\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xc2\x9b\x9b"
		"\xf0\x9f\x98\xf0\x9f\xe2\x82\xed\xa0\x80\xe2\x80\xae\xff\0\x1b[\t"
		"\xf3\xa0\x81\x81z\r\xf0\x9f\x98\x80\xe2\x82\r";
	struct span in = {(const uint8_t *)mixed, sizeof(mixed) - 1};

	for (int one_line = 0; one_line <= 1; one_line++) {
		struct view whole = shown(in, one_line);

		for (size_t cut = 0; cut <= in.len; cut++) {
			struct view v = shown_split(in, cut, one_line);

			cr_assert(strcmp(v.text, whole.text) == 0, "cut at %zu: %s\nwhole: %s", cut,
				v.text, whole.text);
		}
	}
}

Test(escape, a_byte_at_a_time_looks_the_same)
{
	static const char mixed[] =
		"a\r\n\r\r\xf0\x9f\x98\x80\xf0\x9f\x98\xe2\x82\xf0\xe2\x80\xae\r";
	struct span in = {(const uint8_t *)mixed, sizeof(mixed) - 1};
	struct escaper e = {0};
	struct buf out = {0};

	for (size_t i = 0; i < in.len; i++) {
		escape_add(&e, (struct span){in.data + i, 1}, &out);
		escape_add(&e, (struct span){NULL, 0}, &out);
	}
	escape_end(&e, &out);
	cr_assert(eq(str, take_view(&out).text, shown(in, false).text));
}

/* Random bytes, of the kinds that matter, in random parts. */
Test(escape, no_way_of_cutting_random_bytes_changes_what_is_seen)
{
	static const uint8_t kinds[] = {'a', '\r', '\n', '\t', 0, 0x1b, 0x7f, 0x80, 0x9f, 0xa0,
		0xae, 0xbf, 0xc2, 0xe0, 0xe2, 0xed, 0xf0, 0xf4, 0xff};

	srand(1);
	for (int round = 0; round < 20000; round++) {
		uint8_t bytes[24];
		struct span in = {bytes, sizeof(bytes)};
		struct escaper e = {.one_line = round % 2};
		struct buf out = {0};

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = kinds[(size_t)rand() % sizeof(kinds)];
		for (size_t at = 0, len; at < sizeof(bytes); at += len) {
			len = 1 + (size_t)rand() % (sizeof(bytes) - at);
			escape_add(&e, (struct span){bytes + at, len}, &out);
		}
		escape_end(&e, &out);
		cr_assert(eq(str, take_view(&out).text, shown(in, e.one_line).text), "%d", round);
	}
}

Test(escape, what_may_still_become_a_letter_or_a_line_end_waits)
{
	static const struct {
		const char *first, *seen;
	} waits[] = {{"a\xc3", "a"}, {"a\xe2\x82", "a"}, {"\xf0\x9f\x98", ""}, {"a\r", "a"},
		{"\r\r", "\\r"}};

	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		struct escaper e = {0};
		struct buf out = {0};

		escape_add(&e, span_of(waits[i].first), &out);
		cr_assert(eq(str, take_view(&out).text, (char *)waits[i].seen), "example %zu", i);
	}
}

Test(escape, what_is_already_clear_does_not_wait)
{
	static const char *const told[] = {"\xc0", "\xe0\x80", "\xed\xa0", "\xf4\x90", "\x80"};
	struct escaper one_line = {.one_line = true};
	struct buf out = {0};

	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		struct escaper e = {0};

		escape_add(&e, span_of(told[i]), &out);
		cr_assert(eq(sz, take_view(&out).text[0], '\\'), "example %zu", i);
	}
	escape_add(&one_line, span_of("\r"), &out);
	cr_assert(eq(str, take_view(&out).text, "\\r"), "on one line no CR may pass");
}

Test(escape, after_its_end_the_next_text_begins_afresh)
{
	struct escaper e = {0};
	struct buf out = {0};

	escape_add(&e, span_of("\xe2\x82"), &out);
	escape_end(&e, &out);
	escape_add(&e, span_of("\xac"), &out);
	escape_end(&e, &out);
	cr_assert(eq(str, take_view(&out).text, "\\xe2\\x82\\xac"));
}

Test(escape, no_control_ever_comes_through)
{
	for (int one_line = 0; one_line <= 1; one_line++) {
		for (unsigned byte = 0; byte < 256; byte++) {
			uint8_t in[] = {'<', (uint8_t)byte, '>'};
			struct view v = shown((struct span){in, sizeof(in)}, one_line);
			bool stays = (byte >= 0x20 && byte < 0x7f) ||
			             (!one_line && (byte == '\n' || byte == '\t'));

			if (stays)
				cr_assert(strlen(v.text) == 3 && (uint8_t)v.text[1] == byte, "%02x",
					byte);
			else
				cr_assert(strlen(v.text) >= 4 && v.text[1] == '\\', "%02x", byte);
		}
	}
}

Test(escape, a_megabyte_comes_through_whole)
{
	enum { HALF = 1 << 19 };
	struct escaper e = {0};
	struct buf out = {0};
	uint8_t *big = malloc(2 * HALF);

	memset(big, 'x', HALF);
	memset(big + HALF, 0x01, HALF);
	cr_assert(eq(int, escape_add(&e, (struct span){big, 2 * HALF}, &out), 0));
	cr_assert(eq(sz, out.len, HALF + 4 * (size_t)HALF));
	cr_assert(eq(int, memcmp(out.data, big, HALF), 0));
	cr_assert(eq(int, memcmp(out.data + out.len - 8, "\\x01\\x01", 8), 0));
	buf_free(&out);
	free(big);
}

Test(quoted, a_text_stands_between_single_quotes_on_one_line)
{
	cr_assert(eq(str, quoted("").text, "''"));
	cr_assert(eq(str, quoted("host").text, "'host'"));
	cr_assert(eq(str, quoted("Grüße").text, "'Grüße'"));
	cr_assert(
		eq(str, quoted("a\tb\r\nc\x1b\xe2\x80\xae").text, "'a\\tb\\r\\nc\\x1b\\u{202E}'"));
	cr_assert(eq(str, quoted("cut \xe2\x82").text, "'cut \\xe2\\x82'"));
}

/* A text of count letters x, then tail. */
static struct quoted_text quoted_after(size_t count, const char *tail)
{
	char text[400];

	memset(text, 'x', count);
	strcpy(text + count, tail);
	return quoted(text);
}

Test(quoted, a_long_text_is_cut_at_a_letter)
{
	static const struct {
		const char *tail, *end;
		size_t before, len;
	} cuts[] = {
		{"", "xx'", 100, 102},
		{"x", "xx...'", 100, 105},
		{"é", "xxé'", 98, 102},
		{"é", "xx...'", 99, 104},
		{"\xf0\x9f\x98\x80", "x\xf0\x9f\x98\x80'", 96, 102},
		{"\xf0\x9f\x98\x80!", "x\xf0\x9f\x98\x80...'", 96, 105},
		{"\xf0\x9f\x98\x80", "xx...'", 97, 102},
		{"\x1b", "xx\\x1b'", 96, 102},
		{"\x1b", "xx...'", 97, 102},
		{"\xf4\x8f\xbf\xbf", "xx\\u{10FFFF}'", 90, 102},
		{"\xf4\x8f\xbf\xbf", "xx...'", 91, 96},
		{"", "xx...'", 399, 105},
	};

	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		struct quoted_text q = quoted_after(cuts[i].before, cuts[i].tail);
		size_t len = strlen(q.text);

		cr_assert(eq(sz, len, cuts[i].len), "example %zu: %s", i, q.text);
		cr_assert(eq(str, q.text + len - strlen(cuts[i].end), (char *)cuts[i].end),
			"example %zu", i);
	}
}
