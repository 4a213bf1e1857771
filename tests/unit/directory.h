#ifndef UNIT_DIRECTORY_H
#define UNIT_DIRECTORY_H

#include <sys/stat.h>

#include "base/err.h"
#include "base/addr.h"

/* A directory of a test's own, for Unix sockets: it is where we are, and must be empty in the end.
 */

void directory_enter(void);
void directory_leave(void);

struct addr unix_addr(const char *path);

/* A socket; and one that is bound to a path. */
int unix_socket(int type);
int unix_bound(int type, const char *path);

/* Nothing is at a path; what is there has these permissions. */
void is_free(const char *path);
mode_t permissions_of(const char *path);

/* Lock a directory, as another program would: flock(2) is by open file description. Closing the
 * descriptor that this returns gives the lock back. */
int directory_lock(const char *path);

/* Whether a directory is locked. */
bool is_locked(const char *path);

/* Become a user who may do nothing, unless we are one, and be ourselves again. */
void be_nobody(void);
void be_ourselves(void);

/* Take a path, which must be possible; and be there with a socket: what a server does. */
struct unix_path *take(const char *path);
struct unix_path *settle(const char *path, int fd);

/* What keeps us from taking a path, with nothing of the attempt left. */
struct err why_not(const char *path);

#endif
