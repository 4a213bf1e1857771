#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "os/inherited.h"
#include "peer.h"
#include "script.h"

TestSuite(inherited, .timeout = 20);

/* What is found where our parent has set these; NULL: it has not. */
static int count_of(const char *pid, const char *count, struct err *err)
{
	int found;

	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	if (pid)
		setenv("LISTEN_PID", pid, 1);
	if (count)
		setenv("LISTEN_FDS", count, 1);
	setenv("LISTEN_FDNAMES", "a", 1);
	found = inherited_count(err);
	cr_expect(eq(ptr, getenv("LISTEN_PID"), NULL), "it is not for others");
	cr_expect(eq(ptr, getenv("LISTEN_FDS"), NULL));
	cr_expect(eq(ptr, getenv("LISTEN_FDNAMES"), NULL));
	return found;
}

Test(inherited, they_are_counted_if_they_are_for_this_process)
{
	struct err err = {0};
	char own[20], others[20];

	snprintf(own, sizeof(own), "%d", getpid());
	snprintf(others, sizeof(others), "%d", getppid());
	cr_assert(eq(int, count_of(own, "3", &err), 3));
	cr_assert(eq(int, count_of(own, "0", &err), 0));
	cr_assert(eq(int, count_of(own, NULL, &err), 0));
	cr_assert(eq(int, count_of(NULL, "3", &err), 0));
	cr_assert(eq(int, count_of("", "3", &err), 0));
	cr_assert(eq(int, count_of("x", "3", &err), 0));
	cr_assert(eq(int, count_of(others, "3", &err), 0));
	cr_assert(eq(int, count_of(others, "many", &err), 0));
}

Test(inherited, a_count_that_is_no_number_is_an_error)
{
	static const char *const typed[] = {"", "many", "-1", "3x", "2147483647", "99999999999"};
	char own[20];

	snprintf(own, sizeof(own), "%d", getpid());
	for (size_t i = 0; i < sizeof(typed) / sizeof(typed[0]); i++) {
		struct err err = {0};

		cr_expect(eq(int, count_of(own, typed[i], &err), -1), "'%s'", typed[i]);
		cr_expect(eq(int, err.kind, ERR_USAGE));
		cr_expect(strstr(err.what, "LISTEN_FDS is") != NULL, "%s", err.what);
	}
}

Test(inherited, what_each_is_can_be_told)
{
	struct reporter to = silent_reporter();
	struct addr at;
	int listening = bound_socket(AF_INET, 10, &at), ends[2];
	int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct inherited i = inherited_take(&to, listening);

	cr_assert(eq(int, i.type, SOCK_STREAM));
	cr_assert(eq(int, i.listens, true));
	cr_assert(eq(int, i.connected, false));
	cr_assert(addr_equal(&i.at, &at));
	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0));
	i = inherited_take(&to, ends[0]);
	cr_assert(eq(int, i.type, SOCK_DGRAM));
	cr_assert(eq(int, i.listens, false));
	cr_assert(eq(int, i.connected, true));
	cr_assert(ne(int, fcntl(ends[0], F_GETFD) & FD_CLOEXEC, 0),
		"no program that we start gets it");
	cr_assert(ne(int, fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0), "calls on it never wait");
	cr_assert(eq(int, inherited_take(&to, file).type, -1));
	close(file);
	cr_assert(eq(int, inherited_take(&to, file).type, -1));
	close(listening);
	close(ends[0]);
	close(ends[1]);
}
