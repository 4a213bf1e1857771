#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "check.h"
#include "os/sys_names.h"

Test(sys_names, an_option_is_called_as_programs_write_it)
{
	cr_expect(eq(
		str, sys_option_name(SOL_SOCKET, SO_REUSEADDR).text, "SOL_SOCKET, SO_REUSEADDR"));
	cr_expect(eq(
		str, sys_option_name(IPPROTO_TCP, TCP_NODELAY).text, "IPPROTO_TCP, TCP_NODELAY"));
	cr_expect(eq(
		str, sys_option_name(IPPROTO_IPV6, IPV6_V6ONLY).text, "IPPROTO_IPV6, IPV6_V6ONLY"));
}

Test(sys_names, an_unknown_option_is_its_numbers)
{
	cr_expect(eq(str, sys_option_name(SOL_SOCKET, 9999).text, "level 1, option 9999"));
	cr_expect(eq(str, sys_option_name(9999, TCP_NODELAY).text, "level 9999, option 1"));
}
