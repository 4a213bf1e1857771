#include <string.h>

#include "check.h"
#include "cli/foreign.h"

static void says(const char *command, const char *word, const char *expected)
{
	char room[320] = "";
	const char *hint = foreign_hint(command, word, room, sizeof(room));

	cr_expect(eq(str, hint ? room : (char *)"(none)", (char *)expected), "for: %s", word);
}

Test(foreign, listening_is_serve)
{
	says(NULL, "-l", "to listen: 'sockx serve -p PORT', on one address alone with '-H ADDR'");
	says("connect", "-l",
		"to listen: 'sockx serve -p PORT', on one address alone with '-H ADDR'");
	says("serve", "-l", "'serve' always listens: leave the '-l' out");
	says("serve", "-r", "a free port is '-p 0'");
}

Test(foreign, connecting_is_connect)
{
	says(NULL, "-", "standard input goes to a server with 'sockx connect HOST PORT'");
	says("connect", "-", "standard input and output are always the other side: leave this out");
	says("connect", "STDIO",
		"standard input and output are always the other side: leave this out");
	says("echo", "-N", "'-N' is for 'sockx connect' and 'sockx serve'");
	says(NULL, "-z", "to see whether a port answers: 'sockx connect -z HOST PORT'");
	says(NULL, "-u", "a command comes first: 'sockx connect -u HOST PORT'");
}

Test(foreign, what_does_not_exist_is_said_plainly)
{
	says("serve", "--chat", "a room for all clients is 'sockx serve --mode chat'");
	says("connect", "--broker",
		"what one client sends to all others: 'sockx serve --mode broker'");
}

Test(foreign, tls_is_called_otherwise)
{
	says(NULL, "--tls", "a command comes first: 'sockx connect --tls HOST PORT'");
	says(NULL, "--ssl", "to connect with TLS: 'sockx connect --tls HOST PORT'");
	says("connect", "--ssl", "TLS is '--tls'");
	says("serve", "--ssl",
		"TLS is '--tls', with '--tls-cert FILE' or a certificate of its own");
	says("connect", "--ssl-verify", "'--tls' verifies the server without being asked");
	says("serve", "--ssl-key", "a certificate's key: '--tls --tls-cert FILE --tls-key FILE'");
	says("echo", "--ssl-trustfile", "whose certificates to trust: '--tls --tls-ca FILE'");
	says("serve", "--ssl-trustfile",
		"'--tls --tls-ca FILE' has each client show a certificate");
	says("connect", "--ssl-servername", "the name to expect: '--tls --tls-name NAME'");
}

Test(foreign, every_spelling_that_people_know_is_answered_on_one_line)
{
	static const char *const words[] = {"-l", "-L", "-z", "-N", "-e", "-c", "-x", "-X", "-D",
		"-d", "-o", "-W", "-I", "-b", "--ssl", "--ssl-verify", "--ssl-cert", "--ssl-key",
		"--ssl-alpn", "--ssl-trustfile", "--ssl-servername", "--ssl-ciphers", "--listen",
		"--exec", "--sh-exec", "--chat", "--broker", "--allow", "--proxy", "--recv-only",
		"--timeout", "STDIO", "-"};
	static const char *const places[] = {NULL, "serve", "connect", "echo"};
	char room[320];

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		for (size_t k = 0; k < sizeof(places) / sizeof(*places); k++) {
			const char *hint = foreign_hint(places[k], words[i], room, sizeof(room));

			cr_assert(hint != NULL, "%s", words[i]);
			cr_expect(lt(sz, strlen(hint), 130), "%s", words[i]);
			cr_expect(strpbrk(hint, "{}\n") == NULL, "%s", words[i]);
		}
	}
}

Test(foreign, words_of_our_own_or_of_nobody_are_left_alone)
{
	says("serve", "-p", "(none)");
	says("connect", "-y", "(none)");
	says("serve", "--prot", "(none)");
	says(NULL, "server", "(none)");
	says(NULL, "", "(none)");
	says(NULL, "--", "(none)");
	says(NULL, "-9", "(none)");
	says("connect", "localhost:80", "(none)");
	says("connect", "--exec\n", "(none)");
}

Test(foreign, a_small_buffer_cuts_the_hint)
{
	char small[8];

	cr_expect(eq(str, (char *)foreign_hint(NULL, "-l", small, sizeof(small)), "to list"));
}
