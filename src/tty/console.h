#ifndef SOCKX_TTY_CONSOLE_H
#define SOCKX_TTY_CONSOLE_H

#include <sys/ioctl.h>

#include "tty/line_edit.h"
#include "core/conn.h"
#include "tty/terminal.h"
#include "report/report.h"

/*
 * The terminal of a person who types lines while others arrive: a prompt and the line being typed
 * at the bottom, what arrives above, and neither ever torn. All zero is a closed one.
 *
 * While it is open, the terminal is in character mode (tty/terminal.h), ^C and ^\ close the
 * console and then send their signals, ^Z and SIGTSTP give the terminal back and stop us, and with
 * SIGCONT it is taken again. Started in the background, or resumed there, it leaves the terminal
 * alone until it is in the foreground; to read from it stops us there, as it does any program.
 *
 * What the reporter says where standard error is the same terminal goes above the line, too, and so
 * in order with all else. What is written to the terminal is not traced: it would trace itself.
 */
struct console {
	/* Filled by the caller. A line was typed: it is gone after the call, or when the console
	 * prints or closes. It remains on the screen. */
	void (*line)(void *arg, struct span line);
	/* ^D on an empty line. */
	void (*end)(void *arg);
	void *arg;
	bool aside; /* a line typed now leaves the screen with Enter; see console_prompt */

	bool open;
	struct loop *loop;
	struct reporter *to;
	struct conn *out;
	struct terminal terminal;
	struct winsize size;
	struct line_edit edit;
	struct watch signals;
	struct report_sink below; /* the reporter's own sink, while ours is there */
	struct reporter silent;   /* gets the calls that write to the terminal ... */
	struct reporter *told;    /* ... in place of this one */
};

/* Open it on the terminal of the descriptor fd, which other code reads; out is open, writes to
 * the same terminal, and is there until the console is closed: at the latest out's handler.closed
 * does that. Returns 0, or -1 with err filled and nothing changed. */
int console_open(struct console *c, struct loop *loop, struct reporter *to, int fd,
	struct conn *out, const char *prompt, struct err *err);

/* What was read from the terminal. The callbacks may do anything, closing the console included:
 * then the rest is dropped. Returns as conn_write does of out: -1 means to read no more until it
 * has drained. */
int console_keys(struct console *c, struct span in);

/* Put whole lines, which are harmless already, above the line being typed. Returns as conn_write.
 * On a closed one they are just written. */
int console_print(struct console *c, struct span text);

/* Show another prompt from now on. aside: what is typed now has to wait, so Enter takes it off the
 * screen, and the owner prints it in its time. */
void console_prompt(struct console *c, const char *prompt, bool aside);

/* Take the line off the screen and give the terminal back. May be called at any time, and again. */
void console_close(struct console *c);

#endif
