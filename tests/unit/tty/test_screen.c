#include <stdlib.h>

#include "check.h"
#include "script.h"
#include "tty/screen.h"

TestSuite(screen, .timeout = 20);

static const struct handler nobody = {0};

/* Standard output, with a script behind it. */
struct view {
	struct scene sc;
	struct script out;
	struct screen screen;
};

static struct view *begin(bool terminal, bool raw)
{
	struct view *v = calloc(1, sizeof(*v));
	struct link link;

	scene_begin(&v->sc, &nobody);
	link = scene_link(&v->sc, &v->out);
	link.terminal = terminal;
	v->screen = (struct screen){
		.out = conn_new(&v->sc.owner, &link, NULL, CONN_WRITES), .raw = raw};
	conn_open(v->screen.out);
	return v;
}

static void end(struct view *v)
{
	scene_end(&v->sc);
	free(v);
}

static void shows(bool terminal, bool raw, const char *in, const char *shown)
{
	struct view *v = begin(terminal, raw);

	for (size_t i = 0; in[i]; i++)
		screen_write(&v->screen, (struct span){(const uint8_t *)in + i, 1});
	screen_end(&v->screen);
	cr_assert(eq(str, v->out.outgoing, (char *)shown));
	end(v);
}

Test(screen, a_pipe_or_a_file_gets_the_bytes_as_they_came)
{
	shows(false, false, "\x1b[2J\xff\r\n\xc3", "\x1b[2J\xff\r\n\xc3");
}

Test(screen, a_terminal_gets_them_made_visible_though_a_letter_comes_in_pieces)
{
	shows(true, false, "\x1b[2J", "\\x1b[2J");
	shows(true, false, "caf\xc3\xa9\n", "caf\xc3\xa9\n");
	shows(true, false, "line\r\n", "line\r\n");
	shows(true, false, "over\rwrite", "over\\rwrite");
}

Test(screen, what_was_held_of_an_unfinished_letter_is_shown_at_the_end)
{
	shows(true, false, "a\xe4\xb8", "a\\xe4\\xb8");
	shows(true, false, "a\r", "a\\r");
}

Test(screen, a_terminal_gets_everything_where_that_was_asked_for)
{
	shows(true, true, "\x1b[2J\xff", "\x1b[2J\xff");
}

Test(screen, says_stop_as_a_connection_does)
{
	struct view *v = begin(true, false);
	char *much = script_bytes(CONN_QUEUE_MAX_BYTES);

	v->out.deaf = true;
	cr_assert(eq(int, screen_write(&v->screen, span_of("x")), 0));
	cr_assert(eq(int, screen_write(&v->screen, span_of(much)), -1));
	end(v);
	free(much);
}

Test(screen, reports_on_the_same_terminal_begin_a_row_and_what_is_drawn_over_gives_way)
{
	struct view *v = begin(true, false);
	struct report_live live = {0};
	struct lines lines;
	struct reporter to = lines_reporter(&lines);

	to.live = &live;
	v->screen.shares = &to;
	report_draw(&to, span_of("10 %"));
	screen_write(&v->screen, span_of("login: "));
	cr_assert(eq(str, lines.text, "\r10 %\033[K\r\033[K"));
	cr_assert(to.mid_row && to.live_over && !to.live);
	screen_typed(&v->screen);
	cr_assert(not(to.mid_row));
	screen_write(&v->screen, span_of("hello, "));
	screen_write(&v->screen, span_of(""));
	cr_assert(to.mid_row);
	screen_write(&v->screen, span_of("Ada\n"));
	cr_assert(not(to.mid_row));
	end(v);
}
