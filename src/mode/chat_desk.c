/* The operator's desk of a chat: lines typed at a terminal or read from a file, and what is shown.
 */
#include "mode/chat.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "os/sys_process.h"

/* A line that comes from a file, as a peer's: at most this long. */
enum { TYPED_MAX_BYTES = FRAMER_MAX_BYTES };

/* ---- what is typed ---- */

/* Take the next line of what was typed; at the input's end, also one without a newline. */
static bool desk_next_line(
	const struct chat_run *run, bool input_ended, struct span *line, size_t *taken)
{
	const struct span typed = buf_span(&run->typed);
	const uint8_t *end = typed.len ? memchr(typed.data, '\n', typed.len) : NULL;

	*line = typed;
	*taken = typed.len;
	if (end) {
		line->len = (size_t)(end - typed.data);
		*taken = line->len + 1;
	}
	return end || (input_ended && typed.len);
}

/* Read on only when what was read has been said; with no member there, one line ahead, for it may
 * be the end. At a terminal keys are read all the same, for they edit, but not without bound. */
static void desk_update_input(struct chat_run *run)
{
	struct span line;
	size_t taken;
	bool reads = run->typed.len < TYPED_MAX_BYTES;

	if (!run->typed_by.from || !run->begun)
		return;
	if (!run->at_terminal)
		reads = !desk_next_line(run, false, &line, &taken) &&
		        (chat_may_say(run) || !members_has_other(&run->members, NULL));
	if (reads)
		conn_resume(run->typed_by.from);
	else
		conn_pause(run->typed_by.from);
}

/* ---- turns at a terminal ---- */

/* Whether a line typed now is said with its Enter, or has to wait for a turn. */
static bool desk_has_to_wait(const struct chat_run *run)
{
	return run->conf->turns && (!run->my_turn || run->typed.len);
}

static size_t desk_lines_waiting(const struct chat_run *run)
{
	const struct span typed = buf_span(&run->typed);
	size_t lines = 0;

	for (size_t i = 0; i < typed.len; i++)
		lines += typed.data[i] == '\n';
	return lines;
}

/* Have the prompt say whose turn it is. */
static void desk_update_prompt(struct chat_run *run)
{
	bool waits = desk_has_to_wait(run);
	size_t lines = waits ? desk_lines_waiting(run) : 0;
	char prompt[sizeof(run->prompt)] = "> ";

	if (waits && !lines)
		snprintf(prompt, sizeof(prompt), "(their turn) ");
	else if (waits)
		snprintf(prompt, sizeof(prompt), "(their turn, %zu line%s) ", lines,
			lines == 1 ? " waits" : "s wait");
	if (strcmp(prompt, run->prompt) == 0)
		return;
	memcpy(run->prompt, prompt, sizeof(prompt));
	console_prompt(&run->console, prompt, waits);
}

/* A line that was typed early left the screen; now that it is said, it stands there in order. */
static int desk_show_said(struct chat_run *run, struct span line)
{
	struct buf shown = {0};
	int made;

	if (!run->at_terminal || !run->conf->turns || run->on_screen) {
		run->on_screen = false;
		return 0;
	}
	made = buf_puts(&shown, "> ") == 0 && buf_add(&shown, line) == 0 &&
	                       buf_puts(&shown, "\n") == 0
	               ? 0
	               : -1;
	if (made == 0 && console_print(&run->console, buf_span(&shown)) < 0)
		run->out_full = true;
	buf_free(&shown);
	return made;
}

/* ---- saying it ---- */

/* Say what has been typed; where each line is sent for itself, the rest has a later turn. */
static void desk_say_lines(struct chat_run *run, bool input_ended)
{
	struct span line;
	size_t taken, most = chat_turn_lines(run);

	for (size_t lines = 0; chat_may_say(run) && desk_next_line(run, input_ended, &line, &taken);
		lines++) {
		struct buf said = {0};

		if (run->apart && lines == most) {
			timer_set_in(run->env->loop, &run->next_turn, 0);
			break;
		}

		/* A copy: saying it may end everything. */
		if (buf_add(&said, line) < 0 || desk_show_said(run, line) < 0) {
			buf_free(&said);
			chat_fail(run, &(struct err){ERR_RUNTIME, .what = "chat: out of memory"});
			return;
		}
		buf_take(&run->typed, taken);
		chat_say(run, buf_span(&said));
		buf_free(&said);
	}
	chat_flush(run);
}

static void desk_on_next_turn(struct timer *t)
{
	chat_desk_speak(container_of(t, struct chat_run, next_turn));
}

/* Whether the operator, alone, says that it is over. */
static bool desk_ends_alone(const struct chat_run *run)
{
	struct span line;
	size_t taken;

	return run->begun && !run->input_over && !members_has_other(&run->members, NULL) &&
	       desk_next_line(run, run->in_ended, &line, &taken) && chat_is_bye(run, line);
}

void chat_desk_speak(struct chat_run *run)
{
	desk_say_lines(run, run->in_ended);
	if (desk_ends_alone(run))
		chat_leave(run, true);
	if (run->in_ended && !run->typed.len && !run->input_over && run->begun &&
		(run->my_turn || !run->conf->turns))
		chat_leave(run, run->at_terminal);
	if (run->at_terminal)
		desk_update_prompt(run);
	desk_update_input(run);
}

static void desk_too_long(struct chat_run *run)
{
	struct err why = {0};

	err_set(&why, ERR_RUNTIME, "standard input: a line is longer than %d bytes",
		TYPED_MAX_BYTES);
	err_hint(&why, "a chat is made of lines; for other data there is mode pipe");
	chat_fail(run, &why);
}

/* Members that have ended stay for as long as something is there to be said to them. */
static void desk_keep_members(struct chat_run *run)
{
	for (struct chat_peer *p = chat_next(run, NULL); p; p = chat_next(run, p))
		if (p->ended)
			conn_after(p->member.conn, run->env->shared->settle_ms);
}

static void desk_take_typed(struct chat_run *run, struct span text)
{
	struct span all;
	const uint8_t *last;

	if (buf_add(&run->typed, text) < 0) {
		chat_fail(run, &(struct err){ERR_RUNTIME, .what = "chat: out of memory"});
		return;
	}
	all = buf_span(&run->typed);
	last = all.len ? memrchr(all.data, '\n', all.len) : NULL;
	if (all.len - (last ? (size_t)(last + 1 - all.data) : 0) > TYPED_MAX_BYTES)
		desk_too_long(run);
	else
		chat_desk_speak(run);
}

static int desk_pass(struct join *j, struct span in)
{
	struct chat_run *run = j->arg;

	if (!run->at_terminal) {
		desk_keep_members(run);
		desk_take_typed(run, in);
	} else if (console_keys(&run->console, in) < 0) {
		run->out_full = true;
	}
	return 0;
}

static void desk_end_input(struct chat_run *run)
{
	run->in_ended = true;
	chat_desk_speak(run);
}

static void desk_input_ended(struct join *j)
{
	desk_end_input(j->arg);
}

/* Standard input or output is over. */
static void desk_side_closed(struct join *j, const struct err *why)
{
	struct chat_run *run = j->arg;

	if (j == &run->shown_to)
		console_close(&run->console);
	if (why)
		chat_fail(run, why);
	else if (run->finishing)
		chat_desk_finish(run);
}

static const struct join_on desk_typed = {
	.gathers = true, .pass = desk_pass, .ended = desk_input_ended, .closed = desk_side_closed};

/* ---- the terminal ---- */

static void desk_on_line(void *arg, struct span line)
{
	struct chat_run *run = arg;

	run->on_screen |= !desk_has_to_wait(run);
	if (buf_add(&run->typed, line) < 0)
		chat_fail(run, &(struct err){ERR_RUNTIME, .what = "chat: out of memory"});
	else
		desk_take_typed(run, span_of("\n"));
}

static void desk_on_end(void *arg)
{
	desk_end_input(arg);
}

/* A signal that would end us, at a client, which has no other use for it: first the terminal. */
static void desk_on_signal(void *arg, const char *name)
{
	struct chat_run *run = arg;
	int number = run->signals.number;

	(void)name;
	console_close(&run->console);
	signals_close(&run->signals);
	sys_raise(number);
}

static int desk_open_console(struct chat_run *run, struct err *err)
{
	desk_update_prompt(run);
	run->console = (struct console){.line = desk_on_line,
		.end = desk_on_end,
		.arg = run,
		.aside = desk_has_to_wait(run)};
	if (console_open(&run->console, run->env->loop, run->env->to, 0, run->shown_to.to,
		    run->prompt, err) < 0)
		return -1;
	if (run->env->enough)
		return 0;
	run->signals = (struct signals){.stop = desk_on_signal, .arg = run, .watch.fd = -1};
	return signals_open(&run->signals, run->env->loop, err);
}

void chat_desk_begin(struct chat_run *run)
{
	struct err err = {0};

	run->begun = true;
	if (run->at_terminal && desk_open_console(run, &err) < 0)
		chat_fail(run, &err);
	desk_update_input(run);
}

void chat_desk_leave(struct chat_run *run)
{
	if (run->at_terminal && run->begun) {
		console_close(&run->console);
		signals_close(&run->signals);
	}
	join_close(&run->typed_by);
}

/* ---- what is shown ---- */

void chat_desk_show(struct chat_run *run, struct chat_peer *from, const char *who, struct span line)
{
	struct escaper e = {.one_line = true};
	int made;

	if (!run->shown_to.to || run->leaving)
		return;
	made = buf_puts(&run->shown, who);
	if (made == 0 && conn_is_terminal(run->shown_to.to) && !run->env->shared->raw) {
		made = escape_add(&e, line, &run->shown);
		if (made == 0)
			made = escape_end(&e, &run->shown);
	} else if (made == 0) {
		made = buf_add(&run->shown, line);
	}
	if (made < 0 || buf_puts(&run->shown, "\n") < 0)
		conn_refuse(from->member.conn, "out of memory");
}

void chat_desk_flush(struct chat_run *run)
{
	struct buf shown = run->shown;
	int verdict = 0;

	run->shown = (struct buf){0};
	if (shown.len && run->shown_to.to)
		verdict = run->at_terminal ? console_print(&run->console, buf_span(&shown))
		                           : conn_write(run->shown_to.to, buf_span(&shown));
	if (verdict < 0)
		run->out_full = true;
	buf_free(&shown);
}

static void desk_output_drained(struct join *j)
{
	struct chat_run *run = j->arg;

	run->out_full = false;
	chat_go_on(run);
}

/* None reads what is shown any more: it is over, unless there is still something to be said. */
static void desk_output_hung_up(struct join *j)
{
	struct chat_run *run = j->arg;

	if (run->input_over || (run->typed_by.from && conn_is_terminal(run->typed_by.from)))
		conn_lost(j->to, EPIPE);
}

static const struct join_on desk_shown = {
	.drained = desk_output_drained, .hung_up = desk_output_hung_up, .closed = desk_side_closed};

/* ---- the run ---- */

/* Whether the terminal can do more than print. */
static bool desk_can_edit(void)
{
	const char *kind = getenv("TERM");

	return kind && kind[0] && strcmp(kind, "dumb") != 0;
}

int chat_desk_open(struct chat_run *run, struct err *err)
{
	const struct conn_owner like = {
		.loop = run->env->loop, .to = run->env->to, .scratch = run->env->scratch};

	run->signals.watch.fd = -1;
	if (timer_init(run->env->loop, &run->next_turn, desk_on_next_turn) < 0)
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	run->typed_by = (struct join){.on = &desk_typed, .arg = run};
	run->shown_to = (struct join){.on = &desk_shown, .arg = run};
	if (join_open(&run->shown_to, &standard_output, &like, run->env->open_fd) < 0 ||
		join_open(&run->typed_by, &standard_input, &like, run->env->open_fd) < 0)
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	conn_limit_reads(run->typed_by.from, MEMBERS_TURN_BYTES);
	run->at_terminal = conn_is_terminal(run->typed_by.from) &&
	                   conn_is_terminal(run->shown_to.to) && desk_can_edit();
	return 0;
}

void chat_desk_finish(struct chat_run *run)
{
	run->finishing = true;
	chat_desk_flush(run);
	chat_desk_leave(run);
	if (join_close(&run->shown_to) && !run->typed_by.from)
		mode_end_run(run->env, &run->verdict);
}

void chat_desk_free(struct chat_run *run)
{
	chat_desk_leave(run);
	timer_free(run->env->loop, &run->next_turn);
	buf_free(&run->typed);
	join_free(&run->typed_by);
	join_free(&run->shown_to);
}
