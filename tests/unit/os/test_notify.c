#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "directory.h"
#include "os/notify.h"
#include "os/timer.h"
#include "script.h"

TestSuite(notify, .timeout = 20, .init = directory_enter, .fini = directory_leave);

/* Someone who tells a service manager, which is the test. */
struct teller {
	struct loop loop;
	struct lines lines;
	struct reporter to;
	struct notify notify;
};

static void begin(struct teller *t, const char *manager)
{
	struct err err;

	cr_assert(eq(int, loop_init(&t->loop, &err), 0));
	t->to = lines_reporter(&t->lines);
	if (manager)
		setenv("NOTIFY_SOCKET", manager, 1);
	else
		unsetenv("NOTIFY_SOCKET");
	cr_assert(eq(int, notify_begin(&t->notify, &t->to, &t->loop), 0));
}

static void end(struct teller *t)
{
	notify_end(&t->notify);
	notify_end(&t->notify);
	cr_assert(eq(u32, t->loop.timers_counted, 0));
	loop_free(&t->loop);
}

static void pass_ms(struct teller *t, int64_t ms)
{
	t->loop.now_ms += ms;
	timers_run(&t->loop);
}

/* The next state that came, or "". */
static const char *heard(int fd)
{
	static char state[40];
	ssize_t n = recv(fd, state, sizeof(state) - 1, MSG_DONTWAIT);

	state[n > 0 ? n : 0] = '\0';
	return state;
}

/* A manager at a path; or, with '@', at an abstract name. */
static int manager_at(char *path, size_t size, bool abstract)
{
	char *directory = getcwd(NULL, 0);
	int fd;

	snprintf(path, size, "%s%s/manager", abstract ? "@" : "", directory);
	free(directory);
	fd = unix_bound(SOCK_DGRAM, path);
	return fd;
}

Test(notify, each_state_is_a_datagram_of_its_own)
{
	static struct teller t;
	char path[100];

	for (int abstract = 0; abstract < 2; abstract++) {
		int manager = manager_at(path, sizeof(path), abstract);

		begin(&t, path);
		notify_say(&t.notify, "READY=1");
		notify_say(&t.notify, "STOPPING=1");
		cr_assert(eq(str, (char *)heard(manager), "READY=1"));
		cr_assert(eq(str, (char *)heard(manager), "STOPPING=1"));
		end(&t);
		cr_assert(eq(str, t.lines.text, ""));
		close(manager);
	}
	unlink("manager");
}

Test(notify, without_a_manager_there_is_nothing_to_say)
{
	static struct teller t;

	begin(&t, NULL);
	notify_say(&t.notify, "READY=1");
	end(&t);
	begin(&t, "");
	notify_say(&t.notify, "READY=1");
	end(&t);
	cr_assert(eq(str, t.lines.text, ""));
}

Test(notify, a_manager_that_cannot_be_is_reported_once)
{
	static struct teller t;

	begin(&t, "relative");
	notify_say(&t.notify, "READY=1");
	end(&t);
	cr_assert(strstr(t.lines.text, "neither an absolute path nor an abstract name") != NULL);
	begin(&t, "/nowhere/at/all");
	notify_say(&t.notify, "READY=1");
	notify_say(&t.notify, "STOPPING=1");
	end(&t);
	cr_assert(strstr(t.lines.text, strerror(ENOENT)) != NULL, "%s", t.lines.text);
	cr_assert(eq(ptr, strchr(t.lines.text, '\n') + 1, t.lines.text + t.lines.len));
}

/* Fill the manager's queue. Returns how many datagrams that took. */
static unsigned fill(const char *path)
{
	const struct addr at = unix_addr(path);
	int fd = unix_socket(SOCK_DGRAM);
	unsigned count = 0;

	while (sendto(fd, "full", 4, MSG_DONTWAIT, &at.sa, at.len) == 4)
		count++;
	cr_assert(eq(int, errno, EAGAIN));
	close(fd);
	return count;
}

Test(notify, a_manager_without_room_is_tried_again)
{
	static struct teller t;
	char path[100];
	int manager = manager_at(path, sizeof(path), false);
	unsigned before;

	begin(&t, path);
	before = fill(path);
	notify_say(&t.notify, "READY=1");
	pass_ms(&t, 1000);
	for (unsigned i = 0; i < before; i++)
		cr_assert(eq(str, (char *)heard(manager), "full"));
	cr_assert(eq(str, (char *)heard(manager), ""));
	pass_ms(&t, 1000);
	cr_assert(eq(str, (char *)heard(manager), "READY=1"));
	pass_ms(&t, 10000);
	cr_assert(eq(str, (char *)heard(manager), ""));
	end(&t);
	cr_assert(eq(str, t.lines.text, ""));
	close(manager);
	unlink(path);
}

Test(notify, one_that_stays_without_is_given_up_and_that_is_reported)
{
	static struct teller t;
	char path[100];
	int manager = manager_at(path, sizeof(path), false);

	begin(&t, path);
	fill(path);
	notify_say(&t.notify, "READY=1");
	for (int i = 0; i < 5; i++) {
		cr_assert(eq(str, t.lines.text, ""));
		pass_ms(&t, 1000);
	}
	cr_assert(strstr(t.lines.text, strerror(EAGAIN)) != NULL, "%s", t.lines.text);
	end(&t);
	close(manager);
	unlink(path);
}

Test(notify, no_descriptor_for_it_is_reported)
{
	static struct teller t;
	char path[100];
	int manager = manager_at(path, sizeof(path), false);
	struct rlimit before;

	begin(&t, path);
	before = allow_no_more_descriptors();
	notify_say(&t.notify, "READY=1");
	setrlimit(RLIMIT_NOFILE, &before);
	cr_assert(strstr(t.lines.text, strerror(EMFILE)) != NULL, "%s", t.lines.text);
	end(&t);
	close(manager);
	unlink(path);
}
