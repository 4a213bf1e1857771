#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "core/server.h"
#include "directory.h"
#include "os/inherited.h"
#include "peer.h"
#include "script.h"
#include "words.h"

/* Sockets in place of an address, as sd_listen_fds(3) has them. */
TestSuite(serve_inherited, .timeout = 20);

enum { GIVEN_MAX = 2, FAR = 100 };

/* A server that was started with these descriptors, which it closes, and ends soon. What had their
 * numbers here is put back. */
struct given {
	int fds[GIVEN_MAX];
	int count;
	const char *told; /* not NULL: the count that it reads */
};

static struct outcome served(const struct given *g, const char *const *words, struct lines *lines)
{
	static struct outcome o;
	struct reporter to = lines_reporter(lines);
	char text[20];
	int kept[GIVEN_MAX];

	snprintf(text, sizeof(text), "%d", getpid());
	setenv("LISTEN_PID", text, 1);
	snprintf(text, sizeof(text), "%d", g->count);
	setenv("LISTEN_FDS", g->told ? g->told : text, 1);
	for (int i = 0; i < g->count; i++) {
		kept[i] = fcntl(INHERITED_FIRST + i, F_DUPFD_CLOEXEC, FAR);
		dup2(g->fds[i], INHERITED_FIRST + i);
	}
	run_words(words, &to, &o);
	for (int i = 0; i < g->count; i++) {
		if (kept[i] >= 0)
			dup3(kept[i], INHERITED_FIRST + i, O_CLOEXEC);
		else
			close(INHERITED_FIRST + i);
		close(g->fds[i]);
		if (kept[i] >= 0)
			close(kept[i]);
	}
	return o;
}

/* Out of the way of the numbers that are given. */
static int far_away(int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, FAR);

	cr_assert(ge(int, moved, FAR));
	close(fd);
	return moved;
}

static int listener(int type)
{
	struct addr at, path;
	int fd;

	if (type == SOCK_STREAM) {
		fd = bound_socket(AF_INET, 10, &at);
	} else {
		fd = socket(AF_UNIX, type, 0);
		cr_assert(eq(int, addr_from_path(&path, "given"), 0));
		cr_assert(eq(int, bind(fd, &path.sa, path.len), 0));
		cr_assert(eq(int, listen(fd, 1), 0));
	}
	return far_away(fd);
}

#define SERVE WORDS("serve", "-m", "echo", "--max-time", "1ms")

Test(serve_inherited, it_listens_there, .init = directory_enter, .fini = directory_leave)
{
	static struct lines lines;
	struct given tcp = {.fds = {listener(SOCK_STREAM)}, .count = 1};
	struct given messages = {.fds = {listener(SOCK_SEQPACKET)}, .count = 1};
	struct outcome o = served(&tcp, SERVE, &lines);

	cr_expect(eq(int, o.rc, 0), "%s", o.err.what);
	cr_expect(strstr(lines.text, "listening on 127.0.0.1:") != NULL, "%s", lines.text);
	cr_expect(strstr(lines.text, " (tcp, echo)") != NULL, "%s", lines.text);
	o = served(&messages, SERVE, &lines);
	unlink("given");
	cr_expect(eq(int, o.rc, 0), "%s", o.err.what);
	cr_expect(strstr(lines.text, "given (unix-seqpacket, echo)") != NULL, "%s", lines.text);
}

static void refused(
	const struct given *g, const char *const *words, const char *what, const char *hint)
{
	static struct lines lines;
	struct outcome o = served(g, words, &lines);

	cr_expect(eq(int, o.rc, -1));
	cr_expect(eq(int, o.err.kind, ERR_USAGE));
	cr_expect(eq(str, o.err.what, (char *)what));
	cr_expect(eq(str, o.err.hint, (char *)hint));
	cr_expect(eq(str, lines.text, ""));
}

Test(serve_inherited, what_does_not_listen_is_refused)
{
	int ends[2], halves[2];

	cr_assert(eq(int, pipe2(ends, O_CLOEXEC), 0));
	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM, 0, halves), 0));
	refused(&(struct given){.fds = {far_away(ends[0])}, .count = 1}, SERVE,
		"descriptor 3 (LISTEN_FDS) is not a socket",
		"the program that started sockx must call listen on it");
	refused(&(struct given){.fds = {far_away(halves[0])}, .count = 1}, SERVE,
		"descriptor 3 (LISTEN_FDS) is connected, and does not listen",
		"to join one client to a server, make it descriptors 0 and 1 of 'sockx connect "
		"HOST PORT'");
	refused(&(struct given){.fds = {far_away(socket(AF_INET, SOCK_DGRAM, 0))}, .count = 1},
		SERVE, "descriptor 3 (LISTEN_FDS) is a socket of datagrams",
		"for datagrams, give serve an address: '-u -p PORT'");
	refused(&(struct given){.fds = {far_away(socket(AF_INET, SOCK_STREAM, 0))}, .count = 1},
		SERVE, "descriptor 3 (LISTEN_FDS) does not listen",
		"the program that started sockx must call listen on it");
	close(ends[1]);
	close(halves[1]);
}

Test(serve_inherited, sockets_of_two_kinds_are_refused, .init = directory_enter,
	.fini = directory_leave)
{
	refused(&(struct given){.fds = {listener(SOCK_STREAM), listener(SOCK_SEQPACKET)},
			.count = 2},
		SERVE, "descriptor 4 (LISTEN_FDS) is unix-seqpacket, those before it are tcp",
		"start one server for each kind");
	unlink("given");
}

Test(serve_inherited, an_address_beside_them_is_refused)
{
	const struct given one = {.told = "1"};

	refused(&one, WORDS("serve", "-p", "0"),
		"'-p' cannot be combined with inherited sockets (LISTEN_FDS)",
		"leave it out: they listen already");
	refused(&one, WORDS("serve", "127.0.0.1"),
		"'127.0.0.1' cannot be combined with inherited sockets (LISTEN_FDS)",
		"leave it out: they listen already");
}

Test(serve_inherited, more_than_a_server_has_room_for_are_refused)
{
	char count[20], what[80];

	snprintf(count, sizeof(count), "%d", SERVER_LISTENERS_MAX + 1);
	snprintf(what, sizeof(what), "more than %d addresses to listen on", SERVER_LISTENERS_MAX);
	refused(&(struct given){.told = count}, SERVE, what, "");
}
