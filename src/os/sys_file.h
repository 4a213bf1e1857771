#ifndef SOCKX_OS_SYS_FILE_H
#define SOCKX_OS_SYS_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "report/report.h"

/* The system calls about files, pipes, and descriptors of any kind, as os/sys_call.h says. */

/* For descriptors that are no sockets; sys_recv and sys_send are for those. */
ssize_t sys_read(struct reporter *to, int fd, void *data, size_t len);
ssize_t sys_write(struct reporter *to, int fd, const void *data, size_t len);
/* The same for one turn without waiting, whatever the descriptor's flags (RWF_NOWAIT, preadv2(2));
 * EOPNOTSUPP where the kernel cannot: pipes before Linux 6.4, terminals. */
ssize_t sys_read_nowait(struct reporter *to, int fd, void *data, size_t len);
ssize_t sys_write_nowait(struct reporter *to, int fd, const void *data, size_t len);
/* Between descriptors, without the bytes passing through us: splice(2), for which one of them is a
 * pipe, and never waits for a pipe; sendfile(2) from a file's own place, which it moves on. */
ssize_t sys_splice(struct reporter *to, int from, int into, size_t len);
ssize_t sys_sendfile(struct reporter *to, int into, int file, size_t len);
/* pipe2(2), for reads and writes that do not wait; F_SETPIPE_SZ. */
int sys_pipe(struct reporter *to, int ends[2]);
int sys_set_pipe_size(struct reporter *to, int fd, int bytes);
int sys_open(struct reporter *to, const char *path, int flags);
/* openat(2) of a name in a directory (AT_FDCWD: where we are), with the mode of what it makes. */
int sys_openat(struct reporter *to, int directory, const char *name, int flags, mode_t mode);
int sys_ftruncate(struct reporter *to, int fd, off_t bytes);
int sys_close(struct reporter *to, int fd);
int sys_dup(struct reporter *to, int fd);
int sys_dup2(struct reporter *to, int fd, int onto);

/* A socket's place in the file system: permissions, the lock on its directory, its removal. */
int sys_fchmod(struct reporter *to, int fd, mode_t mode);
int sys_flock(struct reporter *to, int fd, int operation);
int sys_unlinkat(struct reporter *to, int directory, const char *name);

/* renameat(2) within a directory: what has the new name is replaced. */
int sys_renameat(struct reporter *to, int directory, const char *from, const char *onto);

/* What a descriptor is, what a path leads to, and what lies in a directory (a symbolic link is not
 * followed). */
int sys_fstat(int fd, struct stat *out);
int sys_stat(const char *path, struct stat *out);
int sys_lstatat(int directory, const char *name, struct stat *out);

/* getdents64(2): the next names of an open directory, as records in room; 0 at its end, -1 with
 * errno. It is not opendir(3), for each function of libc is looked up at each start. */
struct sys_listed {
	uint64_t inode;
	int64_t place;
	uint16_t len; /* of the record */
	uint8_t type;
	char name[];
};
ssize_t sys_list(int directory, void *room, size_t size);
/* readlinkat(2): where a symbolic link leads, without a NUL. */
ssize_t sys_readlinkat(int directory, const char *name, char *out, size_t size);

/* lseek(2): where in a file the next byte is read, or -1. */
off_t sys_place(int fd);

/* fcntl(2): whether fd is open, and for what (O_RDONLY, O_WRONLY, O_RDWR; or -1). */
bool sys_is_open(int fd);
int sys_access_mode(int fd);
/* FD_CLOEXEC: no program that we start gets it. */
void sys_close_on_exec(int fd);

#endif
