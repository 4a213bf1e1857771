#include "transport/transports.h"

#include "transport/tcp.h"
#include "transport/udp.h"
#include "transport/unix.h"

static const struct {
	enum travel by;
	const struct transport *via;
} rows[] = {
	{TRAVEL_UNSAID, &transport_tcp},
	{TRAVEL_TCP, &transport_tcp},
	{TRAVEL_TLS, &transport_tcp}, /* and a layer over it: transport/tls.h */
	{TRAVEL_UDP, &transport_udp},
	{TRAVEL_UNIX, &transport_unix},
	{TRAVEL_UNIX_DATAGRAM, &transport_unix_datagram},
	{TRAVEL_UNIX_SEQPACKET, &transport_unix_seqpacket},
};

const struct transport *transport_find(enum travel by)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].by == by)
			return rows[i].via;
	return NULL;
}
