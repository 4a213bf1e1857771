#include <stdio.h>
#include <string.h>

#include "check.h"
#include "core/target.h"

TestSuite(target, .timeout = 20);

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *word;
	enum travel by;
	const char *host, *port, *path;
} targets[] = {
	{"host", TRAVEL_UNSAID, "host", "", ""},
	{"host:80", TRAVEL_UNSAID, "host", "80", ""},
	{"tcp:80", TRAVEL_UNSAID, "tcp", "80", ""},
	{"tcp", TRAVEL_UNSAID, "tcp", "", ""},
	{"udp:echo", TRAVEL_UNSAID, "udp", "echo", ""},
	{"tcp://host:80", TRAVEL_TCP, "host", "80", ""},
	{"tcp://[::1]:80", TRAVEL_TCP, "::1", "80", ""},
	{"udp://:80", TRAVEL_UDP, "", "80", ""},
	{"udp://[fe80::1%eth0]:echo", TRAVEL_UDP, "fe80::1%eth0", "echo", ""},
	{"tls://example.org:443", TRAVEL_TLS, "example.org", "443", ""},
	{"unix:/tmp/x", TRAVEL_UNIX, "", "", "/tmp/x"},
	{"unix:x", TRAVEL_UNIX, "", "", "x"},
	{"unix:@name", TRAVEL_UNIX, "", "", "@name"},
	{"unix:a:b", TRAVEL_UNIX, "", "", "a:b"},
	{"unix:80", TRAVEL_UNIX, "", "", "80"},
	{"unix:///tmp/x", TRAVEL_UNIX, "", "", "/tmp/x"},
	{"unix-datagram:x", TRAVEL_UNIX_DATAGRAM, "", "", "x"},
	{"unix-seqpacket:@x", TRAVEL_UNIX_SEQPACKET, "", "", "@x"},
	{"unix", TRAVEL_UNSAID, "unix", "", ""},
	{"unixx:80", TRAVEL_UNSAID, "unixx", "80", ""},
	{"UNIX:80", TRAVEL_UNSAID, "UNIX", "80", ""},
};

Test(target, a_word_says_the_way_and_the_place)
{
	for (size_t i = 0; i < COUNT(targets); i++) {
		struct target t;
		const char *wrong = target_read(targets[i].word, &t);

		cr_assert(wrong == NULL, "%s %s", targets[i].word, wrong);
		cr_expect(eq(int, (int)t.by, (int)targets[i].by), "%s", targets[i].word);
		cr_expect(eq(str, t.at.host, (char *)targets[i].host));
		cr_expect(eq(str, t.at.port, (char *)targets[i].port));
		cr_expect(eq(str, t.path, (char *)targets[i].path));
		cr_expect(eq(int, target_is_path(&t), targets[i].path[0] != '\0'));
	}
}

Test(target, what_is_none_is_told_in_a_phrase)
{
	static const struct {
		const char *word, *wrong;
	} mistakes[] = {
		{"", "is empty"},
		{"host:", "has no port after its colon"},
		{"tcp://", "is empty"},
		{"tcp://host", "has no port"},
		{"tcp://80", "has no port"},
		{"tcp://::1", "has no port"},
		{"tcp://host:80/", "has more than a host and a port"},
		{"udp://host:80?x", "has more than a host and a port"},
		{"tcp://me@host:80", "has a user, which sockets do not know"},
		{"unix:", "has no path after its colon"},
		{"unix://", "has a host where its path begins"},
		{"unix://tmp/x", "has a host where its path begins"},
		{"http://host/", "is a URL of another kind"},
		{"TCP://host:80", "is a URL of another kind"},
	};

	for (size_t i = 0; i < COUNT(mistakes); i++) {
		struct target t;
		const char *wrong = target_read(mistakes[i].word, &t);

		cr_assert(wrong && strcmp(wrong, mistakes[i].wrong) == 0, "'%s' %s",
			mistakes[i].word, wrong ? wrong : "is taken");
	}
}

Test(target, a_path_reaches_exactly_to_the_end_of_its_field)
{
	char word[TARGET_PATH_MAX + 10] = "unix:";
	struct target t;

	memset(word + 5, 'a', TARGET_PATH_MAX);
	word[5 + TARGET_PATH_MAX - 1] = '\0';
	cr_assert(target_read(word, &t) == NULL);
	cr_assert(eq(sz, strlen(t.path), TARGET_PATH_MAX - 1));
	word[5 + TARGET_PATH_MAX - 1] = 'a';
	cr_assert(eq(str, (char *)target_read(word, &t), "is too long"));
}

Test(target, each_way_has_the_scheme_that_it_is_read_by)
{
	for (enum travel by = TRAVEL_TCP; by <= TRAVEL_UNIX_SEQPACKET; by++) {
		char word[100];
		struct target t;

		snprintf(word, sizeof(word), "%s%s", travel_scheme(by), "localhost:80");
		cr_assert(target_read(word, &t) == NULL, "%s", word);
		cr_assert(eq(int, (int)t.by, (int)by));
	}
	cr_assert(eq(str, (char *)travel_scheme(TRAVEL_UNSAID), ""));
}

Test(target, a_url_has_a_host_and_a_port_as_well)
{
	static const struct {
		const char *word, *host, *port;
	} urls[] = {
		{"http://example.org/", "example.org", "http"},
		{"https://example.org:444/a?b#c", "example.org", "444"},
		{"ftp://me:secret@example.org", "example.org", "ftp"},
		{"ssh://[::1]:22", "::1", "22"},
		{"git+ssh://h", "h", "git+ssh"},
		{"http://", "", "http"},
	};
	struct endpoint e;

	for (size_t i = 0; i < COUNT(urls); i++) {
		cr_assert(target_is_url(urls[i].word, &e), "%s", urls[i].word);
		cr_expect(eq(str, e.host, (char *)urls[i].host));
		cr_expect(eq(str, e.port, (char *)urls[i].port));
	}
	cr_assert(not(target_is_url("host:80", &e)));
	cr_assert(not(target_is_url("://x", &e)));
	cr_assert(not(target_is_url("1a://x", &e)));
	cr_assert(not(target_is_url("", &e)));
}
