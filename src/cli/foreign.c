#include "cli/foreign.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/escape.h"

/* How the word must look beside the row's text. socat takes its addresses in any case and puts
 * options behind commas: "tcp-l:9000,fork". */
enum shape {
	WORD,      /* exactly the text */
	ADDRESS,   /* the text in any case, and perhaps ":REST" */
	HOST_PORT, /* the text in any case, and a REST that has a colon: "tcp:80" is a host here */
};

#define NO_COMMAND ""

static const struct foreign {
	const char *on; /* the command, NO_COMMAND, or NULL for every place */
	const char *word;
	const char *hint; /* "{X}": the address's REST, or X where it has none */
	enum shape shape;
} foreigners[] = {
#define LISTEN      "to listen, use 'sockx serve -p PORT'"
#define LISTEN_KEPT "to listen, use 'sockx serve -p PORT', with '-k' for one client after another"
#define LISTENS     "'serve' always listens: leave the '-l' out"
	{"serve", "-l", LISTENS},
	{"serve", "-lp", "'serve' always listens: write '-p PORT' alone"},
	{"serve", "-lk", "'serve' always listens: write '-k' alone"},
	{"serve", "-kl", "'serve' always listens: write '-k' alone"},
	{"serve", "-lv", "'serve' always listens: write '-v' alone"},
	{"serve", "--listen", "'serve' always listens: leave the '--listen' out"},
	{NULL, "-l", LISTEN},
	{NULL, "-lk", LISTEN_KEPT},
	{NULL, "-kl", LISTEN_KEPT},
	{NULL, "-L", LISTEN_KEPT},
	{NULL, "-lp", LISTEN},
	{NULL, "-lv", LISTEN ", with '-v' to see more"},
	{NULL, "--listen", LISTEN},
	{"connect", "-k", "'-k' is for listening: 'sockx serve -k -p PORT'"},

#define LISTEN_UDP  "to listen on UDP, use 'sockx serve -u -p PORT'"
#define LISTEN_UNIX "to listen on a Unix socket, use 'sockx serve -U PATH'"
	{"serve", "-lu", "'serve' always listens: write '-u' alone"},
	{"serve", "-ul", "'serve' always listens: write '-u' alone"},
	{"serve", "-lU", "'serve' always listens: write '-U PATH' alone"},
	{NULL, "-lu", LISTEN_UDP},
	{NULL, "-ul", LISTEN_UDP},
	{NULL, "-lU", LISTEN_UNIX},
	{NO_COMMAND, "-u", "a command comes first: 'sockx connect -u HOST PORT'"},
	{NO_COMMAND, "--udp", "a command comes first: 'sockx connect -u HOST PORT'"},
	{NO_COMMAND, "-U", "a command comes first: 'sockx connect -U PATH'"},
	{NULL, "--unixsock", "the path of a Unix socket is '-U PATH'"},
	{"connect", "-b", "sockx does not send to broadcast addresses"},
	{NULL, "--sctp", "sockx has no SCTP; 'ncat --sctp' has"},
	{NULL, "--vsock", "sockx has no vsock; 'ncat --vsock' has"},

#define PROBE                                                                                    \
	"to see whether a port answers: 'sockx connect -q 0 HOST PORT </dev/null' and its exit " \
	"status"
	{NULL, "-z", PROBE},
	{NULL, "-zv", PROBE},
	{NULL, "-vz", PROBE},
	{NULL, "-N", "'-N' is for 'sockx connect' and 'sockx serve'"},

#define EXEC \
	"sockx runs no programs for its peers yet; 'socat TCP-LISTEN:PORT,fork EXEC:PROGRAM' does"
	{NULL, "-e", EXEC},
	{NULL, "-c", EXEC},
	{NULL, "--exec", EXEC},
	{NULL, "--sh-exec", EXEC},
	{NULL, "--lua-exec", EXEC},
#define CHAT "a room for all clients is 'sockx serve --mode chat'"
	{NULL, "--chat", CHAT},
	{NULL, "--broker", "sockx has no broker yet; 'ncat -l --broker' has"},
#define ALLOW "sockx picks no clients by address yet; '-H ADDR' says which address to listen on"
	{NULL, "--allow", ALLOW},
	{NULL, "--deny", ALLOW},
	{NULL, "--allowfile", ALLOW},
	{NULL, "--denyfile", ALLOW},
#define PROXY "sockx goes through no proxies; 'nc -x' and 'ncat --proxy' do"
	{NULL, "-X", PROXY},
	{NULL, "--proxy", PROXY},
	{NULL, "--proxy-type", PROXY},
	{NULL, "--proxy-auth", PROXY},
	{NULL, "-x",
		"sockx has no proxies ('nc -x') and no hex dump yet; for a dump: 'sockx connect "
		"HOST PORT | xxd'"},
	{NULL, "--hex-dump", "sockx has no hex dump yet: 'sockx connect HOST PORT | xxd'"},
#define OUTPUT "to keep what comes, redirect: 'sockx connect HOST PORT >FILE'"
	{NULL, "-o", OUTPUT},
	{NULL, "--output", OUTPUT},
	{NULL, "--append-output", "to keep what comes: 'sockx connect HOST PORT >>FILE'"},

#define TLS_SERVE "sockx has no TLS yet; use 'openssl s_server -accept PORT' or 'ncat -l --ssl'"
#define TLS       "sockx has no TLS yet; use 'openssl s_client -connect HOST:PORT'"
	{"serve", "--ssl", TLS_SERVE},
	{"serve", "--ssl-cert", TLS_SERVE},
	{"serve", "--ssl-key", TLS_SERVE},
	{NULL, "--ssl", TLS},
	{NULL, "--ssl-verify", TLS},
	{NULL, "--ssl-cert", TLS},
	{NULL, "--ssl-key", TLS},
	{NULL, "--ssl-trustfile", TLS},
	{NULL, "--ssl-alpn", TLS},
	{NULL, "--ssl-servername", TLS},

	{NULL, "-d", "to leave standard input unread: '--recv-only' of 'connect' and 'serve'"},
	{NULL, "-D", "sockx sets no SO_DEBUG; '-v' tells more of what happens"},
	{NULL, "-dd", "'-v' tells more of what happens"},
	{"serve", "-w", "'-w' limits connecting; '-i DUR' closes clients that are silent"},
	{"serve", "--wait", "'-w' limits connecting; '-i DUR' closes clients that are silent"},
	{NO_COMMAND, "-w", "a command comes first: 'sockx connect -w DUR HOST PORT'"},
	{NULL, "--wait", "the limit for connecting is '-w DUR'"},
	{NULL, "-T", "sockx sets no type of service ('nc -T'); to end after silence: '-i DUR'"},
	{NULL, "-t", "sockx does not answer telnet's negotiations"},
	{NULL, "--telnet", "sockx does not answer telnet's negotiations"},
	{NULL, "-r", "sockx connects to the one port it is given"},
	{NULL, "-g", "sockx does no source routing"},
	{NULL, "-G", "sockx does no source routing"},
	{NULL, "-V", "the version: 'sockx --version'"},
	{NULL, "--nodns", "names are left alone with '-n'"},
	{"serve", "--source-port", "the port to listen on: '-p PORT'"},
	{NULL, "--source-port", "the address and port to send from: '-s ADDR:PORT'"},
	{"connect", "-p", "the address and port to send from: '-s ADDR:PORT'"},
	{"serve", "-m", "the most clients at once is '--max-conns N'"},
	{"connect", "--max-conns", "'--max-conns' is for 'sockx serve'"},
	{"connect", "--keep-open", "'--keep-open' is for 'sockx serve'"},
	{NULL, "--recv-only", "'--recv-only' is for 'sockx connect' and 'sockx serve'"},
	{NULL, "--send-only", "'--send-only' is for 'sockx connect' and 'sockx serve'"},
	{NULL, "--no-shutdown", "'--no-shutdown' is for 'sockx connect' and 'sockx serve'"},

	{NULL, "TCP-LISTEN", "did you mean 'sockx serve -p {PORT}'?", ADDRESS},
	{NULL, "TCP-L", "did you mean 'sockx serve -p {PORT}'?", ADDRESS},
	{NULL, "TCP4-LISTEN", "did you mean 'sockx serve -4 -p {PORT}'?", ADDRESS},
	{NULL, "TCP4-L", "did you mean 'sockx serve -4 -p {PORT}'?", ADDRESS},
	{NULL, "TCP6-LISTEN", "did you mean 'sockx serve -6 -p {PORT}'?", ADDRESS},
	{NULL, "TCP6-L", "did you mean 'sockx serve -6 -p {PORT}'?", ADDRESS},
	{NULL, "TCP", "did you mean 'sockx connect {HOST:PORT}'?", HOST_PORT},
	{NULL, "TCP-CONNECT", "did you mean 'sockx connect {HOST:PORT}'?", ADDRESS},
	{NULL, "TCP4", "did you mean 'sockx connect -4 {HOST:PORT}'?", HOST_PORT},
	{NULL, "TCP4-CONNECT", "did you mean 'sockx connect -4 {HOST:PORT}'?", ADDRESS},
	{NULL, "TCP6", "did you mean 'sockx connect -6 {HOST:PORT}'?", HOST_PORT},
	{NULL, "TCP6-CONNECT", "did you mean 'sockx connect -6 {HOST:PORT}'?", ADDRESS},
#define CONNECT_UDP "did you mean 'sockx connect -u {HOST:PORT}'?"
#define SERVE_UDP   "did you mean 'sockx serve -u -p {PORT}'?"
	{NULL, "UDP", CONNECT_UDP, HOST_PORT},
	{NULL, "UDP4", "did you mean 'sockx connect -4 -u {HOST:PORT}'?", HOST_PORT},
	{NULL, "UDP6", "did you mean 'sockx connect -6 -u {HOST:PORT}'?", HOST_PORT},
	{NULL, "UDP-CONNECT", CONNECT_UDP, ADDRESS},
	{NULL, "UDP-SENDTO", CONNECT_UDP, ADDRESS},
	{NULL, "UDP-LISTEN", SERVE_UDP, ADDRESS},
	{NULL, "UDP-L", SERVE_UDP, ADDRESS},
	{NULL, "UDP-RECV", SERVE_UDP, ADDRESS},
	{NULL, "UDP-RECVFROM", SERVE_UDP, ADDRESS},
	{NULL, "UNIX", "did you mean 'sockx connect unix:{PATH}'?", ADDRESS},
	{NULL, "UNIX-CONNECT", "did you mean 'sockx connect unix:{PATH}'?", ADDRESS},
	{NULL, "UNIX-LISTEN", "did you mean 'sockx serve unix:{PATH}'?", ADDRESS},
	{NULL, "UNIX-L", "did you mean 'sockx serve unix:{PATH}'?", ADDRESS},
	{NULL, "UNIX-SENDTO", "did you mean 'sockx connect -u unix:{PATH}'?", ADDRESS},
	{NULL, "UNIX-RECV", "did you mean 'sockx serve -u unix:{PATH}'?", ADDRESS},
	{NULL, "UNIX-RECVFROM", "did you mean 'sockx serve -u unix:{PATH}'?", ADDRESS},
	{NULL, "ABSTRACT-CONNECT", "did you mean 'sockx connect unix:@{NAME}'?", ADDRESS},
	{NULL, "ABSTRACT-LISTEN", "did you mean 'sockx serve unix:@{NAME}'?", ADDRESS},
	{NULL, "EXEC", EXEC, ADDRESS},
	{NULL, "SYSTEM", EXEC, ADDRESS},
	{NULL, "SHELL", EXEC, ADDRESS},
	{NULL, "OPENSSL", TLS, ADDRESS},
	{NULL, "SSL", TLS, ADDRESS},
	{NULL, "OPENSSL-LISTEN", TLS_SERVE, ADDRESS},
	{NULL, "SSL-L", TLS_SERVE, ADDRESS},
	{NULL, "OPEN", "files come by redirection: 'sockx connect HOST PORT <FILE'", ADDRESS},
	{NULL, "FILE", "files come by redirection: 'sockx connect HOST PORT <FILE'", ADDRESS},
	{NULL, "CREATE", "files come by redirection: 'sockx connect HOST PORT >FILE'", ADDRESS},

#define STDIO "standard input and output are always the other side: leave this out"
	{NO_COMMAND, "listen", "did you mean 'sockx serve'?"},
	{NO_COMMAND, "client", "did you mean 'sockx connect HOST PORT'?"},
	{NO_COMMAND, "chat",
		"to begin one: 'sockx serve -m chat'; to join: 'sockx connect -m chat HOST'"},
	{NO_COMMAND, "ping", "did you mean 'sockx echo --count 10'?"},
	{NO_COMMAND, "-", "standard input goes to a server with 'sockx connect HOST PORT'"},
	{NO_COMMAND, "STDIO", "standard input goes to a server with 'sockx connect HOST PORT'",
		ADDRESS},
	{NULL, "-", STDIO},
	{NULL, "STDIO", STDIO, ADDRESS},
	{NULL, "STDIN", STDIO, ADDRESS},
	{NULL, "STDOUT", STDIO, ADDRESS},
};

static bool is_on(const struct foreign *row, const char *command)
{
	return !row->on || strcmp(row->on, command ? command : NO_COMMAND) == 0;
}

/* Whether word is spelt as the row's, and where its REST begins (at its end if it has none). */
static bool is_spelt(const struct foreign *row, const char *word, const char **rest)
{
	size_t len = strlen(row->word);

	if (row->shape == WORD) {
		*rest = word + strlen(word);
		return strcmp(row->word, word) == 0;
	}
	if (strncasecmp(row->word, word, len) != 0 || (word[len] && word[len] != ':'))
		return false;
	*rest = word + len + (word[len] == ':');
	return row->shape == ADDRESS || strchr(*rest, ':');
}

static const struct foreign *find(const char *command, const char *word, const char **rest)
{
	for (size_t i = 0; i < sizeof(foreigners) / sizeof(*foreigners); i++)
		if (is_on(&foreigners[i], command) && is_spelt(&foreigners[i], word, rest))
			return &foreigners[i];
	return NULL;
}

/* The first row that is one of the letters word begins with: "-nvlp" wants to listen. The order of
 * the rows, not that of the letters, says which of them matters most. */
static const struct foreign *find_among_letters(const char *word)
{
	size_t letters = strspn(word + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

	for (size_t i = 0; i < sizeof(foreigners) / sizeof(*foreigners); i++) {
		const struct foreign *row = &foreigners[i];

		if (is_on(row, NULL) && row->word[0] == '-' && strlen(row->word) == 2 &&
			memchr(word + 1, row->word[1], letters))
			return row;
	}
	return NULL;
}

/* What takes the place of "{X}": the visible form of REST up to its first comma, or X. */
static void fill_in(const char *rest, const char *name, size_t name_len, char *out, size_t size)
{
	char typed[128];
	struct quoted_text shown;

	snprintf(typed, sizeof(typed), "%.*s", (int)strcspn(rest, ","), rest);
	shown = quoted(typed);
	if (*typed)
		snprintf(out, size, "%.*s", (int)strlen(shown.text) - 2, shown.text + 1);
	else
		snprintf(out, size, "%.*s", (int)name_len, name);
}

const char *foreign_hint(const char *command, const char *word, char *buffer, size_t size)
{
	const char *rest = "", *open, *close;
	const struct foreign *row = find(command, word, &rest);
	char filled[128] = "";

	if (!row && !command && word[0] == '-' && word[1] && word[1] != '-')
		row = find_among_letters(word);
	if (!row)
		return NULL;
	open = strchr(row->hint, '{');
	close = open ? strchr(open, '}') : NULL;
	if (!close) {
		snprintf(buffer, size, "%s", row->hint);
		return buffer;
	}
	fill_in(rest, open + 1, (size_t)(close - open - 1), filled, sizeof(filled));
	snprintf(buffer, size, "%.*s%s%s", (int)(open - row->hint), row->hint, filled, close + 1);
	return buffer;
}
