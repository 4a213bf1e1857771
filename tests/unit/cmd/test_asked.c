#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "peer.h"
#include "script.h"
#include "words.h"

/* What a run does with a signal that comes before there is a connection, or a server: it waits
 * already when the run begins. */
TestSuite(asked, .timeout = 20);

static struct outcome o;
static struct lines kept;

static void hold_back(int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void run_after(int number, const char *const *words)
{
	struct reporter to = lines_reporter(&kept);

	to.level = LEVEL_READY;
	hold_back(number);
	raise(number);
	run_with(words, "", &to, &o);
}

static void tells(const char *what)
{
	cr_expect(strstr(kept.text, what) != NULL, "%s", kept.text);
}

Test(asked, a_client_tells_that_it_connects)
{
	struct full_listener full;
	char port[8];

	full_listener_open(&full);
	snprintf(port, sizeof(port), "%u", full.port);
	run_after(SIGUSR1, WORDS("connect", "-w", "10ms", "127.0.0.1", port));
	cr_assert(eq(int, (int)o.err.kind, ERR_TIMEOUT), "%s", o.err.what);
	tells(": connecting, for ");
	full_listener_close(&full);
}

Test(asked, a_client_tells_that_it_looks_a_name_up)
{
	run_after(SIGUSR1, WORDS("connect", "-w", "5ms", "after30ms.127.0.0.1", "9"));
	cr_assert(eq(int, (int)o.err.kind, ERR_TIMEOUT), "%s", o.err.what);
	tells(": looking up its name, for ");
}

/* It is asked again and again: at first it connects. */
Test(asked, a_client_tells_that_it_waits_to_try_again)
{
	const struct itimerspec often = {{0, 5000000}, {0, 5000000}};
	struct sigevent asks = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	timer_t timer;

	hold_back(SIGUSR1);
	cr_assert(eq(int, timer_create(CLOCK_MONOTONIC, &asks, &timer), 0));
	cr_assert(eq(int, timer_settime(timer, 0, &often, NULL), 0));
	run_after(SIGUSR1, WORDS("connect", "--retry-for", "50ms", "unix:/nowhere/at/all"));
	timer_delete(timer);
	cr_assert(eq(int, o.rc, -1));
	tells(": waiting to try again, for ");
}

Test(asked, a_scan_tells_its_ports_so_far)
{
	struct full_listener full;
	char ports[20];

	full_listener_open(&full);
	snprintf(ports, sizeof(ports), "%u-%u", full.port, full.port);
	run_after(SIGUSR1, WORDS("connect", "-z", "-w", "10ms", "127.0.0.1", ports));
	cr_assert(eq(int, o.rc, -1));
	tells("ports so far: 0 open, 0 refused, 0 silent");
	full_listener_close(&full);
}

Test(asked, a_server_tells_that_it_does_not_listen_yet)
{
	run_after(SIGUSR1, WORDS("serve", "-m", "echo", "-H", "after20ms.127.0.0.1", "-p", "0",
				   "--max-time", "5ms"));
	tells("not listening yet, for ");
}

Test(asked, a_server_that_is_told_to_stop_before_it_listens_stops)
{
	run_after(SIGTERM, WORDS("serve", "-m", "echo", "-H", "after20ms.127.0.0.1", "-p", "0"));
	cr_assert(eq(int, o.rc, 0), "%s", o.err.what);
	cr_assert(eq(ptr, strstr(kept.text, "listening on"), NULL), "%s", kept.text);
}
