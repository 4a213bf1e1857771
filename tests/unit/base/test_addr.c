#include <stddef.h>
#include <string.h>

#include "base/addr.h"
#include "check.h"

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

/* ---- Unix sockets ---- */

enum { PATH_AT = offsetof(struct sockaddr_un, sun_path) };

/* One whose path, or name, has these bytes and no more. */
static struct addr unix_of(const char *bytes, size_t len)
{
	struct addr a = {.len = (socklen_t)(PATH_AT + len), .un.sun_family = AF_UNIX};

	memcpy(a.un.sun_path, bytes, len);
	return a;
}

Test(addr, is_read_from_a_path_which_ends_with_its_nul)
{
	struct addr a;

	cr_assert(eq(int, addr_from_path(&a, "/tmp/socket"), 0));
	cr_assert(eq(int, a.sa.sa_family, AF_UNIX));
	cr_assert(eq(u32, a.len, PATH_AT + sizeof("/tmp/socket")));
	cr_assert(eq(str, a.un.sun_path, "/tmp/socket"));
	cr_assert(eq(str, addr_text(&a).text, "unix:/tmp/socket"));
	cr_assert(eq(int, addr_port(&a), 0));
	addr_set_port(&a, 80);
	cr_assert(eq(str, addr_text(&a).text, "unix:/tmp/socket"), "it has no port");
}

Test(addr, is_read_from_an_abstract_name_whose_length_counts)
{
	struct addr a;

	cr_assert(eq(int, addr_from_path(&a, "@name"), 0));
	cr_assert(eq(u32, a.len, PATH_AT + 5));
	cr_assert(eq(int, memcmp(a.un.sun_path, "\0name", 5), 0));
	cr_assert(eq(str, addr_text(&a).text, "unix:@name"));
	cr_assert(eq(int, addr_from_path(&a, "./@name"), 0));
	cr_assert(eq(str, addr_text(&a).text, "unix:./@name"), "a path may have one, too");
	cr_assert(eq(int, addr_from_path(&a, "@"), 0));
	cr_assert(eq(u32, a.len, PATH_AT + 1));
	cr_assert(eq(str, addr_text(&a).text, "unix:@"));
}

Test(addr, as_words_it_is_host_and_port_or_path)
{
	static const struct {
		const char *host, *words;
	} hosts[] = {{"127.0.0.1", "127.0.0.1 65535"}, {"::1", "::1 65535"},
		{"fe80::1%lo", "fe80::1%lo 65535"}, {"::ffff:192.0.2.1", "::ffff:192.0.2.1 65535"}};
	static const char *const paths[] = {"/run/a b:1", "@name", "./@x"};
	struct addr a;

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		cr_assert(eq(int, addr_from_numeric(&a, AF_UNSPEC, hosts[i].host, 65535), 0));
		cr_expect(eq(str, addr_words(&a).text, (char *)hosts[i].words));
	}
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		cr_assert(eq(int, addr_from_path(&a, paths[i]), 0));
		cr_expect(eq(str, addr_words(&a).text, (char *)paths[i]));
	}
}

Test(addr, a_path_has_at_most_107_bytes_and_at_least_one)
{
	static const char first[] = {'/', '@'};
	char path[200], text[200] = "unix:";
	struct addr a;

	cr_assert(eq(int, addr_from_path(&a, ""), -1));
	for (size_t i = 0; i < 2; i++) {
		memset(path, 'x', sizeof(path));
		path[0] = first[i];
		path[108] = '\0';
		cr_assert(eq(int, addr_from_path(&a, path), -1));
		path[107] = '\0';
		cr_assert(eq(int, addr_from_path(&a, path), 0));
		memcpy(text + 5, path, 108);
		cr_assert(eq(str, addr_text(&a).text, text));
	}
}

Test(addr, the_kernel_may_name_a_path_of_108_bytes_without_a_nul)
{
	char path[109], text[200] = "unix:";
	struct addr a;

	memset(path, 'x', 108);
	path[108] = '\0';
	a = unix_of(path, 108);
	memcpy(text + 5, path, 109);
	cr_assert(eq(str, addr_text(&a).text, text));
	path[0] = text[5] = '@';
	a = unix_of(path, 108);
	a.un.sun_path[0] = '\0';
	cr_assert(eq(str, addr_text(&a).text, text));
}

Test(addr, nuls_within_an_abstract_name_are_shown_and_count)
{
	struct addr a = unix_of("\0a\0b\0", 5), b = unix_of("\0a\0b", 4), c = unix_of("\0a\0c", 4);

	cr_assert(eq(str, addr_text(&a).text, "unix:@a@b@"));
	cr_assert(eq(str, addr_text(&b).text, "unix:@a@b"));
	cr_assert(not(addr_equal(&a, &b)));
	cr_assert(not(addr_equal(&b, &c)));
	cr_assert(addr_equal(&a, &a));
}

Test(addr, what_follows_the_nul_of_a_path_is_not_shown)
{
	struct addr a = unix_of("/a\0left over", 13);

	cr_assert(eq(str, addr_text(&a).text, "unix:/a"));
}

Test(addr, a_socket_without_a_name_is_called_that)
{
	struct addr a = unix_of("", 0);

	cr_assert(eq(str, addr_text(&a).text, "an unnamed socket"));
	cr_assert(not(addr_is_named(&a)));
	cr_assert(addr_equal(&a, &a));
}

Test(addr, two_unix_ones_are_equal_where_all_their_bytes_are)
{
	struct addr path, same, abstract, other, four = addr_any(AF_INET, 0);

	addr_from_path(&path, "/a");
	addr_from_path(&same, "/a");
	addr_from_path(&other, "/b");
	memset(same.un.sun_path + 3, 'x', 20); /* behind the end */
	cr_assert(addr_equal(&path, &same));
	cr_assert(not(addr_equal(&path, &other)));
	addr_from_path(&other, "/ab");
	cr_assert(not(addr_equal(&path, &other)));
	addr_from_path(&abstract, "@a");
	addr_from_path(&other, "@a");
	cr_assert(addr_equal(&abstract, &other));
	cr_assert(not(addr_equal(&abstract, &path)));
	cr_assert(not(addr_equal(&path, &four)));
}

/* ---- which lead where ---- */

static const struct {
	const char *host;
	bool any, loopback;
} kinds[] = {
	{"0.0.0.0", true, false},
	{"::", true, false},
	{"::ffff:0.0.0.0", true, false},
	{"127.0.0.1", false, true},
	{"127.0.0.0", false, true},
	{"127.255.255.255", false, true},
	{"::1", false, true},
	{"::ffff:127.0.0.1", false, true},
	{"::ffff:127.1.2.3", false, true},
	{"126.255.255.255", false, false},
	{"128.0.0.1", false, false},
	{"0.0.0.1", false, false},
	{"1.0.0.127", false, false},
	{"::2", false, false},
	{"::ffff:192.0.2.1", false, false},
	{"::ffff:0:127.0.0.1", false, false},
	{"::127.0.0.1", false, false},
	{"fe80::1%1", false, false},
};

Test(addr, the_wildcards_and_those_that_lead_back_are_distinguished_from_the_others)
{
	struct addr a;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		cr_assert(eq(int, addr_from_numeric(&a, AF_UNSPEC, kinds[i].host, 80), 0));
		cr_expect(eq(int, addr_is_any(&a), kinds[i].any), "%s", kinds[i].host);
		cr_expect(eq(int, addr_is_loopback(&a), kinds[i].loopback), "%s", kinds[i].host);
	}
	addr_from_path(&a, "/a");
	cr_expect(not(addr_is_any(&a)));
	cr_expect(not(addr_is_loopback(&a)));
	a = (struct addr){0};
	cr_expect(not(addr_is_any(&a)));
	cr_expect(not(addr_is_loopback(&a)));
}

static const struct {
	const char *host;
	bool group, broadcast;
} wide[] = {
	{"224.0.0.0", true, false},
	{"239.255.255.255", true, false},
	{"::ffff:239.255.77.7", true, false},
	{"ff02::1", true, false},
	{"ff05::7", true, false},
	{"255.255.255.255", false, true},
	{"::ffff:255.255.255.255", false, true},
	{"223.255.255.255", false, false},
	{"240.0.0.0", false, false},
	{"127.255.255.255", false, false},
	{"0.0.0.0", false, false},
	{"fe80::1%1", false, false},
	{"::", false, false},
};

Test(addr, groups_and_all_are_distinguished_from_one_machine)
{
	struct addr a;

	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
		cr_assert(eq(int, addr_from_numeric(&a, AF_UNSPEC, wide[i].host, 80), 0));
		cr_expect(eq(int, addr_is_group(&a), wide[i].group), "%s", wide[i].host);
		cr_expect(eq(int, addr_is_broadcast(&a), wide[i].broadcast), "%s", wide[i].host);
	}
	addr_from_path(&a, "/a");
	cr_expect(not(addr_is_group(&a)));
	cr_expect(not(addr_is_broadcast(&a)));
}
