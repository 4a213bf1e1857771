#include "transport/unix_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/escape.h"
#include "os/limits.h"
#include "os/sys_file.h"
#include "os/sys_process.h"
#include "os/sys_socket.h"

struct unix_path {
	struct reporter *to;
	struct addr at;
	int directory;      /* -1: the place is no path */
	bool locked, bound; /* what there is to undo */
	struct stat ours;   /* what we bound, as it lies there */
	const char *name;   /* in the directory; within at */
};

/* The directory of a path as it was typed, and in *name what it is called there. */
static void unix_path_split(const char *path, char directory[ADDR_PATH_MAX + 1], const char **name)
{
	const char *slash = strrchr(path, '/');
	int len = slash && slash != path ? (int)(slash - path) : 1;

	snprintf(directory, ADDR_PATH_MAX + 1, "%.*s", len, slash ? path : ".");
	*name = slash ? slash + 1 : path;
	if (!**name)
		*name = "."; /* "directory/" is a directory */
}

/* Who may not read the directory may still use it, though without a lock. */
static int unix_path_open_directory(struct reporter *to, const char *directory)
{
	int fd = sys_open(to, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == EACCES)
		fd = sys_open(to, directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd;
}

/* Returns 0, or -1 with errno: EWOULDBLOCK while another has the lock. */
static int unix_path_lock(struct unix_path *p)
{
	if (sys_flock(p->to, p->directory, LOCK_EX | LOCK_NB) == 0)
		p->locked = true;
	else if (errno != EBADF) /* open for its path alone */
		return -1;
	return 0;
}

/* Whether anybody has the socket at a path, listening or about to. To ask is harmless: a datagram
 * socket cannot connect to one of another type (EPROTOTYPE), and to connect to one of its own type
 * tells the other nothing (connect(2)). Returns 1, 0 for a dead one, or -1 with errno. */
static int unix_path_is_alive(const struct unix_path *p)
{
	int rc, error, fd = sys_socket(p->to, AF_UNIX, SOCK_DGRAM, 0);

	if (fd < 0)
		return -1;
	rc = sys_connect(p->to, fd, &p->at.sa, p->at.len);
	error = rc < 0 ? errno : 0;
	sys_close(p->to, fd);
	if (!error || error == EPROTOTYPE || error == EPERM)
		return 1;
	errno = error;
	return error == ECONNREFUSED || error == ENOENT ? 0 : -1;
}

static const char *unix_path_kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: return "a file";
	case S_IFDIR: return "a directory";
	case S_IFLNK: return "a symbolic link";
	default: return "something else";
	}
}

static int unix_path_cannot(const struct unix_path *p, const char *call, int error, struct err *err)
{
	return err_sys(err, ERR_LISTEN, error, "cannot listen on %s%s%s", addr_text(&p->at).text,
		*call ? ": " : "", call);
}

static int unix_path_cannot_clear(
	const struct unix_path *p, const char *call, int error, struct err *err)
{
	unix_path_cannot(p, call, error, err);
	if (error != EACCES && error != EPERM)
		return -1;
	return err_hint(err, "it, or its directory, belongs to another user; choose another path");
}

static int unix_path_is_taken(const struct unix_path *p, const struct stat *there, struct err *err)
{
	if (S_ISSOCK(there->st_mode)) {
		unix_path_cannot(p, "", EADDRINUSE, err);
		return err_hint(err, "another server uses it; choose another path");
	}
	err_set(err, ERR_LISTEN, "cannot listen on %s: there is already %s", addr_text(&p->at).text,
		unix_path_kind_of(there->st_mode));
	err->sys = EADDRINUSE;
	return err_hint(err, "choose another path, or remove it yourself");
}

static bool unix_path_is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Remove what is at the place if it is that very thing. Returns 0, or -1 with errno. */
static int unix_path_remove_exactly(const struct unix_path *p, const struct stat *that)
{
	struct stat there;

	if (sys_lstatat(p->directory, p->name, &there) < 0 || !unix_path_is_same(&there, that))
		return 0;
	return sys_unlinkat(p->to, p->directory, p->name);
}

/* Make sure that nothing is at the place. */
static int unix_path_clear(const struct unix_path *p, struct err *err)
{
	struct stat there;
	int alive;

	if (sys_lstatat(p->directory, p->name, &there) < 0)
		return errno == ENOENT ? 0 : unix_path_cannot_clear(p, "stat", errno, err);
	if (!S_ISSOCK(there.st_mode))
		return unix_path_is_taken(p, &there, err);
	alive = unix_path_is_alive(p);
	if (alive < 0)
		return unix_path_cannot_clear(p, "a socket is there", errno, err);
	if (alive)
		return unix_path_is_taken(p, &there, err);
	return unix_path_remove_exactly(p, &there) < 0
	               ? unix_path_cannot_clear(p, "unlink", errno, err)
	               : 0;
}

static int unix_path_enter_directory(struct unix_path *p, struct err *err)
{
	char directory[ADDR_PATH_MAX + 1];

	unix_path_split(p->at.un.sun_path, directory, &p->name);
	p->directory = unix_path_open_directory(p->to, directory);
	if (p->directory >= 0)
		return 0;
	err_sys(err, ERR_LISTEN, errno, "cannot listen on %s: directory %s", addr_text(&p->at).text,
		quoted(directory).text);
	if (err->sys == EMFILE)
		return err_hint(
			err, "start it where 'ulimit -n' allows more than %d", limits_open_files());
	return err_hint(err, "the directory must exist; to create it: mkdir -p %s", directory);
}

void unix_path_explain_lock(
	const struct addr *at, enum err_kind kind, const char *what, struct err *err)
{
	char directory[ADDR_PATH_MAX + 1];
	const char *name;

	unix_path_split(at->un.sun_path, directory, &name);
	err_set(err, kind, "%s %s: directory %s is locked by another program", what,
		addr_text(at).text, quoted(directory).text);
	err->sys = EWOULDBLOCK;
	err_hint(err, "`lslocks` shows which program holds the lock on %s", quoted(directory).text);
}

static enum io unix_path_prepare(struct unix_path *p, struct err *err)
{
	if (unix_path_enter_directory(p, err) < 0)
		return IO_FAIL;
	if (unix_path_lock(p) == 0)
		return unix_path_clear(p, err) == 0 ? IO_DONE : IO_FAIL;
	if (errno != EWOULDBLOCK) {
		unix_path_cannot(p, "flock", errno, err);
		return IO_FAIL;
	}
	unix_path_explain_lock(&p->at, ERR_LISTEN, "cannot listen on", err);
	return IO_AGAIN;
}

enum io unix_path_take(
	struct reporter *to, const struct addr *at, struct unix_path **out, struct err *err)
{
	struct unix_path *p = calloc(1, sizeof(*p));
	enum io verdict = IO_DONE;

	if (!p) {
		err_sys(err, ERR_LISTEN, ENOMEM, "cannot listen on %s", addr_text(at).text);
		return IO_FAIL;
	}
	p->to = to;
	p->at = *at;
	p->directory = -1;
	if (at->un.sun_path[0])
		verdict = unix_path_prepare(p, err);
	if (verdict == IO_DONE)
		*out = p;
	else
		unix_path_release(p);
	return verdict;
}

/* A socket takes the permissions of its descriptor, less the umask, into the file system: there is
 * no moment at which it has others. */
static int unix_path_bind_with(struct unix_path *p, int fd, uint64_t permissions)
{
	mode_t mask;
	int rc;

	if (permissions == UNIX_PATH_USUAL)
		return sys_bind(p->to, fd, &p->at.sa, p->at.len);
	if (sys_fchmod(p->to, fd, (mode_t)permissions) < 0)
		return -1;
	mask = sys_umask(0);
	rc = sys_bind(p->to, fd, &p->at.sa, p->at.len);
	sys_umask(mask);
	return rc;
}

int unix_path_bind(struct unix_path *p, int fd, uint64_t permissions)
{
	if (p->directory < 0)
		return sys_bind(p->to, fd, &p->at.sa, p->at.len);
	if (unix_path_bind_with(p, fd, permissions) < 0)
		return -1;
	p->bound = sys_lstatat(p->directory, p->name, &p->ours) == 0;
	return 0;
}

void unix_path_unlock(struct unix_path *p)
{
	if (p->locked)
		sys_flock(p->to, p->directory, LOCK_UN);
	p->locked = false;
}

void unix_path_release(struct unix_path *p)
{
	if (!p)
		return;
	if (p->bound) {
		/* While another has the lock, it goes as well: our socket is still open, so that
		 * none takes the place before it is free. To wait would hold up the loop. */
		unix_path_lock(p);
		unix_path_remove_exactly(p, &p->ours);
	}
	if (p->directory >= 0)
		sys_close(p->to, p->directory); /* and the lock goes with it */
	free(p);
}
