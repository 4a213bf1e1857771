#include <string.h>

#include "check.h"
#include "cmd/commands.h"
#include "cmd/far.h"
#include "cmd/suggest.h"
#include "cmd/where.h"
#include "report/report.h"
#include "transport/tcp.h"
#include "transport/udp.h"
#include "transport/unix.h"

TestSuite(where, .timeout = 20);

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void is_a_usage_error(const struct err *err)
{
	cr_expect(eq(int, err->kind, ERR_USAGE));
	cr_expect(err->what[0] != '\0' && err->hint[0] != '\0', "what is wrong, and one hint");
	cr_expect(strpbrk(err->what, "\n\r\x1b") == NULL, "%s", err->what);
}

/* ---- ports ---- */

Test(where, a_port_is_a_number_up_to_65535_or_a_service)
{
	static const struct {
		const char *typed;
		int port;
	} ports[] = {{"0", 0}, {"1", 1}, {"80", 80}, {"0080", 80}, {"65535", 65535}, {"echo", 7},
		{"http", 80}};

	for (size_t i = 0; i < COUNT(ports); i++) {
		struct err err = {0};
		uint16_t port = 1234;

		cr_expect(eq(int, port_read(ports[i].typed, &port, &err), 0), "%s", err.what);
		cr_expect(eq(int, port, ports[i].port));
	}
}

Test(where, nothing_else_is_a_port)
{
	static const char *const typed[] = {"", " ", "-1", "+1", "65536", "99999999999",
		"18446744073709551616", "12x", "x12", " 80", "80 ", "8 0", "0x50", "8.0", "1e3",
		"no-such-service", "\x1b[2J", "80\n"};

	for (size_t i = 0; i < COUNT(typed); i++) {
		struct err err = {0};
		uint16_t port;

		cr_expect(eq(int, port_read(typed[i], &port, &err), -1), "'%s'", typed[i]);
		is_a_usage_error(&err);
	}
}

/* ---- addresses ---- */

static int read_words(const char *const *words, size_t count, bool lone_port, const char *command,
	struct where *out, struct err *err)
{
	const struct where_conf conf = {0};
	const struct opt_args args = {.words = words, .count = count};

	return where_read(&conf, &args, NULL, lone_port, command, out, err);
}

static const struct {
	const char *words[2];
	bool lone_port;
	const char *host, *port;
} addresses[] = {
	{{NULL}, false, "", DEFAULT_PORT},
	{{"localhost"}, false, "localhost", DEFAULT_PORT},
	{{"localhost", "80"}, false, "localhost", "80"},
	{{"localhost:80"}, false, "localhost", "80"},
	{{"127.0.0.1:http"}, false, "127.0.0.1", "http"},
	{{":80"}, false, "", "80"},
	{{"[::1]:80"}, false, "::1", "80"},
	{{"[::1]"}, false, "::1", DEFAULT_PORT},
	{{"::1"}, false, "::1", DEFAULT_PORT},
	{{"::1", "80"}, false, "::1", "80"},
	{{"fe80::1:2"}, false, "fe80::1:2", DEFAULT_PORT},
	{{"80"}, true, "", "80"},
	{{"localhost"}, true, "localhost", DEFAULT_PORT},
	{{"localhost:80", "80"}, false, "localhost", "80"},
};

Test(where, an_address_may_be_written_in_every_usual_way)
{
	for (size_t i = 0; i < COUNT(addresses); i++) {
		const char *const *words = addresses[i].words;
		size_t count = !words[0] ? 0 : words[1] ? 2 : 1;
		struct where there;
		struct err err = {0};

		cr_expect(
			eq(int, read_words(words, count, addresses[i].lone_port, "x", &there, &err),
				0),
			"%s", err.what);
		cr_expect(eq(str, there.at.host, (char *)addresses[i].host), "%zu", i);
		cr_expect(eq(str, there.at.port, (char *)addresses[i].port), "%zu", i);
		cr_expect(eq(ptr, (void *)there.via, (void *)&transport_tcp));
	}
}

static const struct {
	const char *words[3], *says, *hints;
} wrong[] = {
	{{"80"}, "'80' is a port without a host", "sockx connect localhost 80"},
	{{"0"}, "'0' is a port without a host", "from 1 to 65535"},
	{{"65536"}, "'65536' is a port without a host", "from 1 to 65535"},
	{{"localhost:80", "81"}, "contradicts", "once"},
	{{"localhost", "80", "90"}, "'90' is one word too many", "HOST PORT"},
	{{""}, "is empty", "HOST"},
	{{"localhost", ""}, "'' is not a port", "65535"},
	{{"localhost", "20-30"}, "'20-30' is a range of ports", "sockx connect -z localhost 20-30"},
	{{"localhost:20-30"}, "'20-30' is a range of ports", "sockx connect -z localhost 20-30"},
	{{"./x.sock", "20-30"}, "'20-30' is a range of ports", "sockx connect -z HOST 20-30"},
	{{"localhost", "20-"}, "'20-' is not a port", "65535"},
	{{"localhost", "-20"}, "'-20' is not a port", "65535"},
	{{"localhost:"}, "has no port", "HOST:PORT"},
	{{"[::1"}, "bracket", "[IPV6]:PORT"},
	{{"[::1]80"}, "bracket", "[IPV6]:PORT"},
	{{"tcp://host"}, "has no port", "tcp://HOST:PORT"},
	{{"unix:"}, "has no path", "unix:PATH"},
	{{"unix-datagram://x/y"}, "has a host where its path", "unix-datagram:PATH"},
	{{"tcp://host:80", "81"}, "contradicts", "once"},
	{{"tls://host"}, "has no port", "tls://HOST:PORT"},
	{{"http://example.org/"}, "is a URL", "'sockx connect example.org http'"},
	{{"gopher://:70"}, "is a URL", "HOST:PORT"},
	{{"nosuch://host"}, "is a URL", "HOST:PORT"},
	{{"ftp://host:99999"}, "is a URL", "HOST:PORT"},
	{{"https://host:443\xfe/"}, "is a URL", "HOST:PORT"},
	{{"http://ho$st/"}, "is a URL", "HOST:PORT"},
	{{"https://example.org/"}, "is a URL", "'sockx connect --tls example.org 443'"},
	{{"https://example.org:8443/x"}, "is a URL", "'sockx connect --tls example.org 8443'"},
};

Test(where, an_address_that_cannot_be_meant_is_a_usage_error_with_a_way_out)
{
	for (size_t i = 0; i < COUNT(wrong); i++) {
		const char *const *words = wrong[i].words;
		struct where there;
		struct err err = {0};
		size_t count = words[2] ? 3 : words[1] ? 2 : 1;

		cr_expect(eq(int, read_words(words, count, false, "connect", &there, &err), -1));
		is_a_usage_error(&err);
		cr_expect(strstr(err.what, wrong[i].says) != NULL, "%s", err.what);
		cr_expect(strstr(err.hint, wrong[i].hints) != NULL, "%s", err.hint);
	}
}

Test(where, an_address_too_long_is_refused_and_not_cut)
{
	char longest[5000];
	const char *words[] = {longest, "80"}, *ports[] = {"localhost", longest};
	struct where there;
	struct err err = {0};

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	cr_expect(eq(int, read_words(words, 2, false, "connect", &there, &err), -1));
	is_a_usage_error(&err);
	cr_expect(eq(int, read_words(ports, 2, false, "connect", &there, &err), -1));
	is_a_usage_error(&err);
	memset(longest, '1', sizeof(longest) - 1);
	cr_expect(eq(int, read_words(words, 1, true, "serve", &there, &err), -1));
	is_a_usage_error(&err);
}

Test(where, an_option_fills_what_the_words_left_open_and_contradicts_nothing)
{
	char port[8] = "";
	struct err err = {0};

	cr_expect(eq(int, endpoint_add(port, sizeof(port), "--port", "80", &err), 0));
	cr_expect(eq(str, port, "80"));
	cr_expect(eq(int, endpoint_add(port, sizeof(port), "--port", "80", &err), 0));
	cr_expect(eq(int, endpoint_add(port, sizeof(port), "--port", "81", &err), -1));
	is_a_usage_error(&err);
	cr_expect(eq(str, port, "80"));
	port[0] = '\0';
	cr_expect(eq(int, endpoint_add(port, sizeof(port), "--port", "12345678", &err), -1));
	is_a_usage_error(&err);
	cr_expect(eq(int, endpoint_add(port, sizeof(port), "--port", "1234567", &err), 0));
}

/* ---- kinds of sockets ---- */

static int read_conf(const struct where_conf *conf, struct where *out, struct err *err)
{
	const char *words[] = {"localhost"};
	const struct opt_args args = {.words = words, .count = 1};
	struct where_conf asked = *conf;

	asked.sockets = SOCKET_OPTIONS_NONE;
	*err = (struct err){0};
	return where_read(&asked, &args, NULL, false, "connect", out, err);
}

Test(where, the_options_say_which_family_and_which_transport)
{
	struct where there;
	struct err err;

	cr_expect(eq(int, read_conf(&(struct where_conf){0}, &there, &err), 0));
	cr_expect(eq(int, there.family, AF_UNSPEC));
	cr_expect(eq(int, read_conf(&(struct where_conf){.ipv4 = true}, &there, &err), 0));
	cr_expect(eq(int, there.family, AF_INET));
	cr_expect(eq(int, read_conf(&(struct where_conf){.ipv6 = true}, &there, &err), 0));
	cr_expect(eq(int, there.family, AF_INET6));
	cr_expect(eq(int, read_conf(&(struct where_conf){.tcp = true}, &there, &err), 0));
	cr_expect(eq(str, (char *)there.via->name, "tcp"));
	cr_expect(eq(int, read_conf(&(struct where_conf){.udp = true}, &there, &err), 0));
	cr_expect(eq(str, (char *)there.via->name, "udp"));
}

Test(where, what_excludes_each_other_is_a_usage_error)
{
	static const struct where_conf wrong_ones[] = {{.ipv4 = true, .ipv6 = true},
		{.tcp = true, .udp = true}, {.seqpacket = true}, {.seqpacket = true, .udp = true},
		{.path = "/tmp/x"}};
	struct where there;
	struct err err;

	for (size_t i = 0; i < COUNT(wrong_ones); i++) {
		cr_expect(eq(int, read_conf(&wrong_ones[i], &there, &err), -1), "%zu", i);
		is_a_usage_error(&err);
	}
}

/* ---- a first word that is no command ---- */

static void hints(const char *const *words, size_t count, const char *part)
{
	struct err err = {0};

	cr_expect(eq(int, command_unknown(words, count, &err), -1));
	is_a_usage_error(&err);
	cr_expect(strstr(err.hint, part) != NULL, "%s", err.hint);
}

#define HINTS(part, ...)                          \
	hints((const char *const[]){__VA_ARGS__}, \
		sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), part)

Test(where, a_word_that_is_no_command_is_answered_with_what_was_meant)
{
	HINTS("'sockx serve'", "server");
	HINTS("'sockx connect'", "conect");
	HINTS("'sockx serve -p 9000'", "-l", "9000");
	HINTS("'sockx serve -k -p 9000'", "-lk", "9000");
	HINTS("sockx -h", "gibberish-of-no-use");
	HINTS("sockx -h", "\x1b[2J");
	HINTS("sockx -h", "");
}

/* ---- ways ---- */

/* The word and the options say together that bytes travel so. */
static void travels_by(
	const char *word, struct where_conf conf, const struct transport *via, bool tls)
{
	const struct opt_args args = {.words = &word, .count = 1};
	struct where there;
	struct err err = {0};

	conf.sockets = SOCKET_OPTIONS_NONE;
	cr_expect(eq(int, where_read(&conf, &args, NULL, false, "connect", &there, &err), 0),
		"%s: %s", word, err.what);
	cr_expect(eq(ptr, (void *)there.via, (void *)via), "%s", word);
	cr_expect(eq(int, there.tls, tls), "%s", word);
}

Test(where, a_scheme_says_the_way_as_an_option_does)
{
	static const struct {
		const char *word;
		struct where_conf conf;
		const struct transport *via;
	} ways[] = {
		{"tcp://h:1", {0}, &transport_tcp},
		{"tcp://h:1", {.tcp = true}, &transport_tcp},
		{"udp://h:1", {0}, &transport_udp},
		{"udp://h:1", {.udp = true}, &transport_udp},
		{"unix:x", {.udp = true}, &transport_unix_datagram},
		{"unix-datagram:x", {0}, &transport_unix_datagram},
		{"unix-datagram:x", {.udp = true}, &transport_unix_datagram},
		{"unix-seqpacket:x", {0}, &transport_unix_seqpacket},
		{"unix-seqpacket:x", {.seqpacket = true}, &transport_unix_seqpacket},
	};

	for (size_t i = 0; i < COUNT(ways); i++)
		travels_by(ways[i].word, ways[i].conf, ways[i].via, false);
}

Test(where, a_scheme_beside_another_way_is_a_usage_error)
{
	static const struct {
		const char *word;
		struct where_conf conf;
		const char *says;
	} mixed[] = {
		{"tcp://h:1", {.udp = true}, "'--udp' contradicts 'tcp://'"},
		{"udp://h:1", {.tcp = true}, "'--tcp' contradicts 'udp://'"},
		{"unix-datagram:x", {.seqpacket = true},
			"'--seqpacket' contradicts 'unix-datagram:'"},
		{"unix-seqpacket:x", {.udp = true}, "'--udp' contradicts 'unix-seqpacket:'"},
		{"tcp://h:1", {.path = "x"}, "has no host"},
	};

	for (size_t i = 0; i < COUNT(mixed); i++) {
		const struct opt_args args = {.words = &mixed[i].word, .count = 1};
		struct where there;
		struct err err = {0};

		cr_expect(eq(int,
			where_read(&mixed[i].conf, &args, NULL, false, "connect", &there, &err),
			-1));
		cr_expect(strstr(err.what, mixed[i].says) != NULL, "%s", err.what);
		is_a_usage_error(&err);
	}
}

Test(where, tls_goes_over_streams)
{
	static const struct {
		const char *word;
		struct where_conf conf;
		const struct transport *via;
		bool tls;
	} ways[] = {
		{"h:1", {0}, &transport_tcp, false},
		{"tcp://h:1", {0}, &transport_tcp, false},
		{"h:1", {.tls = true}, &transport_tcp, true},
		{"h:1", {.tls = true, .tcp = true}, &transport_tcp, true},
		{"tls://h:1", {0}, &transport_tcp, true},
		{"tls://h:1", {.tls = true}, &transport_tcp, true},
		{"tls://h:1", {.tcp = true}, &transport_tcp, true},
		{"unix:x", {.tls = true}, &transport_unix, true},
		{"unix:x", {0}, &transport_unix, false},
	};

	for (size_t i = 0; i < COUNT(ways); i++)
		travels_by(ways[i].word, ways[i].conf, ways[i].via, ways[i].tls);
}

Test(where, tls_goes_over_nothing_else)
{
	static const struct {
		const char *word;
		struct where_conf conf;
		const char *says;
	} wrong[] = {
		{"h:1", {.tls = true, .udp = true}, "'--tls' and '--udp' cannot both be given"},
		{"unix:x", {.tls = true, .udp = true}, "'--tls' and '--udp' cannot both be given"},
		{"unix:x", {.tls = true, .seqpacket = true},
			"'--tls' and '--seqpacket' cannot both be given"},
		{"udp://h:1", {.tls = true}, "'--tls' contradicts 'udp://'"},
		{"tls://h:1", {.udp = true}, "'--udp' contradicts 'tls://'"},
		{"tcp://h:1", {.tls = true}, "'--tls' contradicts 'tcp://'"},
		{"unix-datagram:x", {.tls = true}, "'--tls' contradicts 'unix-datagram:'"},
		{"unix-seqpacket:x", {.tls = true}, "'--tls' contradicts 'unix-seqpacket:'"},
		{"tls://h:1", {.path = "x"}, "has no host"},
	};

	for (size_t i = 0; i < COUNT(wrong); i++) {
		const struct opt_args args = {.words = &wrong[i].word, .count = 1};
		struct where_conf conf = wrong[i].conf;
		struct where there;
		struct err err = {0};

		conf.sockets = SOCKET_OPTIONS_NONE;
		cr_expect(
			eq(int, where_read(&conf, &args, NULL, false, "connect", &there, &err), -1),
			"%s", wrong[i].says);
		cr_expect(
			strstr(err.what, wrong[i].says) != NULL, "%s: %s", wrong[i].word, err.what);
		is_a_usage_error(&err);
	}
}

/* ---- what a mode connects to ---- */

static const struct mode_shared nothing = {0};

static int aim_at(const char *word, struct target *target, struct dial *d, struct err *err)
{
	struct reporter to = {0};
	struct loop loop;
	struct conn_owner owner = {.loop = &loop, .to = &to};
	int rc;

	*d = (struct dial){.owner = &owner};
	cr_assert(eq(int, loop_init(&loop, err), 0));
	cr_assert(eq(ptr, (void *)target_read(word, target), NULL), "%s", word);
	rc = far_dial(&(struct far){0}, &nothing, true, 1000, d, target, err);
	dial_stop(d);
	loop_free(&loop);
	return rc;
}

Test(where, a_mode_connects_to_a_target_with_the_usual_defaults)
{
	struct target target;
	struct dial d;
	struct err err;

	cr_assert(eq(int, aim_at("udp://[::1]:9", &target, &d, &err), 0), "%s", err.what);
	cr_expect(eq(ptr, (void *)d.where.via, (void *)&transport_udp));
	cr_expect(eq(str, d.typed, "[::1]:9"));
	cr_assert(eq(int, aim_at("127.0.0.1", &target, &d, &err), 0), "%s", err.what);
	cr_expect(eq(ptr, (void *)d.where.via, (void *)&transport_tcp));
	cr_expect(eq(str, d.typed, "127.0.0.1:" DEFAULT_PORT));
	cr_expect(eq(i64, d.where.timeout_ms, 1000));
	cr_assert(eq(int, aim_at(":80", &target, &d, &err), 0), "%s", err.what);
	cr_expect(eq(str, (char *)d.where.target.host, "localhost"));
	cr_assert(eq(int, aim_at("unix-seqpacket:@name", &target, &d, &err), 0), "%s", err.what);
	cr_expect(eq(ptr, (void *)d.where.via, (void *)&transport_unix_seqpacket));
	cr_expect(eq(str, d.typed, "unix:@name"));
}

Test(where, a_mode_is_refused_what_a_client_is_refused)
{
	static const char *const refused[] = {
		"127.0.0.1:0", "h:no-such-service", "unix:@", "1.2.3.4:x/y"};

	for (size_t i = 0; i < COUNT(refused); i++) {
		struct target target;
		struct dial d;
		struct err err = {0};

		cr_expect(eq(int, aim_at(refused[i], &target, &d, &err), -1), "%s", refused[i]);
		is_a_usage_error(&err);
	}
}

/* After "-x" nc has a proxy, and ncat a file. */
static bool takes_beside_x(const char *const *words, size_t count, struct err *err)
{
	const struct where_conf conf = {0};
	const struct opt_args args = {
		.words = words, .count = count, .given = {[7] = {.typed = "-x"}}};
	struct where out;

	*err = (struct err){0};
	return where_read(&conf, &args, NULL, false, "connect", &out, err) == 0;
}

Test(where, a_dump_takes_no_word_for_a_proxy)
{
	static const char *const refused[][3] = {
		{"proxy:1080", "host", "80"}, {"proxy:1080", "host:80"}, {"file", "host", "80"}};
	static const char *const taken[][3] = {{"host", "80"}, {"host:80"}, {"::1", "80"}};
	struct err err;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		cr_expect(not(takes_beside_x(refused[i], refused[i][2] ? 3 : 2, &err)));
		cr_expect(strstr(err.what, "is one word too many: '-x' takes no value") != NULL,
			"%s", err.what);
		cr_expect(strstr(err.hint, "proxies") != NULL, "%s", err.hint);
		cr_expect(strstr(err.hint, "--hexdump=FILE") != NULL, "%s", err.hint);
		cr_expect(suggestion_holds(err.hint), "%s", err.hint);
	}
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		cr_expect(takes_beside_x(taken[i], taken[i][1] ? 2 : 1, &err), "%s", err.what);
}
