/* What bulk transfers are measured against: one direction, blocking, and no byte is copied to user
 * space. Input that is a pipe or a socket is spliced, a file goes by sendfile.
 *
 *     splice listen|connect send|receive PLACE [polled]
 *
 * PLACE is a port of 127.0.0.1 (0: any), or the path of a Unix socket. The listener tells its port
 * on standard error. polled: it waits in poll alone, as a program must that has more than one
 * thing to do; what that costs is not sockx's doing. Exit status: 0, or 1 if something failed. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PIECE = 1 << 20, ROOM = 1 << 20 };

static int need(ssize_t rc, const char *call)
{
	if (rc >= 0)
		return (int)rc;
	perror(call);
	exit(1);
}

static int meet(bool listens, const char *place)
{
	struct sockaddr_in in = {AF_INET, htons((uint16_t)atoi(place)), {htonl(INADDR_LOOPBACK)}};
	struct sockaddr_un un = {AF_UNIX, ""};
	bool is_path = strchr(place, '/');
	struct sockaddr *at = is_path ? (struct sockaddr *)&un : (struct sockaddr *)&in;
	socklen_t len = is_path ? sizeof(un) : sizeof(in);
	int fd = need(socket(at->sa_family, SOCK_STREAM, 0), "socket"), room = ROOM;

	strncpy(un.sun_path, place, sizeof(un.sun_path) - 1);
	if (is_path)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	if (!listens) {
		need(connect(fd, at, len), "connect");
		return fd;
	}
	need(bind(fd, at, len), "bind");
	need(listen(fd, 1), "listen");
	getsockname(fd, at, &len);
	fprintf(stderr, "listening on %d\n", is_path ? 0 : ntohs(in.sin_port));
	return need(accept(fd, NULL, NULL), "accept");
}

static mode_t type_of(int fd)
{
	struct stat st;

	need(fstat(fd, &st), "fstat");
	if (S_ISFIFO(st.st_mode))
		fcntl(fd, F_SETPIPE_SZ, PIECE);
	return st.st_mode & S_IFMT;
}

static void wait_for(int fd, short events)
{
	struct pollfd one = {fd, events, 0};

	need(poll(&one, 1, -1), "poll");
}

/* The sockets may wait, as they have to for one splice to take all there is; but each is known to
 * be ready before. */
static size_t move(int from, int to, size_t len, bool polled)
{
	ssize_t n = -1;

	if (!polled)
		return (size_t)need(splice(from, NULL, to, NULL, len, SPLICE_F_MOVE), "splice");
	for (errno = EAGAIN; n < 0 && errno == EAGAIN;) {
		wait_for(from, POLLIN);
		wait_for(to, POLLOUT);
		n = splice(from, NULL, to, NULL, len, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	}
	return (size_t)need(n, "splice");
}

int main(int argc, char **argv)
{
	bool sends = argc >= 4 && strcmp(argv[2], "send") == 0, polled = argc > 4;
	int fd = argc >= 4 ? meet(strcmp(argv[1], "listen") == 0, argv[3]) : need(-1, "usage");
	mode_t type = type_of(sends ? STDIN_FILENO : STDOUT_FILENO);
	int own[2];

	if (sends && type == S_IFREG)
		while (need(sendfile(fd, STDIN_FILENO, NULL, 16 * PIECE), "sendfile") > 0)
			;
	else if (sends || type == S_IFIFO)
		while (move(sends ? STDIN_FILENO : fd, sends ? fd : STDOUT_FILENO, PIECE, polled) >
			0)
			;
	else {
		need(pipe(own), "pipe");
		type_of(own[1]);
		for (size_t in; (in = move(fd, own[1], PIECE, polled)) > 0;)
			while (in > 0)
				in -= move(own[0], STDOUT_FILENO, in, polled);
	}
	return 0;
}
