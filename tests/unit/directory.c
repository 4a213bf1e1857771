#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "check.h"
#include "script.h"
#include "transport/unix_path.h"

void directory_enter(void)
{
	char directory[] = "/tmp/sockx-unit-XXXXXX";

	cr_assert(ne(ptr, mkdtemp(directory), NULL));
	cr_assert(eq(int, chdir(directory), 0));
}

void directory_leave(void)
{
	char *directory = getcwd(NULL, 0);

	cr_assert(eq(int, chdir("/"), 0));
	cr_expect(eq(int, rmdir(directory), 0), "something is left in %s", directory);
	free(directory);
}

struct addr unix_addr(const char *path)
{
	struct addr at;

	cr_assert(eq(int, addr_from_path(&at, path), 0));
	return at;
}

int unix_socket(int type)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	cr_assert(ge(int, fd, 0));
	return fd;
}

int unix_bound(int type, const char *path)
{
	const struct addr at = unix_addr(path);
	int fd = unix_socket(type);

	cr_assert(eq(int, bind(fd, &at.sa, at.len), 0), "%s: %s", path, strerror(errno));
	return fd;
}

void is_free(const char *path)
{
	struct stat there;

	cr_assert(eq(int, lstat(path, &there), -1), "%s", path);
}

mode_t permissions_of(const char *path)
{
	struct stat there;

	cr_assert(eq(int, lstat(path, &there), 0), "%s", path);
	return there.st_mode & 07777;
}

int directory_lock(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	cr_assert(eq(int, flock(fd, LOCK_EX), 0), "%s", path);
	return fd;
}

bool is_locked(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = flock(fd, LOCK_EX | LOCK_NB);

	close(fd);
	return rc < 0;
}

void be_nobody(void)
{
	if (geteuid() == 0)
		cr_assert(eq(int, seteuid(65534), 0));
}

void be_ourselves(void)
{
	cr_assert(eq(int, seteuid(getuid()), 0));
}

struct err why_not(const char *path)
{
	struct reporter to = silent_reporter();
	const struct addr at = unix_addr(path);
	struct unix_path *p = NULL;
	struct err err = {0};
	unsigned before = open_descriptors();

	cr_assert(eq(int, unix_path_take(&to, &at, &p, &err), IO_FAIL), "%s", path);
	cr_assert(eq(ptr, (void *)p, NULL));
	cr_assert(eq(int, err.kind, ERR_LISTEN));
	cr_assert(ne(int, err.sys, 0), "the errno is told: a client judges by it");
	cr_assert(eq(uint, open_descriptors(), before));
	return err;
}

struct unix_path *take(const char *path)
{
	static struct reporter to;
	const struct addr at = unix_addr(path);
	struct unix_path *p = NULL;
	struct err err = {0};

	to = silent_reporter();
	cr_assert(eq(int, unix_path_take(&to, &at, &p, &err), IO_DONE), "%s", err.what);
	return p;
}

struct unix_path *settle(const char *path, int fd)
{
	struct unix_path *p = take(path);

	cr_assert(eq(int, unix_path_bind(p, fd, 0600), 0), "%s", strerror(errno));
	unix_path_unlock(p);
	return p;
}
