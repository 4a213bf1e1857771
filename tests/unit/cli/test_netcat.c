#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "cli/netcat.h"

enum { WORDS_MAX = 12 };

static bool translate(const char *typed, char *out, size_t size)
{
	static char copy[256];
	const char *words[WORDS_MAX];
	size_t count = 0;

	snprintf(copy, sizeof(copy), "%s", typed);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		words[count++] = word;
	return netcat_line(words, count, out, size);
}

static void is(const char *typed, const char *expected)
{
	char out[256] = "nothing";

	cr_expect(translate(typed, out, sizeof(out)), "%s", typed);
	cr_expect(eq(str, out, (char *)expected), "%s", typed);
}

static void is_nothing(const char *typed)
{
	char out[256];

	cr_expect(not(translate(typed, out, sizeof(out))), "%s", typed);
}

Test(netcat, listening)
{
	is("-l 9000", "sockx serve -p 9000");
	is("-lk 9000", "sockx serve -k -p 9000");
	is("-nvlp 9000", "sockx serve -n -v -p 9000");
	is("-l -p9000", "sockx serve -p 9000");
	is("-l 127.0.0.1 9000", "sockx serve -H 127.0.0.1 -p 9000");
	is("--listen --udp --max-conns 3 9000", "sockx serve -u --max-conns 3 -p 9000");
	is("-lU /run/x.sock", "sockx serve -U /run/x.sock");
	is("-l -k -e /bin/cat 9000", "sockx serve -k -m echo -p 9000");
	is("-l --chat 9000", "sockx serve -m chat -p 9000");
	is("-l -w 3 9000", "sockx serve -i 3 -p 9000");
}

Test(netcat, connecting)
{
	is("host 80", "sockx connect host 80");
	is("host:80", "sockx connect host:80");
	is("-N host 80", "sockx connect -N host 80");
	is("-Nl 9000", "sockx serve -p 9000");
	is("-zv host 80", "sockx connect -q 0 -v host 80 </dev/null");
	is("-w 3 host 80", "sockx connect -w 3 -q 3 host 80");
	is("-uq1 host 53", "sockx connect -u -q 1 host 53");
	is("-s 192.0.2.1 -p 99 host 80", "sockx connect -s 192.0.2.1:99 host 80");
	is("-U /run/x.sock", "sockx connect -U /run/x.sock");
	is("9000", "sockx serve 9000");
}

Test(netcat, what_is_not_known_for_certain_is_left_alone)
{
	static const char *const lines[] = {"", "word", "two words", "-l --ssl 9000",
		"-e /bin/sh host 80", "-l -e /bin/sh 9000", "-z host 20-30", "-k host 80",
		"-p 99 host 80", "-w", "--wait", "a 80 c", "-l a b c", "-lU", "-l $(reboot)",
		"host;ls 80", "-U a b", "-Z host 80"};

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		is_nothing(lines[i]);
}

Test(netcat, what_is_too_long_is_left_alone)
{
	char word[300] = {0}, port[300] = {0}, out[64], large[2 * sizeof(word)];
	const char *words[] = {"-l", "-H", "9000"}, *host[] = {word, "80"}, *ports[] = {port},
		   *source[] = {"-s", word, "host", "80"};

	memset(word, 'a', sizeof(word) - 1);
	memset(port, '1', sizeof(port) - 1);
	cr_expect(not(netcat_line(words, 3, out, sizeof(out))));
	cr_expect(not(netcat_line(host, 2, out, sizeof(out))));
	cr_expect(not(netcat_line(ports, 1, out, sizeof(out))));
	cr_expect(not(netcat_line(source, 4, large, sizeof(large))));
}
