#include "calls.h"

#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

struct call_state call_state_of(int tcp)
{
	return (struct call_state){.tcp = (uint8_t)tcp};
}

static struct call call_on(enum call_kind kind, const char *name, int fd, const char *args, int tcp)
{
	return (struct call){.kind = kind,
		.name = name,
		.fd = fd,
		.args = args,
		.error_name = "",
		.after = call_state_of(tcp)};
}

struct call call_of_socket(int fd, int family, int type)
{
	const bool tcp = type == SOCK_STREAM && (family == AF_INET || family == AF_INET6);
	struct call call =
		call_on(CALL_SOCKET, "socket", CALL_NO_FD, "FAMILY, TYPE", tcp ? TCP_CLOSE : 0);

	call.family = family;
	call.type = type;
	call.rc = fd;
	return call;
}

struct call call_at(enum call_kind kind, const char *name, int fd, const struct addr *at, int tcp)
{
	struct call call = call_on(kind, name, fd, "ADDRESS", tcp);

	call.at = &at->sa;
	call.at_len = at->len;
	return call;
}

struct call call_of_accept(int listener, int fd, const struct addr *peer, int tcp)
{
	struct call call = call_at(CALL_ACCEPT, "accept", listener, peer, tcp);

	call.rc = fd;
	return call;
}

static struct call call_moves(
	enum call_kind kind, const char *name, int fd, const char *text, int tcp)
{
	struct call call = call_on(kind, name, fd, "100", tcp);

	call.data = span_of(text);
	call.asked = kind == CALL_SEND ? call.data.len : 100;
	call.rc = (int64_t)call.data.len;
	return call;
}

struct call call_of_send(int fd, const char *text, int tcp)
{
	return call_moves(CALL_SEND, "send", fd, text, tcp);
}

struct call call_of_recv(int fd, const char *text, int tcp)
{
	return call_moves(CALL_RECEIVE, "recv", fd, text, tcp);
}

struct call call_of_peek(int fd, const char *text, int tcp)
{
	struct call call = call_of_recv(fd, text, tcp);

	call.args = "100, MSG_PEEK";
	return call;
}

struct call call_of_listen(int fd, int tcp)
{
	return call_on(CALL_LISTEN, "listen", fd, "2", tcp);
}

struct call call_of_shutdown(int fd, int tcp)
{
	struct call call = call_on(CALL_SHUTDOWN, "shutdown", fd, "SHUT_WR", tcp);

	call.how = SHUT_WR;
	return call;
}

struct call call_of_close(int fd)
{
	return call_on(CALL_CLOSE, "close", fd, NULL, 0);
}

struct call call_of_option(int fd, int level, int option, const char *args, int tcp)
{
	struct call call = call_on(CALL_OPTION, "setsockopt", fd, args, tcp);

	call.level = level;
	call.option = option;
	return call;
}

struct call call_of_dup(int fd, int copy)
{
	struct call call = call_on(CALL_COPY, "dup", fd, NULL, 0);

	call.rc = copy;
	return call;
}

struct call call_failed(struct call call, int error, const char *name)
{
	if (call.kind == CALL_RECEIVE)
		call.data = (struct span){0};
	call.rc = -1;
	call.error = error;
	call.error_name = name;
	return call;
}

struct call call_with_queue(struct call call, uint32_t waiting, uint32_t most)
{
	call.queue = (struct call_queue){.waiting = waiting, .most = most};
	return call;
}
