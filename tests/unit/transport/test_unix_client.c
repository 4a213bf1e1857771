#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "cmd/advice.h"
#include "directory.h"
#include "net.h"
#include "script.h"
#include "transport/unix.h"

/* A client's socket, of each of the three kinds. Servers: test_unix.c. */
TestSuite(unix_client, .timeout = 20, .init = directory_enter, .fini = directory_leave);

enum { KINDS = 3 };

static const struct {
	const struct transport *via;
	int type;
} kinds[KINDS] = {{&transport_unix, SOCK_STREAM}, {&transport_unix_datagram, SOCK_DGRAM},
	{&transport_unix_seqpacket, SOCK_SEQPACKET}};

struct client {
	struct reporter to;
	struct link link;
	bool source_failed;
	uint8_t room[1000];
	size_t got;
};

static enum io dial(
	struct client *c, const struct transport *via, const char *path, const char *source_path)
{
	const struct addr at = unix_addr(path);
	struct dial_conf conf = {0};
	enum io verdict;

	if (source_path)
		conf.source = unix_addr(source_path);
	*c = (struct client){.to = silent_reporter(), .source_failed = true};
	c->link = link_of(via, &c->to);
	verdict = via->connect(&c->link, &at, &conf, &c->source_failed);
	if (verdict != IO_DONE)
		cr_assert(eq(int, c->link.fd, -1), "what failed is closed");
	else
		cr_assert(not(c->source_failed));
	return verdict;
}

/* A foreign server, listening where its kind does. */
static int serve(int type, const char *path, int backlog)
{
	int fd = unix_bound(type, path);

	cr_assert(eq(int, type == SOCK_DGRAM ? 0 : listen(fd, backlog), 0));
	return fd;
}

static void hang_up(struct client *c)
{
	cr_assert(eq(int, c->link.via->close(&c->link), 0));
}

static enum io read_once(struct client *c)
{
	return c->link.via->read(&c->link, c->room, sizeof(c->room), &c->got);
}

static enum io write_once(struct client *c, const char *text)
{
	size_t taken = 0;
	enum io verdict = c->link.via->write(&c->link, span_of(text), &taken);

	cr_assert(eq(sz, taken, verdict == IO_DONE ? strlen(text) : 0));
	return verdict;
}

/* ---- connecting ---- */

Test(unix_client, it_is_connected_at_once_to_a_server_of_its_kind)
{
	for (size_t i = 0; i < KINDS; i++) {
		int server = serve(kinds[i].type, "at", 5);
		struct client c;

		cr_assert(eq(int, dial(&c, kinds[i].via, "at", NULL), IO_DONE));
		cr_assert(eq(int, net_get(c.link.fd, SOL_SOCKET, SO_TYPE), kinds[i].type));
		cr_assert(eq(int, c.link.origin, -1));
		cr_assert(eq(int, read_once(&c), IO_AGAIN));
		cr_assert(eq(int, write_once(&c, "hello"), IO_DONE));
		hang_up(&c);
		close(server);
		unlink("at");
	}
}

Test(unix_client, a_stream_may_be_well_ahead_of_its_reader)
{
	int server = serve(SOCK_STREAM, "at", 5), other = unix_socket(SOCK_STREAM);
	struct client c;

	cr_assert(eq(int, dial(&c, &transport_unix, "at", NULL), IO_DONE));
	cr_assert(ge(int, net_get(c.link.fd, SOL_SOCKET, SO_SNDBUF),
		net_get(other, SOL_SOCKET, SO_SNDBUF)));
	hang_up(&c);
	close(other);
	close(server);
	unlink("at");
}

Test(unix_client, it_fails_as_the_kernel_says_and_not_for_its_source)
{
	for (size_t i = 0; i < KINDS; i++) {
		int other = (int)(i + 1) % KINDS, server;
		struct client c;

		cr_assert(eq(int, dial(&c, kinds[i].via, "at", NULL), IO_FAIL));
		cr_assert(eq(int, c.link.error, ENOENT));
		cr_assert(not(c.source_failed));
		close(unix_bound(kinds[i].type, "at"));
		cr_assert(eq(int, dial(&c, kinds[i].via, "at", NULL), IO_FAIL));
		cr_assert(eq(int, c.link.error, ECONNREFUSED));
		unlink("at");
		server = serve(kinds[other].type, "at", 5);
		cr_assert(eq(int, dial(&c, kinds[i].via, "at", NULL), IO_FAIL));
		cr_assert(eq(int, c.link.error, EPROTOTYPE));
		close(server);
		unlink("at");
	}
}

Test(unix_client, a_server_without_room_is_to_be_tried_again)
{
	for (size_t i = 0; i < KINDS; i++) {
		int server, filling[2];
		struct client c;

		if (kinds[i].type == SOCK_DGRAM)
			continue;
		server = serve(kinds[i].type, "at", 0);
		for (size_t k = 0; k < 2; k++) {
			const struct addr at = unix_addr("at");

			filling[k] = unix_socket(kinds[i].type);
			fcntl(filling[k], F_SETFL, O_NONBLOCK);
			if (connect(filling[k], &at.sa, at.len) < 0)
				cr_assert(eq(int, errno, EAGAIN));
		}
		cr_assert(eq(int, dial(&c, kinds[i].via, "at", "mine"), IO_AGAIN));
		cr_assert(not(c.source_failed));
		is_free("mine");
		close(accept(server, NULL, NULL));
		cr_assert(eq(int, dial(&c, kinds[i].via, "at", "mine"), IO_DONE));
		hang_up(&c);
		is_free("mine");
		close(filling[0]);
		close(filling[1]);
		close(server);
		unlink("at");
	}
}

Test(unix_client, without_descriptors_it_fails)
{
	const struct addr at = unix_addr("at");
	const struct dial_conf none = {0};
	struct reporter to = silent_reporter();
	struct link link = link_of(&transport_unix, &to);
	struct rlimit before = allow_no_more_descriptors();
	bool source_failed = false;
	enum io verdict = transport_unix.connect(&link, &at, &none, &source_failed);

	setrlimit(RLIMIT_NOFILE, &before);
	cr_assert(eq(int, verdict, IO_FAIL));
	cr_assert(eq(int, link.error, EMFILE));
	cr_assert(not(source_failed));
}

/* What the hint says about a server's kind to a client of another. */
static const char *const kinds_said[KINDS] = {
	"unix:PATH", "unix-datagram:PATH", "unix-seqpacket:PATH"};

static void names_the_kind(const char *path, size_t served, size_t asked)
{
	const struct addr at = unix_addr(path);
	int server = serve(kinds[served].type, path, 5);
	struct err err = {0};
	struct client c;

	cr_assert(eq(int, dial(&c, kinds[asked].via, path, NULL), IO_FAIL));
	kinds[asked].via->advise(&c.to, &err, c.link.error, &at);
	advise(&err);
	cr_expect(strstr(err.hint, kinds_said[served]) != NULL, "%s: %zu to %zu: %s", path, asked,
		served, err.hint);
	close(server);
}

Test(unix_client, a_hint_names_the_kind_of_a_server_of_another_kind)
{
	char path[100];

	cr_assert(getcwd(path, 90) != NULL);
	strcat(path, "/at");
	for (size_t served = 0; served < KINDS; served++) {
		for (size_t asked = 0; asked < KINDS; asked++) {
			if (asked == served)
				continue;
			names_the_kind("@sockx-test-kinds", served, asked);
			names_the_kind(path, served, asked);
			unlink(path);
		}
	}
}

Test(unix_client, a_datagram_client_learns_both_kinds_where_a_relative_path_is_of_either)
{
	const struct addr at = unix_addr("at");
	int server = serve(SOCK_STREAM, "at", 5);
	struct err err = {0};
	struct client c;

	cr_assert(eq(int, dial(&c, &transport_unix_datagram, "at", NULL), IO_FAIL));
	transport_unix_datagram.advise(&c.to, &err, c.link.error, &at);
	advise(&err);
	cr_assert(strstr(err.hint, "leave out -u, or use --seqpacket") != NULL, "%s", err.hint);
	close(server);
	unlink("at");
}

Test(unix_client, what_is_no_socket_gets_no_server_suggested)
{
	struct reporter to = silent_reporter();
	const struct addr at = unix_addr("file");
	struct err err = {0};

	close(open("file", O_CREAT | O_WRONLY, 0600));
	transport_unix.advise(&to, &err, ECONNREFUSED, &at);
	advise(&err);
	cr_assert(strstr(err.hint, "no socket at that path") != NULL, "%s", err.hint);
	unlink("file");
}

Test(unix_client, advice_fits_the_error)
{
	static const struct {
		int error;
		const char *word;
	} rows[] = {{ENOENT, "sockx serve unix:at"}, {ECONNREFUSED, "sockx serve unix:at"},
		{EPROTOTYPE, "--seqpacket"}, {EACCES, "--unix-mode"}, {ENOTDIR, "ls -l"}};
	const struct addr at = unix_addr("at");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct reporter to = silent_reporter();
		struct err err = {0};

		transport_unix.advise(&to, &err, rows[i].error, &at);
		advise(&err);
		cr_expect(ne(ptr, strstr(err.hint, rows[i].word), NULL), "%s", err.hint);
	}
}

/* ---- its name ---- */

Test(unix_client, a_datagram_client_has_a_name_so_that_it_can_be_answered)
{
	int server = serve(SOCK_DGRAM, "at", 0);
	struct client c;
	struct came in;

	cr_assert(eq(int, dial(&c, &transport_unix_datagram, "at", NULL), IO_DONE));
	cr_assert(eq(int, write_once(&c, "hello"), IO_DONE));
	in = net_hear(server);
	cr_assert(eq(str, in.text, "hello"));
	cr_assert(gt(uint, in.from.len, sizeof(sa_family_t)));
	net_say(server, &in.from, "welcome");
	cr_assert(eq(int, read_once(&c), IO_DONE));
	cr_assert(eq(sz, c.got, 7));
	hang_up(&c);
	close(server);
	unlink("at");
}

Test(unix_client, it_comes_from_the_path_it_was_given_and_removes_it)
{
	for (size_t i = 0; i < KINDS; i++) {
		int server = serve(kinds[i].type, "at", 5);
		const struct addr mine = unix_addr("mine");
		struct client c;
		struct addr name;

		cr_assert(eq(int, dial(&c, kinds[i].via, "at", "mine"), IO_DONE));
		name = net_name(c.link.fd);
		cr_assert(addr_equal(&name, &mine));
		cr_assert(not(is_locked(".")));
		hang_up(&c);
		is_free("mine");
		unlink("at");
		close(server);
	}
}

static void source_fails(const char *source, int error)
{
	struct client c;

	for (size_t i = 0; i < KINDS; i++) {
		unsigned before = open_descriptors();

		cr_assert(eq(int, dial(&c, kinds[i].via, "at", source), IO_FAIL), "%s", source);
		cr_assert(eq(int, c.link.error, error), "%s", source);
		cr_assert(c.source_failed);
		cr_assert(eq(uint, open_descriptors(), before));
	}
}

Test(unix_client, a_source_that_cannot_be_had_is_reported_as_such)
{
	char name[40];
	int server = serve(SOCK_STREAM, "at", 5), other;

	snprintf(name, sizeof(name), "@sockx-unit-%d", (int)getpid());
	for (size_t i = 0; i < KINDS; i++) {
		other = unix_bound(kinds[i].type, name);
		if (kinds[i].type == SOCK_STREAM) {
			struct client c;

			cr_assert(eq(int, dial(&c, &transport_unix, "at", name), IO_FAIL));
			cr_assert(eq(int, c.link.error, EADDRINUSE));
			cr_assert(c.source_failed);
		}
		close(other);
	}
	source_fails("at", EADDRINUSE);
	source_fails("missing/mine", ENOENT);
	cr_assert(eq(int, access("at", F_OK), 0));
	close(server);
	unlink("at");
}

Test(unix_client, a_source_whose_directory_is_locked_is_for_later_and_says_why)
{
	mkdir("inner", 0755);
	for (size_t i = 0; i < KINDS; i++) {
		int server = serve(kinds[i].type, "at", 5), lock = directory_lock("inner");
		unsigned before = open_descriptors();
		struct err why;
		struct client c;

		cr_assert(eq(int, dial(&c, kinds[i].via, "at", "inner/mine"), IO_AGAIN));
		cr_assert(c.source_failed);
		cr_assert(eq(uint, open_descriptors(), before));
		why = *link_story(&c.link);
		cr_assert(eq(int, why.kind, ERR_RUNTIME));
		cr_assert(eq(str, why.what,
			"cannot bind the source address unix:inner/mine: directory 'inner' is "
			"locked by another program"));
		cr_assert(ne(ptr, strstr(why.hint, "lslocks"), NULL));
		link_forget(&c.link);
		is_free("inner/mine");
		close(lock);
		cr_assert(eq(int, dial(&c, kinds[i].via, "at", "inner/mine"), IO_DONE));
		lock = directory_lock("inner");
		hang_up(&c);
		is_free("inner/mine");
		close(lock);
		close(server);
		unlink("at");
	}
	rmdir("inner");
}

/* ---- datagrams ---- */

Test(unix_client, datagrams_are_read_whole_empty_ones_too_and_one_too_long_fails)
{
	static char bytes[1001];
	int server = serve(SOCK_DGRAM, "at", 0);
	struct client c;
	struct addr name;

	cr_assert(eq(int, dial(&c, &transport_unix_datagram, "at", NULL), IO_DONE));
	name = net_name(c.link.fd);
	net_send(server, &name, bytes, 1000);
	net_send(server, &name, bytes, 0);
	net_send(server, &name, bytes, 1001);
	cr_assert(eq(int, read_once(&c), IO_DONE));
	cr_assert(eq(sz, c.got, 1000));
	cr_assert(eq(int, read_once(&c), IO_DONE));
	cr_assert(eq(sz, c.got, 0));
	cr_assert(eq(int, read_once(&c), IO_FAIL));
	cr_assert(eq(int, c.link.error, EOVERFLOW));
	cr_assert(eq(int, read_once(&c), IO_AGAIN));
	hang_up(&c);
	close(server);
	unlink("at");
}

Test(unix_client, a_datagram_server_that_does_not_read_is_waited_for_and_one_that_left_refuses)
{
	int server = serve(SOCK_DGRAM, "at", 0);
	struct client c;
	enum io verdict;
	int sent = 0;

	cr_assert(eq(int, dial(&c, &transport_unix_datagram, "at", NULL), IO_DONE));
	while ((verdict = write_once(&c, "x")) == IO_DONE && sent < 100000)
		sent++;
	cr_assert(eq(int, verdict, IO_AGAIN));
	cr_assert(gt(int, sent, 0));
	cr_assert(eq(int, (int)recv(server, c.room, 1, 0), 1));
	net_wait(c.link.fd, POLLOUT);
	close(server);
	cr_assert(eq(int, write_once(&c, "x"), IO_FAIL));
	cr_assert(eq(int, c.link.error, ECONNREFUSED));
	hang_up(&c);
	unlink("at");
}
