#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "core/addr.h"

TestSuite(addr, .timeout = 20);

static const struct {
	const char *host;
	int family;
	const char *text; /* NULL: no such address */
} numeric[] = {
	{"127.0.0.1", AF_UNSPEC, "127.0.0.1:80"},
	{"127.0.0.1", AF_INET, "127.0.0.1:80"},
	{"127.0.0.1", AF_INET6, NULL},
	{"0.0.0.0", AF_UNSPEC, "0.0.0.0:80"},
	{"255.255.255.255", AF_UNSPEC, "255.255.255.255:80"},
	{"::1", AF_UNSPEC, "[::1]:80"},
	{"::1", AF_INET6, "[::1]:80"},
	{"::1", AF_INET, NULL},
	{"::", AF_UNSPEC, "[::]:80"},
	{"2001:DB8:0:0:0:0:0:1", AF_UNSPEC, "[2001:db8::1]:80"},
	{"::ffff:192.0.2.1", AF_UNSPEC, "[::ffff:192.0.2.1]:80"},
	{"::1%lo", AF_UNSPEC, "[::1%lo]:80"},
	{"::1%1", AF_UNSPEC, "[::1%lo]:80"},
	{"fe80::1%4294967295", AF_UNSPEC, "[fe80::1%4294967295]:80"},
	{"fe80::1%4294967296", AF_UNSPEC, NULL},
	{"fe80::1%", AF_UNSPEC, NULL},
	{"fe80::1%0", AF_UNSPEC, NULL},
	{"fe80::1%no-such-zone", AF_UNSPEC, NULL},
	{"127.0.0.1%lo", AF_UNSPEC, NULL},
	{"", AF_UNSPEC, NULL},
	{"localhost", AF_UNSPEC, NULL},
	{"127.1", AF_UNSPEC, NULL},
	{"127.0.0.1 ", AF_UNSPEC, NULL},
	{"127.0.0.256", AF_UNSPEC, NULL},
	{"0x7f.0.0.1", AF_UNSPEC, NULL},
	{"[::1]", AF_UNSPEC, NULL},
	{"::1::", AF_UNSPEC, NULL},
	{":::1", AF_UNSPEC, NULL},
	{"1:2:3:4:5:6:7:8:9", AF_UNSPEC, NULL},
};

Test(addr, is_read_from_its_numeric_form_and_from_nothing_else)
{
	for (size_t i = 0; i < sizeof(numeric) / sizeof(numeric[0]); i++) {
		struct addr a;
		int rc = addr_from_numeric(&a, numeric[i].family, numeric[i].host, 80);

		cr_expect(eq(int, rc, numeric[i].text ? 0 : -1), "'%s'", numeric[i].host);
		if (rc == 0)
			cr_expect(eq(str, addr_text(&a).text, (char *)numeric[i].text));
	}
}

Test(addr, a_host_longer_than_any_address_is_none)
{
	char host[2000];
	struct addr a;

	memset(host, '1', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	cr_assert(eq(int, addr_from_numeric(&a, AF_UNSPEC, host, 80), -1));
	memset(host, ':', 45);
	cr_assert(eq(int, addr_from_numeric(&a, AF_UNSPEC, host, 80), -1));
}

Test(addr, the_wildcards_and_loopbacks_are_known)
{
	struct addr all[] = {addr_any(AF_INET, 0), addr_any(AF_INET6, 65535),
		addr_loopback(AF_INET, 1), addr_loopback(AF_INET6, 2)};

	cr_assert(eq(str, addr_text(&all[0]).text, "0.0.0.0:0"));
	cr_assert(eq(str, addr_text(&all[1]).text, "[::]:65535"));
	cr_assert(eq(str, addr_text(&all[2]).text, "127.0.0.1:1"));
	cr_assert(eq(str, addr_text(&all[3]).text, "[::1]:2"));
	cr_assert(eq(u32, all[0].len, sizeof(struct sockaddr_in)));
	cr_assert(eq(u32, all[1].len, sizeof(struct sockaddr_in6)));
}

Test(addr, the_port_is_a_part_that_can_be_changed)
{
	struct addr all[] = {addr_any(AF_INET, 1), addr_any(AF_INET6, 1)}, none = {0};

	for (size_t i = 0; i < 2; i++) {
		cr_assert(eq(int, addr_port(&all[i]), 1));
		addr_set_port(&all[i], 0x1234);
		cr_assert(eq(int, addr_port(&all[i]), 0x1234));
	}
	addr_set_port(&none, 80);
	cr_assert(eq(int, addr_port(&none), 0));
	cr_assert(eq(str, addr_text(&none).text, "?"));
}

Test(addr, two_are_equal_where_kind_host_zone_and_port_are)
{
	struct addr a = addr_loopback(AF_INET, 80), b = a, six = addr_loopback(AF_INET6, 80);
	struct addr zoned, none = {0};

	cr_assert(addr_equal(&a, &b));
	addr_set_port(&b, 81);
	cr_assert(not(addr_equal(&a, &b)));
	b = addr_any(AF_INET, 80);
	cr_assert(not(addr_equal(&a, &b)));
	cr_assert(not(addr_equal(&a, &six)));
	cr_assert(addr_equal(&six, &six));
	addr_from_numeric(&zoned, AF_INET6, "::1%1", 80);
	cr_assert(not(addr_equal(&six, &zoned)));
	b = addr_any(AF_INET6, 80);
	cr_assert(not(addr_equal(&six, &b)));
	cr_assert(not(addr_equal(&none, &none)));
}

Test(addr, its_longest_text_fits)
{
	struct addr a;

	addr_from_numeric(
		&a, AF_INET6, "1111:2222:3333:4444:5555:6666:7777:8888%4294967295", 65535);
	cr_assert(eq(str, addr_text(&a).text,
		"[1111:2222:3333:4444:5555:6666:7777:8888%4294967295]:65535"));
}
