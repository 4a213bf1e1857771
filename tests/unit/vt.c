#include "vt.h"

#include <stdio.h>
#include <stdlib.h>
#include <uniwidth.h>

#include "base/utf8.h"
#include "check.h"

static struct vt_row *row_at(struct vt *t, size_t row)
{
	while (row >= t->count) {
		if (t->count == t->cap) {
			t->cap = t->cap ? t->cap * 2 : 64;
			t->all = realloc(t->all, t->cap * sizeof(*t->all));
			cr_assert(t->all != NULL);
		}
		t->all[t->count++] = (struct vt_row){0};
	}
	return &t->all[row];
}

void vt_begin(struct vt *t, size_t columns, size_t rows)
{
	cr_assert(columns <= VT_MAX_COLUMNS);
	*t = (struct vt){.columns = columns, .rows = rows};
	row_at(t, 0);
}

void vt_end(struct vt *t)
{
	free(t->all);
	*t = (struct vt){0};
}

static void next_row(struct vt *t)
{
	t->row++;
	row_at(t, t->row);
	if (t->row >= t->top + t->rows)
		t->top = t->row - t->rows + 1;
}

/* ---- letters ---- */

static void clear_cell(struct vt *t, struct vt_row *row, size_t column)
{
	if (row->cells[column].text[0] && row->cells[column].width == 0)
		row->cells[column - 1] = (struct vt_cell){0};
	if (row->cells[column].width == 2 && column + 1 < t->columns)
		row->cells[column + 1] = (struct vt_cell){0};
	row->cells[column] = (struct vt_cell){0};
}

static void add_mark(struct vt *t, const char *text)
{
	struct vt_row *row = row_at(t, t->row);
	size_t column = t->column;
	struct vt_cell *cell;

	if (column == 0)
		return;
	column--;
	if (row->cells[column].width == 0 && column)
		column--;
	cell = &row->cells[column];
	if (strlen(cell->text) + strlen(text) < sizeof(cell->text))
		strcat(cell->text, text);
}

static void add_letter(struct vt *t, const char *text, size_t width)
{
	struct vt_row *row;

	if (t->column + width > t->columns) {
		row_at(t, t->row)->wrapped = true;
		next_row(t);
		t->column = 0;
	}
	row = row_at(t, t->row);
	for (size_t i = 0; i < width; i++)
		clear_cell(t, row, t->column + i);
	strcpy(row->cells[t->column].text, text);
	row->cells[t->column].width = (unsigned char)width;
	if (width == 2)
		strcpy(row->cells[t->column + 1].text, " ");
	t->column += width;
}

static void show_letter(struct vt *t)
{
	uint32_t code = 0;
	int len = utf8_decode((struct span){(uint8_t *)t->held, t->held_len}, &code), width;

	if (len == UTF8_SHORT)
		return;
	t->held[t->held_len] = '\0';
	t->held_len = 0;
	if (len == UTF8_INVALID || utf8_is_hidden(code)) {
		t->strange++;
		return;
	}
	width = uc_width(code, "UTF-8");
	if (width > 0)
		add_letter(t, t->held, (size_t)width);
	else
		add_mark(t, t->held);
}

/* ---- sequences ---- */

static void clear_row(struct vt *t, size_t row, size_t from)
{
	struct vt_row *r = row_at(t, row);

	for (size_t i = from; i < t->columns; i++)
		clear_cell(t, r, i);
	r->wrapped = false;
}

static void clear_below(struct vt *t)
{
	clear_row(t, t->row, t->column);
	for (size_t row = t->row + 1; row < t->count; row++)
		clear_row(t, row, 0);
}

static size_t less(size_t from, size_t n, size_t least)
{
	return from - least > n ? from - n : least;
}

static size_t more(size_t from, size_t n, size_t most)
{
	return from + n < most ? from + n : most;
}

static void home(struct vt *t)
{
	t->row = t->top;
	t->column = 0;
}

static void end_sequence(struct vt *t, char final)
{
	size_t n = strtoul(t->sequence + 2, NULL, 10);
	size_t times = n ? n : 1;

	if (t->sequence[1] != '[' || t->sequence[2] == '?') {
		t->strange += strcmp(t->sequence, "\033[?2004h") != 0 &&
		              strcmp(t->sequence, "\033[?2004l") != 0;
		return;
	}
	if (t->column == t->columns)
		t->column--;
	switch (final) {
	case 'A': t->row = less(t->row, times, t->top); break;
	case 'B': t->row = more(t->row, times, t->top + t->rows - 1); break;
	case 'C': t->column = more(t->column, times, t->columns - 1); break;
	case 'D': t->column = less(t->column, times, 0); break;
	case 'H': home(t); break;
	case 'J': clear_below(t); break;
	case 'K': clear_row(t, t->row, t->column); break;
	default: t->strange++;
	}
	row_at(t, t->row);
}

static void in_sequence(struct vt *t, char byte)
{
	t->sequence[t->sequence_len++] = byte;
	t->sequence[t->sequence_len] = '\0';
	if (t->sequence_len == 2 && byte == '[')
		return;
	if (byte < 0x40 && t->sequence_len + 2 < sizeof(t->sequence))
		return;
	t->sequence_len = 0;
	end_sequence(t, byte);
}

static void control(struct vt *t, char byte)
{
	switch (byte) {
	case '\r': t->column = 0; break;
	case '\n': next_row(t); break;
	case '\a': t->bells++; break;
	case '\b': t->column = less(t->column, 1, 0); break;
	case '\033':
		t->sequence[0] = byte;
		t->sequence_len = 1;
		break;
	default: t->strange++;
	}
}

void vt_write(struct vt *t, struct span out)
{
	t->written += (unsigned)out.len;
	for (size_t i = 0; i < out.len; i++) {
		char byte = (char)out.data[i];

		if (t->sequence_len) {
			in_sequence(t, byte);
		} else if (out.data[i] < 0x20) {
			control(t, byte);
		} else {
			t->held[t->held_len++] = byte;
			show_letter(t);
		}
	}
}

void vt_puts(struct vt *t, const char *text)
{
	vt_write(t, span_of(text));
}

/* ---- another size ---- */

static size_t row_end(const struct vt_row *row, size_t columns)
{
	while (columns && !row->cells[columns - 1].text[0])
		columns--;
	return columns;
}

/* Write the old rows to a new terminal, as one line where one went on with another, and the cursor
 * to where its letter went. */
void vt_resize(struct vt *t, size_t columns, size_t rows)
{
	struct vt old = *t, fresh;
	size_t last = old.count, cursor_row = 0, cursor_column = 0;

	while (last - 1 > old.row && row_end(&old.all[last - 1], old.columns) == 0)
		last--;
	vt_begin(&fresh, columns, rows);
	for (size_t row = 0; row < last; row++) {
		const struct vt_row *r = &old.all[row];
		size_t end = row_end(r, old.columns);

		for (size_t i = 0; i < end; i++) {
			size_t width = r->cells[i].width;

			if (row == old.row && i == old.column) {
				bool wraps = fresh.column + (width ? width : 1) > columns;

				cursor_row = fresh.row + wraps;
				cursor_column = wraps ? 0 : fresh.column;
			}
			if (!r->cells[i].text[0])
				add_letter(&fresh, " ", 1);
			else if (width)
				add_letter(&fresh, r->cells[i].text, width);
		}
		if (row == old.row && old.column >= end) {
			cursor_row = fresh.row;
			cursor_column = fresh.column + (old.column - end);
		}
		if (!r->wrapped && row + 1 < last) {
			next_row(&fresh);
			fresh.column = 0;
		}
	}
	fresh.row = cursor_row;
	fresh.column = cursor_column < columns ? cursor_column : columns;
	if (fresh.row < fresh.top)
		fresh.top = fresh.row;
	fresh.bells = old.bells;
	fresh.strange = old.strange;
	free(old.all);
	*t = fresh;
}

/* ---- reading it ---- */

static char *text_from(const struct vt *t, size_t first)
{
	char *text = malloc(t->count * (t->columns + 1) * VT_LETTER_BYTES + 1), *p = text, *end = p;

	cr_assert(text != NULL);
	for (size_t row = first; row < t->count; row++) {
		const struct vt_row *r = &t->all[row];
		size_t columns = t->columns;

		while (columns &&
			(!r->cells[columns - 1].text[0] ||
				strcmp(r->cells[columns - 1].text, " ") == 0) &&
			!(columns > 1 && r->cells[columns - 2].width == 2))
			columns--;
		for (size_t i = 0; i < columns; i++) {
			const struct vt_cell *cell = &r->cells[i];

			if (!cell->text[0])
				*p++ = ' ';
			else if (cell->width)
				p += sprintf(p, "%s", cell->text);
		}
		*p++ = '\n';
		if (columns)
			end = p;
	}
	*end = '\0';
	return text;
}

char *vt_text(const struct vt *t)
{
	return text_from(t, 0);
}

char *vt_screen(const struct vt *t)
{
	return text_from(t, t->top);
}

size_t vt_cursor(const struct vt *t, size_t width)
{
	bool wraps = t->column + width > t->columns;

	return wraps ? (t->row + 1) * t->columns : t->row * t->columns + t->column;
}
