#include "transport/transports.h"

#include "transport/tcp.h"
#include "transport/udp.h"
#include "transport/unix.h"

static const struct {
	bool local;
	enum socket_kind kind;
	const struct transport *via;
} rows[] = {
	{false, SOCKET_STREAM, &transport_tcp},
	{false, SOCKET_DATAGRAM, &transport_udp},
	{true, SOCKET_STREAM, &transport_unix},
	{true, SOCKET_DATAGRAM, &transport_unix_datagram},
	{true, SOCKET_SEQPACKET, &transport_unix_seqpacket},
};

const struct transport *transport_find(bool local, enum socket_kind kind)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].local == local && rows[i].kind == kind)
			return rows[i].via;
	return NULL;
}
