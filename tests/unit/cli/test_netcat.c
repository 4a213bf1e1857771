#include <stdio.h>
#include <string.h>

#include "check.h"
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
	is("-luk 9000", "sockx serve -k -u -p 9000");
	is("-lukU /run/x.sock", "sockx serve -k -u -U /run/x.sock");
	is_nothing("-lukC 9000");
	is_nothing("-luk --send-only 9000");
	is_nothing("-luk -i 1 9000");
	is("-l -k -e /bin/cat 9000", "sockx serve -k -m echo -p 9000");
	is("-l -k -e /bin/ls 9000", "sockx serve -m exec -p 9000 -- /bin/ls");
	is("-l -e /bin/sh 9000", "sockx serve -1 -m exec -p 9000 -- /bin/sh");
	is("-l -s ::1 --sh-exec date -p 9000", "sockx serve -1 -m exec -H ::1 -p 9000 -- date");
	is("-lk -U -c date -m 3 /run/x", "sockx serve -m exec --max-conns 3 -U /run/x -- date");
	is("-l --chat 9000", "sockx serve -m chat -p 9000");
	is("-l --chat -C 9000", "sockx serve -m chat -C -p 9000");
	is("-l --broker 9000", "sockx serve -m broker -p 9000");
	is("-lk --broker -m 10 -i 5 9000", "sockx serve -k -m broker --max-conns 10 -i 5 -p 9000");
	is_nothing("-lk -m 0 9000");
	is_nothing("-lk -m 0 -e ls 9000");
	is_nothing("-l --broker --recv-only 9000");
	is_nothing("-l --broker -e cat -C 9000");
	is("-l -w 3 9000", "sockx serve -i 3 -p 9000");
	is("-l -s 127.0.0.1 -p 9000", "sockx serve -H 127.0.0.1 -p 9000");
}

Test(netcat, connecting)
{
	is("host 80", "sockx connect host 80");
	is("host:80", "sockx connect host:80");
	is("-N host 80", "sockx connect -N host 80");
	is("-Nl 9000", "sockx serve -p 9000");
	is("-zv host 80", "sockx connect -z -v host 80");
	is("-z host 20-30", "sockx connect -z host 20-30");
	is("-zu -w 3 host 53", "sockx connect -z -u -w 3 host 53");
	is("-zCNd -q 1 -i 1 host 80", "sockx connect -z host 80");
	is("-zU /run/x.sock", "sockx connect -z -U /run/x.sock");
	is("-w 3 host 80", "sockx connect -w 3 -q 3 host 80");
	is("-uq1 host 53", "sockx connect -u -q 1 host 53");
	is("-s 192.0.2.1 -p 99 host 80", "sockx connect -s 192.0.2.1:99 host 80");
	is("-s ::1 -p 99 host 80", "sockx connect -s [::1]:99 host 80");
	is("-p 99 host 80", "sockx connect -s :99 host 80");
	is("-U /run/x.sock", "sockx connect -U /run/x.sock");
	is("9000", "sockx serve 9000");
	is("-w 3 -e /bin/sh host 80", "sockx connect -m exec -w 3 host 80 -- /bin/sh");
	is("-e cat host 80", "sockx connect -m exec host 80 -- cat");
	is("-b -u 192.0.2.255 9", "sockx connect -u --send-only 192.0.2.255 9");
	is("-u -W 1 host 53", "sockx connect -u --messages 1 host 53");
	is("-lu -W 2 9000", "sockx serve -u --messages 2 -p 9000");
	is("-i 5 host 80", "sockx connect --delay 5 host 80");
	is("-i 5s host 80", "sockx connect -i 5s host 80");
	is("-l -i 5 9000", "sockx serve --delay 5 -p 9000");
	is("-l -i 5 -e cat 9000", "sockx serve -m echo -i 5 -p 9000");
}

static void says(const char *typed, const char *expected)
{
	char copy[256], out[320] = "nothing";
	const char *words[WORDS_MAX];
	size_t count = 0;

	snprintf(copy, sizeof(copy), "%s", typed);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		words[count++] = word;
	cr_expect(netcat_hint(words, count, out, sizeof(out)), "%s", typed);
	cr_expect(eq(str, out, (char *)expected), "%s", typed);
}

Test(netcat, a_hint_says_what_means_something_else_here)
{
	says("-l 9000", "did you mean 'sockx serve -p 9000'?");
	says("-w 3 host 80",
		"did you mean 'sockx connect -w 3 -q 3 host 80'? (here '-w' limits connecting "
		"alone)");
	says("-i 3 host 80",
		"did you mean 'sockx connect --delay 3 host 80'? (here '-i' is a limit of "
		"silence, as in ncat)");
}

Test(netcat, a_hint_says_what_sockx_does_not_do)
{
	says("-zu host 53",
		"did you mean 'sockx connect -z -u host 53'? (over UDP only an answer shows a "
		"server, and most do not answer an empty datagram)");
	says("-lu --broker 9000", "sockx has neither chat nor broker over datagrams");
	says("-lu --chat 9000", "sockx has neither chat nor broker over datagrams");
	says("host 20-30", "to see which ports are open: 'sockx connect -z HOST 20-30'");
	says("-W 1 host 80", "a stream has no packets to count; over UDP: 'sockx connect -u "
			     "--messages N HOST PORT'");
	says("-I 1024 host 80", "sockx sets no buffer sizes; 'nc -I' and 'nc -O' do");
	says("-l -e /bin/sh 9000", "did you mean 'sockx serve -1 -m exec -p 9000 -- /bin/sh'? (for "
				   "this machine alone, unless '-H' names an address)");
	says("-l -c a;b 9000", "to run a line of the shell for each client: 'sockx serve -m exec "
			       "-p PORT -- sh -c LINE'");
	says("-l -k -m 0 -e /bin/ls 9000",
		"ncat serves no client with '-m 0'; sockx serves any number with '--max-conns 0'");
	says("-u -l -e /bin/sh 9000", "sockx runs no programs over datagrams; socat does");
	says("-l --allow 192.0.2.1 9000",
		"sockx picks no clients by their address; 'ncat -l --allow ADDR' does");
	says("-l", "to listen: 'sockx serve -p PORT', on one address alone with '-H ADDR'");
	says("-nvlp", "to listen: 'sockx serve -p PORT', on one address alone with '-H ADDR'");
}

Test(netcat, tls_is_verified_here_without_being_asked)
{
	says("--ssl host 443", "did you mean 'sockx connect --tls host 443'? ('--tls' verifies the "
			       "server, as '--ssl-verify' does)");
	says("--ssl-verify host 443", "did you mean 'sockx connect --tls host 443'?");
	says("--ssl --ssl-verify -C host 443", "did you mean 'sockx connect -C --tls host 443'?");
	says("--ssl-trustfile f --ssl-servername n host 443",
		"did you mean 'sockx connect --tls --tls-ca f --tls-name n host 443'?");
	says("--ssl-verify --ssl-cert c --ssl-key k --ssl-alpn h2 host 443",
		"did you mean 'sockx connect --tls --tls-cert c --tls-key k --tls-alpn h2 host "
		"443'?");
	says("-z --ssl-verify host 443", "did you mean 'sockx connect -z --tls host 443'?");
	says("-U --ssl-verify /run/x", "did you mean 'sockx connect --tls -U /run/x'?");
	says("-e /bin/ls --ssl-verify host 443",
		"did you mean 'sockx connect -m exec --tls host 443 -- /bin/ls'?");
	says("-u --ssl host 443", "sockx has TLS over streams alone; ncat has it over UDP (DTLS)");
	says("--ssl-cert $x host 443", "a certificate to show: '--tls --tls-cert FILE'");
	says("--ssl-ciphers x host 443",
		"sockx takes OpenSSL's own ciphers; 'ncat --ssl-ciphers' sets them");
}

Test(netcat, a_server_with_tls_has_their_certificate_or_one_of_its_own)
{
	says("-l --ssl 9000", "did you mean 'sockx serve --tls -p 9000'? (its clients need the pin "
			      "that it prints)");
	says("-lk --ssl-cert c --ssl-key k 9000",
		"did you mean 'sockx serve -k --tls --tls-cert c --tls-key k -p 9000'?");
	says("-l --ssl-cert c --ssl-verify --ssl-trustfile f 9000",
		"did you mean 'sockx serve --tls --tls-cert c -p 9000'?");
	says("-lk --ssl --ssl-cert c -e /bin/cat 9000",
		"did you mean 'sockx serve -k -m echo --tls --tls-cert c -p 9000'?");
	says("-l --chat --ssl-cert c 9000",
		"did you mean 'sockx serve -m chat --tls --tls-cert c -p 9000'?");
}

Test(netcat, what_is_not_known_for_certain_is_left_alone)
{
	static const char *const lines[] = {"", "word", "two words", "-ul --ssl 9000",
		"-u -e /bin/sh host 80", "-l -c read 9000", "-l -C -e ls 9000", "-l -c a;b 9000",
		"host 20-30", "-k host 80", "-w", "--wait", "a 80 c", "-l a b c", "-lU",
		"-l $(reboot)", "host;ls 80", "-U a b", "-Z host 80", "-l", "-zb host 80",
		"-m 3 host 80", "-b host 80", "-l -s ::1 host 80"};

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
