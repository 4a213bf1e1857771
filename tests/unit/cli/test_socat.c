#include <stdio.h>
#include <string.h>

#include "check.h"
#include "cli/socat.h"

enum { WORDS_MAX = 12 };

static bool translate(const char *typed, char *out, size_t size)
{
	char copy[512];
	const char *words[WORDS_MAX];
	size_t count = 0;

	snprintf(copy, sizeof(copy), "%s", typed);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		words[count++] = word;
	return socat_hint(words, count, "", out, size);
}

static void says(const char *typed, const char *expected)
{
	char out[320] = "nothing";

	cr_expect(translate(typed, out, sizeof(out)), "%s", typed);
	cr_expect(eq(str, out, (char *)expected), "%s", typed);
}

static void means(const char *typed, const char *line)
{
	char expected[320];

	snprintf(expected, sizeof(expected), "did you mean '%s'?", line);
	says(typed, expected);
}

Test(socat, listening_is_serve)
{
	means("TCP-LISTEN:9000", "sockx serve -p 9000");
	means("- tcp4-l:9000,fork,reuseaddr", "sockx serve -k -4 -p 9000");
	means("TCP4-LISTEN:9000,bind=127.0.0.1 -", "sockx serve -H 127.0.0.1 -p 9000");
	means("TCP-LISTEN:9000,bind=[::1],fork PIPE", "sockx serve -m echo -H ::1 -p 9000");
	means("TCP-LISTEN:9000,fork EXEC:cat", "sockx serve -m echo -p 9000");
	means("TCP-LISTEN:9000,bind=::1,fork EXEC:ls", "sockx serve -m exec -H ::1 -p 9000 -- ls");
	means("UNIX-LISTEN:/run/x SYSTEM:date", "sockx serve -1 -m exec unix:/run/x -- date");
	means("UDP-RECV:9000", "sockx serve -k -u --recv-only -p 9000");
	means("-u UDP-RECV:9000 -", "sockx serve -k -u --recv-only -p 9000");
	means("-u UDP4-RECV:9000 CREATE:out", "sockx serve -k -4 -u --recv-only -p 9000 >out");
	means("-u UNIX-RECV:/run/x -", "sockx serve -k -u --recv-only unix:/run/x");
	means("UDP-RECV:9000 PIPE", "sockx serve -m echo -u -p 9000");
	means("UDP-LISTEN:9000,fork -", "sockx serve -k -u -p 9000");
	means("UNIX-LISTEN:/run/x,mode=0600", "sockx serve --unix-mode 0600 unix:/run/x");
	means("UNIX-LISTEN:/run/x,type=5", "sockx serve --seqpacket unix:/run/x");
	means("ABSTRACT-LISTEN:x", "sockx serve unix:@x");
	means("-u TCP-L:9 CREATE:out", "sockx serve --recv-only -p 9 >out");
}

Test(socat, connecting_is_connect)
{
	means("- TCP:host:80", "sockx connect host:80");
	means("- tcp6:[::1]:80,nodelay", "sockx connect -6 [::1]:80");
	means("-t 2 -T5 STDIO UDP:host:53", "sockx connect -u -q 2 -i 5 host:53");
	means("-d -d - TCP:h:80,bind=192.0.2.1,sourceport=9", "sockx connect -s 192.0.2.1:9 h:80");
	means("- TCP:h:80,sourceport=9", "sockx connect -s :9 h:80");
	means("- TCP:host:80,crnl,connect-timeout=3", "sockx connect -C -w 3 host:80");
	means("-u OPEN:x TCP:host:80", "sockx connect --send-only host:80 <x");
	means("-U - TCP:host:80", "sockx connect --recv-only host:80");
	means("STDIN TCP:host:80", "sockx connect --send-only host:80");
	means("TCP:host:80 STDOUT", "sockx connect --recv-only host:80");
	means("UNIX-CONNECT:/run/x", "sockx connect unix:/run/x");
	means("SYSTEM:ls TCP:host:80", "sockx connect -m exec host:80 -- ls");
	means("EXEC:cat TCP:host:80", "sockx connect -m exec host:80 -- cat");
}

Test(socat, two_sockets_are_a_relay)
{
	means("TCP-LISTEN:80,fork,reuseaddr TCP:host:8080",
		"sockx serve -m relay -H 0.0.0.0 -H :: -p 80 --to host:8080");
	means("TCP4-L:80,fork TCP4:192.0.2.1:8080",
		"sockx serve -m relay -H 0.0.0.0 -p 80 --to 192.0.2.1:8080");
	means("TCP6-L:80 TCP6:[::1]:8080", "sockx serve -m relay -1 -H :: -p 80 --to [::1]:8080");
	means("TCP:host:80,bind=192.0.2.1,connect-timeout=3 TCP-L:9,bind=127.0.0.1,fork",
		"sockx serve -m relay -H 127.0.0.1 -p 9 --to host:80 --to-source 192.0.2.1 -w 3");
	means("-T5 UNIX-LISTEN:/run/x,mode=0600,fork TCP:host:80",
		"sockx serve -m relay --unix-mode 0600 -i 5 unix:/run/x --to host:80");
	means("TCP-L:9,bind=127.0.0.1,fork UNIX:/run/x",
		"sockx serve -m relay -H 127.0.0.1 -p 9 --to unix:/run/x");
	means("UNIX-L:/x,type=5,fork UNIX:/y,type=5",
		"sockx serve -m relay --seqpacket unix:/x --to unix-seqpacket:/y");
	means("UDP4-LISTEN:53,fork UDP:host:53,sourceport=9",
		"sockx serve -m relay -u -H 0.0.0.0 -p 53 --to udp://host:53 --to-source :9");
	means("UNIX-RECVFROM:/x,fork ABSTRACT-SENDTO:y",
		"sockx serve -m relay -u unix:/x --to unix-datagram:@y");
	means("TCP:one:1 UNIX:/run/x", "sockx connect -m relay one:1 --to unix:/run/x");
	says("TCP-L:9,fork TCP4:host:80",
		"its form is 'sockx serve -m relay [ADDRESS] --to ADDRESS'");
	says("-u TCP-L:9 TCP:host:80", "its form is 'sockx serve -m relay [ADDRESS] --to ADDRESS'");
	says("TCP:host:80 UDP:host:80",
		"its form is 'sockx connect -m relay ADDRESS --to ADDRESS'");
	says("TCP-L:9,fork TCP:host:80,su=me",
		"sockx has nothing for socat's option 'su=me'; socat has it");
}

Test(socat, what_sockx_does_not_do_is_said)
{
	says("TCP-L:9 TCP-L:80", "sockx joins no two listening sockets; socat does");
	says("UDP-L:9,fork EXEC:ls", "sockx runs no programs over datagrams; socat does");
	says("TCP-L:9,fork EXEC:ls,pty",
		"sockx has nothing for socat's option 'pty'; socat has it");
	says("EXEC:ls -", "to let a program talk: 'sockx connect -m exec HOST PORT -- PROGRAM'");
	says("TCP-L:9,fork SYSTEM:a;b", "its form is 'sockx serve -m exec -p PORT -- sh -c LINE'");
	says("TCP-L:9,fork EXEC:ls", "did you mean 'sockx serve -m exec -p 9 -- ls'? (for this "
				     "machine alone, unless '-H' names an address)");
	says("READLINE TCP:host:80", "sockx has no 'READLINE'; socat has it");
	says("TCP-L:9,su=me -", "sockx has nothing for socat's option 'su=me'; socat has it");
	says("TCP-L:9,x=$y -", "sockx has nothing for socat's options; socat has it");
	says("-v - TCP:h:80", "sockx has nothing for socat's option '-v'; socat has it");
	says("TCP:host:80 PIPE", "sockx echoes only as a server; socat does as a client");
	says("PIPE:/run/p TCP-L:9", "sockx opens no pipes by name; socat does");
}

Test(socat, tls_verifies_as_much_as_was_typed)
{
	says("SSL:host:443 -", "did you mean 'sockx connect --tls host:443'?");
	says("- OPENSSL:host:443,verify=1,openssl-cafile=f,commonname=n,snihost=n",
		"did you mean 'sockx connect --tls --tls-ca f --tls-name n host:443'?");
	says("- openssl:host:443,cafile=f,verify=0,cert=c,key=k",
		"did you mean 'sockx connect --tls --tls-cert c --tls-key k --tls-no-verify "
		"host:443'?");
	says("- SSL:host:443,commonname=a,snihost=b",
		"sockx has nothing for socat's option 'snihost=b'; socat has it");
	says("- TCP:host:443,verify=0",
		"sockx has nothing for socat's option 'verify=0'; socat has it");
	says("- SSL:host:443,cert=$x", "sockx has nothing for socat's options; socat has it");
	says("- SSL:$x:443", "its form is 'sockx connect --tls HOST:PORT'");
}

Test(socat, a_server_with_tls_asks_its_clients_for_certificates_if_it_can_tell_which)
{
	says("SSL-L:443,cert=c,verify=0 -",
		"did you mean 'sockx serve --tls --tls-cert c -p 443'?");
	says("OPENSSL-LISTEN:443,cert=c,key=k,cafile=f,fork,reuseaddr PIPE",
		"did you mean 'sockx serve -m echo --tls --tls-cert c --tls-key k --tls-ca f -p "
		"443'?");
	says("SSL-L:443,cert=c,cafile=f,verify=0 -",
		"did you mean 'sockx serve --tls --tls-cert c -p 443'?");
	says("SSL-L:443,cert=c -", "did you mean 'sockx serve --tls --tls-cert c -p 443'? (with "
				   "'--tls-ca FILE' its clients show certificates)");
	says("SSL-L:443,commonname=n -",
		"sockx has nothing for socat's option 'commonname=n'; socat has it");
}

Test(socat, a_relay_has_tls_on_either_side)
{
	says("TCP-L:80,bind=::1,fork OPENSSL:host:443,cafile=f,commonname=n",
		"did you mean 'sockx serve -m relay -H ::1 -p 80 --to tls://host:443 --to-tls-ca f "
		"--to-tls-name n'?");
	says("TCP-L:80,bind=::1 SSL:host:443,verify=0",
		"did you mean 'sockx serve -m relay -1 -H ::1 -p 80 --to tls://host:443 "
		"--to-tls-no-verify'?");
	says("SSL-L:443,bind=::1,cert=c,verify=0,fork TCP:host:80",
		"did you mean 'sockx serve -m relay --tls --tls-cert c -H ::1 -p 443 --to "
		"host:80'?");
	says("TCP-L:80,fork SSL:host:443,cert=c",
		"its form is 'sockx serve -m relay [ADDRESS] --to ADDRESS'");
	says("UDP-L:80,fork SSL:host:443",
		"its form is 'sockx serve -m relay [ADDRESS] --to ADDRESS'");
}

Test(socat, what_no_line_can_be_made_of_is_shown_as_a_form)
{
	says("TCP-LISTEN:$PORT -", "its form is 'sockx serve -p PORT'");
	says("TCP-LISTEN:$PORT,bind=127.0.0.1 -", "its form is 'sockx serve -H ADDR -p PORT'");
	says("UNIX-LISTEN:/x\x1b[2J -", "its form is 'sockx serve unix:PATH'");
	says("OPEN:x TCP-L:9",
		"sockx opens no files: redirect standard input or output of 'sockx serve -p PORT'");
}

Test(socat, other_lines_are_left_alone)
{
	static const char *const lines[] = {
		"", "host 80", "- -", "TCP:h:80 - -", "OPEN:x -", "-u", "TCP:h:80 host"};
	char out[320];

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		cr_expect(not(translate(lines[i], out, sizeof(out))), "%s", lines[i]);
}

Test(socat, an_address_is_told_from_a_host_and_port)
{
	cr_expect(socat_is_address("TCP-LISTEN:9000"));
	cr_expect(socat_is_address("tcp:host:80"));
	cr_expect(not(socat_is_address("tcp:80")));
	cr_expect(not(socat_is_address("tcp://host:80")));
	cr_expect(not(socat_is_address("unix:/run/x")));
	cr_expect(not(socat_is_address("TCP-LISTENER:80")));
	cr_expect(not(socat_is_address("localhost:80")));
	cr_expect(socat_is_surely_address("TCP-LISTEN:9000"));
	cr_expect(socat_is_surely_address("tcp:host:80"));
	cr_expect(socat_is_surely_address("EXEC:cat"));
	cr_expect(not(socat_is_surely_address("open:80")));
	cr_expect(not(socat_is_surely_address("FILE:80")));
}

Test(socat, what_is_too_long_is_left_out)
{
	char word[400] = "TCP-LISTEN:9,bind=", out[320];
	const char *words[] = {word};
	size_t used = strlen(word);

	memset(word + used, '1', sizeof(word) - used - 1);
	cr_expect(socat_hint(words, 1, "", out, sizeof(out)));
	cr_expect(lt(sz, strlen(out), 200));
}
