#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "cli/foreign.h"

static void says(const char *command, const char *word, const char *expected)
{
	char room[320] = "";
	const char *hint = foreign_hint(command, word, room, sizeof(room));

	cr_expect(eq(str, hint ? room : (char *)"(none)", (char *)expected), "for: %s", word);
}

Test(foreign, listening_is_serve)
{
	says(NULL, "-l", "to listen, use 'sockx serve -p PORT'");
	says("connect", "-l", "to listen, use 'sockx serve -p PORT'");
	says(NULL, "-nvlp", "to listen, use 'sockx serve -p PORT'");
	says(NULL, "-vl9000", "to listen, use 'sockx serve -p PORT'");
	says("serve", "-l", "'serve' always listens: leave the '-l' out");
	says("serve", "-lp", "'serve' always listens: write '-p PORT' alone");
	says(NULL, "TCP-LISTEN:9000", "did you mean 'sockx serve -p 9000'?");
	says(NULL, "tcp4-l:9000,fork,reuseaddr", "did you mean 'sockx serve -4 -p 9000'?");
	says("serve", "TCP-LISTEN:", "did you mean 'sockx serve -p PORT'?");
	says("serve", "TCP-LISTEN", "did you mean 'sockx serve -p PORT'?");
}

Test(foreign, connecting_is_connect)
{
	says("connect", "TCP:host:80", "did you mean 'sockx connect host:80'?");
	says(NULL, "tcp6:[::1]:80,nodelay", "did you mean 'sockx connect -6 [::1]:80'?");
	says(NULL, "-", "standard input goes to a server with 'sockx connect HOST PORT'");
	says("connect", "-", "standard input and output are always the other side: leave this out");
	says("connect", "STDIO",
		"standard input and output are always the other side: leave this out");
	says("echo", "-N", "'-N' is for 'sockx connect' and 'sockx serve'");
	says(NULL, "-zv",
		"to see whether a port answers: 'sockx connect -q 0 HOST PORT </dev/null' and its "
		"exit status");
	says(NULL, "-w3", "a command comes first: 'sockx connect -w DUR HOST PORT'");
}

Test(foreign, udp_and_unix_sockets_have_their_spellings_too)
{
	says("serve", "-lu", "'serve' always listens: write '-u' alone");
	says(NULL, "-u", "a command comes first: 'sockx connect -u HOST PORT'");
	says(NULL, "-lU", "to listen on a Unix socket, use 'sockx serve -U PATH'");
	says(NULL, "UDP-LISTEN:9000,fork", "did you mean 'sockx serve -u -p 9000'?");
	says(NULL, "udp:host:53", "did you mean 'sockx connect -u host:53'?");
	says(NULL, "UNIX-LISTEN:/run/x y", "did you mean 'sockx serve unix:/run/x y'?");
	says(NULL, "UNIX-CONNECT:/run/x", "did you mean 'sockx connect unix:/run/x'?");
	says(NULL, "ABSTRACT-LISTEN:x", "did you mean 'sockx serve unix:@x'?");
}

Test(foreign, what_there_is_not_yet_is_said_plainly)
{
	says("serve", "--ssl",
		"sockx has no TLS yet; use 'openssl s_server -accept PORT' or 'ncat -l --ssl'");
	says("connect", "--ssl", "sockx has no TLS yet; use 'openssl s_client -connect HOST:PORT'");
	says("serve", "--chat", "a room for all clients is 'sockx serve --mode chat'");
	says("connect", "--broker", "sockx has no broker yet; 'ncat -l --broker' has");
}

Test(foreign, every_spelling_that_people_know_is_answered_on_one_line)
{
	static const char *const words[] = {"-l", "-lk", "-lp", "-lv", "-lu", "-z", "-zv", "-N",
		"-e", "-c", "-x", "-X", "-D", "-d", "-o", "--ssl", "--listen", "--exec",
		"--sh-exec", "--chat", "--broker", "--allow", "--proxy", "--recv-only",
		"TCP-LISTEN:9000", "TCP:host:80", "TCP4-LISTEN:1", "UNIX-LISTEN:/path",
		"UDP-LISTEN:1", "EXEC:cat", "STDIO", "-"};
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
	says("connect", "tcp:80", "(none)");
	says("connect", "TCP-LISTENER", "(none)");
	says("connect", "-lvz", "(none)");
}

Test(foreign, what_was_typed_is_shown_without_its_controls)
{
	char long_word[600] = "TCP:h:";

	says(NULL, "TCP-LISTEN:9\x1b[2J", "did you mean 'sockx serve -p 9\\x1b[2J'?");
	memset(long_word + 6, '9', sizeof(long_word) - 7);
	cr_expect(lt(sz, strlen(foreign_hint(NULL, long_word, (char[320]){0}, 320)), 160));
	says("connect", "--exec\n", "(none)");
}

Test(foreign, a_small_buffer_cuts_the_hint)
{
	char small[8];

	cr_expect(eq(str, (char *)foreign_hint(NULL, "-l", small, sizeof(small)), "to list"));
}
