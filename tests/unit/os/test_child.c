#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "directory.h"
#include "os/child.h"
#include "os/process.h"
#include "peer.h"
#include "sanitized.h"
#include "script.h"

TestSuite(child, .timeout = 30);

/* A line of the shell as a child, and what it writes. */
struct nursery {
	struct loop loop;
	struct origin origin;
	struct program program;
	struct child child;
	unsigned ended;
	int out; /* we read it */
	char said[4096];
};

static void on_ended(struct child *c)
{
	container_of(c, struct nursery, child)->ended++;
}

static void begin(struct nursery *n)
{
	struct err err;

	*n = (struct nursery){.child.ended = on_ended};
	cr_assert(eq(int, loop_init(&n->loop, &err), 0));
	sys_note_origin(&n->origin);
}

static int start(
	struct nursery *n, const char *const *words, size_t count, bool leads, struct err *err)
{
	struct child_conf conf = {.program = &n->program, .leads = leads, .origin = &n->origin};
	int ends[2], rc;

	cr_assert(eq(int, program_find(&n->program, words, count, err), 0), "%s", err->what);
	cr_assert(eq(int, pipe2(ends, O_CLOEXEC), 0));
	conf.standard[0] = conf.standard[1] = conf.standard[2] = ends[1];
	rc = child_start(&n->child, &n->loop, &conf, err);
	close(ends[1]);
	n->out = ends[0];
	return rc;
}

static void start_line(struct nursery *n, const char *line, bool leads)
{
	const char *words[] = {"sh", "-c", line};
	struct err err = {0};

	cr_assert(eq(int, start(n, words, 3, leads, &err), 0), "%s", err.what);
}

static void await_end(struct nursery *n)
{
	while (!n->ended)
		turn_for_ms(&n->loop, 10);
	cr_assert(eq(uint, n->ended, 1));
	cr_assert(eq(int, n->child.pid, 0));
	cr_assert(eq(int, waitpid(-1, NULL, WNOHANG), -1), "no zombie is left");
}

/* All that it writes, to its end. */
static const char *hear(struct nursery *n)
{
	size_t len = 0;
	ssize_t got;

	while ((got = read(n->out, n->said + len, sizeof(n->said) - 1 - len)) > 0)
		len += (size_t)got;
	n->said[len] = '\0';
	return n->said;
}

static void hear_line(struct nursery *n)
{
	cr_assert(gt(int, (int)read(n->out, n->said, sizeof(n->said) - 1), 0));
}

static void end(struct nursery *n)
{
	child_free(&n->child);
	program_free(&n->program);
	close(n->out);
	loop_free(&n->loop);
}

static void says(const char *line, const char *expected)
{
	struct nursery n;

	begin(&n);
	start_line(&n, line, true);
	await_end(&n);
	cr_assert(eq(str, (char *)hear(&n), (char *)expected));
	cr_assert(eq(int, n.child.status, 0));
	end(&n);
}

Test(child, runs_and_is_collected)
{
	says("echo out; echo err >&2", "out\nerr\n");
}

Test(child, its_end_is_an_exit_status_or_a_signal)
{
	struct nursery n;

	begin(&n);
	start_line(&n, "exit 3", true);
	await_end(&n);
	cr_assert(eq(int, WEXITSTATUS(n.child.status), 3));
	end(&n);
	begin(&n);
	start_line(&n, "kill -9 $$", true);
	await_end(&n);
	cr_assert(eq(int, WTERMSIG(n.child.status), SIGKILL));
	end(&n);
}

Test(child, has_three_descriptors_and_no_other)
{
	int inherited = open("/dev/null", O_RDONLY); /* not close-on-exec */

	cr_assert(ge(int, inherited, 3));
	says("cd /proc/self/fd; for fd in *; do [ -e /proc/$$/fd/$fd ] && printf '%s ' $fd; done; "
	     "true",
		"0 1 2 ");
	close(inherited);
}

/* The signals that a line of a program's /proc/self/status names. */
static unsigned long long signals_of(struct nursery *n, const char *name)
{
	char script[40];
	const char *words[] = {"sed", "-n", script, "/proc/self/status"};
	struct err err = {0};

	snprintf(script, sizeof(script), "s/^%s:[^0-9a-f]*//p", name);
	cr_assert(eq(int, start(n, words, 4, true, &err), 0), "%s", err.what);
	await_end(n);
	return strtoull(hear(n), NULL, 16);
}

static unsigned long long bit(int number)
{
	return 1ULL << (number - 1);
}

static void block(int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

Test(child, has_no_signal_blocked_that_we_block)
{
	struct nursery n;

	begin(&n);
	block(SIGTERM);
	cr_assert(eq(u64, signals_of(&n, "SigBlk") & bit(SIGTERM), 0));
	end(&n);
	block(SIGUSR2);
	begin(&n); /* blocked from the start */
	cr_assert(eq(u64, signals_of(&n, "SigBlk") & bit(SIGUSR2), bit(SIGUSR2)));
	end(&n);
}

Test(child, ignores_no_signal_that_we_ignore)
{
	struct nursery n;

	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	signal(SIGUSR1, SIG_IGN);
	begin(&n);
	process_begin(&n.origin);
	cr_assert(eq(u64, signals_of(&n, "SigIgn") & (bit(SIGPIPE) | bit(SIGXFSZ) | bit(SIGUSR1)),
		bit(SIGUSR1)));
	end(&n);
}

Test(child, ignores_what_was_ignored_when_we_were_started)
{
	struct nursery n;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	begin(&n);
	process_begin(&n.origin);
	cr_assert(eq(u64, signals_of(&n, "SigIgn") & (bit(SIGPIPE) | bit(SIGCHLD)),
		bit(SIGPIPE) | bit(SIGCHLD)));
	end(&n);
}

Test(child, gets_the_limit_of_descriptors_that_we_were_started_with)
{
	struct rlimit limit;
	struct nursery n;

	begin(&n);
	limit = n.origin.nofile;
	n.origin.nofile.rlim_cur = 77;
	start_line(&n, "ulimit -n", true);
	await_end(&n);
	cr_assert(eq(str, (char *)hear(&n), "77\n"));
	cr_assert(eq(int, getrlimit(RLIMIT_NOFILE, &limit), 0));
	cr_assert(ne(u64, limit.rlim_cur, 77), "ours is as it was");
	end(&n);
}

Test(child, leads_a_group_of_its_own_or_stays_in_ours)
{
	struct nursery n;

	begin(&n);
	start_line(&n, "echo on; exec sleep 100", true);
	hear_line(&n);
	cr_assert(eq(int, getpgid(n.child.pid), n.child.pid));
	child_hang_up(&n.child);
	await_end(&n);
	end(&n);
	begin(&n);
	start_line(&n, "exec sleep 100", false);
	cr_assert(eq(int, getpgid(n.child.pid), getpgid(0)));
	child_hang_up(&n.child);
	await_end(&n);
	cr_assert(eq(int, WTERMSIG(n.child.status), SIGHUP));
	end(&n);
}

/* How to start a program that nothing is read of. */
static struct child_conf conf_of(struct nursery *n)
{
	const struct child_conf conf = {.program = &n->program,
		.standard = {n->loop.epoll, n->loop.epoll, n->loop.epoll},
		.origin = &n->origin};
	const char *words[] = {"sh"};
	struct err err = {0};

	cr_assert(eq(int, program_find(&n->program, words, 1, &err), 0));
	n->out = -1;
	return conf;
}

/* Start a program that is gone by then, with EDOM in errno. */
static void start_gone(struct nursery *n)
{
	const struct child_conf conf = conf_of(n);
	struct err err = {0};

	memcpy(n->program.path, "/x", 3);
	errno = EDOM;
	cr_assert(eq(int, child_start(&n->child, &n->loop, &conf, &err), 0));
}

Test(child, what_cannot_be_executed_ends_with_the_reason)
{
	struct err err = {0};
	struct nursery n;
	unsigned open;

	begin(&n);
	open = open_descriptors();
	start_gone(&n);
	errno = 0;
	await_end(&n);
	cr_assert(eq(int, n.child.error, ENOENT));
	cr_assert(eq(int, WEXITSTATUS(n.child.status), 127));
	child_cannot_start(&n.program, n.child.error, &err);
	cr_assert(eq(str, err.what, "cannot start 'sh': No such file or directory"));
	cr_assert(eq(int, (int)err.kind, ERR_RUNTIME));
	cr_assert(eq(uint, open_descriptors(), open));
	end(&n);
}

/* A start that fails: nothing is left of it, and the child is collected. */
static struct err is_not_started(struct nursery *n, const struct child_conf *conf)
{
	struct err err = {0};
	unsigned open = open_descriptors();

	cr_assert(eq(int, child_start(&n->child, &n->loop, conf, &err), -1));
	cr_assert(eq(int, n->child.pid, 0));
	cr_assert(eq(ptr, n->child.launch, NULL));
	cr_assert(eq(int, waitpid(-1, NULL, WNOHANG), -1), "no zombie is left");
	cr_assert(eq(uint, open_descriptors(), open));
	cr_assert(eq(int, (int)err.kind, ERR_RUNTIME));
	return err;
}

Test(child, each_allocation_to_start_it_may_fail)
{
	bool reached = true;
	unsigned nth = 1;

	for (; reached; nth++) {
		struct nursery n;
		struct child_conf conf;
		struct err err = {0};
		int rc;

		begin(&n);
		conf = conf_of(&n);
		fail_allocation(nth);
		rc = child_start(&n.child, &n.loop, &conf, &err);
		reached = fail_allocation(0);
		cr_assert(eq(int, rc, reached ? -1 : 0), "allocation %u", nth);
		if (reached)
			cr_assert(eq(str, err.what, "cannot start 'sh': Cannot allocate memory"));
		else
			await_end(&n);
		end(&n);
	}
	cr_assert(gt(uint, nth, 2));
}

Test(child, one_whose_end_cannot_be_watched_is_killed)
{
	struct nursery n;
	struct child_conf conf;
	struct err err;
	int epoll;

	begin(&n);
	conf = conf_of(&n);
	epoll = n.loop.epoll;
	n.loop.epoll = open("/dev/null", O_RDONLY | O_CLOEXEC);
	err = is_not_started(&n, &conf);
	close(n.loop.epoll);
	n.loop.epoll = epoll;
	cr_assert(eq(int, err.sys, EINVAL), "%s", err.what);
	end(&n);
}

Test(child, a_descriptor_that_it_cannot_have_is_why_it_ends)
{
	struct nursery n;
	struct child_conf conf;
	struct err err = {0};

	begin(&n);
	conf = conf_of(&n);
	conf.standard[1] = 4000;
	cr_assert(eq(int, child_start(&n.child, &n.loop, &conf, &err), 0));
	await_end(&n);
	cr_assert(eq(int, n.child.error, EBADF));
	end(&n);
}

Test(child, where_no_more_processes_are_allowed_the_hint_says_where_to_look)
{
	struct nursery n;
	struct err err = {0};

	begin(&n);
	conf_of(&n);
	cr_assert(eq(int, child_cannot_start(&n.program, EAGAIN, &err), -1));
	cr_assert(eq(str, err.hint, "no more processes are allowed: see 'ulimit -u'"));
	end(&n);
}

/* The child has our memory until it is the program, but not our errno. */
Test(child, that_cannot_become_the_program_leaves_our_errno_alone)
{
	struct nursery n;

	begin(&n);
	start_gone(&n);
	while (!sys_launch_is_over(n.child.launch))
		sched_yield();
	cr_assert(eq(int, errno, EDOM));
	await_end(&n);
	end(&n);
}

Test(child, what_its_start_needed_can_be_freed_once_it_is_the_program)
{
	struct nursery n;

	begin(&n);
	start_line(&n, "echo on; exec sleep 100", true);
	hear_line(&n);
	cr_assert(child_settle(&n.child));
	cr_assert(eq(ptr, n.child.launch, NULL));
	cr_assert(child_settle(&n.child));
	child_hang_up(&n.child);
	await_end(&n);
	cr_assert(eq(int, WTERMSIG(n.child.status), SIGHUP));
	end(&n);
}

/* Hung up before it may have made its group, say. */
Test(child, can_be_hung_up_and_let_go_as_soon_as_it_is_started)
{
	struct nursery n;

	for (int i = 0; i < 50; i++) {
		begin(&n);
		start_line(&n, "sleep 100", true);
		child_hang_up(&n.child);
		if (i % 2)
			await_end(&n);
		end(&n);
		while (waitpid(-1, NULL, 0) > 0)
			;
	}
}

Test(child, a_script_without_a_first_line_is_run_by_the_shell)
{
	const char *words[] = {"./script", "two words"};
	struct err err = {0};
	struct nursery n;
	int fd;

	directory_enter();
	fd = open("script", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	cr_assert(eq(int, (int)write(fd, "echo \"$0 $1\"\n", 13), 13));
	close(fd);
	begin(&n);
	cr_assert(eq(int, start(&n, words, 2, true, &err), 0), "%s", err.what);
	await_end(&n);
	cr_assert(eq(str, (char *)hear(&n), "./script two words\n"));
	end(&n);
	unlink("script");
	directory_leave();
}

/* One that ignores SIGHUP, and its children, which do so, too. */
Test(child, a_hang_up_ends_the_whole_group_at_last)
{
	struct nursery n;
	int64_t began_ms;

	begin(&n);
	start_line(&n, "trap '' HUP; sleep 100 & echo on; wait", true);
	hear_line(&n);
	began_ms = n.loop.now_ms;
	child_hang_up(&n.child);
	await_end(&n);
	cr_assert(ge(i64, n.loop.now_ms - began_ms, CHILD_GRACE_MS));
	cr_assert(eq(int, WTERMSIG(n.child.status), SIGKILL));
	hear(&n); /* its sleep has ended, too */
	end(&n);
}

Test(child, what_is_left_of_a_group_ends_with_its_leader)
{
	struct nursery n;

	begin(&n);
	start_line(&n, "(trap '' HUP; echo on; sleep 100) & wait", true);
	hear_line(&n);
	child_hang_up(&n.child);
	await_end(&n);
	cr_assert(eq(int, WTERMSIG(n.child.status), SIGHUP));
	hear(&n);
	end(&n);
}

Test(child, a_stopped_one_hears_of_the_hang_up)
{
	struct nursery n;
	int status;

	begin(&n);
	start_line(&n, "trap 'echo bye; exit 0' HUP; echo on; kill -STOP $$; sleep 100", true);
	hear_line(&n);
	while (waitpid(n.child.pid, &status, WUNTRACED) < 0)
		;
	child_hang_up(&n.child);
	await_end(&n);
	cr_assert(eq(str, (char *)hear(&n), "bye\n"));
	end(&n);
}

Test(child, background_children_of_one_that_ended_by_itself_are_left_alone)
{
	struct nursery n;

	begin(&n);
	start_line(&n, "(sleep 0.2; echo late) & exit 0", true);
	await_end(&n);
	cr_assert(eq(str, (char *)hear(&n), "late\n"));
	end(&n);
}
