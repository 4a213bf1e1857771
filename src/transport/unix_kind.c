#include "transport/unix_kind.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "os/sys_file.h"
#include "os/sys_socket.h"

/* /proc/net/unix (proc(5)): "Num: RefCount Protocol Flags Type St Inode Path", a line a socket. */
enum { LIST_FLAGS = 3, LIST_TYPE = 4, LIST_PATH = 7, LIST_LISTENS = 1 << 16 };

/* A list longer than this is not read to its end. */
enum { LIST_LINE_BYTES = 256, LIST_BYTES_MAX = 4 << 20 };

/* Where word n of a line begins. */
static const char *unix_kind_word(const char *line, unsigned n)
{
	for (; n; n--) {
		line += strcspn(line, " ");
		line += strspn(line, " ");
	}
	return line;
}

/* The kind of the server in a line of the list, if it is at that address; else 0. */
static int unix_kind_of_line(const char *line, const char *path)
{
	unsigned long flags = strtoul(unix_kind_word(line, LIST_FLAGS), NULL, 16);
	int type = (int)strtoul(unix_kind_word(line, LIST_TYPE), NULL, 16);

	if (strcmp(unix_kind_word(line, LIST_PATH), path) != 0)
		return 0;
	return type == SOCK_DGRAM || flags & LIST_LISTENS ? type : 0;
}

struct listing {
	char line[LIST_LINE_BYTES];
	size_t used;
	const char *path;
	int ours, found;
};

static void unix_kind_add(struct listing *l, const char *bytes, size_t count)
{
	for (size_t i = 0; i < count && !l->found; i++) {
		if (bytes[i] != '\n') {
			/* What is too long is cut, and is no line that is looked for. */
			if (l->used < sizeof(l->line) - 1)
				l->line[l->used++] = bytes[i];
			continue;
		}
		l->line[l->used] = '\0';
		l->used = 0;
		l->found = unix_kind_of_line(l->line, l->path);
		if (l->found == l->ours)
			l->found = 0;
	}
}

/* As the kernel lists it: without a connection, so that the server does not notice. */
static int unix_kind_listed(struct reporter *to, const struct addr *at, int ours)
{
	const struct addr_shown shown = addr_text(at);
	struct listing l = {.path = shown.text + strlen("unix:"), .ours = ours};
	int fd = sys_open(to, "/proc/net/unix", O_RDONLY | O_CLOEXEC);
	size_t total = 0;
	char bytes[4096];
	ssize_t n;

	if (fd < 0)
		return 0;
	while (!l.found && total < LIST_BYTES_MAX) {
		n = sys_read(to, fd, bytes, sizeof(bytes));
		if (n <= 0)
			break;
		unix_kind_add(&l, bytes, (size_t)n);
		total += (size_t)n;
	}
	sys_close(to, fd);
	return l.found;
}

/* Datagram sockets connect without telling the other, and to no socket of another kind. */
static bool unix_kind_is_datagram(struct reporter *to, const struct addr *at, bool *is_other)
{
	int rc, error, fd = sys_socket(to, AF_UNIX, SOCK_DGRAM, 0);

	*is_other = false;
	if (fd < 0)
		return false;
	rc = sys_connect(to, fd, &at->sa, at->len);
	error = errno;
	sys_close(to, fd);
	*is_other = rc < 0 && error == EPROTOTYPE;
	return rc == 0 || error == EPERM;
}

int unix_kind_at(struct reporter *to, const struct addr *at, int ours)
{
	bool is_other;

	/* Names in the abstract namespace are kept apart by kind. A relative path is listed as its
	 * server wrote it, and may be another server's. */
	if (!at->un.sun_path[0] || (ours == SOCK_DGRAM && at->un.sun_path[0] == '/'))
		return unix_kind_listed(to, at, ours);
	if (ours == SOCK_DGRAM)
		return 0;
	if (unix_kind_is_datagram(to, at, &is_other))
		return SOCK_DGRAM;
	if (!is_other)
		return 0;
	return ours == SOCK_STREAM ? SOCK_SEQPACKET : SOCK_STREAM;
}
