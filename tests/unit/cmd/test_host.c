#include <errno.h>
#include <string.h>

#include "check.h"
#include "cmd/host.h"

TestSuite(host, .timeout = 20);

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define A50      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A63      A50 "aaaaaaaaaaaaa"

static void is_a_usage_error(const struct err *err)
{
	cr_expect(eq(int, err->kind, ERR_USAGE));
	cr_expect(err->what[0] != '\0' && err->hint[0] != '\0', "what is wrong, and one hint");
	cr_expect(strpbrk(err->what, "\n\r\x1b") == NULL, "%s", err->what);
}

Test(host, is_a_name_or_an_address)
{
	static const char *const hosts[] = {"localhost", "127.0.0.1", "::1", "fe80::1%lo",
		"fe80::1%1", "::1%lo", "ff02::1", "example.org", "example.org.", "bücher.example",
		"a", "_dmarc.example", "my_host", "-a", "a-", "xn--bcher-kva.example", "127.1",
		"1.2", "0x7f.1", "1", "1a.2", A63, A63 "." A63 "." A63 "." A50 ".aaaaaaaaaa",
		A63 "." A63 "." A63 "." A50 ".aaaaaaaaaa."};

	for (size_t i = 0; i < COUNT(hosts); i++) {
		struct err err = {0};

		cr_expect(eq(int, host_check(hosts[i], NULL, &err), 0), "%s", err.what);
	}
}

Test(host, blanks_controls_and_broken_letters_make_none)
{
	static const char *const hosts[] = {"", " ", "a b", "a\tb", "a\n", "\x1b[2J", "a\x7f",
		("a\xc2\x9b"
		 "b"),
		"a\xff", "\xc3", "a\u202e", "a\u200b"};

	for (size_t i = 0; i < COUNT(hosts); i++) {
		struct err err = {0};

		cr_expect(eq(int, host_check(hosts[i], NULL, &err), -1), "host %zu", i);
		is_a_usage_error(&err);
	}
}

static const struct {
	const char *host, *says, *hints;
} none[] = {
	{"./x.sock", "'./x.sock' is not a host: it has a '/'", "'-U ./x.sock'"},
	{"/run/x y", "it has a '/'", "'-U PATH'"},
	{"run/x.sock", "it has a '/'", "'-U PATH'"},
	{"example.org/index.html", "it has a '/'", "what follows it"},
	{"10.0.0.0/8", "it has a '/'", "what follows it"},
	{"fe80::/10", "it has a '/'", "what follows it"},
	{"fe80::1", "'fe80::1' is a link-local address without its interface", "fe80::1%eth0"},
	{"febf::1", "without its interface", "--interface"},
	{"fe80::1%nope", "'fe80::1%nope': this machine has no interface 'nope'", "ip link"},
	{"fe80::1%99999", "no interface '99999'", "ip link"},
	{"2001:db8::1%nope", "no interface 'nope'", "ip link"},
	{"fe80::1%0", "no interface '0'", "ip link"},
	{"fe80::1%", "is not a host", "::1"},
	{"::1::", "is not a host", "::1"},
	{"1:2:3:4:5:6:7:8:80", "is not a host", "for port 80 write [1:2:3:4:5:6:7:8]:80"},
	{"a..b", "'a..b' is not a host: a part between its dots is empty", "localhost"},
	{".", "empty", "localhost"},
	{"..", "empty", "localhost"},
	{".a", "empty", "localhost"},
	{"a..", "empty", "localhost"},
	{A63 "a", "longer than 63 bytes", "localhost"},
	{"b." A63 "a.c", "longer than 63 bytes", "localhost"},
	{A63 "." A63 "." A63 "." A50 ".aaaaaaaaaaa", "longer than 253 bytes", "localhost"},
	{"user@host", "letters, digits", "localhost"},
	{"127.0.0.1%lo", "letters, digits", "localhost"},
	{"a*", "letters, digits", "localhost"},
	{"host,port", "letters, digits", "localhost"},
	{"1.2.3.256", "it is no IPv4 address", "127.0.0.1"},
	{"1.2.3.4.5", "it is no IPv4 address", "127.0.0.1"},
};

Test(host, what_can_be_none_is_told_from_its_form)
{
	for (size_t i = 0; i < COUNT(none); i++) {
		struct err err = {0};

		cr_expect(eq(int, host_check(none[i].host, NULL, &err), -1), "%s", none[i].host);
		is_a_usage_error(&err);
		cr_expect(strstr(err.what, none[i].says) != NULL, "%s", err.what);
		cr_expect(strstr(err.hint, none[i].hints) != NULL, "%s", err.hint);
	}
}

Test(host, of_a_link_is_complete_with_an_interface_that_an_option_names)
{
	struct err err = {0};

	cr_expect(eq(int, host_check("fe80::1", "eth0", &err), 0), "%s", err.what);
	cr_expect(eq(int, host_check("fe80::1%nope", "eth0", &err), -1));
}

static void hints(enum err_kind kind, int sys, const char *host, const char *hint)
{
	struct err err = {.kind = kind, .sys = sys, .hint = "as it was"};

	host_hint_port(host, &err);
	cr_expect(eq(str, err.hint, (char *)hint), "%s", host);
}

Test(host, one_that_is_not_reached_may_have_been_meant_with_a_port)
{
	hints(ERR_REFUSED, ECONNREFUSED, "::1:80", "for port 80 write [::1]:80");
	hints(ERR_TIMEOUT, 0, "2001:db8::1:65535", "for port 65535 write [2001:db8::1]:65535");
	hints(ERR_WRONG, 0, "::1:80", "for port 80 write [::1]:80");
	hints(ERR_LISTEN, EADDRNOTAVAIL, "::1:80", "for port 80 write [::1]:80");
	hints(ERR_LISTEN, EADDRINUSE, "::1:80", "as it was");
	hints(ERR_RUNTIME, 0, "::1:80", "as it was");
	hints(ERR_REFUSED, ECONNREFUSED, "::1:a", "as it was");
	hints(ERR_REFUSED, ECONNREFUSED, "::1:0", "as it was");
	hints(ERR_REFUSED, ECONNREFUSED, "::1", "as it was");
	hints(ERR_REFUSED, ECONNREFUSED, "1:2:3:4:5:6:7:80", "as it was");
	hints(ERR_REFUSED, ECONNREFUSED, "localhost", "as it was");
}
