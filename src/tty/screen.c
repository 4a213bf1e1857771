#include "tty/screen.h"

#include <errno.h>

bool screen_escapes(const struct screen *s)
{
	return conn_is_terminal(s->out) && !s->raw;
}

static int screen_put(struct screen *s, int made, struct buf *visible)
{
	int verdict = 0;

	if (made < 0)
		conn_lost(s->out, ENOMEM);
	else
		verdict = conn_write(s->out, buf_span(visible));
	buf_free(visible);
	return verdict;
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
