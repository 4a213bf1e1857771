#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "transport/tcp.h"
#include "transport/transports.h"
#include "transport/udp.h"
#include "transport/unix.h"

TestSuite(transports, .timeout = 20);

static const struct {
	bool local;
	enum socket_kind kind;
	const struct transport *via;
	const char *name;
} table[] = {
	{false, SOCKET_STREAM, &transport_tcp, "tcp"},
	{false, SOCKET_DATAGRAM, &transport_udp, "udp"},
	{false, SOCKET_SEQPACKET, NULL, NULL},
	{true, SOCKET_STREAM, &transport_unix, "unix"},
	{true, SOCKET_DATAGRAM, &transport_unix_datagram, "unix-datagram"},
	{true, SOCKET_SEQPACKET, &transport_unix_seqpacket, "unix-seqpacket"},
};

Test(transports, each_kind_of_socket_has_its_own_or_none)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct transport *via = transport_find(table[i].local, table[i].kind);

		cr_assert(eq(ptr, (void *)via, (void *)table[i].via), "%zu", i);
		if (via)
			cr_expect(eq(str, (char *)via->name, (char *)table[i].name));
	}
}

/* What conn, server and connector call without asking whether it is there. */
static void is_complete(const struct transport *via)
{
	cr_expect(via->listen && via->unlisten && via->connect && via->advise, "%s", via->name);
	cr_expect(via->read && via->write && via->close, "%s", via->name);
	cr_expect(eq(int, via->accept != NULL, via->receive == NULL), "%s", via->name);
	cr_expect(eq(int, via->receive != NULL, via->send != NULL), "%s", via->name);
	cr_expect(eq(int, via->receive != NULL, via->datagram_max > 0), "%s", via->name);
}

Test(transports, each_has_what_is_called_unasked)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].via)
			is_complete(table[i].via);
}

Test(transports, those_of_messages_say_how_long_they_may_be_and_only_datagrams_have_no_end)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct transport *via = table[i].via;
		bool datagrams = table[i].kind == SOCKET_DATAGRAM;

		if (!via)
			continue;
		cr_expect(eq(int, via->message_max > 0, table[i].kind != SOCKET_STREAM));
		cr_expect(eq(int, via->connectionless, datagrams), "%s", via->name);
		cr_expect(eq(int, via->finish != NULL, !datagrams), "%s", via->name);
		cr_expect(eq(int, via->receive != NULL, datagrams), "%s", via->name);
		cr_expect(not(datagrams && via->datagram_max < via->message_max));
	}
}
