#include "os/sys_names.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>

#define NAMED(level, option)                       \
	{                                          \
		level, option, #level ", " #option \
	}

/* Names stand in the rows: a pointer is one more address to be put in place when the program
 * starts. */
static const struct {
	int level, option;
	char name[40];
} names[] = {
	NAMED(SOL_SOCKET, SO_REUSEADDR),
	NAMED(SOL_SOCKET, SO_ERROR),
	NAMED(SOL_SOCKET, SO_BROADCAST),
	NAMED(SOL_SOCKET, SO_KEEPALIVE),
	NAMED(SOL_SOCKET, SO_OOBINLINE),
	NAMED(SOL_SOCKET, SO_LINGER),
	NAMED(SOL_SOCKET, SO_SNDBUF),
	NAMED(SOL_SOCKET, SO_RCVBUF),
	NAMED(SOL_SOCKET, SO_SNDBUFFORCE),
	NAMED(SOL_SOCKET, SO_RCVBUFFORCE),
	NAMED(SOL_SOCKET, SO_PASSCRED),
	NAMED(SOL_SOCKET, SO_PEERCRED),
	NAMED(SOL_SOCKET, SO_MEMINFO),
	NAMED(SOL_SOCKET, SO_TYPE),
	NAMED(SOL_SOCKET, SO_DOMAIN),
	NAMED(SOL_SOCKET, SO_PROTOCOL),
	NAMED(SOL_SOCKET, SO_ACCEPTCONN),
	NAMED(SOL_SOCKET, SO_BINDTODEVICE),
	NAMED(IPPROTO_TCP, TCP_NODELAY),
	NAMED(IPPROTO_TCP, TCP_KEEPIDLE),
	NAMED(IPPROTO_TCP, TCP_KEEPINTVL),
	NAMED(IPPROTO_TCP, TCP_KEEPCNT),
	NAMED(IPPROTO_IP, IP_TTL),
	NAMED(IPPROTO_IP, IP_MULTICAST_TTL),
	NAMED(IPPROTO_IP, IP_TOS),
	NAMED(IPPROTO_IP, IP_PKTINFO),
	NAMED(IPPROTO_IP, IP_RECVERR),
	NAMED(IPPROTO_IP, IP_RECVTTL),
	NAMED(IPPROTO_IPV6, IPV6_V6ONLY),
	NAMED(IPPROTO_IPV6, IPV6_UNICAST_HOPS),
	NAMED(IPPROTO_IPV6, IPV6_MULTICAST_HOPS),
	NAMED(IPPROTO_IPV6, IPV6_TCLASS),
	NAMED(IPPROTO_IPV6, IPV6_RECVERR),
	NAMED(IPPROTO_IPV6, IPV6_RECVPKTINFO),
	NAMED(IPPROTO_IPV6, IPV6_RECVHOPLIMIT),
};

struct option_name sys_option_name(int level, int option)
{
	struct option_name out;

	snprintf(out.text, sizeof(out.text), "level %d, option %d", level, option);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].level == level && names[i].option == option)
			snprintf(out.text, sizeof(out.text), "%s", names[i].name);
	return out;
}

/* strerrorname_np(3) is glibc's alone. */
#define ERROR(name)         \
	{                   \
		name, #name \
	}

static const struct {
	int error;
	char name[20];
} errors[] = {
	ERROR(EPERM),
	ERROR(ENOENT),
	ERROR(EINTR),
	ERROR(EIO),
	ERROR(ENXIO),
	ERROR(E2BIG),
	ERROR(EBADF),
	ERROR(EAGAIN),
	ERROR(ENOMEM),
	ERROR(EACCES),
	ERROR(EFAULT),
	ERROR(EBUSY),
	ERROR(EEXIST),
	ERROR(ENODEV),
	ERROR(ENOTDIR),
	ERROR(EISDIR),
	ERROR(EINVAL),
	ERROR(ENFILE),
	ERROR(EMFILE),
	ERROR(ENOTTY),
	ERROR(EFBIG),
	ERROR(ENOSPC),
	ERROR(ESPIPE),
	ERROR(EROFS),
	ERROR(EPIPE),
	ERROR(ENAMETOOLONG),
	ERROR(ENOSYS),
	ERROR(ELOOP),
	ERROR(EPROTO),
	ERROR(EOVERFLOW),
	ERROR(ENOTSOCK),
	ERROR(EDESTADDRREQ),
	ERROR(EMSGSIZE),
	ERROR(EPROTOTYPE),
	ERROR(ENOPROTOOPT),
	ERROR(EPROTONOSUPPORT),
	ERROR(ESOCKTNOSUPPORT),
	ERROR(EOPNOTSUPP),
	ERROR(EPFNOSUPPORT),
	ERROR(EAFNOSUPPORT),
	ERROR(EADDRINUSE),
	ERROR(EADDRNOTAVAIL),
	ERROR(ENETDOWN),
	ERROR(ENETUNREACH),
	ERROR(ENETRESET),
	ERROR(ECONNABORTED),
	ERROR(ECONNRESET),
	ERROR(ENOBUFS),
	ERROR(EISCONN),
	ERROR(ENOTCONN),
	ERROR(ESHUTDOWN),
	ERROR(ETIMEDOUT),
	ERROR(ECONNREFUSED),
	ERROR(EHOSTDOWN),
	ERROR(EHOSTUNREACH),
	ERROR(EALREADY),
	ERROR(EINPROGRESS),
	ERROR(ESTALE),
	ERROR(EDQUOT),
};

struct error_name sys_error_name(int error)
{
	struct error_name shown = {""};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].error == error)
			snprintf(shown.text, sizeof(shown.text), "%s", errors[i].name);
	if (error && !shown.text[0])
		snprintf(shown.text, sizeof(shown.text), "errno %d", error);
	return shown;
}
