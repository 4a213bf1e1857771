#ifndef SOCKX_TRANSPORT_UNIX_PATH_H
#define SOCKX_TRANSPORT_UNIX_PATH_H

#include "core/link.h"

/*
 * The place of a Unix socket in the file system. It is ours for as long as we say, no other's is
 * ever taken, and nothing of ours is left behind. What a server that died has left is replaced.
 *
 * While a place is looked at, cleared and bound, its directory is locked (flock(2)), so that of two
 * that start at once, one wins. In the abstract namespace there is nothing to do.
 */
struct unix_path;

/* Lock the directory of at and clear the place: of a socket that no program has any more. IO_AGAIN:
 * another program has the lock, try again soon. There and at IO_FAIL err is filled (ERR_LISTEN, and
 * its sys is an errno), and *out is left as it was. */
enum io unix_path_take(
	struct reporter *to, const struct addr *at, struct unix_path **out, struct err *err);

/* The story of a place whose directory is locked: "WHAT unix:AT: ...", and how to see by which
 * program. */
void unix_path_explain_lock(
	const struct addr *at, enum err_kind kind, const char *what, struct err *err);

/* Bind fd to the place that was taken, with those permissions, whatever the umask; UNIX_PATH_USUAL:
 * with what the umask leaves of all. Returns 0, or -1 with errno. */
enum { UNIX_PATH_USUAL = 07777 };
int unix_path_bind(struct unix_path *p, int fd, uint64_t permissions);

/* Others may look at the place now: what is there is ours. */
void unix_path_unlock(struct unix_path *p);

/* Remove what we bound, if it is still that, and free p, which may be NULL. The socket must still
 * be open: its closing would make the place look like a dead server's. */
void unix_path_release(struct unix_path *p);

#endif
