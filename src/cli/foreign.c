#include "cli/foreign.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NO_COMMAND ""
#define ANYWHERE   "*"

/* In the rows themselves: a pointer is one more address to be put in place when the program starts.
 */
static const struct foreign {
	char on[12]; /* the command, NO_COMMAND or ANYWHERE */
	char word[20];
	char hint[100];
} foreigners[] = {
#define LISTEN      "to listen: 'sockx serve -p PORT', on one address alone with '-H ADDR'"
#define LISTEN_KEPT "to listen: 'sockx serve -k -p PORT', on one address alone with '-H ADDR'"
#define LISTENS     "'serve' always listens: leave the '-l' out"
	{"serve", "-l", LISTENS},
	{"serve", "--listen", "'serve' always listens: leave the '--listen' out"},
	{ANYWHERE, "-l", LISTEN},
	{ANYWHERE, "-L", LISTEN_KEPT},
	{ANYWHERE, "--listen", LISTEN},
	{"connect", "-k", "'-k' is for listening: 'sockx serve -k -p PORT'"},

	{NO_COMMAND, "-u", "a command comes first: 'sockx connect -u HOST PORT'"},
	{NO_COMMAND, "--udp", "a command comes first: 'sockx connect -u HOST PORT'"},
	{NO_COMMAND, "-U", "a command comes first: 'sockx connect -U PATH'"},
	{ANYWHERE, "--unixsock", "the path of a Unix socket is '-U PATH'"},
	{ANYWHERE, "-b",
		"to send to a broadcast address: 'sockx connect -u --send-only ADDR PORT'"},
	{ANYWHERE, "-I", "sockx sets no buffer sizes; 'nc -I' and 'nc -O' do"},
	{ANYWHERE, "-O", "sockx sets no buffer sizes; 'nc -I' and 'nc -O' do"},
	{ANYWHERE, "-M", "sockx sets no hop limits; 'nc -M' does"},
	{ANYWHERE, "-S", "sockx signs no segments; 'nc -S' does"},
	{ANYWHERE, "-F", "sockx passes no descriptors; 'nc -F' does"},
	{ANYWHERE, "-W",
		"to end after so many datagrams: 'sockx connect -u --messages N HOST PORT'"},
	{ANYWHERE, "--timeout",
		"limits: '-w DUR' of connecting, '-i DUR' of silence, '--max-time DUR' of all"},
	{ANYWHERE, "--sctp", "sockx has no SCTP; 'ncat --sctp' has"},
	{ANYWHERE, "--vsock", "sockx has no vsock; 'ncat --vsock' has"},

	{ANYWHERE, "-z", "to see whether a port answers: 'sockx connect -z HOST PORT'"},
	{ANYWHERE, "--zero", "to see whether a port answers: 'sockx connect -z HOST PORT'"},
	{ANYWHERE, "-N", "'-N' is for 'sockx connect' and 'sockx serve'"},

#define EXEC_SERVE "to run a program for each client: 'sockx serve -m exec -p PORT -- PROGRAM'"
#define SHELL_SERVE \
	"to run a line of the shell for each client: 'sockx serve -m exec -p PORT -- sh -c LINE'"
#define SHELL "to let a line of the shell talk: 'sockx connect -m exec HOST PORT -- sh -c LINE'"
#define EXEC  "to let a program talk: 'sockx connect -m exec HOST PORT -- PROGRAM'"
	{"serve", "-e", EXEC_SERVE},
	{"serve", "-c", SHELL_SERVE},
	{"serve", "--exec", EXEC_SERVE},
	{"serve", "--sh-exec", SHELL_SERVE},
	{"serve", "--lua-exec", "sockx runs no Lua; 'ncat -l --lua-exec' does"},
	{ANYWHERE, "-e", EXEC},
	{ANYWHERE, "-c", SHELL},
	{ANYWHERE, "--exec", EXEC},
	{ANYWHERE, "--sh-exec", SHELL},
	{ANYWHERE, "--lua-exec", "sockx runs no Lua; 'ncat --lua-exec' does"},
#define CHAT "a room for all clients is 'sockx serve --mode chat'"
	{ANYWHERE, "--chat", CHAT},
	{ANYWHERE, "--broker", "what one client sends to all others: 'sockx serve --mode broker'"},
#define ALLOW "sockx picks no clients by their address; 'ncat -l --allow ADDR' does"
	{ANYWHERE, "--allow", ALLOW},
	{ANYWHERE, "--deny", ALLOW},
	{ANYWHERE, "--allowfile", ALLOW},
	{ANYWHERE, "--denyfile", ALLOW},
#define PROXY "sockx goes through no proxies; 'nc -x' and 'ncat --proxy' do"
	{ANYWHERE, "-X", PROXY},
	{ANYWHERE, "--proxy", PROXY},
	{ANYWHERE, "--proxy-type", PROXY},
	{ANYWHERE, "--proxy-auth", PROXY},
	{ANYWHERE, "-x",
		"sockx goes through no proxies ('nc -x'); a hex dump: 'sockx connect -x HOST "
		"PORT'"},
	{ANYWHERE, "--hex-dump", "a hex dump in a file is '--hexdump=FILE'"},
#define OUTPUT "to keep what comes, redirect standard output: >FILE"
	{ANYWHERE, "-o", OUTPUT},
	{ANYWHERE, "--output", OUTPUT},
	{ANYWHERE, "--append-output", "to keep what comes, redirect standard output: >>FILE"},

	{NO_COMMAND, "--tls", "a command comes first: 'sockx connect --tls HOST PORT'"},
	{NO_COMMAND, "--ssl", "to connect with TLS: 'sockx connect --tls HOST PORT'"},
	{"serve", "--ssl", "TLS is '--tls', with '--tls-cert FILE' or a certificate of its own"},
	{ANYWHERE, "--ssl", "TLS is '--tls'"},
	{"serve", "--ssl-verify", "'--tls --tls-ca FILE' has each client show a certificate"},
	{ANYWHERE, "--ssl-verify", "'--tls' verifies the server without being asked"},
	{ANYWHERE, "--ssl-cert", "a certificate to show: '--tls --tls-cert FILE'"},
	{ANYWHERE, "--ssl-key", "a certificate's key: '--tls --tls-cert FILE --tls-key FILE'"},
	{"serve", "--ssl-trustfile", "'--tls --tls-ca FILE' has each client show a certificate"},
	{ANYWHERE, "--ssl-trustfile", "whose certificates to trust: '--tls --tls-ca FILE'"},
	{ANYWHERE, "--ssl-alpn", "the protocols inside TLS: '--tls --tls-alpn LIST'"},
	{"serve", "--ssl-servername", "'serve' makes a certificate for the hosts of '-H'"},
	{ANYWHERE, "--ssl-servername", "the name to expect: '--tls --tls-name NAME'"},
	{ANYWHERE, "--ssl-ciphers",
		"sockx takes OpenSSL's own ciphers; 'ncat --ssl-ciphers' sets them"},

	{ANYWHERE, "-d", "to leave standard input unread: '--recv-only' of 'connect' and 'serve'"},
	{ANYWHERE, "-D", "sockx sets no SO_DEBUG; '-v' tells more of what happens"},
	{ANYWHERE, "-dd", "'-v' tells more of what happens"},
	{"serve", "-w", "'-w' limits connecting; '-i DUR' closes clients that are silent"},
	{"serve", "--wait", "'-w' limits connecting; '-i DUR' closes clients that are silent"},
	{NO_COMMAND, "-w", "a command comes first: 'sockx connect -w DUR HOST PORT'"},
	{ANYWHERE, "--wait", "the limit for connecting is '-w DUR'"},
	{ANYWHERE, "-T", "sockx sets no type of service ('nc -T'); to end after silence: '-i DUR'"},
	{ANYWHERE, "-t", "sockx does not answer telnet's negotiations"},
	{ANYWHERE, "--telnet", "sockx does not answer telnet's negotiations"},
	{"serve", "-r", "a free port is '-p 0'"},
	{ANYWHERE, "-r",
		"'sockx connect -z' probes ports in order; a client's '-r N' tries N times more"},
	{ANYWHERE, "-g", "sockx does no source routing"},
	{ANYWHERE, "-G", "sockx does no source routing"},
	{ANYWHERE, "-V", "the version: 'sockx --version'"},
	{ANYWHERE, "--nodns", "names are left alone with '-n'"},
	{"serve", "--source-port", "the port to listen on: '-p PORT'"},
	{ANYWHERE, "--source-port", "the port to send from: '-s :PORT'"},
	{"connect", "-p", "the port to send from: '-s :PORT'"},
	{"serve", "-m", "the most clients at once is '--max-conns N'"},
	{"connect", "--max-conns", "'--max-conns' is for 'sockx serve'"},
	{"connect", "--keep-open", "'--keep-open' is for 'sockx serve'"},
	{ANYWHERE, "--recv-only", "'--recv-only' is for 'sockx connect' and 'sockx serve'"},
	{ANYWHERE, "--send-only", "'--send-only' is for 'sockx connect' and 'sockx serve'"},
	{ANYWHERE, "--no-shutdown", "'--no-shutdown' is for 'sockx connect' and 'sockx serve'"},

#define STDIO "standard input and output are always the other side: leave this out"
	{NO_COMMAND, "version", "did you mean 'sockx --version'?"},
	{NO_COMMAND, "chat",
		"to begin one: 'sockx serve -m chat'; to join: 'sockx connect -m chat HOST'"},
	{NO_COMMAND, "ping", "did you mean 'sockx echo --count 10'?"},
	{NO_COMMAND, "-", "standard input goes to a server with 'sockx connect HOST PORT'"},
	{NO_COMMAND, "STDIO", "standard input goes to a server with 'sockx connect HOST PORT'"},
	{ANYWHERE, "-", STDIO},
	{ANYWHERE, "STDIO", STDIO},
	{ANYWHERE, "STDIN", STDIO},
	{ANYWHERE, "STDOUT", STDIO},
};

static bool is_on(const struct foreign *row, const char *command)
{
	return strcmp(row->on, ANYWHERE) == 0 ||
	       strcmp(row->on, command ? command : NO_COMMAND) == 0;
}

const char *foreign_hint(const char *command, const char *word, char *buffer, size_t size)
{
	for (size_t i = 0; i < sizeof(foreigners) / sizeof(*foreigners); i++) {
		const struct foreign *row = &foreigners[i];

		if (!is_on(row, command) || strcmp(row->word, word) != 0)
			continue;
		snprintf(buffer, size, "%s", row->hint);
		return buffer;
	}
	return NULL;
}
