#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "directory.h"
#include "script.h"
#include "transport/unix_path.h"

/* A place that we have. Others': test_unix_path_taken.c. */
TestSuite(unix_path, .timeout = 20, .init = directory_enter, .fini = directory_leave);

/* ---- ours ---- */

Test(unix_path, a_place_is_locked_until_it_is_bound_and_removed_at_the_end)
{
	int fd = unix_socket(SOCK_STREAM);
	struct unix_path *p = take("at");

	cr_assert(is_locked("."));
	is_free("at");
	cr_assert(eq(int, unix_path_bind(p, fd, 0600), 0));
	cr_assert(is_locked("."));
	unix_path_unlock(p);
	cr_assert(not(is_locked(".")));
	unix_path_unlock(p);
	unix_path_release(p);
	is_free("at");
	cr_assert(not(is_locked(".")));
	close(fd);
}

Test(unix_path, what_was_taken_and_not_bound_is_given_back)
{
	struct unix_path *p = take("at");

	unix_path_release(p);
	cr_assert(not(is_locked(".")));
	unix_path_release(NULL);
}

Test(unix_path, the_permissions_are_as_given_whatever_the_umask)
{
	static const uint64_t modes[] = {0, 0600, 0640, 0666, 0777};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		int fd = unix_socket(SOCK_STREAM);
		struct unix_path *p = take("at");

		umask(077);
		cr_assert(eq(int, unix_path_bind(p, fd, modes[i]), 0));
		cr_assert(eq(uint, permissions_of("at"), (unsigned)modes[i]));
		cr_assert(eq(uint, umask(022), 077), "and the umask stays");
		unix_path_release(p);
		close(fd);
	}
}

Test(unix_path, the_usual_permissions_are_what_the_umask_leaves)
{
	int fd = unix_socket(SOCK_STREAM);
	struct unix_path *p = take("at");

	umask(027);
	cr_assert(eq(int, unix_path_bind(p, fd, UNIX_PATH_USUAL), 0));
	cr_assert(eq(uint, permissions_of("at"), 0750));
	unix_path_release(p);
	close(fd);
}

Test(unix_path, what_cannot_be_bound_leaves_nothing_and_the_umask_as_it_was)
{
	int fd = unix_socket(SOCK_STREAM), other = unix_bound(SOCK_STREAM, "other");
	struct unix_path *p = take("at");

	umask(031);
	cr_assert(eq(int, unix_path_bind(p, -1, 0600), -1));
	cr_assert(eq(int, errno, EBADF));
	cr_assert(eq(int, unix_path_bind(p, other, 0600), -1), "it has a name already");
	cr_assert(eq(int, errno, EINVAL));
	cr_assert(eq(uint, umask(022), 031));
	unix_path_release(p);
	is_free("at");
	close(fd);
	close(other);
	unlink("other");
}

Test(unix_path, an_abstract_name_has_no_place_and_no_permissions)
{
	char name[40];
	int fd = unix_socket(SOCK_STREAM), second = unix_socket(SOCK_STREAM);
	struct unix_path *p, *q;
	struct addr at;

	snprintf(name, sizeof(name), "@sockx-unit-%d", (int)getpid());
	at = unix_addr(name);
	p = take(name);
	cr_assert(not(is_locked(".")));
	cr_assert(eq(int, unix_path_bind(p, fd, 0600), 0));
	unix_path_unlock(p);
	q = take(name);
	cr_assert(eq(int, unix_path_bind(q, second, 0600), -1), "it is taken");
	cr_assert(eq(int, errno, EADDRINUSE));
	unix_path_release(q);
	unix_path_release(p);
	close(fd);
	cr_assert(eq(int, bind(second, &at.sa, at.len), 0), "it is free again");
	close(second);
}

Test(unix_path, paths_with_and_without_directories_are_found)
{
	static const char *const paths[] = {"at", "./at", "inner/at", "inner//at", "inner/../at"};
	char *directory = getcwd(NULL, 0), whole[100];

	mkdir("inner", 0755);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		int fd = unix_socket(SOCK_DGRAM);
		struct unix_path *p = settle(paths[i], fd);

		cr_assert(eq(uint, permissions_of(paths[i]), 0600));
		unix_path_release(p);
		is_free(paths[i]);
		snprintf(whole, sizeof(whole), "%s/%s", directory, paths[i]);
		close(fd);
		fd = unix_socket(SOCK_DGRAM);
		p = settle(whole, fd);
		cr_assert(eq(uint, permissions_of(paths[i]), 0600));
		unix_path_release(p);
		is_free(paths[i]);
		close(fd);
	}
	free(directory);
	rmdir("inner");
}

Test(unix_path, a_directory_that_moved_is_cleaned_where_it_is)
{
	int fd = unix_socket(SOCK_STREAM);
	struct unix_path *p;

	mkdir("inner", 0755);
	p = settle("inner/at", fd);
	cr_assert(eq(int, rename("inner", "moved"), 0));
	unix_path_release(p);
	is_free("moved/at");
	close(fd);
	rmdir("moved");
}

/* ---- not ours any more ---- */

Test(unix_path, what_another_has_put_in_our_place_is_left)
{
	int fd = unix_socket(SOCK_STREAM), other;
	struct unix_path *p = settle("at", fd);

	unlink("at");
	other = unix_bound(SOCK_STREAM, "at");
	unix_path_release(p);
	cr_assert(eq(int, access("at", F_OK), 0));
	close(other);
	unlink("at");
	close(fd);
}

Test(unix_path, a_place_that_was_emptied_stays_so)
{
	int fd = unix_socket(SOCK_STREAM);
	struct unix_path *p = settle("at", fd);

	unlink("at");
	unix_path_release(p);
	is_free("at");
	close(fd);
}

/* ---- the lock ---- */

Test(unix_path, a_directory_that_another_has_locked_is_for_later_and_is_not_waited_for)
{
	struct reporter to = silent_reporter();
	const struct addr at = unix_addr("at");
	int fd = directory_lock(".");
	unsigned before = open_descriptors();
	int64_t began_ms = clock_ms();
	struct unix_path *p = NULL;
	struct err err = {0};

	for (int i = 0; i < 20; i++)
		cr_assert(eq(int, unix_path_take(&to, &at, &p, &err), IO_AGAIN));
	cr_assert(lt(i64, clock_ms() - began_ms, 1000), "20 times 2 s, if it waited");
	cr_assert(eq(ptr, (void *)p, NULL));
	cr_assert(eq(uint, open_descriptors(), before));
	cr_assert(eq(int, err.kind, ERR_LISTEN));
	cr_assert(eq(int, err.sys, EWOULDBLOCK));
	cr_assert(eq(str, err.what,
		"cannot listen on unix:at: directory '.' is locked by another program"));
	cr_assert(eq(str, err.hint, "`lslocks` shows which program holds the lock on '.'"));
	is_free("at");
	close(fd);
	unix_path_release(take("at"));
}

Test(unix_path, a_lock_that_is_held_on_does_not_keep_what_is_ours)
{
	int fd = unix_socket(SOCK_STREAM), lock;
	struct unix_path *p = settle("at", fd);
	int64_t began_ms = clock_ms();

	lock = directory_lock(".");
	unix_path_release(p);
	cr_assert(lt(i64, clock_ms() - began_ms, 90), "it is not waited for");
	is_free("at");
	close(lock);
	close(fd);
}

/* ---- shortages ---- */

/* Allow so many descriptors more than are open now. */
static struct rlimit allow_descriptors(rlim_t more)
{
	struct rlimit before = allow_no_more_descriptors(), now;

	cr_assert(eq(int, getrlimit(RLIMIT_NOFILE, &now), 0));
	now.rlim_cur += more;
	cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &now), 0));
	return before;
}

Test(unix_path, without_descriptors_nothing_is_taken_for_dead)
{
	struct reporter to = silent_reporter();
	const struct addr at = unix_addr("at");
	struct err err[2] = {0};
	struct unix_path *p;
	struct rlimit before;

	close(unix_bound(SOCK_STREAM, "at"));
	for (rlim_t i = 0; i < 2; i++) {
		before = allow_descriptors(i);
		cr_expect(eq(int, unix_path_take(&to, &at, &p, &err[i]), IO_FAIL));
		setrlimit(RLIMIT_NOFILE, &before);
		cr_expect(eq(int, err[i].sys, EMFILE), "%s", err[i].what);
		cr_expect(eq(int, access("at", F_OK), 0));
	}
	cr_expect(ne(ptr, strstr(err[0].what, "directory '.'"), NULL), "%s", err[0].what);
	cr_expect(ne(ptr, strstr(err[1].what, "a socket is there"), NULL), "%s", err[1].what);
	unlink("at");
}

/* Needs no directory. */
Test(unix_path_lack, without_memory_it_is_reported, .timeout = 20)
{
	struct reporter to = silent_reporter();
	const struct addr at = unix_addr("at");
	struct rlimit before = allow_no_more_memory();
	struct unix_path *p;
	struct err err = {0};
	enum io verdict;

	hoard_memory();
	verdict = unix_path_take(&to, &at, &p, &err);
	release_memory();
	allow_memory(&before);
	cr_assert(eq(int, verdict, IO_FAIL));
	cr_assert(eq(int, err.sys, ENOMEM));
}
