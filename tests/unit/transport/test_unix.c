#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "directory.h"
#include "net.h"
#include "script.h"
#include "transport/unix.h"

/* Unix sockets of the three kinds. Clients: test_unix_client.c; places:
 * test_unix_path.c. */
TestSuite(unix, .timeout = 20, .init = directory_enter, .fini = directory_leave);

enum { ROOM = 300 * 1024, MANY = 70, KINDS = 3 };

static const struct transport *const kinds[KINDS] = {
	&transport_unix, &transport_unix_datagram, &transport_unix_seqpacket};

/* Sockets that have a place keep theirs. */
static struct reporter *reporter(void)
{
	static struct reporter to;

	to = silent_reporter();
	return &to;
}

static struct listening listen_at(const struct transport *via, const char *path)
{
	const struct listen_conf conf = {.backlog = 1, .permissions = 0600};
	const struct addr at = unix_addr(path);
	struct listening socket = {.fd = -1};
	struct err err = {0};

	cr_assert(eq(int, via->listen(reporter(), &at, &conf, &socket, &err), IO_DONE), "%s",
		err.what);
	return socket;
}

static void unlisten(const struct transport *via, struct listening *socket)
{
	int fd = socket->fd;

	via->unlisten(reporter(), socket);
	cr_assert(lt(int, net_try_name(fd), 0), "its socket is closed");
}

/* One of our links, and the foreign socket at its other end. */
struct pair {
	struct reporter to;
	struct link link;
	struct addr from;
	struct listening server;
	int peer;
	uint8_t room[ROOM];
	size_t got;
};

/* A peer that came to our server, which has just accepted it. */
static struct pair *accepted(const struct transport *via, int type)
{
	struct pair *x = calloc(1, sizeof(*x));
	const struct addr at = unix_addr("at");

	x->to = silent_reporter();
	x->server = listen_at(via, "at");
	x->link = link_of(via, &x->to);
	cr_assert(eq(int, via->accept(&x->to, &x->server, &x->link, &x->from), IO_AGAIN));
	x->peer = unix_socket(type);
	cr_assert(eq(int, connect(x->peer, &at.sa, at.len), 0));
	cr_assert(eq(int, via->accept(&x->to, &x->server, &x->link, &x->from), IO_DONE));
	return x;
}

static void end(struct pair *x)
{
	if (x->peer >= 0)
		close(x->peer);
	cr_assert(eq(int, x->link.via->close(&x->link), 0));
	unlisten(x->link.via, &x->server);
	free(x);
}

static enum io read_once(struct pair *x)
{
	x->got = 0;
	return x->link.via->read(&x->link, x->room, sizeof(x->room), &x->got);
}

static bool says(const struct pair *x, const char *text)
{
	return x->got == strlen(text) && memcmp(x->room, text, x->got) == 0;
}

static enum io write_once(struct pair *x, const char *bytes, size_t len)
{
	size_t taken = 0;
	enum io verdict =
		x->link.via->write(&x->link, (struct span){(const uint8_t *)bytes, len}, &taken);

	cr_assert(eq(sz, taken, verdict == IO_DONE ? len : 0));
	return verdict;
}

static void peer_sends(struct pair *x, const char *bytes, size_t len)
{
	cr_assert(eq(i64, send(x->peer, bytes, len, MSG_DONTWAIT), (int64_t)len), "%s",
		strerror(errno));
}

static size_t peer_takes(struct pair *x)
{
	ssize_t n = recv(x->peer, x->room, sizeof(x->room), MSG_DONTWAIT);

	cr_assert(ge(i64, n, 0), "%s", strerror(errno));
	return (size_t)n;
}

/* ---- servers ---- */

Test(unix, each_kind_is_its_kind)
{
	static const int types[KINDS] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

	for (size_t i = 0; i < KINDS; i++) {
		struct listening socket = listen_at(kinds[i], "at");

		cr_assert(eq(int, net_get(socket.fd, SOL_SOCKET, SO_TYPE), types[i]));
		cr_assert(eq(int, net_get(socket.fd, SOL_SOCKET, SO_ACCEPTCONN),
			types[i] != SOCK_DGRAM));
		cr_assert(eq(uint, permissions_of("at"), 0600));
		cr_assert(not(is_locked(".")), "it holds no lock while it serves");
		cr_assert(eq(int, fcntl(socket.fd, F_GETFD), FD_CLOEXEC));
		unlisten(kinds[i], &socket);
		is_free("at");
	}
	cr_assert(eq(sz, transport_unix.message_max, 0));
	cr_assert(not(transport_unix_seqpacket.connectionless));
	cr_assert(transport_unix_datagram.connectionless);
}

static struct err cannot_listen(const struct transport *via, const char *path)
{
	const struct listen_conf conf = {.permissions = 0600};
	struct reporter to = silent_reporter();
	const struct addr at = unix_addr(path);
	struct listening socket;
	struct err err = {0};
	unsigned before = open_descriptors();

	cr_assert(eq(int, via->listen(&to, &at, &conf, &socket, &err), IO_FAIL), "%s", path);
	cr_assert(eq(int, err.kind, ERR_LISTEN));
	cr_assert(eq(uint, open_descriptors(), before));
	return err;
}

Test(unix, a_name_that_is_taken_is_reported)
{
	char name[40], expected[100];

	snprintf(name, sizeof(name), "@sockx-unit-%d", (int)getpid());
	snprintf(expected, sizeof(expected),
		"cannot listen on unix:%s: bind: Address already in use", name);
	for (size_t i = 0; i < KINDS; i++) {
		struct listening socket = listen_at(kinds[i], name);
		struct err err = cannot_listen(kinds[i], name);

		cr_assert(eq(str, err.what, expected));
		cr_assert(eq(int, err.sys, EADDRINUSE));
		cr_assert(ne(ptr, strstr(err.hint, "another name"), NULL));
		unlisten(kinds[i], &socket);
	}
}

Test(unix, a_directory_without_write_permission_is_reported)
{
	struct err err;

	mkdir("inner", 0755);
	cr_assert(eq(int, chmod(".", 0755) | chmod("inner", geteuid() == 0 ? 0755 : 0500), 0));
	be_nobody();
	err = cannot_listen(&transport_unix, "inner/at");
	be_ourselves();
	cr_assert(eq(str, err.what, "cannot listen on unix:inner/at: bind: Permission denied"));
	cr_assert(ne(ptr, strstr(err.hint, "another path"), NULL));
	rmdir("inner");
}

Test(unix, in_a_locked_directory_it_listens_later_and_nothing_is_left_of_the_try)
{
	const struct listen_conf conf = {.backlog = 1, .permissions = 0600};
	const struct addr at = unix_addr("at");

	for (size_t i = 0; i < KINDS; i++) {
		int lock = directory_lock(".");
		unsigned before = open_descriptors();
		struct listening socket;
		struct err err = {0};

		cr_assert(
			eq(int, kinds[i]->listen(reporter(), &at, &conf, &socket, &err), IO_AGAIN));
		cr_assert(eq(int, err.kind, ERR_LISTEN));
		cr_assert(eq(uint, open_descriptors(), before));
		is_free("at");
		close(lock);
		socket = listen_at(kinds[i], "at");
		unlisten(kinds[i], &socket);
	}
}

Test(unix, without_descriptors_it_cannot_listen)
{
	struct reporter to = silent_reporter();
	const struct listen_conf conf = {.permissions = 0600};
	const struct addr at = unix_addr("at");
	struct rlimit before = allow_no_more_descriptors();
	struct listening socket;
	struct err err = {0};
	enum io verdict = transport_unix.listen(&to, &at, &conf, &socket, &err);

	setrlimit(RLIMIT_NOFILE, &before);
	cr_assert(eq(int, verdict, IO_FAIL));
	cr_assert(eq(str, err.what, "cannot listen on unix:at: socket: Too many open files"));
}

/* ---- connections ---- */

Test(unix, a_client_of_a_stream_is_accepted_and_bytes_go_both_ways)
{
	struct pair *x = accepted(&transport_unix, SOCK_STREAM);

	cr_assert(eq(int, x->from.sa.sa_family, AF_UNIX));
	cr_assert(eq(uint, x->from.len, sizeof(sa_family_t)), "it has no name");
	cr_assert(eq(int, x->link.origin, -1));
	cr_assert(eq(int, read_once(x), IO_AGAIN));
	peer_sends(x, "ping", 4);
	cr_assert(eq(int, read_once(x), IO_DONE));
	cr_assert(says(x, "ping"));
	cr_assert(eq(int, write_once(x, "pong", 4), IO_DONE));
	cr_assert(eq(sz, peer_takes(x), 4));
	cr_assert(eq(int, transport_unix.finish(&x->link), IO_DONE));
	cr_assert(eq(sz, peer_takes(x), 0));
	peer_sends(x, "after our end", 13);
	cr_assert(eq(int, shutdown(x->peer, SHUT_WR), 0));
	cr_assert(eq(int, read_once(x), IO_DONE));
	cr_assert(eq(int, read_once(x), IO_EOF));
	end(x);
}

Test(unix, a_peer_that_left_fails_the_write_without_a_signal)
{
	for (int i = 0; i < 2; i++) {
		struct pair *x = i ? accepted(&transport_unix, SOCK_STREAM)
		                   : accepted(&transport_unix_seqpacket, SOCK_SEQPACKET);

		cr_assert(eq(int, x->link.via->pending(&x->link), 0));
		close(x->peer);
		x->peer = -1;
		cr_assert(eq(int, write_once(x, "x", 1), IO_FAIL));
		cr_assert(eq(int, x->link.error, EPIPE));
		cr_assert(eq(int, read_once(x), IO_EOF));
		end(x);
	}
}

Test(unix, what_a_peer_has_not_read_is_unsent)
{
	for (int i = 0; i < 2; i++) {
		struct pair *x = i ? accepted(&transport_unix, SOCK_STREAM)
		                   : accepted(&transport_unix_seqpacket, SOCK_SEQPACKET);

		cr_assert(eq(int, x->link.via->unsent(&x->link), 0));
		cr_assert(eq(int, write_once(x, "unread", 6), IO_DONE));
		cr_assert(ge(int, x->link.via->unsent(&x->link), 6));
		cr_assert(eq(sz, peer_takes(x), 6));
		cr_assert(eq(int, x->link.via->unsent(&x->link), 0));
		end(x);
	}
}

/* What the peer has sent comes first, then that it left with something of ours unread. */
static void is_heard_to_the_last(struct pair *x)
{
	cr_assert(eq(int, write_once(x, "unread", 6), IO_DONE));
	peer_sends(x, "last", 4);
	close(x->peer);
	x->peer = -1;
	cr_assert(eq(int, read_once(x), IO_DONE));
	cr_assert(says(x, "last"));
	cr_assert(eq(int, x->link.via->unsent(&x->link), 0));
	if (x->link.via->message_max)
		cr_assert(eq(int, x->link.via->pending(&x->link), ECONNRESET));
	cr_assert(eq(int, read_once(x), IO_FAIL));
	cr_assert(eq(int, x->link.error, ECONNRESET));
	end(x);
}

Test(unix, what_a_peer_sent_before_it_left_is_kept_on_a_stream)
{
	is_heard_to_the_last(accepted(&transport_unix, SOCK_STREAM));
}

Test(unix, what_a_peer_sent_before_it_left_is_kept_in_sequenced_packets)
{
	is_heard_to_the_last(accepted(&transport_unix_seqpacket, SOCK_SEQPACKET));
}

/* ---- sequenced packets ---- */

Test(unix, sequenced_packets_come_one_by_one_and_an_empty_one_is_not_the_end)
{
	static const char *const texts[] = {"one", "", "", "two", ""};
	struct pair *x = accepted(&transport_unix_seqpacket, SOCK_SEQPACKET);

	cr_assert(eq(int, read_once(x), IO_AGAIN));
	for (size_t i = 0; i < 5; i++)
		peer_sends(x, texts[i], strlen(texts[i]));
	cr_assert(eq(int, shutdown(x->peer, SHUT_WR), 0));
	for (size_t i = 0; i < 5; i++) {
		cr_assert(eq(int, read_once(x), IO_DONE), "message %zu", i);
		cr_assert(says(x, texts[i]), "message %zu", i);
	}
	cr_assert(eq(int, read_once(x), IO_EOF));
	cr_assert(eq(int, read_once(x), IO_EOF));
	cr_assert(eq(int, write_once(x, "", 0), IO_DONE));
	cr_assert(eq(int, write_once(x, "still here", 10), IO_DONE));
	cr_assert(eq(sz, peer_takes(x), 0));
	cr_assert(eq(sz, peer_takes(x), 10));
	cr_assert(eq(int, transport_unix_seqpacket.finish(&x->link), IO_DONE));
	end(x);
}

Test(unix, what_was_sent_before_it_was_accepted_is_distinguished_from_the_end_too)
{
	struct pair *x = accepted(&transport_unix_seqpacket, SOCK_SEQPACKET);
	const struct addr at = unix_addr("at");
	int early = unix_socket(SOCK_SEQPACKET);

	cr_assert(eq(int, connect(early, &at.sa, at.len), 0));
	cr_assert(eq(int, (int)send(early, "", 0, 0), 0));
	close(early);
	x->link.via->close(&x->link);
	cr_assert(eq(int, transport_unix_seqpacket.accept(&x->to, &x->server, &x->link, &x->from),
		IO_DONE));
	cr_assert(eq(int, read_once(x), IO_DONE));
	cr_assert(eq(sz, x->got, 0));
	cr_assert(eq(int, read_once(x), IO_EOF));
	end(x);
}

Test(unix, a_message_that_is_longer_than_its_room_fails)
{
	struct pair *x = accepted(&transport_unix_seqpacket, SOCK_SEQPACKET);

	peer_sends(x, "12345", 5);
	peer_sends(x, "123456", 6);
	cr_assert(eq(int, x->link.via->read(&x->link, x->room, 5, &x->got), IO_DONE));
	cr_assert(eq(int, x->link.via->read(&x->link, x->room, 5, &x->got), IO_FAIL));
	cr_assert(eq(int, x->link.error, EOVERFLOW));
	end(x);
}

static void pass_descriptors(int fd, const char *text)
{
	struct iovec part = {(void *)(uintptr_t)text, strlen(text)};
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(3 * sizeof(int))] = "";
	struct msghdr m = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	const int passed[3] = {fd, fd, fd};

	*CMSG_FIRSTHDR(&m) = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(passed)),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), passed, sizeof(passed));
	cr_assert(eq(i64, sendmsg(fd, &m, 0), (int64_t)strlen(text)));
}

Test(unix, descriptors_that_a_peer_passes_are_not_kept)
{
	for (int i = 0; i < 2; i++) {
		struct pair *x = i ? accepted(&transport_unix, SOCK_STREAM)
		                   : accepted(&transport_unix_seqpacket, SOCK_SEQPACKET);
		unsigned before = open_descriptors();

		pass_descriptors(x->peer, "take these");
		cr_assert(eq(int, read_once(x), IO_DONE));
		cr_assert(says(x, "take these"));
		cr_assert(eq(uint, open_descriptors(), before));
		end(x);
	}
}

/* ---- a datagram server ---- */

/* Take up to count, each into so much room; the server is at "at". */
static int receive(struct pair *x, struct datagram *in, size_t count, size_t size)
{
	const struct addr own = net_name(x->server.fd);

	for (size_t i = 0; i < count; i++)
		in[i] = (struct datagram){.data = x->room + i * size, .len = size};
	return transport_unix_datagram.receive(&x->to, &x->server, &own, in, count);
}

static struct pair *station(void)
{
	struct pair *x = calloc(1, sizeof(*x));

	x->to = silent_reporter();
	x->server = listen_at(&transport_unix_datagram, "at");
	return x;
}

static void close_station(struct pair *x)
{
	unlisten(&transport_unix_datagram, &x->server);
	free(x);
}

Test(unix, a_datagram_comes_with_its_sender_and_is_answered)
{
	const struct addr at = unix_addr("at"), name = unix_addr("peer");
	struct pair *x = station();
	struct datagram in[2];
	struct came back;
	int peer = unix_bound(SOCK_DGRAM, "peer");

	cr_assert(eq(int, receive(x, in, 2, 100), -1));
	cr_assert(eq(int, errno, EAGAIN));
	net_say(peer, &at, "hello");
	cr_assert(eq(int, receive(x, in, 2, 100), 1));
	cr_assert(eq(sz, in[0].len, 5));
	cr_assert(addr_equal(&in[0].peer, &name));
	cr_assert(eq(ptr, (void *)in[0].forbidden, NULL));
	cr_assert(not(in[0].cut));
	cr_assert(eq(uint, in[0].local.len, 0));
	cr_assert(eq(int, transport_unix_datagram.send(&x->to, x->server.fd, in, 1), 1));
	back = net_hear(peer);
	cr_assert(eq(str, back.text, "hello"));
	cr_assert(addr_equal(&back.from, &at));
	close(peer);
	unlink("peer");
	close_station(x);
}

Test(unix, who_has_no_name_and_who_has_ours_is_not_answered)
{
	const struct addr at = unix_addr("at");
	struct pair *x = station();
	int peer = unix_socket(SOCK_DGRAM);
	struct datagram in[3];

	net_say(peer, &at, "nameless");
	net_say(x->server.fd, &at, "from ourselves");
	cr_assert(eq(int, receive(x, in, 3, 100), 2));
	cr_assert(ne(ptr, (void *)in[0].forbidden, NULL));
	cr_assert(ne(ptr, strstr(in[0].forbidden, "no name"), NULL));
	cr_assert(eq(str, addr_text(&in[0].peer).text, "an unnamed socket"));
	cr_assert(ne(ptr, (void *)in[1].forbidden, NULL));
	cr_assert(ne(ptr, strstr(in[1].forbidden, "our own address"), NULL));
	close(peer);
	close_station(x);
}

Test(unix, datagrams_are_taken_in_their_order_empty_ones_too_and_one_too_long_is_reported_as_cut)
{
	const struct addr at = unix_addr("at");
	struct pair *x = station();
	int peer = unix_socket(SOCK_DGRAM);
	struct datagram in[MANY];

	net_say(peer, &at, "");
	net_say(peer, &at, "12345");
	net_say(peer, &at, "123456");
	cr_assert(eq(int, receive(x, in, MANY, 5), 3));
	cr_assert(eq(sz, in[0].len, 0));
	cr_assert(not(in[0].cut));
	cr_assert(eq(sz, in[1].len, 5));
	cr_assert(not(in[1].cut));
	cr_assert(in[2].cut);
	close(peer);
	close_station(x);
}

Test(unix, descriptors_beside_a_datagram_are_not_kept)
{
	const struct addr at = unix_addr("at");
	struct pair *x = station();
	int peer = unix_socket(SOCK_DGRAM);
	struct datagram in[1];
	unsigned before;

	cr_assert(eq(int, connect(peer, &at.sa, at.len), 0));
	before = open_descriptors();
	pass_descriptors(peer, "take these");
	cr_assert(eq(int, receive(x, in, 1, 100), 1));
	cr_assert(eq(sz, in[0].len, 10));
	cr_assert(eq(uint, open_descriptors(), before));
	close(peer);
	close_station(x);
}

Test(unix, what_a_peer_has_no_room_for_or_cannot_get_is_refused_at_once)
{
	struct pair *x = station();
	int peer = unix_bound(SOCK_DGRAM, "peer");
	struct datagram out[MANY];
	int sent;

	for (size_t i = 0; i < MANY; i++)
		out[i] =
			(struct datagram){.peer = unix_addr("peer"), .data = x->room, .len = i % 3};
	sent = transport_unix_datagram.send(&x->to, x->server.fd, out, MANY);
	cr_assert(gt(int, sent, 0));
	if (sent < 64) { /* as many as net.unix.max_dgram_qlen allows */
		sent = transport_unix_datagram.send(&x->to, x->server.fd, out, 1);
		cr_assert(eq(int, sent, -1));
		cr_assert(eq(int, errno, EAGAIN));
	}
	close(peer);
	cr_assert(eq(int, transport_unix_datagram.send(&x->to, x->server.fd, out, 1), -1));
	cr_assert(eq(int, errno, ECONNREFUSED));
	unlink("peer");
	cr_assert(eq(int, transport_unix_datagram.send(&x->to, x->server.fd, out, 1), -1));
	cr_assert(eq(int, errno, ENOENT));
	close_station(x);
}
