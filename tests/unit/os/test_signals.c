#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "os/signals.h"
#include "peer.h"
#include "script.h"

TestSuite(signals, .timeout = 20);

struct stopper {
	struct loop loop;
	struct signals signals;
	unsigned times, asked;
	const char *name;
};

static void on_stop(void *arg, const char *name)
{
	struct stopper *s = arg;

	s->times++;
	s->name = name;
}

static void begin(struct stopper *s)
{
	struct err err;

	*s = (struct stopper){.signals = {.stop = on_stop, .arg = s, .watch.fd = -1}};
	cr_assert(eq(int, loop_init(&s->loop, &err), 0));
	cr_assert(eq(int, signals_open(&s->signals, &s->loop, &err), 0));
}

static void end(struct stopper *s)
{
	signals_close(&s->signals);
	signals_close(&s->signals);
	loop_free(&s->loop);
}

Test(signals, each_that_stops_us_is_reported_by_its_name_from_the_loop)
{
	static const struct {
		int number;
		const char *name;
	} all[] = {{SIGINT, "SIGINT"}, {SIGTERM, "SIGTERM"}, {SIGHUP, "SIGHUP"}};

	for (size_t i = 0; i < 3; i++) {
		struct stopper s;

		begin(&s);
		raise(all[i].number);
		cr_assert(eq(uint, s.times, 0));
		turn_for_ms(&s.loop, 0);
		cr_assert(eq(uint, s.times, 1));
		cr_assert(eq(str, (char *)s.name, (char *)all[i].name));
		end(&s);
	}
}

Test(signals, one_that_our_parent_had_ignored_stays_ignored)
{
	struct stopper s;

	signal(SIGHUP, SIG_IGN);
	begin(&s);
	raise(SIGHUP);
	turn_for_ms(&s.loop, 0);
	cr_assert(eq(uint, s.times, 0));
	raise(SIGTERM);
	turn_for_ms(&s.loop, 0);
	cr_assert(eq(uint, s.times, 1));
	end(&s);
}

/* Which signal ends a child that does so. */
static int signal_that_ends(void (*does)(struct stopper *s))
{
	struct stopper s;
	int status = -1;
	pid_t child;

	child = fork();
	if (child == 0) {
		begin(&s);
		does(&s);
		_exit(0);
	}
	cr_assert(eq(int, waitpid(child, &status, 0), child));
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void gets_two(struct stopper *s)
{
	raise(SIGTERM);
	turn_for_ms(&s->loop, 0);
	raise(SIGINT);
}

Test(signals, a_second_one_ends_the_process_as_it_would_have_without_us)
{
	cr_assert(eq(int, signal_that_ends(gets_two), SIGINT));
}

static void closes_and_gets_one(struct stopper *s)
{
	signals_close(&s->signals);
	raise(SIGTERM);
}

Test(signals, once_closed_they_have_their_usual_effect_again)
{
	cr_assert(eq(int, signal_that_ends(closes_and_gets_one), SIGTERM));
}

Test(signals, leave_no_descriptor_open)
{
	unsigned before = open_descriptors();
	struct stopper s;

	begin(&s);
	end(&s);
	cr_assert(eq(uint, open_descriptors(), before));
}

Test(signals, that_cannot_be_watched_have_their_usual_effect)
{
	struct stopper s = {.signals = {.stop = on_stop, .watch.fd = -1}};
	struct rlimit before;
	struct err err = {0};
	sigset_t blocked;

	cr_assert(eq(int, loop_init(&s.loop, &err), 0));
	before = allow_no_more_descriptors();
	cr_expect(eq(int, signals_open(&s.signals, &s.loop, &err), -1));
	setrlimit(RLIMIT_NOFILE, &before);
	cr_assert(eq(int, err.sys, EMFILE), "%s", err.what);
	signals_close(&s.signals);
	cr_assert(eq(int, sigprocmask(SIG_BLOCK, NULL, &blocked), 0));
	cr_assert(eq(int, sigismember(&blocked, SIGTERM), 0));
	loop_free(&s.loop);
}

static void on_asked(void *arg)
{
	struct stopper *s = arg;

	s->asked++;
}

Test(signals, sigusr1_asks_by_the_same_descriptor_and_stops_nothing)
{
	struct stopper s;
	struct err err;

	s = (struct stopper){
		.signals = {.stop = on_stop, .asked = on_asked, .arg = &s, .watch.fd = -1}};
	cr_assert(eq(int, loop_init(&s.loop, &err), 0));
	cr_assert(eq(int, signals_open(&s.signals, &s.loop, &err), 0));
	for (unsigned i = 1; i <= 2; i++) {
		raise(SIGUSR1);
		turn_for_ms(&s.loop, 0);
		cr_assert(eq(uint, s.asked, i));
	}
	raise(SIGTERM);
	turn_for_ms(&s.loop, 0);
	cr_assert(eq(uint, s.times, 1));
	raise(SIGUSR1); /* while it stops, and at the very end: it does not kill */
	turn_for_ms(&s.loop, 0);
	cr_assert(eq(uint, s.asked, 3));
	end(&s);
	raise(SIGUSR1);
}
