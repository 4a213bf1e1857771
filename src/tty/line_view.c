#include "tty/line_view.h"

#include "tty/cluster.h"
#include "base/utf8.h"

/* What is being drawn, and where the terminal's cursor is meanwhile. */
struct pen {
	const struct line_view *view;
	struct buf *screen;
	struct place at;
	bool failed;
};

static void line_view_put(struct pen *p, struct span bytes)
{
	p->failed = p->failed || buf_add(p->screen, bytes) < 0;
}

static void line_view_put_text(struct pen *p, const char *text)
{
	line_view_put(p, span_of(text));
}

static void line_view_put_times(struct pen *p, size_t times, char final)
{
	if (times)
		p->failed = p->failed || buf_printf(p->screen, "\033[%zu%c", times, final) < 0;
}

/* ---- layout ---- */

/* The code point at the front of in: how many bytes, and its width. */
static size_t line_view_view_measure(struct span in, size_t *width)
{
	uint32_t code = 0;
	int len;

	*width = 1;
	if (in.data[0] < 0x7f) /* all of a line is measured for each key */
		return 1;
	len = utf8_decode(in, &code);
	*width = code_width(code);
	return len > 0 ? (size_t)len : 1;
}

/* Where the next letter goes, width columns wide. */
static struct place line_view_place_for(const struct line_view *v, struct place p, size_t width)
{
	return p.column + width <= v->columns ? p : (struct place){p.row + 1, 0};
}

/* Where what stands before the byte `to` ends, if the text begins a row at `from`. */
static struct place line_view_place_behind(
	const struct line_view *v, struct span text, size_t from, size_t to)
{
	struct place p = {0};

	while (from < to) {
		size_t width;

		from += line_view_view_measure(span_from(text, from), &width);
		p = line_view_place_for(v, p, width);
		p.column += width;
	}
	return p;
}

/* Where the cursor stands before the byte `at`: on the letter there, or after the last. */
static struct place line_view_place_of(
	const struct line_view *v, struct span text, size_t from, size_t at)
{
	struct place p = line_view_place_behind(v, text, from, at);
	size_t width = 0;

	while (at < text.len && width == 0) /* what has no column stands upon what was before */
		at += line_view_view_measure(span_from(text, at), &width);
	return line_view_place_for(v, p, width ? width : 1);
}

/* The byte that row begins with. */
static size_t line_view_row_start(const struct line_view *v, struct span text, size_t row)
{
	struct place p = {0};
	size_t at = 0;

	while (row && at < text.len) {
		size_t width, len = line_view_view_measure(span_from(text, at), &width);

		p = line_view_place_for(v, p, width);
		if (p.row == row)
			break;
		p.column += width;
		at += len;
	}
	return at;
}

/* Which rows are to be on the screen: the byte that the first begins with. */
static size_t line_view_choose_rows(const struct line_view *v, struct span text, size_t at)
{
	size_t rows = line_view_place_of(v, text, 0, text.len).row + 1;
	size_t row, top;

	if (rows <= v->rows)
		return 0;
	row = line_view_place_of(v, text, 0, at).row;
	top = v->from <= text.len ? line_view_place_of(v, text, 0, v->from).row : 0;
	if (top > row)
		top = row;
	if (top + v->rows <= row)
		top = row - v->rows + 1;
	if (top + v->rows > rows)
		top = rows - v->rows;
	return line_view_row_start(v, text, top);
}

/* ---- drawing ---- */

static void line_view_move_to(struct pen *p, struct place to)
{
	if (to.row < p->at.row)
		line_view_put_times(p, p->at.row - to.row, 'A');
	else
		line_view_put_times(p, to.row - p->at.row, 'B');
	if (to.column != p->at.column) {
		line_view_put_text(p, "\r");
		line_view_put_times(p, to.column, 'C');
	}
	p->at = to;
}

/* Write text from the byte `from` on where the cursor is, down to the row before `rows`. The
 * terminal itself goes on to the next row, as it will know when it is made wider. */
static void line_view_write_rows(struct pen *p, struct span text, size_t from, size_t rows)
{
	size_t begun = from;

	while (from < text.len) {
		size_t width, len = line_view_view_measure(span_from(text, from), &width);
		struct place next = line_view_place_for(p->view, p->at, width);

		if (next.row != p->at.row && p->at.column < p->view->columns) {
			/* a wide letter leaves a column free, where another may stand */
			line_view_put(p, (struct span){text.data + begun, from - begun});
			line_view_put_text(p, "\033[K");
			begun = from;
		}
		if (next.row == rows)
			break;
		p->at = (struct place){next.row, next.column + width};
		from += len;
	}
	line_view_put(p, (struct span){text.data + begun, from - begun});
}

/* A full row leaves the cursor upon its last letter until another one comes. The space stays: a
 * terminal that is made narrower or wider then knows of the row that the cursor is in. */
static void line_view_leave_full_row(struct pen *p, size_t rows)
{
	if (p->at.column < p->view->columns || p->at.row + 1 >= rows)
		return;
	line_view_put_text(p, " \r");
	p->at = (struct place){p->at.row + 1, 0};
}

static bool line_view_comes_before(struct place a, struct place b)
{
	return a.row < b.row || (a.row == b.row && a.column < b.column);
}

/* Write text anew from the byte `from` on, and take away what was longer. */
static void line_view_draw_from(struct pen *p, struct line_view *v, struct span text, size_t from)
{
	struct place behind = line_view_place_behind(v, text, v->from, from);
	struct place start = line_view_place_for(v, behind, 1);
	bool full;

	if (start.row >= v->rows)
		return;
	line_view_move_to(p, start);
	line_view_write_rows(p, text, from, v->rows);
	full = p->at.column == v->columns || (from == text.len && behind.column == v->columns);
	line_view_leave_full_row(p, v->rows);
	if (v->shown && line_view_comes_before(p->at, v->end) && p->at.column < v->columns) {
		line_view_put_text(p, "\033[J");
		if (full)
			line_view_put_text(p, " \r");
	}
	v->end = p->at;
}

static int line_view_finish(struct line_view *v, const struct pen *p)
{
	v->cursor = p->at;
	return p->failed ? -1 : 0;
}

int view_draw(struct line_view *v, struct span text, size_t at, size_t changed, struct buf *screen)
{
	struct pen p = {v, screen, v->shown ? v->cursor : (struct place){0}, false};
	size_t from = line_view_choose_rows(v, text, at);

	if (!v->shown || from != v->from || changed < from)
		changed = from;
	v->from = from;
	if (changed <= text.len)
		line_view_draw_from(&p, v, text, changed);
	v->shown = true;
	line_view_move_to(&p, line_view_place_of(v, text, from, at));
	return line_view_finish(v, &p);
}

static void line_view_erase(struct pen *p)
{
	line_view_move_to(p, (struct place){0});
	line_view_put_text(p, "\033[J");
}

int view_hide(struct line_view *v, struct buf *screen)
{
	struct pen p = {v, screen, v->cursor, false};

	if (!v->shown)
		return 0;
	line_view_erase(&p);
	v->shown = false;
	return line_view_finish(v, &p);
}

/* The last code point that takes a column. */
static size_t line_view_last_letter(struct span text)
{
	size_t last = 0;

	for (size_t at = 0, width, len; at < text.len; at += len) {
		len = line_view_view_measure(span_from(text, at), &width);
		if (width)
			last = at;
	}
	return last;
}

/* Where all of text has been written: put the cursor after it. */
static void line_view_go_to_end(struct pen *p, const struct line_view *v, struct span text)
{
	size_t last;

	if (line_view_place_behind(v, text, 0, text.len).column < v->columns) {
		line_view_move_to(p, line_view_place_of(v, text, 0, text.len));
		return;
	}
	/* The row ends in a letter and went on to the next. Written once more, it does not: else a
	 * terminal made wider would join what comes next to it. */
	last = line_view_last_letter(text);
	line_view_move_to(p, line_view_place_of(v, text, 0, last));
	line_view_put_text(p, "\033[K");
	line_view_write_rows(p, text, last, SIZE_MAX);
}

int view_leave(struct line_view *v, struct span text, struct buf *screen)
{
	struct pen p = {v, screen, v->cursor, false};

	if (!v->shown)
		return 0;
	if (v->from == 0 && line_view_place_of(v, text, 0, text.len).row < v->rows) {
		line_view_go_to_end(&p, v, text);
	} else {
		line_view_erase(&p);
		line_view_write_rows(&p, text, 0, SIZE_MAX);
	}
	line_view_put_text(&p, "\r\n");
	v->shown = false;
	return line_view_finish(v, &p);
}

void view_size(struct line_view *v, size_t columns, size_t rows)
{
	v->columns = columns ? columns : VIEW_USUAL_COLUMNS;
	v->rows = rows ? rows : VIEW_USUAL_ROWS;
	if (v->columns < VIEW_MIN_COLUMNS)
		v->columns = VIEW_MIN_COLUMNS;
}

/* Most terminals lay their rows out anew when their width changes, so that the cursor is now in
 * another row of the text. Where one does not (xterm), rows that were drawn may stay, or as many
 * above them go: its kind is unknown. */
int view_resize(struct line_view *v, struct span text, size_t at, size_t columns, size_t rows,
	struct buf *screen)
{
	bool on_letter =
		line_view_comes_before(v->cursor, v->end) || (v->end.row && v->end.column == 0);

	view_size(v, columns, rows);
	if (!v->shown)
		return 0;
	v->cursor = on_letter ? line_view_place_of(v, text, v->from, at)
	                      : line_view_place_behind(v, text, v->from, at);
	v->cursor.column = SIZE_MAX; /* anywhere */
	if (view_hide(v, screen) < 0)
		return -1;
	return view_draw(v, text, at, 0, screen);
}
