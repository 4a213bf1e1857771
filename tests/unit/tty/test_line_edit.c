#include <stdio.h>
#include <stdlib.h>
#include <unigbrk.h>
#include <uniwidth.h>

#include "base/utf8.h"
#include "check.h"
#include "memory.h"
#include "sanitized.h"
#include "tty/line_edit.h"
#include "vt.h"

/* Random lines; the fuzz target types many more. */
enum { RUNS = 60 / SANITIZED_STEP };

TestSuite(line_edit, .timeout = 60);

#define LEFT  "\033[D"
#define RIGHT "\033[C"
#define UP    "\033[A"
#define DOWN  "\033[B"

/* An editor, the terminal that it writes to, and what should be read above its line. */
struct desk {
	struct line_edit e;
	struct vt t;
	struct buf above;
	enum edit_verdict verdict; /* the last */
	unsigned lines;            /* that were ended */
};

static void put(struct desk *d, struct buf *screen)
{
	vt_write(&d->t, buf_span(screen));
	buf_free(screen);
}

static void show(struct desk *d)
{
	struct buf screen = {0};

	cr_assert(eq(int, line_edit_show(&d->e, &screen), 0));
	put(d, &screen);
}

static void set_size(struct desk *d, size_t columns, size_t rows)
{
	struct buf screen = {0};

	vt_resize(&d->t, columns, rows);
	cr_assert(eq(int, line_edit_resize(&d->e, columns, rows, &screen), 0));
	put(d, &screen);
}

static void begin(struct desk *d, const char *prompt, size_t columns, size_t rows)
{
	*d = (struct desk){0};
	cr_assert(eq(int, line_edit_init(&d->e, prompt), 0));
	vt_begin(&d->t, columns, rows);
	set_size(d, columns, rows);
	show(d);
}

static void end(struct desk *d)
{
	cr_assert(eq(uint, d->t.strange, 0), "only what every terminal knows");
	line_edit_free(&d->e);
	vt_end(&d->t);
	buf_free(&d->above);
}

static struct span whole(const struct desk *d)
{
	return (struct span){d->e.text, d->e.len};
}

/* A line has been ended: what was shown of it stays. */
static void keep_above(struct desk *d)
{
	cr_assert(eq(int, buf_add(&d->above, whole(d)), 0));
	cr_assert(eq(int, buf_puts(&d->above, "\r\n"), 0));
	d->lines++;
}

/* Type so many bytes at a time (0: all at once), going on after each line. */
static void type_bytes(struct desk *d, struct span keys, size_t at_a_time)
{
	while (keys.len) {
		size_t len = at_a_time && at_a_time < keys.len ? at_a_time : keys.len;
		struct span part = {keys.data, len};

		keys = span_from(keys, len);
		while (part.len) {
			struct buf screen = {0};

			d->verdict = line_edit_keys(&d->e, &part, &screen);
			put(d, &screen);
			if (d->verdict == EDIT_LINE)
				keep_above(d);
			if (d->verdict != EDIT_MORE)
				show(d);
		}
	}
}

static void type(struct desk *d, const char *keys)
{
	type_bytes(d, span_of(keys), 0);
}

static char *line_of(const struct desk *d)
{
	static char text[LINE_EDIT_MAX_BYTES + 1];
	struct span line = line_edit_line(&d->e);

	memcpy(text, line.data, line.len);
	text[line.len] = '\0';
	return text;
}

#define line_is(d, text) cr_assert(eq(str, line_of(d), (char *)(text)))

/* Of the letter at the cursor: the first behind it that takes a column. */
static size_t next_width(const struct desk *d)
{
	struct span rest = span_from(whole(d), d->e.at);
	int width = 0;

	while (rest.len && width == 0) {
		uint32_t code = 0;
		int len = utf8_decode(rest, &code);

		width = uc_width(code, "UTF-8");
		rest = span_from(rest, (size_t)len);
	}
	return width > 0 ? (size_t)width : 1;
}

/* What a terminal without end would show, were all of it just written. */
static void write_plainly(const struct desk *d, struct vt *plain, size_t upto)
{
	vt_begin(plain, d->t.columns, 1 << 20);
	vt_write(plain, buf_span(&d->above));
	vt_write(plain, (struct span){d->e.text, upto});
}

static size_t expected_cursor(const struct desk *d)
{
	struct vt plain;
	size_t at;

	write_plainly(d, &plain, d->e.at);
	at = vt_cursor(&plain, next_width(d));
	vt_end(&plain);
	return at;
}

/* A person sees what came before, the prompt, the line, nothing else, and the cursor in place. */
static void sees_it_all(const struct desk *d)
{
	char *seen = vt_text(&d->t), *wanted;
	struct vt plain;

	write_plainly(d, &plain, d->e.len);
	wanted = vt_text(&plain);
	cr_assert(eq(str, seen, wanted));
	cr_assert(eq(sz, d->t.row * d->t.columns + d->t.column, expected_cursor(d)));
	free(seen);
	free(wanted);
	vt_end(&plain);
}

static void screen_is(const struct desk *d, const char *wanted)
{
	char *seen = vt_text(&d->t);

	cr_assert(eq(str, seen, (char *)wanted));
	free(seen);
}

/* ---- keys ---- */

static const struct {
	const char *keys, *line;
	size_t at; /* in letters from its start; here one byte each unless said */
} strokes[] = {
	{"abc", "abc", 3},
	{"abc" LEFT LEFT "x", "axbc", 2},
	{"abc\033OD\033ODx\033OCy", "axbyc", 4},
	{"abc\002\002x\006y", "axbyc", 4},
	{"abc\001x\005y", "xabcy", 5},
	{"abc\033[Hx\033[Fy", "xabcy", 5},
	{"abc\033OHx\033OFy", "xabcy", 5},
	{"abc\033[1~x\033[4~y", "xabcy", 5},
	{"abc\033[7~x\033[8~y", "xabcy", 5},
	{"abc\177", "ab", 2},
	{"abc\010", "ab", 2},
	{"\177\010", "", 0},
	{"abc\001\033[3~", "bc", 0},
	{"abc\001\004", "bc", 0},
	{"abc\033[3~\004", "abc", 3},
	{"one two\033b\013", "one ", 4},
	{"one two\033bx\025", "two", 0},
	{"one two-three\027", "one ", 4},
	{"one two-three\033\177", "one two-", 8},
	{"one two-three\033\010", "one two-", 8},
	{"one two \027", "one ", 4},
	{"one two\001\033d", " two", 0},
	{"one two\001\033[3;5~", " two", 0},
	{"one two\025\031\031", "one twoone two", 14},
	{"one two\027x\031", "one xtwo", 8},
	{"one two\033[1;5Dx", "one xtwo", 5},
	{"one two\033[1;3Dx", "one xtwo", 5},
	{"one two\033[1;2Dx", "one twxo", 7},
	{"one two\033\033[Dx", "one xtwo", 5},
	{"one two\033Odx", "one xtwo", 5},
	{"one two\033[1~\033[1;5Cx", "onex two", 4},
	{"one two\001\033f\033fx", "one twox", 8},
	{"a\033OMb", "b", 1},
	{"first\rsecond\nthird\r\nfourth\n\nx", "x", 1},
	/* unknown ones are swallowed whole */
	{"a\033[5~\033[15;2~\033[?1;2c\033[<0;1;2M\033[1;2;3C\033[Zb", "ab", 2},
	{"a\033[[A\033[[Eb\033OPc\033xd\033\303\244e", "abcde", 5},
	{"a\033[M !!b\033[M \377\377c", "abc", 3},
	{"a\033]11;rgb:0/0/0\033\\b\033]0;x\007c\033P1$r0m\033\\d\033_Gi=1;OK\033\\e", "abcde", 5},
	{"a\033]x\033Py", "axy", 3},
	{"a\033\033\033[Cb\033[\033[Dc", "acb", 2},
	/* a control character ends a sequence, and counts */
	{"ab\033[\177c", "ac", 2},
	{"ab\033[1;\001c", "cab", 1},
	{"ab\033\rc", "c", 1},
	/* what may not stand is dropped */
	{"a\007\011\016b\302\205c\342\200\256d\357\273\277e\302\255f", "abcdef", 6},
	{"a\377\300\257\355\240\200\364\220\200\200b\303c\342\202d", "abcd", 4},
	/* a paste */
	{"\033[200~a\tb\033[31mc\003\004\032\177d\033[Ae\033[201~f", "a bcdef", 7},
	{"\033[200~one\r\ntwo\nthree\rfour\033[201~\177", "fou", 3},
	{"a\033[201~b", "ab", 2},
};

Test(line_edit, each_key_does_what_it_does_in_a_shell_however_it_is_cut)
{
	for (size_t i = 0; i < sizeof(strokes) / sizeof(strokes[0]); i++)
		for (size_t at_a_time = 0; at_a_time < 4; at_a_time++) {
			struct desk d;

			begin(&d, "> ", 20, 50);
			type_bytes(&d, span_of(strokes[i].keys), at_a_time);
			cr_assert(eq(str, line_of(&d), (char *)strokes[i].line),
				"of keys %zu, %zu bytes at a time", i, at_a_time);
			cr_assert(eq(sz, d.e.at - d.e.prompt_len, strokes[i].at), "of keys %zu", i);
			sees_it_all(&d);
			end(&d);
		}
}

static const struct {
	const char *keys;
	enum edit_verdict verdict;
} verdicts[] = {
	{"a", EDIT_MORE},
	{"a\r", EDIT_LINE},
	{"\n", EDIT_LINE},
	{"\004", EDIT_END},
	{"a\177\004", EDIT_END},
	{"a\004", EDIT_MORE},
	{"a\003", EDIT_INTERRUPT},
	{"a\032", EDIT_SUSPEND},
	{"a\034", EDIT_QUIT},
	{"a\033\003", EDIT_INTERRUPT},
	{"a\033[1;\003", EDIT_INTERRUPT},
};

Test(line_edit, a_verdict_takes_the_keys_up_to_it_and_the_line_off_the_screen)
{
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		struct buf keys = {0}, screen = {0};
		struct desk d;
		struct span in;

		begin(&d, "> ", 20, 5);
		buf_puts(&keys, verdicts[i].keys);
		buf_puts(&keys, "rest");
		in = buf_span(&keys);
		cr_assert(eq(int, line_edit_keys(&d.e, &in, &screen), verdicts[i].verdict),
			"of keys %zu", i);
		cr_assert(eq(sz, in.len, verdicts[i].verdict == EDIT_MORE ? 0 : 4));
		put(&d, &screen);
		if (verdicts[i].verdict == EDIT_LINE)
			cr_assert(eq(sz, d.t.row, 1));
		else if (verdicts[i].verdict != EDIT_MORE)
			screen_is(&d, "");
		buf_free(&keys);
		end(&d);
	}
}

Test(line_edit, a_line_is_reported_without_its_prompt_and_stays_until_the_next_key)
{
	struct buf screen = {0};
	struct span in = span_of("one\r");
	struct desk d;

	begin(&d, "say: ", 20, 5);
	cr_assert(eq(int, line_edit_keys(&d.e, &in, &screen), EDIT_LINE));
	line_is(&d, "one");
	cr_assert(eq(int, line_edit_hide(&d.e, &screen), 0));
	line_is(&d, "one");
	put(&d, &screen);
	show(&d);
	line_is(&d, "");
	screen_is(&d, "say: one\nsay:\n");
	end(&d);
}

Test(line_edit, another_prompt_keeps_the_line_and_the_cursor)
{
	struct desk d;
	struct buf screen = {0};

	begin(&d, "> ", 20, 5);
	type(&d, "abc" LEFT);
	cr_assert(eq(int, line_edit_hide(&d.e, &screen), 0));
	cr_assert(eq(int, line_edit_set_prompt(&d.e, "(wait) "), 0));
	put(&d, &screen);
	show(&d);
	type(&d, "X");
	line_is(&d, "abXc");
	screen_is(&d, "(wait) abXc\n");
	end(&d);
}

Test(line_edit, a_line_that_vanishes_leaves_the_screen_with_enter)
{
	struct desk d;
	struct buf screen = {0};
	struct span keys = span_of("early\r");

	begin(&d, "> ", 20, 5);
	d.e.vanishes = true;
	cr_assert(eq(int, line_edit_keys(&d.e, &keys, &screen), EDIT_LINE));
	line_is(&d, "early");
	put(&d, &screen);
	screen_is(&d, "");
	end(&d);
}

Test(line_edit, cr_lf_ends_one_line_however_it_is_cut)
{
	for (size_t at_a_time = 0; at_a_time < 3; at_a_time++) {
		struct desk d;

		begin(&d, "> ", 20, 20);
		type_bytes(&d, span_of("a\r\nb\n\rc\033[200~d\r\ne\033[201~"), at_a_time);
		cr_assert(eq(uint, d.lines, 4));
		line_is(&d, "e");
		end(&d);
	}
}

/* ---- letters ---- */

static const struct {
	const char *keys, *line;
} letters[] = {
	/* a letter with its marks is one */
	{"xe\314\201\314\247" LEFT "y", "xye\314\201\314\247"},
	{"xe\314\201\177y", "xy"},
	{"e\314\201x\001\033[3~", "x"},
	/* so is a flag, of two; and three flags are three */
	{"\360\237\207\251\360\237\207\252\360\237\207\253\360\237\207\267\177",
		"\360\237\207\251\360\237\207\252"},
	{"\360\237\207\251\360\237\207\252\360\237\207\253\360\237\207\267" LEFT LEFT "x",
		"x\360\237\207\251\360\237\207\252\360\237\207\253\360\237\207\267"},
	/* ... a family, and a thumb of one colour */
	{"a\360\237\221\251\342\200\215\360\237\221\247b" LEFT "\177", "ab"},
	{"\360\237\221\215\360\237\217\275\177", ""},
	{"a\001\360\237\221\251\342\200\215\360\237\221\247" LEFT "\004", "a"},
	/* words of any script */
	{"\346\274\242\345\255\227 \303\244b\033bx", "\346\274\242\345\255\227 x\303\244b"},
	{"\346\274\242\345\255\227\177", "\346\274\242"},
};

Test(line_edit, what_a_person_calls_a_letter_is_moved_over_and_deleted_as_one)
{
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		for (size_t at_a_time = 0; at_a_time < 3; at_a_time++) {
			struct desk d;

			begin(&d, "> ", 10, 50);
			type_bytes(&d, span_of(letters[i].keys), at_a_time);
			cr_assert(eq(str, line_of(&d), (char *)letters[i].line), "of keys %zu", i);
			sees_it_all(&d);
			end(&d);
		}
}

/* A letter, and so many times what may follow it without a column of its own. */
static void bounds_marks(const char *letter, const char *mark, size_t times)
{
	size_t kept = strlen(letter) + LINE_EDIT_MAX_MARKS * strlen(mark);
	struct buf keys = {0};
	struct desk d;

	cr_assert(eq(int, buf_puts(&keys, letter), 0));
	for (size_t i = 0; i < times; i++)
		cr_assert(eq(int, buf_puts(&keys, mark), 0));
	begin(&d, "> ", 10, 10);
	type_bytes(&d, buf_span(&keys), 0);
	cr_assert(eq(sz, line_edit_line(&d.e).len, kept));
	cr_assert(eq(uint, d.t.bells, 1));
	type(&d, "b\r" UP);
	cr_assert(eq(sz, line_edit_line(&d.e).len, kept + 1));
	type(&d, "\177\025\031" LEFT "\031");
	cr_assert(le(sz, line_edit_line(&d.e).len, 2 * kept));
	sees_it_all(&d);
	end(&d);
	buf_free(&keys);
}

Test(line_edit, a_letter_has_no_more_marks_than_anyone_writes)
{
	bounds_marks("a", "\314\201", 30000);
	bounds_marks("", "\314\201", 1000);
	bounds_marks("\341\204\200", "\341\205\241", 1000); /* vowels of Hangul */
	bounds_marks("a", "\342\203\235", 31);
}

Test(line_edit, marks_that_come_from_elsewhere_count_too)
{
	struct desk d;

	begin(&d, "> ", 80, 10);
	for (int i = 0; i < LINE_EDIT_MAX_MARKS; i++)
		type(&d, "\314\201");
	type(&d, "\025\031\031\031");
	cr_assert(eq(sz, line_edit_line(&d.e).len, 2 * LINE_EDIT_MAX_MARKS));
	cr_assert(eq(uint, d.t.bells, 1));
	end(&d);
}

/* ---- rows ---- */

Test(line_edit, a_line_that_ends_at_the_margin_has_its_cursor_in_the_next_row)
{
	struct desk d;

	begin(&d, "> ", 10, 6);
	type(&d, "12345678");
	sees_it_all(&d);
	cr_assert(eq(sz, d.t.row, 1));
	cr_assert(eq(sz, d.t.column, 0));
	type(&d, LEFT);
	sees_it_all(&d);
	type(&d, RIGHT "9\177");
	sees_it_all(&d);
	type(&d, "\r");
	screen_is(&d, "> 12345678\n>\n");
	set_size(&d, 30, 6);
	sees_it_all(&d);
	end(&d);
}

Test(line_edit, a_wide_letter_goes_to_the_next_row_rather_than_be_cut)
{
	struct desk d;

	begin(&d, "> ", 5, 6);
	type(&d, "ab\346\274\242");
	screen_is(&d, "> ab\n\346\274\242\n");
	sees_it_all(&d);
	type(&d, LEFT "\177");
	sees_it_all(&d);
	type(&d, "xyz\001\346\274\242");
	sees_it_all(&d);
	type(&d, "\177");
	sees_it_all(&d);
	end(&d);
}

Test(line_edit, typing_at_the_end_writes_no_more_than_the_letter)
{
	struct desk d;
	unsigned before;

	begin(&d, "> ", 80, 24);
	type(&d, "some words");
	before = d.t.written;
	type(&d, "x");
	cr_assert(eq(uint, d.t.written - before, 1));
	type(&d, "\303\244");
	cr_assert(eq(uint, d.t.written - before, 3));
	end(&d);
}

static void arrive(struct desk *d, const char *text)
{
	struct buf screen = {0};

	cr_assert(eq(int, line_edit_hide(&d->e, &screen), 0));
	cr_assert(eq(int, buf_puts(&screen, text), 0));
	cr_assert(eq(int, line_edit_show(&d->e, &screen), 0));
	cr_assert(eq(int, buf_puts(&d->above, text), 0));
	put(d, &screen);
}

Test(line_edit, a_line_that_arrives_stands_above_the_one_being_typed)
{
	struct desk d;

	begin(&d, "> ", 10, 8);
	type(&d, "a line of three rows here" LEFT LEFT LEFT LEFT LEFT LEFT LEFT LEFT LEFT);
	arrive(&d, "bob: hello\r\n");
	sees_it_all(&d);
	arrive(&d, "bob: a longer one, of rows\r\nand one more\r\n");
	sees_it_all(&d);
	type(&d, "XY");
	sees_it_all(&d);
	arrive(&d, "bob: it scrolls\r\nup\r\n");
	sees_it_all(&d);
	end(&d);
}

Test(line_edit, clearing_the_screen_leaves_the_line_at_its_top)
{
	struct desk d;

	begin(&d, "> ", 10, 8);
	arrive(&d, "one\r\ntwo\r\n");
	type(&d, "a line of two" LEFT "\014");
	screen_is(&d, "> a line o\nf two\n");
	cr_assert(eq(sz, d.t.row, 1));
	cr_assert(eq(sz, d.t.column, 4));
	buf_free(&d.above);
	type(&d, "X");
	sees_it_all(&d);
	end(&d);
}

Test(line_edit, after_another_program_had_the_terminal_it_is_shown_anew)
{
	struct desk d;

	begin(&d, "> ", 10, 8);
	type(&d, "a line of two\033[200~x");
	line_edit_forget(&d.e);
	vt_puts(&d.t, "\r\n$ fg\r\n");
	show(&d);
	type(&d, "\177y");
	screen_is(&d, "> a line o\nf twox\n$ fg\n> a line o\nf twoy\n");
	end(&d);
}

Test(line_edit, another_size_lays_the_line_out_anew)
{
	struct desk d;

	begin(&d, "> ", 40, 24);
	arrive(&d, "bob: a line that is longer than twenty\r\n");
	type(&d, "this one is somewhat longer than forty columns are" LEFT LEFT LEFT);
	for (size_t columns = 40; columns > 5; columns--) {
		set_size(&d, columns, 24);
		sees_it_all(&d);
	}
	for (size_t columns = 6; columns < 80; columns++) {
		set_size(&d, columns, 24);
		sees_it_all(&d);
	}
	end(&d);
}

Test(line_edit, a_cursor_after_a_full_row_is_found_again_at_any_width)
{
	static const char *const keys[] = {"345678901234567890", "345678901234567890x\177"};

	for (size_t i = 0; i < 2; i++)
		for (size_t columns = 4; columns < 45; columns++) {
			struct desk d;

			begin(&d, "> ", 20, 24);
			arrive(&d, "bob: one\r\n");
			type_bytes(&d, span_of(keys[i]), 1);
			set_size(&d, columns, 24);
			sees_it_all(&d);
			end(&d);
		}
}

/* ---- higher than the screen ---- */

static size_t rows_in(const char *text)
{
	size_t rows = 0;

	for (; *text; text++)
		rows += *text == '\n';
	return rows;
}

static const char *skip_rows(const char *text, size_t rows)
{
	while (rows--)
		text = strchr(text, '\n') + 1;
	return text;
}

/* How many rows the prompt and line take. */
static size_t line_rows(const struct desk *d)
{
	struct vt plain;
	size_t rows;

	vt_begin(&plain, d->t.columns, 1 << 20);
	vt_write(&plain, whole(d));
	rows = vt_cursor(&plain, 1) / d->t.columns + 1;
	vt_end(&plain);
	return rows;
}

/* The screen shows some of the rows, in order, as many as there is room for, and the cursor is
 * where it belongs among them. */
static void sees_a_part(const struct desk *d)
{
	size_t wanted_row = expected_cursor(d) / d->t.columns, row = d->t.row - d->t.top, len;
	char *seen = vt_screen(&d->t), *all;
	struct vt plain;

	write_plainly(d, &plain, d->e.len);
	all = vt_text(&plain);
	cr_assert(le(sz, row, wanted_row));
	cr_assert(le(sz, wanted_row - row, rows_in(all)));
	if (line_rows(d) >= d->t.rows)
		cr_assert(le(
			sz, wanted_row - row + d->t.rows, vt_cursor(&plain, 1) / d->t.columns + 1));
	len = strlen(seen);
	cr_assert(
		strncmp(seen, skip_rows(all, wanted_row - row), len) == 0, "%s\nin\n%s", seen, all);
	cr_assert(eq(sz, d->t.column, expected_cursor(d) % d->t.columns));
	free(seen);
	free(all);
	vt_end(&plain);
}

Test(line_edit, of_a_line_higher_than_the_screen_the_rows_at_the_cursor_are_shown)
{
	struct desk d;

	begin(&d, "> ", 10, 4);
	arrive(&d, "bob: before\r\n");
	for (char c = 'a'; c <= 'z'; c++) {
		type(&d, (char[]){c, c, c, '\0'});
		sees_a_part(&d);
	}
	for (int i = 0; i < 78; i++) {
		type(&d, LEFT);
		sees_a_part(&d);
	}
	type(&d, "X\005yyy\001"); /* what changes is below the screen, then */
	sees_a_part(&d);
	type(&d, "\005z\001");
	sees_a_part(&d);
	type(&d, "\005\025");
	sees_it_all(&d);
	end(&d);
}

Test(line_edit, a_line_higher_than_the_screen_stays_there_whole_once_it_is_ended)
{
	struct desk d;

	begin(&d, "> ", 10, 4);
	arrive(&d, "bob: before\r\n");
	type(&d, "a line that is higher than a screen of four rows of ten columns\001\r");
	sees_it_all(&d);
	type(&d, "abcdefgh"
		 "abcdefghij"
		 "abcdefghij"
		 "abcdefghij"
		 "abcdefghij" LEFT "\r");
	sees_it_all(&d);
	end(&d);
}

/* ---- bounds ---- */

Test(line_edit, a_line_has_a_bound_and_a_key_beyond_it_rings)
{
	static char much[LINE_EDIT_MAX_BYTES + 100];
	struct desk d;

	memset(much, 'x', sizeof(much));
	begin(&d, "> ", 80, 24);
	type_bytes(&d, (struct span){(uint8_t *)much, LINE_EDIT_MAX_BYTES - 1}, 4095);
	cr_assert(eq(uint, d.t.bells, 0));
	type(&d, "\303\244");
	cr_assert(eq(sz, line_edit_line(&d.e).len, LINE_EDIT_MAX_BYTES - 1));
	cr_assert(eq(uint, d.t.bells, 1));
	type(&d, "ab");
	cr_assert(eq(sz, line_edit_line(&d.e).len, LINE_EDIT_MAX_BYTES));
	cr_assert(eq(uint, d.t.bells, 2));
	sees_a_part(&d);
	type(&d, "\025\031\031");
	cr_assert(eq(sz, line_edit_line(&d.e).len, LINE_EDIT_MAX_BYTES));
	type(&d, "\r");
	line_is(&d, "");
	end(&d);
}

Test(line_edit, without_memory_it_says_so)
{
	static char much[LINE_EDIT_MAX_BYTES];
	enum edit_verdict verdict;
	struct buf screen = {0};
	struct rlimit before;
	struct line_edit e;
	struct span in;

	memset(much, 'x', sizeof(much));
	in = (struct span){(uint8_t *)much, sizeof(much)};
	cr_assert(eq(int, line_edit_init(&e, "> "), 0));
	before = allow_no_more_memory();
	hoard_memory();
	verdict = line_edit_keys(&e, &in, &screen);
	release_memory();
	allow_memory(&before);
	cr_assert(eq(int, verdict, EDIT_NO_MEMORY));
	buf_free(&screen);
	line_edit_free(&e);
}

/* Everything that takes memory: text, a prompt, what is cut, lines from before, the screen. */
static enum edit_verdict edit(struct line_edit *e, struct buf *screen)
{
	struct span in = span_of("some words to begin with\x17\x19\x19\x0c" UP UP "\x0c" DOWN "!");
	enum edit_verdict verdict;

	if (line_edit_set_prompt(e, "a prompt that is longer than the one before> ") < 0 ||
		line_edit_show(e, screen) < 0)
		return EDIT_NO_MEMORY;
	do {
		struct span one = {in.data, 1};

		buf_free(screen);
		verdict = line_edit_keys(e, &one, screen);
		in = span_from(in, 1);
	} while (in.len && verdict == EDIT_MORE);
	return verdict;
}

Test(line_edit, each_allocation_may_fail_and_is_told)
{
	bool reached = true;
	unsigned nth = 1;

	for (; reached; nth++) {
		struct line_edit e = {0};
		struct buf screen = {0};
		enum edit_verdict verdict = EDIT_NO_MEMORY;
		struct span in = span_of("an earlier line\r");

		fail_allocation(nth);
		if (line_edit_init(&e, "> ") == 0) {
			verdict = line_edit_keys(&e, &in, &screen);
			if (verdict == EDIT_LINE)
				verdict = edit(&e, &screen);
		}
		reached = fail_allocation(0);
		if (!reached) {
			cr_assert(eq(int, verdict, EDIT_MORE));
			cr_assert(gt(sz, line_edit_line(&e).len, 20));
		}
		/* What was cut cannot be brought back, without memory: all else is told. */
		cr_expect(verdict == EDIT_NO_MEMORY || verdict == EDIT_MORE, "%u", nth);
		buf_free(&screen);
		line_edit_free(&e);
	}
	cr_assert(gt(uint, nth, 6));
}

/* ---- history ---- */

Test(line_edit, lines_typed_before_come_back_and_the_one_being_typed_is_kept)
{
	struct desk d;

	begin(&d, "> ", 20, 50);
	type(&d, "one\rtwo\r\rtwo\rthree\runfin" UP);
	line_is(&d, "three");
	type(&d, UP);
	line_is(&d, "two");
	type(&d, "\020");
	line_is(&d, "one");
	cr_assert(eq(uint, d.t.bells, 0));
	type(&d, UP);
	line_is(&d, "one");
	cr_assert(eq(uint, d.t.bells, 1));
	type(&d, DOWN "\016"
		      "x" DOWN);
	line_is(&d, "unfin");
	sees_it_all(&d);
	type(&d, DOWN);
	cr_assert(eq(uint, d.t.bells, 2));
	type(&d, UP UP "!\r" UP);
	line_is(&d, "two!");
	sees_it_all(&d);
	end(&d);
}

Test(line_edit, history_keeps_the_last_500_lines)
{
	struct desk d;
	char line[20];

	begin(&d, "", 20, 5);
	for (int i = 1; i <= HISTORY_MAX_LINES + 10; i++) {
		snprintf(line, sizeof(line), "%d\r", i);
		type(&d, line);
	}
	for (int i = 0; i < HISTORY_MAX_LINES + 100; i++)
		type(&d, UP);
	line_is(&d, "11");
	end(&d);
}

/* ---- at random ---- */

/* A line as simply as can be. */
struct naive {
	uint8_t text[8192];
	size_t len, at;
};

static size_t naive_left(const struct naive *n)
{
	char breaks[8192];
	size_t i = n->at;

	u8_grapheme_breaks(n->text, n->at, breaks);
	while (i && !breaks[--i])
		;
	return i;
}

static size_t naive_right(const struct naive *n)
{
	char breaks[8192];
	size_t i = 1, len = n->len - n->at;

	if (len == 0)
		return n->at;
	u8_grapheme_breaks(n->text + n->at, len, breaks);
	while (i < len && !breaks[i])
		i++;
	return n->at + i;
}

static void naive_cut(struct naive *n, size_t from, size_t to)
{
	memmove(n->text + from, n->text + to, n->len - to);
	n->len -= to - from;
	n->at = from;
}

static void naive_insert(struct naive *n, const char *text)
{
	size_t len = strlen(text);

	memmove(n->text + n->at + len, n->text + n->at, n->len - n->at);
	memcpy(n->text + n->at, text, len);
	n->len += len;
	n->at += len;
}

static const char *const some_letters[] = {"a", "b", " ", "\303\244", "\346\274\242",
	"\360\237\231\202", "\314\201", "\342\200\215", "\360\237\207\251", "\360\237\207\252",
	"\360\237\217\275", "\352\260\200", "\341\205\241"};

enum { SOME_LETTERS = sizeof(some_letters) / sizeof(some_letters[0]) };

/* xorshift: the same in each run. */
static unsigned draw(unsigned *state, unsigned below)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state % below;
}

/* Type one key, into both. */
static void one_key(struct desk *d, struct naive *n, unsigned *state)
{
	unsigned what = draw(state, 30);
	const char *key = some_letters[draw(state, SOME_LETTERS)];

	switch (what) {
	case 0:
	case 1:
	case 2:
	case 3:
		key = LEFT;
		n->at = naive_left(n);
		break;
	case 4:
	case 5:
		key = "\033OC";
		n->at = naive_right(n);
		break;
	case 6:
	case 7:
	case 8:
		key = "\177";
		naive_cut(n, naive_left(n), n->at);
		break;
	case 9:
		key = "\033[3~";
		naive_cut(n, n->at, naive_right(n));
		break;
	case 10:
		key = "\001";
		n->at = 0;
		break;
	case 11:
		key = "\005";
		n->at = n->len;
		break;
	case 12: key = draw(state, 4) ? "\033[5~" : "\013"; break;
	case 13: key = "\033]7;x\007"; break;
	case 14: key = draw(state, 8) ? "\033[Z" : "\r"; break;
	default: naive_insert(n, key); break;
	}
	if (*key == '\013')
		naive_cut(n, n->at, n->len);
	if (*key == '\r')
		n->at = n->len = 0;
	type_bytes(d, span_of(key), draw(state, 3));
}

static void same_as_naive(const struct desk *d, const struct naive *n)
{
	struct span line = line_edit_line(&d->e);

	cr_assert(eq(sz, line.len, n->len));
	cr_assert(memcmp(line.data, n->text, n->len) == 0);
	cr_assert(eq(sz, d->e.at - d->e.prompt_len, n->at));
}

Test(line_edit, whatever_is_typed_a_person_sees_the_line_and_the_cursor_in_it)
{
	unsigned state = 2463534242;

	for (int run = 0; run < RUNS; run++) {
		struct naive n = {.len = 0};
		struct desk d;

		begin(&d, run % 3 ? "you> " : "", 5 + draw(&state, 30), 120);
		for (int i = 0; i < 150; i++) {
			one_key(&d, &n, &state);
			if (draw(&state, 20) == 0)
				arrive(&d, "bob: a line that arrives\r\n");
			if (draw(&state, 20) == 0)
				set_size(&d, 5 + draw(&state, 60), 120);
			same_as_naive(&d, &n);
			sees_it_all(&d);
		}
		end(&d);
	}
}

Test(line_edit, on_a_small_screen_a_person_sees_the_rows_at_the_cursor)
{
	unsigned state = 88675123;

	for (int run = 0; run < RUNS; run++) {
		struct naive n = {.len = 0};
		struct desk d;

		begin(&d, "> ", 5 + draw(&state, 10), 1 + draw(&state, 4));
		for (int i = 0; i < 200; i++) {
			one_key(&d, &n, &state);
			same_as_naive(&d, &n);
			sees_a_part(&d);
		}
		end(&d);
	}
}

/* Bytes of which many mean something. */
static uint8_t random_byte(unsigned *state)
{
	static const char telling[] = "\033[O;~12035ABCDHFM?\r\n\t\177\010\001\005\025\027\031\014"
				      "\004\003\032\342\200\256\303\244\xcc\x81 abc";

	if (draw(state, 4) == 0)
		return (uint8_t)draw(state, 256);
	return (uint8_t)telling[draw(state, sizeof(telling) - 1)];
}

static bool is_fit_for_a_screen(struct span text)
{
	while (text.len) {
		uint32_t code;
		int len = utf8_decode(text, &code);

		if (len <= 0 || utf8_is_hidden(code))
			return false;
		text = span_from(text, (size_t)len);
	}
	return true;
}

Test(line_edit, no_bytes_whatever_bring_it_to_fall)
{
	unsigned state = 521288629;

	for (int run = 0; run < 3 * RUNS; run++) {
		struct desk d;

		begin(&d, "> ", 2 + draw(&state, 20), 1 + draw(&state, 20));
		for (int i = 0; i < 100; i++) {
			uint8_t bytes[40];
			size_t len = draw(&state, sizeof(bytes));

			for (size_t k = 0; k < len; k++)
				bytes[k] = random_byte(&state);
			type_bytes(&d, (struct span){bytes, len}, draw(&state, 5));
			cr_assert(is_fit_for_a_screen(whole(&d)));
			cr_assert(le(sz, d.e.at, d.e.len));
			if (draw(&state, 30) == 0)
				set_size(&d, 2 + draw(&state, 20), 1 + draw(&state, 20));
		}
		end(&d);
	}
}
