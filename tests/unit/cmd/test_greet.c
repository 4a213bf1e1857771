#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "peer.h"
#include "script.h"
#include "words.h"

TestSuite(cmd_greet, .timeout = 20);

static bool get(int fd, const char *text)
{
	char got[20] = "";

	return read(fd, got, sizeof(got) - 1) > 0 && strcmp(got, text) == 0;
}

/* A server that goes on with its greeting once the first part of it has been put out. Returns an
 * exit status. */
static int greet_in_two_parts(int listener, int put_out)
{
	int client = accept(listener, NULL, NULL);

	alarm(10);
	if (write(client, "wel", 3) != 3 || !get(put_out, "wel"))
		return 1;
	return write(client, "come\n", 5) == 5 ? 0 : 2;
}

Test(cmd_greet, what_comes_of_a_line_is_put_out_when_no_more_comes_for_a_while)
{
	struct reporter to = silent_reporter();
	static struct outcome o;
	struct addr at;
	int server = bound_socket(AF_INET, 1, &at), own = dup(STDOUT_FILENO), out[2], status;
	char port[8];
	pid_t pid;

	snprintf(port, sizeof(port), "%u", addr_port(&at));
	cr_assert(eq(int, pipe2(out, O_CLOEXEC), 0));
	pid = fork();
	if (pid == 0)
		_exit(greet_in_two_parts(server, out[0]));
	cr_assert(eq(int, dup2(out[1], STDOUT_FILENO), STDOUT_FILENO));
	run_words(WORDS("greet", "-H", "127.0.0.1", "-p", port), &to, &o);
	cr_assert(eq(int, dup2(own, STDOUT_FILENO), STDOUT_FILENO));
	cr_assert(eq(int, o.rc, 0), "%s", o.err.what);
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	cr_assert(eq(int, status, 0));
	cr_assert(get(out[0], "come\n"));
	close(own);
	close(server);
	close(out[0]);
	close(out[1]);
}
