#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "script.h"
#include "words.h"

/*
 * Each allocation that a command makes fails in turn. It may do without; if not, it says that
 * memory is out. Either way it ends, and leaves nothing (tests/unit/leaks.c): status 0 is for those
 * that printed everything.
 */

TestSuite(lacks, .timeout = 20);

enum { ALLOCATIONS_MAX = 400 };

/* said: what it prints when it succeeds; NULL: something that is not always the same. */
static void each_fails(const char *const *words, const char *input, const char *said)
{
	unsigned failing = 0, failures = 0;
	static struct outcome o;

	do {
		run_failing(words, input, ++failing, &o);
		failures += o.rc < 0;
		if (o.rc < 0 && o.all_there)
			cr_fatal("with all memory: %s", o.err.what);
		if (o.rc < 0)
			cr_expect(eq(int, o.err.kind, ERR_RUNTIME), "allocation %u: %s", failing,
				o.err.what);
		if (o.rc < 0)
			cr_expect(strstr(o.err.what, "memory") != NULL, "allocation %u: %s",
				failing, o.err.what);
		if (o.rc == 0 && said)
			cr_expect(eq(str, o.said, (char *)said), "allocation %u", failing);
	} while (!o.all_there && failing < ALLOCATIONS_MAX);
	cr_expect(o.all_there, "it allocates without end");
	cr_expect(gt(uint, failures, 0));
}

/* ---- clients ---- */

struct served {
	pid_t server;
	char port[8];
};

/* A server in a process of its own. */
static struct served serve_with(const char *mode, const char *option)
{
	struct served s = {0};
	char ready[12], line[64] = "";
	int ends[2];

	cr_assert(eq(int, pipe(ends), 0));
	s.server = fork();
	if (s.server == 0) {
		const char *words[] = {"serve", "-m", mode, option, "-H", "127.0.0.1", "-p", "0",
			"--ready", ready, NULL};
		struct reporter to = silent_reporter();
		static struct outcome o;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		snprintf(ready, sizeof(ready), "%d", ends[1]);
		run_words(words, &to, &o);
		_exit(1);
	}
	close(ends[1]);
	cr_assert(gt(long, read(ends[0], line, sizeof(line) - 1), 0));
	close(ends[0]);
	cr_assert(eq(int, sscanf(line, "127.0.0.1 %7[0-9]", s.port), 1), "%s", line);
	return s;
}

static struct served serve(const char *mode)
{
	return serve_with(mode, "-k");
}

static void end_server(const struct served *s)
{
	kill(s->server, SIGKILL);
	waitpid(s->server, NULL, 0);
}

Test(lacks, connect_without_memory)
{
	const struct served s = serve("echo");

	each_fails(WORDS("connect", "-N", "127.0.0.1", s.port), "hello", "hello");
	end_server(&s);
}

Test(lacks, connect_at_a_pace_until_a_text_comes)
{
	const struct served s = serve("echo");

	each_fails(WORDS("connect", "--delay", "0", "--rate", "1M", "--expect", "two", "127.0.0.1",
			   s.port),
		"one\ntwo", "one\ntwo");
	end_server(&s);
}

Test(lacks, connect_with_other_line_ends)
{
	const struct served s = serve("echo");

	each_fails(WORDS("connect", "-N", "--crlf", "127.0.0.1", s.port), "one\ntwo\n",
		"one\r\ntwo\r\n");
	end_server(&s);
}

Test(lacks, connect_to_chat)
{
	const struct served s = serve("echo");

	each_fails(WORDS("connect", "-m", "chat", "127.0.0.1", s.port), "hello\n", NULL);
	end_server(&s);
}

Test(lacks, connect_to_see_whether_one_is_there)
{
	const struct served s = serve("echo");

	each_fails(WORDS("connect", "-z", "127.0.0.1", s.port), "", "");
	end_server(&s);
}

Test(lacks, a_scan)
{
	const struct served s = serve("echo");
	char ports[20], said[20];

	snprintf(ports, sizeof(ports), "%s-%s", s.port, s.port);
	snprintf(said, sizeof(said), "%s\n", s.port);
	each_fails(WORDS("connect", "-z", "127.0.0.1", ports), "", said);
	end_server(&s);
}

Test(lacks, echo)
{
	const struct served s = serve("echo");

	each_fails(WORDS("echo", "-p", s.port, "-H", "127.0.0.1", "hello"), "", "hello\n");
	each_fails(WORDS("echo", "-p", s.port, "-H", "127.0.0.1"), "hello\n", "hello\n");
	end_server(&s);
}

Test(lacks, echo_measured_over_two_connections)
{
	const struct served s = serve("echo");

	each_fails(WORDS("echo", "-p", s.port, "-H", "127.0.0.1", "--count", "4", "--connections",
			   "2", "--interval", "0"),
		"", NULL);
	end_server(&s);
}

Test(lacks, a_probe_by_a_datagram)
{
	const struct served s = serve_with("echo", "-u");

	each_fails(WORDS("connect", "-z", "-u", "--probe", "x", "127.0.0.1", s.port), "", "");
	end_server(&s);
}

Test(lacks, greet)
{
	const struct served s = serve("greet");

	each_fails(WORDS("greet", "-p", s.port, "-H", "127.0.0.1", "Ann"), "", "welcome Ann\n");
	end_server(&s);
}

Test(lacks, analyze)
{
	const struct served s = serve("analyze");

	each_fails(WORDS("analyze", "-p", s.port, "-H", "127.0.0.1"), "To be", NULL);
	end_server(&s);
}

/* ---- servers ---- */

static void serves_in(const char *mode)
{
	each_fails(WORDS("serve", "-m", mode, "-H", "127.0.0.1", "-p", "0", "--max-time", "1ms"),
		"", NULL);
}

Test(lacks, serve_pipe)
{
	serves_in("pipe");
}

Test(lacks, serve_chat)
{
	serves_in("chat");
}

Test(lacks, serve_analyze)
{
	serves_in("analyze");
}

Test(lacks, serve_after_a_look_up)
{
	each_fails(
		WORDS("serve", "-m", "greet", "-H", "localhost", "-p", "0", "--max-time", "50ms"),
		"", NULL);
}

Test(lacks, serve_that_tells_when_it_is_ready)
{
	char place[] = "/tmp/sockx-unit-XXXXXX";
	int fd = mkstemp(place);

	cr_assert(ge(int, fd, 0));
	close(fd);
	setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
	each_fails(WORDS("serve", "-m", "echo", "-H", "127.0.0.1", "-p", "0", "--max-time", "1ms",
			   "--ready", place),
		"", "");
	cr_expect(eq(int, unlink(place), -1), "it goes with the server");
}

Test(lacks, help)
{
	each_fails(WORDS("help"), "", NULL);
}
