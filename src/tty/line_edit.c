#include "tty/line_edit.h"

#include <stdlib.h>
#include <unictype.h>

#include "tty/cluster.h"
#include "base/utf8.h"

enum { FIRST_CAP_BYTES = 256 };

static struct span line_edit_whole(const struct line_edit *e)
{
	return (struct span){e->text, e->len};
}

/* ---- changing the text ---- */

/* Whether what begins at a byte stands in a column of its own. */
static bool line_edit_has_column(const struct line_edit *e, size_t at)
{
	uint32_t code = ' ';

	utf8_decode(span_from(line_edit_whole(e), at), &code);
	return code_width(code) > 0;
}

/* What is shown is about to change, or has changed, at a byte: so has the letter that it is part
 * of, and what it is written upon. */
static void line_edit_touch(struct line_edit *e, size_t at)
{
	size_t start = cluster_prev(line_edit_whole(e), at);

	if (cluster_next(line_edit_whole(e), start) == at)
		start = at;
	while (start && !line_edit_has_column(e, start))
		start = cluster_prev(line_edit_whole(e), start);
	if (start < e->changed)
		e->changed = start;
}

static int line_edit_grow(struct line_edit *e, size_t more)
{
	size_t cap = e->cap ? e->cap : FIRST_CAP_BYTES;
	uint8_t *grown;

	if (e->cap - e->len >= more)
		return 0;
	while (cap - e->len < more)
		cap *= 2;
	grown = realloc(e->text, cap);
	if (!grown) {
		e->no_memory = true;
		return -1;
	}
	e->text = grown;
	e->cap = cap;
	return 0;
}

/* How many code points a text begins with that have no column of their own; one more than are
 * allowed: too many. */
static size_t line_edit_marks_in(struct span in)
{
	size_t marks = 0;
	uint32_t code = 0;

	for (int len; in.len && marks <= LINE_EDIT_MAX_MARKS; marks++) {
		len = utf8_decode(in, &code);
		if (len <= 0 || code_width(code) > 0)
			break;
		in = span_from(in, (size_t)len);
	}
	return marks;
}

/* The same of what the text up to a byte ends with. */
static size_t line_edit_marks_before(const struct line_edit *e, size_t at)
{
	size_t marks = 0;

	while (at && marks <= LINE_EDIT_MAX_MARKS) {
		do {
			at--;
		} while (at && (e->text[at] & 0xc0) == 0x80);
		if (line_edit_has_column(e, at))
			break;
		marks++;
	}
	return marks;
}

/* Whether a letter would have too many marks if in were put where the cursor is. */
static bool line_edit_overloads(const struct line_edit *e, struct span in)
{
	size_t marks = line_edit_marks_in(in);

	return marks && marks + line_edit_marks_before(e, e->at) +
	                                line_edit_marks_in(span_from(line_edit_whole(e), e->at)) >
	                        LINE_EDIT_MAX_MARKS;
}

/* Put in, which is no part of the text, where the cursor is. */
static void line_edit_put(struct line_edit *e, struct span in)
{
	if (in.len == 0 || line_edit_grow(e, in.len) < 0)
		return;
	line_edit_touch(e, e->at);
	memmove(e->text + e->at + in.len, e->text + e->at, e->len - e->at);
	memcpy(e->text + e->at, in.data, in.len);
	e->len += in.len;
	line_edit_touch(e, e->at);
	e->at += in.len;
}

/* The same, unless the line or a letter of it would be too long. */
static void line_edit_insert(struct line_edit *e, struct span in)
{
	if (e->len - e->prompt_len + in.len > LINE_EDIT_MAX_BYTES || line_edit_overloads(e, in))
		e->bell = true;
	else
		line_edit_put(e, in);
}

static void line_edit_cut(struct line_edit *e, size_t from, size_t to)
{
	if (from == to)
		return;
	line_edit_touch(e, from);
	memmove(e->text + from, e->text + to, e->len - to);
	e->len -= to - from;
	e->at = from;
	line_edit_touch(e, from);
}

/* Cut what ^Y brings back. Without memory, it does not. */
static void line_edit_kill_text(struct line_edit *e, size_t from, size_t to)
{
	if (from == to)
		return;
	buf_free(&e->killed);
	if (buf_add(&e->killed, (struct span){e->text + from, to - from}) < 0)
		buf_free(&e->killed);
	line_edit_cut(e, from, to);
}

static void line_edit_set_line(struct line_edit *e, struct span line)
{
	line_edit_cut(e, e->prompt_len, e->len);
	e->at = e->prompt_len;
	line_edit_insert(e, line);
}

static void line_edit_begin_line(struct line_edit *e)
{
	if (!e->over)
		return;
	e->over = false;
	e->back = 0;
	buf_free(&e->typed);
	line_edit_set_line(e, (struct span){0});
}

/* ---- moving ---- */

static size_t line_edit_left_of(const struct line_edit *e, size_t at)
{
	struct span line = span_from((struct span){e->text, at}, e->prompt_len);

	return e->prompt_len + cluster_prev(line, line.len);
}

static size_t line_edit_right_of(const struct line_edit *e, size_t at)
{
	return at < e->len ? cluster_next(line_edit_whole(e), at) : at;
}

static bool line_edit_in_word(const struct line_edit *e, size_t at)
{
	uint32_t code = 0;

	utf8_decode(span_from(line_edit_whole(e), at), &code);
	return uc_is_general_category_withtable(
		code, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M | UC_CATEGORY_MASK_N);
}

static bool line_edit_in_blank_word(const struct line_edit *e, size_t at)
{
	return e->text[at] != ' ';
}

/* Where the word before the cursor begins; within tells what one is made of. */
static size_t line_edit_word_left(
	const struct line_edit *e, bool (*within)(const struct line_edit *e, size_t at))
{
	size_t at = e->at;

	while (at > e->prompt_len && !within(e, line_edit_left_of(e, at)))
		at = line_edit_left_of(e, at);
	while (at > e->prompt_len && within(e, line_edit_left_of(e, at)))
		at = line_edit_left_of(e, at);
	return at;
}

/* Where the word at or after the cursor ends. */
static size_t line_edit_word_right(const struct line_edit *e)
{
	size_t at = e->at;

	while (at < e->len && !line_edit_in_word(e, at))
		at = line_edit_right_of(e, at);
	while (at < e->len && line_edit_in_word(e, at))
		at = line_edit_right_of(e, at);
	return at;
}

/* ---- history ---- */

static void line_edit_keep_typed(struct line_edit *e)
{
	buf_free(&e->typed);
	if (buf_add(&e->typed, line_edit_line(e)) < 0)
		e->no_memory = true;
}

static void line_edit_browse(struct line_edit *e, size_t back)
{
	if (e->back == 0)
		line_edit_keep_typed(e);
	if (e->no_memory)
		return;
	e->back = back;
	line_edit_set_line(e, back ? history_line(&e->history, back) : buf_span(&e->typed));
}

static void line_edit_older(struct line_edit *e)
{
	if (e->back < e->history.count)
		line_edit_browse(e, e->back + 1);
	else
		e->bell = true;
}

static void line_edit_newer(struct line_edit *e)
{
	if (e->back)
		line_edit_browse(e, e->back - 1);
	else
		e->bell = true;
}

/* ---- keys ---- */

static void line_edit_clear_screen(struct line_edit *e, struct buf *screen)
{
	if (!e->view.shown)
		return;
	if (buf_puts(screen, "\033[H\033[J") < 0)
		e->no_memory = true;
	e->view.shown = false;
	if (line_edit_show(e, screen) < 0)
		e->no_memory = true;
}

static void line_edit_change(struct line_edit *e, enum key key)
{
	switch (key) {
	case KEY_LETTER: line_edit_insert(e, key_letter(&e->keys)); break;
	case KEY_BACKSPACE: line_edit_cut(e, line_edit_left_of(e, e->at), e->at); break;
	case KEY_DELETE:
	case KEY_DELETE_OR_END: line_edit_cut(e, e->at, line_edit_right_of(e, e->at)); break;
	case KEY_LEFT: e->at = line_edit_left_of(e, e->at); break;
	case KEY_RIGHT: e->at = line_edit_right_of(e, e->at); break;
	case KEY_UP: line_edit_older(e); break;
	case KEY_DOWN: line_edit_newer(e); break;
	case KEY_HOME: e->at = e->prompt_len; break;
	case KEY_END: e->at = e->len; break;
	case KEY_WORD_LEFT: e->at = line_edit_word_left(e, line_edit_in_word); break;
	case KEY_WORD_RIGHT: e->at = line_edit_word_right(e); break;
	case KEY_CUT_TO_END: line_edit_kill_text(e, e->at, e->len); break;
	case KEY_CUT_TO_START: line_edit_kill_text(e, e->prompt_len, e->at); break;
	case KEY_CUT_BLANKS:
		line_edit_kill_text(e, line_edit_word_left(e, line_edit_in_blank_word), e->at);
		break;
	case KEY_CUT_WORD:
		line_edit_kill_text(e, line_edit_word_left(e, line_edit_in_word), e->at);
		break;
	case KEY_CUT_NEXT_WORD: line_edit_kill_text(e, e->at, line_edit_word_right(e)); break;
	case KEY_YANK: line_edit_insert(e, buf_span(&e->killed)); break;
	case KEY_NONE:
	case KEY_ENTER:
	case KEY_CLEAR:
	case KEY_INTERRUPT:
	case KEY_QUIT:
	case KEY_SUSPEND: break;
	}
}

static enum edit_verdict line_edit_act(struct line_edit *e, enum key key, struct buf *screen)
{
	switch ((int)key) {
	case KEY_NONE: return EDIT_MORE;
	case KEY_ENTER: return EDIT_LINE;
	case KEY_INTERRUPT: return EDIT_INTERRUPT;
	case KEY_QUIT: return EDIT_QUIT;
	case KEY_SUSPEND: return EDIT_SUSPEND;
	case KEY_CLEAR: line_edit_clear_screen(e, screen); break;
	case KEY_DELETE_OR_END:
		if (e->len == e->prompt_len)
			return EDIT_END;
		line_edit_change(e, key);
		break;
	default: line_edit_change(e, key); break;
	}
	return e->no_memory ? EDIT_NO_MEMORY : EDIT_MORE;
}

static int line_edit_refresh(struct line_edit *e, struct buf *screen)
{
	if (e->bell && e->view.shown && buf_puts(screen, "\a") < 0)
		return -1;
	e->bell = false;
	return e->view.shown ? line_edit_show(e, screen) : 0;
}

/* The line is over: all of it stays on the screen, unless it is to vanish. */
static int line_edit_end_line(struct line_edit *e, struct buf *screen)
{
	int rc = line_edit_refresh(e, screen);

	if (rc == 0)
		rc = e->vanishes ? line_edit_hide(e, screen)
		                 : view_leave(&e->view, line_edit_whole(e), screen);
	if (rc < 0)
		return -1;
	history_add(&e->history, line_edit_line(e));
	e->over = true;
	return 0;
}

enum edit_verdict line_edit_keys(struct line_edit *e, struct span *in, struct buf *screen)
{
	enum edit_verdict verdict = EDIT_MORE;
	int rc;

	line_edit_begin_line(e);
	while (in->len && verdict == EDIT_MORE) {
		enum key key = key_byte(&e->keys, in->data[0]);

		*in = span_from(*in, 1);
		verdict = line_edit_act(e, key, screen);
	}
	if (verdict == EDIT_MORE)
		rc = line_edit_refresh(e, screen);
	else if (verdict == EDIT_LINE)
		rc = line_edit_end_line(e, screen);
	else
		rc = line_edit_hide(e, screen);
	e->no_memory = false;
	return rc < 0 ? EDIT_NO_MEMORY : verdict;
}

struct span line_edit_line(const struct line_edit *e)
{
	return span_from(line_edit_whole(e), e->prompt_len);
}

int line_edit_hide(struct line_edit *e, struct buf *screen)
{
	return view_hide(&e->view, screen);
}

int line_edit_show(struct line_edit *e, struct buf *screen)
{
	size_t changed;

	line_edit_begin_line(e);
	changed = e->changed;
	e->changed = SIZE_MAX;
	return view_draw(&e->view, line_edit_whole(e), e->at, changed, screen);
}

void line_edit_forget(struct line_edit *e)
{
	e->view.shown = false;
	e->keys = (struct key_reader){0};
}

int line_edit_resize(struct line_edit *e, size_t columns, size_t rows, struct buf *screen)
{
	return view_resize(&e->view, line_edit_whole(e), e->at, columns, rows, screen);
}

/* ---- beginning and end ---- */

static void line_edit_take_prompt(struct line_edit *e, struct span prompt)
{
	while (prompt.len) {
		uint32_t code = 0;
		int len = utf8_decode(prompt, &code);

		if (len > 0 && !utf8_is_hidden(code))
			line_edit_put(e, (struct span){prompt.data, (size_t)len});
		prompt = span_from(prompt, len > 0 ? (size_t)len : 1);
	}
	e->prompt_len = e->at;
}

int line_edit_set_prompt(struct line_edit *e, const char *prompt)
{
	size_t within;
	bool failed;

	line_edit_begin_line(e);
	within = e->at - e->prompt_len;
	line_edit_cut(e, 0, e->prompt_len);
	e->prompt_len = 0;
	line_edit_take_prompt(e, span_of(prompt));
	e->at = e->prompt_len + within;
	failed = e->no_memory;
	e->no_memory = false;
	return failed ? -1 : 0;
}

int line_edit_init(struct line_edit *e, const char *prompt)
{
	*e = (struct line_edit){.changed = SIZE_MAX};
	view_size(&e->view, 0, 0);
	if (line_edit_grow(e, 1) < 0) /* no arithmetic on NULL */
		return -1;
	line_edit_take_prompt(e, span_of(prompt));
	if (!e->no_memory)
		return 0;
	line_edit_free(e);
	return -1;
}

void line_edit_free(struct line_edit *e)
{
	history_free(&e->history);
	buf_free(&e->typed);
	buf_free(&e->killed);
	free(e->text);
	e->text = NULL;
}
