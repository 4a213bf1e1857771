#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "directory.h"
#include "script.h"
#include "transport/unix_path.h"

/* A place that another program has, or that we cannot have. */
TestSuite(unix_path_taken, .timeout = 20, .init = directory_enter, .fini = directory_leave);

/* ---- another's ---- */

Test(unix_path_taken, a_dead_socket_is_replaced)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

	for (size_t i = 0; i < 9; i++) {
		int fd = unix_socket(types[i / 3]);

		close(unix_bound(types[i % 3], "at"));
		unix_path_release(settle("at", fd));
		is_free("at");
		close(fd);
	}
}

static void is_anothers(const char *path)
{
	struct err err = why_not(path);

	cr_assert(eq(int, err.sys, EADDRINUSE));
	cr_assert(ne(ptr, strstr(err.what, "Address already in use"), NULL), "%s", err.what);
	cr_assert(ne(ptr, strstr(err.hint, "another server"), NULL), "%s", err.hint);
	cr_assert(eq(int, access(path, F_OK), 0));
}

Test(unix_path_taken, a_live_socket_of_any_kind_keeps_its_place_listening_or_about_to)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

	for (size_t i = 0; i < 3; i++) {
		int fd = unix_bound(types[i], "at");

		is_anothers("at");
		if (types[i] != SOCK_DGRAM) {
			cr_assert(eq(int, listen(fd, 1), 0));
			is_anothers("at");
			cr_assert(eq(int, fcntl(fd, F_SETFL, O_NONBLOCK), 0));
			cr_assert(eq(int, accept(fd, NULL, NULL), -1));
			cr_assert(eq(int, errno, EAGAIN), "it notices nothing");
		}
		close(fd);
		unlink("at");
	}
}

Test(unix_path_taken, a_datagram_socket_that_hears_one_peer_alone_keeps_its_place)
{
	int server = unix_bound(SOCK_DGRAM, "server"), client = unix_bound(SOCK_DGRAM, "client");
	const struct addr at = unix_addr("server");

	cr_assert(eq(int, connect(client, &at.sa, at.len), 0));
	is_anothers("client");
	is_anothers("server");
	close(client);
	close(server);
	unlink("client");
	unlink("server");
}

static void holds(const char *path, const char *what)
{
	struct err err = why_not(path);
	char expected[100];

	snprintf(expected, sizeof(expected), "cannot listen on unix:%s: there is already %s", path,
		what);
	cr_assert(eq(str, err.what, expected));
	cr_assert(eq(int, err.sys, EADDRINUSE));
	cr_assert(ne(ptr, strstr(err.hint, "remove it yourself"), NULL));
}

Test(unix_path_taken, whatever_is_no_socket_is_named_and_left)
{
	close(open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	mkdir("inner", 0755);
	cr_assert(eq(int, symlink("file", "link") | symlink("nowhere", "broken"), 0));
	cr_assert(eq(int, mkfifo("fifo", 0600), 0));
	holds("file", "a file");
	holds("inner", "a directory");
	holds("inner/", "a directory");
	holds(".", "a directory");
	holds("/", "a directory");
	holds("link", "a symbolic link");
	holds("broken", "a symbolic link");
	holds("fifo", "something else");
	cr_assert(eq(int, unlink("file") | unlink("link") | unlink("broken") | unlink("fifo"), 0));
	cr_assert(eq(int, rmdir("inner"), 0));
}

Test(unix_path_taken, a_link_to_a_dead_socket_is_a_link)
{
	close(unix_bound(SOCK_STREAM, "dead"));
	cr_assert(eq(int, symlink("dead", "link"), 0));
	holds("link", "a symbolic link");
	cr_assert(eq(int, unlink("link") | unlink("dead"), 0));
}

/* ---- directories ---- */

Test(unix_path_taken, a_directory_that_is_not_there_is_named_with_how_to_make_it)
{
	struct err err = why_not("inner/at");

	cr_assert(eq(str, err.what,
		"cannot listen on unix:inner/at: directory 'inner': No such file or directory"));
	cr_assert(eq(int, err.sys, ENOENT));
	cr_assert(ne(ptr, strstr(err.hint, "mkdir -p inner"), NULL));
	close(open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	cr_assert(eq(int, why_not("file/at").sys, ENOTDIR));
	unlink("file");
}

Test(unix_path_taken, a_directory_that_may_not_be_read_is_used_without_its_lock)
{
	struct unix_path *p;
	int fd;

	mkdir("inner", 0755);
	cr_assert(eq(int, chmod(".", 0755) | chmod("inner", geteuid() == 0 ? 0733 : 0300), 0));
	be_nobody();
	fd = unix_socket(SOCK_STREAM);
	p = settle("inner/at", fd);
	be_ourselves();
	cr_assert(not(geteuid() == 0 && is_locked("inner")));
	cr_assert(eq(uint, permissions_of("inner/at"), 0600));
	be_nobody();
	unix_path_release(p);
	be_ourselves();
	is_free("inner/at");
	close(fd);
	rmdir("inner");
}

Test(unix_path_taken, where_we_may_not_look_it_is_reported)
{
	struct err err;

	mkdir("inner", 0755);
	cr_assert(eq(int, chmod(".", 0755) | chmod("inner", geteuid() == 0 ? 0744 : 0400), 0));
	be_nobody();
	err = why_not("inner/at");
	be_ourselves();
	cr_assert(eq(str, err.what, "cannot listen on unix:inner/at: stat: Permission denied"));
	cr_assert(eq(int, err.sys, EACCES));
	rmdir("inner");
}

Test(unix_path_taken, another_users_live_socket_is_distinguished_from_a_dead_one)
{
	struct err err;
	int fd;

	mkdir("inner", 0755);
	fd = unix_bound(SOCK_STREAM, "inner/at");
	cr_assert(eq(int, chmod(".", 0755) | chmod("inner/at", geteuid() == 0 ? 0700 : 0), 0));
	be_nobody();
	err = why_not("inner/at");
	be_ourselves();
	cr_assert(eq(int, err.sys, EACCES));
	cr_assert(ne(ptr, strstr(err.what, "a socket is there: Permission denied"), NULL));
	cr_assert(ne(ptr, strstr(err.hint, "another user"), NULL));
	cr_assert(eq(int, access("inner/at", F_OK), 0));
	close(fd);
	unlink("inner/at");
	rmdir("inner");
}

Test(unix_path_taken, a_dead_socket_that_we_may_not_remove_is_reported)
{
	struct err err;

	mkdir("inner", 0755);
	close(unix_bound(SOCK_STREAM, "inner/at"));
	cr_assert(eq(int, chmod(".", 0755) | chmod("inner/at", 0777), 0));
	cr_assert(eq(int, chmod("inner", geteuid() == 0 ? 0755 : 0500), 0));
	be_nobody();
	err = why_not("inner/at");
	be_ourselves();
	cr_assert(eq(str, err.what, "cannot listen on unix:inner/at: unlink: Permission denied"));
	cr_assert(eq(int, err.sys, EACCES));
	chmod("inner", 0700);
	unlink("inner/at");
	rmdir("inner");
}
