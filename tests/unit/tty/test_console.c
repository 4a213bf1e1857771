#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "memory.h"
#include "os/signals.h"
#include "peer.h"
#include "report/trace.h"
#include "script.h"
#include "transport/fd.h"
#include "tty/console.h"
#include "vt.h"

TestSuite(console, .timeout = 30);

/* A person at a terminal: a console on a pseudo-terminal, read and written as a mode does it. */
struct booth {
	int master, slave;
	int in_fd,
		out_fd; /* what its connections were opened on: fd_open leaves the numbers taken */
	struct termios before;
	struct vt t; /* what the person sees */
	struct loop loop;
	struct scratch scratch;
	struct reporter to;
	struct lines reports; /* those that went to the reporter's own sink */
	struct conn_owner in_owner, out_owner;
	struct conn *in, *out;
	struct console console;
	char typed[4096]; /* the lines told, each with a newline */
	unsigned ends;
	bool closes; /* with its first line */
	int verdict; /* of the last keys */
};

static struct booth *booth_of(struct conn *c)
{
	return conn_ctx(c);
}

static void on_line(void *arg, struct span line)
{
	struct booth *b = arg;
	size_t used = strlen(b->typed);

	cr_assert(lt(sz, used + line.len + 2, sizeof(b->typed)));
	memcpy(b->typed + used, line.data, line.len);
	strcpy(b->typed + used + line.len, "\n");
	if (b->closes)
		console_close(&b->console);
}

static void on_end(void *arg)
{
	struct booth *b = arg;

	b->ends++;
	console_close(&b->console);
}

static void in_data(struct conn *c, struct span in)
{
	struct booth *b = booth_of(c);

	b->verdict = console_keys(&b->console, in);
}

static void in_closed(struct conn *c, const struct err *why)
{
	(void)why;
	booth_of(c)->in = NULL;
}

static void out_closed(struct conn *c, const struct err *why)
{
	struct booth *b = booth_of(c);

	(void)why;
	console_close(&b->console);
	b->out = NULL;
}

static const struct handler in_handler = {.data = in_data, .closed = in_closed};
static const struct handler out_handler = {.closed = out_closed};

static struct conn *join(struct booth *b, struct conn_owner *owner, const struct handler *on,
	int fd, enum conn_sides sides)
{
	struct link link;
	struct conn *c;

	*owner = (struct conn_owner){
		.loop = &b->loop, .to = &b->to, .scratch = &b->scratch, .on = on, .ctx = b};
	conn_owner_init(owner);
	fd_open(&b->to, fd, sides, &link);
	c = conn_new(owner, &link, NULL, sides);
	cr_assert(c != NULL);
	conn_open(c);
	return c;
}

static void open_terminal(struct booth *b)
{
	struct winsize size = {.ws_col = 20, .ws_row = 10};

	*b = (struct booth){.console = {.line = on_line, .end = on_end, .arg = b}};
	cr_assert(eq(int, openpty(&b->master, &b->slave, NULL, NULL, &size), 0));
	cr_assert(eq(int, fcntl(b->master, F_SETFL, O_NONBLOCK), 0));
	fcntl(b->master, F_SETFD, FD_CLOEXEC);
	fcntl(b->slave, F_SETFD, FD_CLOEXEC);
	cr_assert(eq(int, tcgetattr(b->slave, &b->before), 0));
	vt_begin(&b->t, 20, 10);
	b->to = lines_reporter(&b->reports);
	b->to.level = LEVEL_DETAIL;
}

static void open_conns(struct booth *b)
{
	struct err err;

	cr_assert(eq(int, loop_init(&b->loop, &err), 0));
	cr_assert(eq(int, scratch_init(&b->scratch), 0));
	b->in_fd = dup(b->slave);
	b->in = join(b, &b->in_owner, &in_handler, b->in_fd, CONN_READS);
	b->out_fd = dup(b->slave);
	b->out = join(b, &b->out_owner, &out_handler, b->out_fd, CONN_WRITES);
}

static int open_console(struct booth *b, struct err *err)
{
	return console_open(&b->console, &b->loop, &b->to, b->slave, b->out, "> ", err);
}

static void begin(struct booth *b)
{
	struct err err;

	open_terminal(b);
	open_conns(b);
	cr_assert(eq(int, open_console(b, &err), 0), "%s", err.what);
}

static void end(struct booth *b)
{
	console_close(&b->console);
	console_close(&b->console);
	conn_owner_free(&b->in_owner);
	conn_owner_free(&b->out_owner);
	scratch_free(&b->scratch, &b->to);
	loop_free(&b->loop);
	cr_assert(eq(uint, b->t.strange, 0));
	vt_end(&b->t);
	close(b->master);
	close(b->slave);
	close(b->in_fd);
	close(b->out_fd);
}

static void type(struct booth *b, const char *keys)
{
	cr_assert(eq(sz, (size_t)write(b->master, keys, strlen(keys)), strlen(keys)));
}

/* Take what has come to the screen. */
static void look(struct booth *b)
{
	uint8_t room[4096];
	ssize_t n;

	while ((n = read(b->master, room, sizeof(room))) > 0)
		vt_write(&b->t, (struct span){room, (size_t)n});
}

static bool shows(struct booth *b, const char *wanted)
{
	char *seen;
	bool same;

	look(b);
	seen = vt_text(&b->t);
	same = strcmp(seen, wanted) == 0;
	free(seen);
	return same;
}

/* A person comes to see this, and nothing else. */
#define SEES(b, wanted)                                              \
	do {                                                         \
		int64_t until_ = clock_ms() + 3000;                  \
		char *seen_;                                         \
                                                                     \
		while (!shows((b), (wanted)) && clock_ms() < until_) \
			turn_for_ms(&(b)->loop, 0);                  \
		seen_ = vt_text(&(b)->t);                            \
		cr_assert(eq(str, seen_, (char *)(wanted)));         \
		free(seen_);                                         \
	} while (0)

static struct termios settings(const struct booth *b)
{
	struct termios now;

	cr_assert(eq(int, tcgetattr(b->slave, &now), 0));
	return now;
}

static bool is_as_before(const struct booth *b)
{
	struct termios now = settings(b);

	return now.c_iflag == b->before.c_iflag && now.c_oflag == b->before.c_oflag &&
	       now.c_lflag == b->before.c_lflag && now.c_cflag == b->before.c_cflag &&
	       memcmp(now.c_cc, b->before.c_cc, sizeof(now.c_cc)) == 0;
}

static bool is_in_character_mode(const struct booth *b)
{
	return (settings(b).c_lflag & (ICANON | ECHO | ISIG | IEXTEN)) == 0;
}

/* ---- the terminal ---- */

Test(console, the_terminal_is_taken_and_given_back_as_it_was)
{
	unsigned before = open_descriptors();
	struct booth b;

	begin(&b);
	cr_assert(is_in_character_mode(&b));
	SEES(&b, ">\n");
	type(&b, "some");
	SEES(&b, "> some\n");
	console_close(&b.console);
	cr_assert(is_as_before(&b));
	SEES(&b, "");
	end(&b);
	cr_assert(eq(uint, open_descriptors(), before));
}

Test(console, what_is_no_terminal_is_an_error_that_leaves_nothing_behind)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct booth b;
	struct err err;
	unsigned before;

	open_terminal(&b);
	open_conns(&b);
	before = open_descriptors();
	cr_assert(eq(int, console_open(&b.console, &b.loop, &b.to, null, b.out, "> ", &err), -1));
	cr_assert(eq(str, err.what, "cannot use the terminal: Inappropriate ioctl for device"));
	cr_assert(eq(uint, open_descriptors(), before));
	cr_assert(not(b.console.open));
	end(&b);
	close(null);
}

Test(console, without_memory_it_does_not_open_or_loses_the_terminal_which_is_as_it_was)
{
	bool reached = true;
	unsigned nth = 1;

	for (; reached; nth++) {
		struct booth b;
		struct err err = {0};
		int rc;

		open_terminal(&b);
		open_conns(&b);
		fail_allocation(nth);
		rc = open_console(&b, &err);
		reached = fail_allocation(0);
		cr_expect(reached || rc == 0);
		if (rc < 0)
			cr_expect(eq(str, err.what, "cannot edit lines: Cannot allocate memory"));
		if (rc == 0 && reached)
			TURN_UNTIL(&b.loop, !b.out || shows(&b, ">\n"));
		console_close(&b.console);
		cr_expect(is_as_before(&b), "allocation %u", nth);
		end(&b);
	}
	cr_assert(gt(uint, nth, 3));
}

Test(console, a_lost_terminal_is_closed_from_its_own_callback)
{
	struct booth b;

	begin(&b);
	conn_abort(b.out);
	TURN_UNTIL(&b.loop, !b.console.open);
	cr_assert(is_as_before(&b));
	end(&b);
}

Test(console, another_size_lays_the_line_out_anew)
{
	struct winsize size = {.ws_col = 8, .ws_row = 10};
	struct booth b;

	begin(&b);
	type(&b, "a line of words");
	SEES(&b, "> a line of words\n");
	vt_resize(&b.t, 8, 10);
	cr_assert(eq(int, ioctl(b.master, TIOCSWINSZ, &size), 0));
	raise(SIGWINCH);
	type(&b, "\001X");
	SEES(&b, "> Xa lin\ne of wor\nds\n");
	end(&b);
}

/* ---- lines ---- */

Test(console, what_is_typed_comes_as_lines_and_stays_on_the_screen)
{
	struct booth b;

	begin(&b);
	type(&b, "on\177ne\rtwo\r\033[A!\rth");
	SEES(&b, "> one\n> two\n> two!\n> th\n");
	cr_assert(eq(str, b.typed, "one\ntwo\ntwo!\n"));
	type(&b, "\025\004");
	SEES(&b, "> one\n> two\n> two!\n");
	cr_assert(eq(uint, b.ends, 1));
	cr_assert(is_as_before(&b));
	end(&b);
}

Test(console, what_arrives_stands_above_the_line_being_typed)
{
	struct booth b;

	begin(&b);
	type(&b, "a line of two rows, no less");
	SEES(&b, "> a line of two rows\n, no less\n");
	cr_assert(eq(int, console_print(&b.console, span_of("bob: one\nbob: two\n")), 0));
	SEES(&b, "bob: one\nbob: two\n> a line of two rows\n, no less\n");
	console_close(&b.console);
	console_print(&b.console, span_of("bob: three\n"));
	SEES(&b, "bob: one\nbob: two\nbob: three\n");
	end(&b);
}

Test(console, the_receiver_of_a_line_may_close_it)
{
	struct booth b;

	begin(&b);
	b.closes = true;
	type(&b, "one\rtwo\r");
	SEES(&b, "> one\n");
	cr_assert(eq(str, b.typed, "one\n"));
	end(&b);
}

/* ---- reports ---- */

static void say(struct booth *b)
{
	report(&b->to, &(struct report){.kind = REPORT_STOPPING, .reason = "x"});
}

Test(console, reports_on_the_same_terminal_stand_above_the_line_in_order)
{
	struct booth b;
	struct err err;

	open_terminal(&b);
	open_conns(&b);
	cr_assert(eq(int, dup2(b.slave, STDERR_FILENO), STDERR_FILENO));
	cr_assert(eq(int, open_console(&b, &err), 0));
	type(&b, "typed");
	SEES(&b, "> typed\n");
	say(&b);
	console_print(&b.console, span_of("bob: hello\n"));
	say(&b);
	SEES(&b, "stopping: x\nbob: hello\nstopping: x\n> typed\n");
	cr_assert(eq(str, b.reports.text, ""));
	console_close(&b.console);
	say(&b);
	cr_assert(eq(str, b.reports.text, "stopping: x\n"));
	end(&b);
}

Test(console, reports_that_go_elsewhere_still_do)
{
	struct booth b;
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	cr_assert(eq(int, dup2(null, STDERR_FILENO), STDERR_FILENO));
	begin(&b);
	say(&b);
	cr_assert(eq(str, b.reports.text, "stopping: x\n"));
	SEES(&b, ">\n");
	end(&b);
	close(null);
}

Test(console, a_trace_shows_what_is_read_but_not_what_it_writes_itself)
{
	struct booth b;
	struct trace trace;
	struct err err;

	open_terminal(&b);
	trace_begin(&trace, &b.to);
	trace_add(&trace, &trace_text, NULL);
	open_conns(&b);
	cr_assert(eq(int, dup2(b.slave, STDERR_FILENO), STDERR_FILENO));
	cr_assert(eq(int, open_console(&b, &err), 0));
	type(&b, "one\r");
	TURN_UNTIL(&b.loop, b.typed[0]);
	for (int i = 0; i < 20; i++)
		turn_for_ms(&b.loop, 0);
	look(&b);
	cr_assert(lt(sz, b.t.count, 30));
	trace_end(&trace);
	end(&b);
}

Test(console, a_terminal_that_takes_nothing_loses_reports_and_stops_the_reading)
{
	static char much[CONN_QUEUE_MAX_BYTES + 1];
	struct booth b;
	struct err err;

	open_terminal(&b);
	open_conns(&b);
	cr_assert(eq(int, dup2(b.slave, STDERR_FILENO), STDERR_FILENO));
	cr_assert(eq(int, open_console(&b, &err), 0));
	memset(much, 'x', sizeof(much) - 1);
	while (console_print(&b.console, span_of(much)) == 0)
		;
	say(&b);
	cr_assert(eq(u64, b.to.dropped, 1));
	type(&b, "x");
	TURN_UNTIL(&b.loop, b.verdict == -1);
	console_close(&b.console);
	cr_assert(is_as_before(&b));
	end(&b);
}

/* ---- signals ---- */

struct told {
	struct booth *b;
	char name[20];
	bool as_before;
};

static void on_stop(void *arg, const char *name)
{
	struct told *told = arg;

	strcpy(told->name, name);
	told->as_before = is_as_before(told->b);
}

Test(console, an_interrupt_finds_the_terminal_as_it_was)
{
	struct booth b;
	struct told told = {.b = &b};
	struct signals signals = {.stop = on_stop, .arg = &told};
	struct err err;

	begin(&b);
	cr_assert(eq(int, signals_open(&signals, &b.loop, &err), 0));
	type(&b, "some\003thing\r");
	TURN_UNTIL(&b.loop, told.name[0]);
	cr_assert(eq(str, told.name, "SIGINT"));
	cr_assert(told.as_before);
	cr_assert(not(b.console.open));
	cr_assert(eq(str, b.typed, ""), "nothing behind it counts");
	SEES(&b, "");
	signals_close(&signals);
	end(&b);
}

Test(console, a_key_whose_signal_is_ignored_does_nothing)
{
	struct booth b;

	signal(SIGINT, SIG_IGN);
	signal(SIGTSTP, SIG_IGN);
	begin(&b);
	type(&b, "one\003\032two");
	SEES(&b, "> onetwo\n");
	end(&b);
}

/* ---- job control ---- */

/* A shell with one job, the console, in a process group of its own. It runs in a process of its
 * own, whose session the terminal controls. */
struct shell {
	struct booth b;
	pid_t job;
	int status;
	int verdict; /* where to tell what went wrong: assertions are the test process's own */
};

static void is_so(struct shell *s, bool condition, const char *what)
{
	if (condition)
		return;
	if (write(s->verdict, what, strlen(what)) < 0 || s->job <= 0)
		_exit(1);
	kill(s->job, SIGKILL);
	_exit(1);
}

#define IS_SO(s, condition) is_so((s), (condition), __FILE__ ": not so: " #condition)

static void run_job(struct booth *b)
{
	struct err err;

	open_conns(b);
	if (open_console(b, &err) < 0)
		_exit(3);
	b->closes = true;
	while (!b->typed[0])
		turn_for_ms(&b->loop, 5);
	_exit(is_as_before(b) ? 0 : 4);
}

static void to_front(struct shell *s, pid_t group)
{
	IS_SO(s, tcsetpgrp(s->b.slave, group) == 0);
}

static void start_job(struct shell *s, bool in_front)
{
	int go[2];
	char byte;

	open_terminal(&s->b);
	IS_SO(s, setsid() >= 0);
	IS_SO(s, ioctl(s->b.slave, TIOCSCTTY, 0) == 0);
	signal(SIGTTOU, SIG_IGN);
	IS_SO(s, pipe2(go, O_CLOEXEC) == 0);
	s->job = fork();
	if (s->job == 0) {
		signal(SIGTTOU, SIG_DFL);
		close(go[1]);
		if (read(go[0], &byte, 1) < 0)
			_exit(5);
		run_job(&s->b);
	}
	IS_SO(s, setpgid(s->job, s->job) == 0);
	if (in_front)
		to_front(s, s->job);
	close(go[0]);
	close(go[1]);
}

/* The shell sees this on the terminal. */
static void watch_for(struct shell *s, const char *wanted)
{
	int64_t until = clock_ms() + 5000;
	struct pollfd one = {.fd = s->b.master, .events = POLLIN};

	while (!shows(&s->b, wanted) && clock_ms() < until)
		poll(&one, 1, 20);
	if (!shows(&s->b, wanted))
		is_so(s, false, vt_text(&s->b.t));
}

static void job_stops(struct shell *s)
{
	IS_SO(s, waitpid(s->job, &s->status, WUNTRACED) == s->job);
	IS_SO(s, WIFSTOPPED(s->status));
	to_front(s, getpgrp());
}

/* Another process of the job, as in a pipeline. */
static pid_t join_job(struct shell *s)
{
	pid_t other = fork();

	if (other == 0) {
		setpgid(0, s->job);
		for (;;)
			pause();
	}
	IS_SO(s, setpgid(other, s->job) == 0);
	return other;
}

static void go_on(struct shell *s, bool in_front)
{
	if (in_front)
		to_front(s, s->job);
	kill(-s->job, SIGCONT);
}

static void job_ends(struct shell *s)
{
	IS_SO(s, waitpid(s->job, &s->status, 0) == s->job);
}

static void stops_with_a_key(struct shell *s)
{
	pid_t other;
	int status;

	start_job(s, true);
	other = join_job(s);
	watch_for(s, ">\n");
	IS_SO(s, is_in_character_mode(&s->b));
	type(&s->b, "half a line\032");
	job_stops(s);
	IS_SO(s, WSTOPSIG(s->status) == SIGTSTP);
	IS_SO(s, waitpid(other, &status, WUNTRACED) == other && WIFSTOPPED(status));
	IS_SO(s, is_as_before(&s->b));
	watch_for(s, "");
	vt_puts(&s->b.t, "$ fg\r\n");
	go_on(s, true);
	watch_for(s, "$ fg\n> half a line\n");
	IS_SO(s, is_in_character_mode(&s->b));
	type(&s->b, "!\r");
	job_ends(s);
	IS_SO(s, s->status == 0);
	kill(other, SIGKILL);
	watch_for(s, "$ fg\n> half a line!\n");
	IS_SO(s, is_as_before(&s->b));
}

static void stops_from_outside(struct shell *s)
{
	start_job(s, true);
	watch_for(s, ">\n");
	for (int i = 0; i < 2; i++) {
		kill(s->job, SIGTSTP);
		job_stops(s);
		IS_SO(s, is_as_before(&s->b));
		watch_for(s, "");
		go_on(s, true);
		watch_for(s, ">\n");
	}
	type(&s->b, "\r");
	job_ends(s);
	IS_SO(s, s->status == 0);
}

static void stops_without_being_asked(struct shell *s)
{
	start_job(s, true);
	watch_for(s, ">\n");
	type(&s->b, "more than one row of it");
	watch_for(s, "> more than one row\nof it\n");
	kill(s->job, SIGSTOP);
	job_stops(s);
	IS_SO(s, tcsetattr(s->b.slave, TCSANOW, &s->b.before) == 0);
	vt_puts(&s->b.t, "\r\n$ fg\r\n");
	go_on(s, true);
	watch_for(s, "> more than one row\nof it\n$ fg\n> more than one row\nof it\n");
	IS_SO(s, is_in_character_mode(&s->b));
	type(&s->b, "\r");
	job_ends(s);
	IS_SO(s, s->status == 0);
}

static void begins_in_the_background(struct shell *s)
{
	start_job(s, false);
	type(&s->b, "for the shell\n");
	job_stops(s);
	IS_SO(s, WSTOPSIG(s->status) == SIGTTIN); /* as any program that reads there */
	IS_SO(s, is_as_before(&s->b));
	tcflush(s->b.slave, TCIFLUSH);
	look(&s->b);
	vt_end(&s->b.t);
	vt_begin(&s->b.t, 20, 10);
	go_on(s, true);
	watch_for(s, ">\n");
	type(&s->b, "ok\r");
	job_ends(s);
	IS_SO(s, s->status == 0);
	watch_for(s, "> ok\n");
}

static void goes_on_in_the_background(struct shell *s)
{
	start_job(s, true);
	watch_for(s, ">\n");
	type(&s->b, "\032");
	job_stops(s);
	go_on(s, false);
	/* It is stopped again only when something comes to be read; by then it has gone on. */
	type(&s->b, "x\n");
	job_stops(s);
	IS_SO(s, WSTOPSIG(s->status) == SIGTTIN);
	IS_SO(s, is_as_before(&s->b));
	kill(s->job, SIGKILL);
	job_ends(s);
}

static void ends_by(struct shell *s, const char *key, int number)
{
	pid_t other;
	int status;

	start_job(s, true);
	other = join_job(s);
	watch_for(s, ">\n");
	type(&s->b, key);
	job_ends(s);
	IS_SO(s, WIFSIGNALED(s->status));
	IS_SO(s, WTERMSIG(s->status) == number);
	IS_SO(s, waitpid(other, &status, 0) == other && WIFSIGNALED(status));
	IS_SO(s, is_as_before(&s->b));
	watch_for(s, "");
}

static void ends_by_interrupt(struct shell *s)
{
	ends_by(s, "half\003", SIGINT);
}

static void ends_by_quit(struct shell *s)
{
	struct rlimit no_core = {0, 0};

	setrlimit(RLIMIT_CORE, &no_core);
	ends_by(s, "half\034", SIGQUIT);
}

/* In a process of its own: becoming the leader of a session cannot be taken back. */
static void in_a_session(void (*does)(struct shell *s))
{
	char wrong[1000] = "";
	int status = -1, ends[2];
	pid_t leader;

	cr_assert(eq(int, pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0));
	leader = fork();
	if (leader == 0) {
		static struct shell s;

		alarm(10);
		s.verdict = ends[1];
		does(&s);
		_exit(0);
	}
	close(ends[1]);
	cr_assert(eq(int, waitpid(leader, &status, 0), leader));
	if (read(ends[0], wrong, sizeof(wrong) - 1) > 0)
		cr_assert(eq(str, wrong, ""));
	cr_assert(eq(int, status, 0));
	close(ends[0]);
}

Test(console, a_key_stops_it_with_the_terminal_as_it_was_and_it_goes_on_where_it_was)
{
	in_a_session(stops_with_a_key);
}

Test(console, so_does_the_signal_from_outside_each_time)
{
	in_a_session(stops_from_outside);
}

Test(console, after_a_stop_without_warning_the_terminal_is_taken_again)
{
	in_a_session(stops_without_being_asked);
}

Test(console, begun_in_the_background_it_leaves_the_terminal_alone_until_it_is_in_front)
{
	in_a_session(begins_in_the_background);
}

Test(console, going_on_in_the_background_it_leaves_the_terminal_alone)
{
	in_a_session(goes_on_in_the_background);
}

Test(console, interrupt_and_quit_end_it_as_they_end_any_program)
{
	in_a_session(ends_by_interrupt);
	in_a_session(ends_by_quit);
}
