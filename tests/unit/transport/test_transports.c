
#include "check.h"
#include "transport/tcp.h"
#include "transport/transports.h"
#include "transport/udp.h"
#include "transport/unix.h"

TestSuite(transports, .timeout = 20);

static const struct {
	enum travel by;
	bool datagrams, messages;
	const struct transport *via;
	const char *name;
} table[] = {
	{TRAVEL_UNSAID, false, false, &transport_tcp, "tcp"},
	{TRAVEL_TCP, false, false, &transport_tcp, "tcp"},
	{TRAVEL_UDP, true, true, &transport_udp, "udp"},
	{TRAVEL_TLS, false, false, &transport_tcp, "tcp"},
	{TRAVEL_UNIX, false, false, &transport_unix, "unix"},
	{TRAVEL_UNIX_DATAGRAM, true, true, &transport_unix_datagram, "unix-datagram"},
	{TRAVEL_UNIX_SEQPACKET, false, true, &transport_unix_seqpacket, "unix-seqpacket"},
};

Test(transports, each_way_has_its_own_or_none)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct transport *via = transport_find(table[i].by);

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
		bool datagrams = table[i].datagrams;

		if (!via)
			continue;
		cr_expect(eq(int, via->message_max > 0, table[i].messages));
		cr_expect(eq(int, via->connectionless, datagrams), "%s", via->name);
		cr_expect(eq(int, via->finish != NULL, !datagrams), "%s", via->name);
		cr_expect(eq(int, via->receive != NULL, datagrams), "%s", via->name);
		cr_expect(not(datagrams && via->datagram_max < via->message_max));
	}
}
