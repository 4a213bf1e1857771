#include "tty/screen.h"

#include <errno.h>

bool screen_escapes(const struct screen *s)
{
	return conn_is_terminal(s->out) && !s->raw;
}

/* A row that is drawn over gives way to it, and reports do not go on where it ends. */
static void screen_note(struct reporter *shares, struct span visible)
{
	if (shares->live)
		report_yield(shares);
	shares->mid_row = visible.data[visible.len - 1] != '\n';
}

static int screen_show(struct screen *s, struct span visible)
{
	if (s->shares && visible.len)
		screen_note(s->shares, visible);
	return conn_write(s->out, visible);
}

static int screen_put(struct screen *s, int made, struct buf *visible)
{
	int verdict = 0;

	if (made < 0)
		conn_lost(s->out, ENOMEM);
	else
		verdict = screen_show(s, buf_span(visible));
	buf_free(visible);
	return verdict;
}

void screen_typed(const struct screen *s)
{
	if (s->shares)
		s->shares->mid_row = false;
}

int screen_write(struct screen *s, struct span in)
{
	struct buf visible = {0};

	if (!screen_escapes(s))
		return conn_write(s->out, in);
	return screen_put(s, escape_add(&s->escaper, in, &visible), &visible);
}

void screen_end(struct screen *s)
{
	struct buf visible = {0};

	if (screen_escapes(s))
		screen_put(s, escape_end(&s->escaper, &visible), &visible);
}
