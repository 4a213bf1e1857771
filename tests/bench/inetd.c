/*
 * The least that a server with a program for each client can do: accept, vfork, exec, wait. What
 * bench/exec measures can be no faster with the socket as the program's input and output.
 *
 *   inetd PORT PROGRAM [ARG...]
 */

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int listener(int port)
{
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 4096) == 0 ? fd : -1;
}

/* The child shares our memory until it is the program. */
static void start(int client, char **command)
{
	if (vfork() != 0)
		return;
	dup2(client, 0);
	dup2(client, 1);
	execvp(command[0], command);
	_exit(127);
}

int main(int argc, char **argv)
{
	const int fd = argc > 2 ? listener(atoi(argv[1])) : -1;

	if (fd < 0) {
		fprintf(stderr, "usage: inetd PORT PROGRAM [ARG...]\n");
		return 2;
	}
	for (;;) {
		const int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

		if (client < 0)
			continue;
		start(client, argv + 2);
		close(client);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}
