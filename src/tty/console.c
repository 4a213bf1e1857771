#include "tty/console.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "os/sys_event.h"
#include "os/sys_process.h"
#include "os/sys_terminal.h"

/* xterm's, known to most: pasted text comes between marks, so that a ^C in it is no key. Who does
 * not know it passes it over (ECMA-48: a private mode). */
#define PASTE_MARKS    "\033[?2004h"
#define NO_PASTE_MARKS "\033[?2004l"

/* One that our parent had ignored stays so. */
static sigset_t console_watched_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigaddset(&set, SIGCONT);
	if (!sys_signal_is_ignored(SIGTSTP))
		sigaddset(&set, SIGTSTP);
	return set;
}

/* ---- the screen ---- */

/* Write what was drawn, if it was. Returns as conn_write. */
static int console_put(struct console *c, bool drawn, struct buf *screen)
{
	int verdict = 0;

	if (drawn)
		verdict = conn_write(c->out, buf_span(screen));
	else
		conn_lost(c->out, ENOMEM);
	buf_free(screen);
	return verdict;
}

static int console_show(struct console *c)
{
	struct buf screen = {0};

	return console_put(c, line_edit_show(&c->edit, &screen) == 0, &screen);
}

/* Before anything is drawn: a key may come before the signal that tells of another size. */
static void console_take_size(struct console *c)
{
	struct winsize size = {0};
	struct buf screen = {0};

	if (sys_window_size(&c->silent, c->terminal.fd, &size) < 0 ||
		(size.ws_col == c->size.ws_col && size.ws_row == c->size.ws_row))
		return;
	c->size = size;
	console_put(c, line_edit_resize(&c->edit, size.ws_col, size.ws_row, &screen) == 0, &screen);
}

/* Take the terminal, if it is to be had, and show the line there. */
static int console_enter(struct console *c)
{
	struct buf screen = {0};

	line_edit_forget(&c->edit);
	if (terminal_take(&c->terminal) < 0)
		return -1;
	if (!c->terminal.taken)
		return 0;
	console_take_size(c);
	/* what was typed before was shown as it came, and is yet to be read */
	console_put(c,
		buf_puts(&screen, PASTE_MARKS "\r\033[J") == 0 &&
			line_edit_show(&c->edit, &screen) == 0,
		&screen);
	return 0;
}

/* Leave the terminal as it was. */
static void console_leave(struct console *c)
{
	struct buf screen = {0};

	if (c->terminal.taken && terminal_in_foreground(&c->terminal))
		console_put(c,
			line_edit_hide(&c->edit, &screen) == 0 &&
				buf_puts(&screen, NO_PASTE_MARKS) == 0,
			&screen);
	terminal_restore(&c->terminal);
}

int console_print(struct console *c, struct span text)
{
	bool shown = c->open && c->edit.view.shown;
	struct buf screen = {0};
	bool drawn;

	if (!shown)
		return conn_write(c->out, text);
	console_take_size(c);
	drawn = line_edit_hide(&c->edit, &screen) == 0 && buf_add(&screen, text) == 0 &&
	        line_edit_show(&c->edit, &screen) == 0;
	return console_put(c, drawn, &screen);
}

void console_prompt(struct console *c, const char *prompt, bool aside)
{
	bool shown = c->open && c->edit.view.shown;
	struct buf screen = {0};
	bool drawn;

	c->aside = aside;
	if (!c->open)
		return;
	drawn = line_edit_hide(&c->edit, &screen) == 0 &&
	        line_edit_set_prompt(&c->edit, prompt) == 0 &&
	        (!shown || line_edit_show(&c->edit, &screen) == 0);
	console_put(c, drawn, &screen);
}

/* ---- reports ---- */

/* struct report_sink.line */
static int console_report_above(void *arg, struct span line)
{
	struct console *c = arg;

	if (conn_finished(c->out) || conn_closing(c->out))
		return c->below.line(c->below.arg, line);
	if (conn_queued(c->out) >= CONN_QUEUE_MAX_BYTES)
		return -1;
	console_print(c, line);
	return 0;
}

static void console_take_reports(struct console *c)
{
	c->silent = (struct reporter){0};
	c->told = conn_trace_to(c->out, &c->silent);
	c->below = c->to->sink;
	if (terminal_is_same(c->to, STDERR_FILENO, c->terminal.fd))
		c->to->sink = (struct report_sink){console_report_above, c};
}

static void console_give_reports_back(struct console *c)
{
	c->to->sink = c->below;
	conn_trace_to(c->out, c->told);
}

/* ---- signals ---- */

/* Stop, by a signal that is blocked and has been sent, until a signal has us go on; where we cannot
 * be stopped (no shell would know of it), go on at once. */
static void console_stop_here(void)
{
	sigset_t stop;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	sys_signals_unblock(&stop);
	sys_signals_block(&stop);
}

static void console_suspend(struct console *c, bool by_key)
{
	if (sys_signal_is_ignored(SIGTSTP)) {
		if (!c->edit.view.shown)
			console_show(c);
		return;
	}
	console_leave(c);
	if (by_key)
		terminal_signal(&c->terminal, SIGTSTP);
	else
		sys_raise(SIGTSTP);
	console_stop_here();
	console_enter(c);
}

/* We go on. If another program had the terminal, nothing is as it was. */
static void console_continued(struct console *c)
{
	if (terminal_is_untouched(&c->terminal))
		console_take_size(c);
	else
		console_enter(c);
}

static void console_on_signal(struct watch *w, uint32_t events)
{
	struct console *c = container_of(w, struct console, signals);

	(void)events;
	switch (sys_signalfd_next(w->fd)) {
	case SIGTSTP: console_suspend(c, false); break;
	case SIGCONT: console_continued(c); break;
	case SIGWINCH: console_take_size(c); break;
	default: break;
	}
}

static int console_watch_signals(struct console *c)
{
	sigset_t set = console_watched_signals();

	sys_signals_block(&set);
	c->signals = (struct watch){.fd = sys_signalfd(&set), .ready = console_on_signal};
	return c->signals.fd < 0 ? -1 : loop_watch(c->loop, &c->signals, EPOLLIN);
}

static void console_ignore_signals(struct console *c)
{
	sigset_t set = console_watched_signals();

	if (c->signals.fd >= 0) {
		loop_unwatch(c->loop, &c->signals);
		sys_close_own(c->signals.fd);
	}
	sys_signals_unblock(&set);
}

/* ---- keys ---- */

/* What handles the signal must find the terminal as it was. */
static void console_end_by_signal(struct console *c, int number)
{
	struct terminal terminal = c->terminal;

	if (sys_signal_is_ignored(number)) {
		console_show(c);
		return;
	}
	console_close(c);
	terminal_signal(&terminal, number);
}

static void console_act(struct console *c, enum edit_verdict verdict)
{
	switch (verdict) {
	case EDIT_LINE: c->line(c->arg, line_edit_line(&c->edit)); break;
	case EDIT_END: c->end(c->arg); break;
	case EDIT_INTERRUPT: console_end_by_signal(c, SIGINT); return;
	case EDIT_QUIT: console_end_by_signal(c, SIGQUIT); return;
	case EDIT_SUSPEND: console_suspend(c, true); return;
	case EDIT_MORE:
	case EDIT_NO_MEMORY: return;
	}
	if (c->open && c->terminal.taken)
		console_show(c);
}

int console_keys(struct console *c, struct span in)
{
	int full = 0;

	if (c->open && !c->terminal.taken)
		console_enter(c); /* it was read, so we are in the foreground now */
	if (c->open)
		console_take_size(c);
	while (c->open && in.len) {
		struct buf screen = {0};
		enum edit_verdict verdict;

		c->edit.vanishes = c->aside;
		verdict = line_edit_keys(&c->edit, &in, &screen);
		if (console_put(c, verdict != EDIT_NO_MEMORY, &screen) < 0)
			full = -1;
		console_act(c, verdict);
	}
	return full;
}

/* ---- beginning and end ---- */

int console_open(struct console *c, struct loop *loop, struct reporter *to, int fd,
	struct conn *out, const char *prompt, struct err *err)
{
	c->loop = loop;
	c->to = to;
	c->out = out;
	c->terminal = (struct terminal){.to = to, .fd = fd};
	c->size = (struct winsize){0};
	if (line_edit_init(&c->edit, prompt) < 0)
		return err_sys(err, ERR_RUNTIME, ENOMEM, "cannot edit lines");
	if (console_watch_signals(c) == 0) {
		console_take_reports(c);
		c->open = true;
		if (console_enter(c) == 0)
			return 0;
		console_give_reports_back(c);
		c->open = false;
	}
	err_sys(err, ERR_RUNTIME, errno, "cannot use the terminal");
	console_ignore_signals(c);
	line_edit_free(&c->edit);
	return -1;
}

void console_close(struct console *c)
{
	if (!c->open)
		return;
	console_leave(c);
	c->open = false;
	console_give_reports_back(c);
	console_ignore_signals(c);
	line_edit_free(&c->edit);
}
