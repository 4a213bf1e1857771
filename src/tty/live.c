#include "tty/live.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "os/sys_terminal.h"
#include "tty/terminal.h"

enum { USUAL_COLUMNS = 80, MOST_COLUMNS = 1000 };

bool live_add(struct live_row *row, const char *format, ...)
{
	char part[REPORT_LIVE_BYTES];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(part, sizeof(part), format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(part) || (size_t)len > row->room - row->len)
		return false;
	memcpy(row->text + row->len, part, (size_t)len);
	row->len += (size_t)len;
	return true;
}

/* What the terminal says comes first: it knows of the last resize. */
static size_t live_columns(struct live *l)
{
	struct winsize size = {0};
	const char *typed = getenv("COLUMNS");
	uint64_t columns;

	if (sys_window_size(&l->silent, STDERR_FILENO, &size) == 0 && size.ws_col)
		return size.ws_col;
	if (typed && text_uint(typed, MOST_COLUMNS, &columns) == 0 && columns)
		return (size_t)columns;
	return USUAL_COLUMNS;
}

/* The last column stays free: some terminals go on to the next row once it is filled. */
static void live_draw(struct live *l)
{
	const struct terminal terminal = {.to = &l->silent, .fd = STDERR_FILENO};
	struct live_row row = {.room = live_columns(l) - 1};

	if (!terminal_in_foreground(&terminal))
		return;
	if (row.room > sizeof(row.text))
		row.room = sizeof(row.text);
	l->fill(l->arg, &row);
	if (row.len)
		report_draw(l->to, (struct span){(const uint8_t *)row.text, row.len});
}

static bool live_is_on(const struct live *l)
{
	return l->loop && l->to->live == &l->row;
}

static void live_on_tick(struct timer *t)
{
	struct live *l = container_of(t, struct live, tick);

	if (!live_is_on(l))
		return;
	live_draw(l);
	timer_set_in(l->loop, &l->tick, l->every_ms);
}

static bool live_can_be_drawn(const struct reporter *to)
{
	const char *kind = getenv("TERM");

	return !to->json && to->level > LEVEL_ERROR && !to->live_over && !to->live && kind &&
	       strcmp(kind, "dumb") != 0 && sys_isatty(STDERR_FILENO);
}

int live_begin(struct live *l, struct loop *loop, struct reporter *to)
{
	if (!live_can_be_drawn(to))
		return 0;
	if (timer_init(loop, &l->tick, live_on_tick) < 0)
		return -1;
	l->loop = loop;
	l->to = to;
	to->live = &l->row;
	timer_set_in(loop, &l->tick, l->every_ms);
	return 0;
}

void live_end(struct live *l, bool stays)
{
	if (!l->loop)
		return;
	if (live_is_on(l)) {
		if (stays)
			live_draw(l);
		else
			report_draw(l->to, span_of(""));
		report_settle(l->to);
		l->to->live = NULL;
	}
	timer_free(l->loop, &l->tick);
	l->loop = NULL;
}
