#include "cli/socat.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "cli/foreign.h"
#include "cli/line.h"

/* The kinds of addresses of socat(1), and what they are here. */
enum role {
	CONNECTS,
	LISTENS,
	STDIO, /* our standard input and output */
	STDIN, /* one of them alone */
	STDOUT,
	ECHOES,  /* what goes in comes back */
	PROGRAM, /* a server's cat is an echo */
	FILE_IN,
	FILE_OUT,
	LACKS, /* nothing of ours */
};

static const struct socat_kind {
	/* In the rows: a pointer is one more address to be put in place when the program starts. */
	char name[20], options[12]; /* ... of ours that say the same */
	char scheme[8];             /* of a path; "": a host and port, or neither */
	enum role role;
} kinds[] = {
	{"TCP", "", "", CONNECTS},
	{"TCP-CONNECT", "", "", CONNECTS},
	{"TCP4", " -4", "", CONNECTS},
	{"TCP4-CONNECT", " -4", "", CONNECTS},
	{"TCP6", " -6", "", CONNECTS},
	{"TCP6-CONNECT", " -6", "", CONNECTS},
	{"TCP-LISTEN", "", "", LISTENS},
	{"TCP-L", "", "", LISTENS},
	{"TCP4-LISTEN", " -4", "", LISTENS},
	{"TCP4-L", " -4", "", LISTENS},
	{"TCP6-LISTEN", " -6", "", LISTENS},
	{"TCP6-L", " -6", "", LISTENS},
	{"UDP", " -u", "", CONNECTS},
	{"UDP-CONNECT", " -u", "", CONNECTS},
	{"UDP-SENDTO", " -u", "", CONNECTS},
	{"UDP4", " -4 -u", "", CONNECTS},
	{"UDP4-CONNECT", " -4 -u", "", CONNECTS},
	{"UDP4-SENDTO", " -4 -u", "", CONNECTS},
	{"UDP6", " -6 -u", "", CONNECTS},
	{"UDP6-CONNECT", " -6 -u", "", CONNECTS},
	{"UDP6-SENDTO", " -6 -u", "", CONNECTS},
	{"UDP-LISTEN", " -u", "", LISTENS},
	{"UDP-L", " -u", "", LISTENS},
	{"UDP-RECV", " -u", "", LISTENS},
	{"UDP-RECVFROM", " -u", "", LISTENS},
	{"UDP4-LISTEN", " -4 -u", "", LISTENS},
	{"UDP4-L", " -4 -u", "", LISTENS},
	{"UDP4-RECV", " -4 -u", "", LISTENS},
	{"UDP4-RECVFROM", " -4 -u", "", LISTENS},
	{"UDP6-LISTEN", " -6 -u", "", LISTENS},
	{"UDP6-L", " -6 -u", "", LISTENS},
	{"UDP6-RECV", " -6 -u", "", LISTENS},
	{"UDP6-RECVFROM", " -6 -u", "", LISTENS},
	{"UNIX", "", "unix:", CONNECTS},
	{"UNIX-CONNECT", "", "unix:", CONNECTS},
	{"UNIX-CLIENT", "", "unix:", CONNECTS},
	{"UNIX-LISTEN", "", "unix:", LISTENS},
	{"UNIX-L", "", "unix:", LISTENS},
	{"UNIX-SENDTO", " -u", "unix:", CONNECTS},
	{"UNIX-RECV", " -u", "unix:", LISTENS},
	{"UNIX-RECVFROM", " -u", "unix:", LISTENS},
	{"ABSTRACT", "", "unix:@", CONNECTS},
	{"ABSTRACT-CONNECT", "", "unix:@", CONNECTS},
	{"ABSTRACT-CLIENT", "", "unix:@", CONNECTS},
	{"ABSTRACT-LISTEN", "", "unix:@", LISTENS},
	{"ABSTRACT-SENDTO", " -u", "unix:@", CONNECTS},
	{"ABSTRACT-RECV", " -u", "unix:@", LISTENS},
	{"ABSTRACT-RECVFROM", " -u", "unix:@", LISTENS},
	{"-", "", "", STDIO},
	{"STDIO", "", "", STDIO},
	{"STDIN", "", "", STDIN},
	{"STDOUT", "", "", STDOUT},
	{"PIPE", "", "", ECHOES},
	{"ECHO", "", "", ECHOES},
	{"EXEC", "", "", PROGRAM},
	{"SYSTEM", "", "", PROGRAM},
	{"SHELL", "", "", PROGRAM},
	{"OPEN", "", "", FILE_IN},
	{"GOPEN", "", "", FILE_IN},
	{"FILE", "", "", FILE_IN},
	{"CREATE", "", "", FILE_OUT},
	{"CREAT", "", "", FILE_OUT},
	{"OPENSSL", " --tls", "", CONNECTS},
	{"OPENSSL-CONNECT", " --tls", "", CONNECTS},
	{"SSL", " --tls", "", CONNECTS},
	{"SSL-CONNECT", " --tls", "", CONNECTS},
	{"OPENSSL-LISTEN", " --tls", "", LISTENS},
	{"OPENSSL-L", " --tls", "", LISTENS},
	{"SSL-LISTEN", " --tls", "", LISTENS},
	{"SSL-L", " --tls", "", LISTENS},
	{"FD", "", "", LACKS},
	{"FIFO", "", "", LACKS},
	{"INTERFACE", "", "", LACKS},
	{"PROXY", "", "", LACKS},
	{"PROXY-CONNECT", "", "", LACKS},
	{"PTY", "", "", LACKS},
	{"READLINE", "", "", LACKS},
	{"SCTP", "", "", LACKS},
	{"SCTP-CONNECT", "", "", LACKS},
	{"SCTP-LISTEN", "", "", LACKS},
	{"SOCKS4", "", "", LACKS},
	{"SOCKS4A", "", "", LACKS},
	{"SOCKS5", "", "", LACKS},
	{"TUN", "", "", LACKS},
	{"UDP-DATAGRAM", "", "", LACKS},
	{"UDP4-DATAGRAM", "", "", LACKS},
	{"UDP6-DATAGRAM", "", "", LACKS},
	{"VSOCK-CONNECT", "", "", LACKS},
	{"VSOCK-LISTEN", "", "", LACKS},
};

enum { PART_MAX = 128 };

struct socat_end {
	const struct socat_kind *kind;
	const char *word;
	char rest[PART_MAX]; /* between the type's colon and the first comma */
	bool has_rest, forks;
	char host[PART_MAX], port[PART_MAX]; /* of bind= and sourceport= */
	char options[PART_MAX];              /* what its own say here */
	char shown[PART_MAX];                /* of TLS: " --tls-cert FILE --tls-key FILE" */
	char ca[PART_MAX], name[PART_MAX];   /* what is expected of the peer's certificate */
	bool unverified;                     /* ... nothing */
	char unknown[PART_MAX];              /* the first that says nothing here */
};

struct socat_line {
	struct socat_end ends[2];
	size_t count;
	bool to_right, to_left;
	char options[PART_MAX]; /* what its own say here */
	const char *unknown;
};

static const struct socat_kind *socat_find_kind(const char *word)
{
	size_t len = strcspn(word, ":,");

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strlen(kinds[i].name) == len && strncasecmp(kinds[i].name, word, len) == 0)
			return &kinds[i];
	return NULL;
}

/* TCP and UDP take a host and a port: "tcp:80" is a host here. */
static bool socat_is_short_of_port(const struct socat_kind *kind, const char *rest)
{
	return kind->role == CONNECTS && !kind->scheme[0] && !strchr(rest, ':');
}

bool socat_is_address(const char *word)
{
	const struct socat_kind *kind = socat_find_kind(word);
	const char *colon = strchr(word, ':');

	return kind && colon && strncmp(colon, "://", 3) != 0 &&
	       strncmp(word, "unix:", strlen("unix:")) != 0 &&
	       !socat_is_short_of_port(kind, colon + 1);
}

bool socat_is_surely_address(const char *word)
{
	const char *colon = strchr(word, ':');

	if (!socat_is_address(word))
		return false;
	if (strpbrk(colon + 1, ":/,="))
		return true;
	return isupper((unsigned char)word[0]) &&
	       (memchr(word, '-', (size_t)(colon - word)) || !text_is_digits(colon + 1));
}

/* Copy one part. An empty one is what cannot be written in a line. */
static bool socat_copy(char *out, const char *from, size_t len)
{
	if (len >= PART_MAX)
		len = 0;
	memcpy(out, from, len);
	out[len] = '\0';
	return len > 0 && line_is_plain(out);
}

/* What follows the type; of a program, its arguments as well. */
static bool socat_copy_rest(struct socat_end *end, const char *from, size_t len)
{
	if (end->kind->role != PROGRAM || len >= PART_MAX)
		return socat_copy(end->rest, from, len);
	memcpy(end->rest, from, len);
	end->rest[len] = '\0';
	return line_is_program(end->rest);
}

/* "name=value" of an address's options. */
static const char *socat_value_of(const char *option, const char *name)
{
	size_t len = strlen(name);

	return strncasecmp(option, name, len) == 0 && option[len] == '=' ? option + len + 1 : NULL;
}

/* Those that say what sockx does anyway. */
static bool socat_is_default(const char *option)
{
	static const char *const defaults[] = {"reuseaddr", "so-reuseaddr", "reuseaddr=1",
		"nodelay", "tcp-nodelay", "unlink-early", "unlink-close", "rdonly"};

	for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++)
		if (strcasecmp(option, defaults[i]) == 0)
			return true;
	return false;
}

static bool socat_take_bind(struct socat_end *end, const char *value)
{
	size_t len = strlen(value);

	if (*value == '[' && value[len - 1] == ']')
		return socat_copy(end->host, value + 1, len - 2);
	return (!strchr(value, ':') || strchr(value, ':') != strrchr(value, ':')) &&
	       socat_copy(end->host, value, len);
}

/* Options of socat's with a value that we have, too. */
static bool socat_take_valued(struct socat_end *end, const char *option)
{
	static const struct {
		const char *theirs, *ours;
		enum role role;
	} same[] = {{"max-children", "--max-conns", LISTENS}, {"mode", "--unix-mode", LISTENS},
		{"connect-timeout", "-w", CONNECTS}};

	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
		const char *value = socat_value_of(option, same[i].theirs);

		if (value)
			return end->kind->role == same[i].role && line_is_plain(value) &&
			       line_add(end->options, PART_MAX, same[i].ours, value);
	}
	return false;
}

static bool socat_take_flag(struct socat_end *end, const char *option)
{
	static const struct {
		const char *theirs, *ours;
	} same[] = {{"crlf", "-C"}, {"crnl", "-C"}, {"type=2", "-u"}, {"type=5", "--seqpacket"},
		{"pf=ip4", "-4"}, {"pf=ip6", "-6"}};

	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++)
		if (strcasecmp(option, same[i].theirs) == 0)
			return line_add(end->options, PART_MAX, "", same[i].ours);
	return false;
}

static bool socat_has_tls(const struct socat_end *end)
{
	return strstr(end->kind->options, "--tls") != NULL;
}

/* cert=, key=, verify=, cafile=, commonname= and snihost=, each also as openssl-... */
static bool socat_take_tls(struct socat_end *end, const char *option)
{
	static const char *const names[] = {"commonname", "snihost", "cafile"};
	const char *value;

	if (strncasecmp(option, "openssl-", strlen("openssl-")) == 0)
		option += strlen("openssl-");
	value = socat_value_of(option, "verify");
	if (value || strcasecmp(option, "verify") == 0) {
		end->unverified = value && strcmp(value, "0") == 0;
		return true;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *part = i < 2 ? end->name : end->ca;

		value = socat_value_of(option, names[i]);
		if (value)
			return (i == 2 || end->kind->role == CONNECTS) &&
			       (!*part || strcmp(part, value) == 0) &&
			       socat_copy(part, value, strlen(value));
	}
	value = socat_value_of(option, "cert");
	if (value)
		return line_is_plain(value) && line_add(end->shown, PART_MAX, "--tls-cert", value);
	value = socat_value_of(option, "key");
	return value && line_is_plain(value) && line_add(end->shown, PART_MAX, "--tls-key", value);
}

static bool socat_take_option(struct socat_end *end, const char *option)
{
	const char *bind = socat_value_of(option, "bind");
	const char *port = socat_value_of(option, "sourceport");
	bool net = end->kind->role == LISTENS || end->kind->role == CONNECTS;

	if (strcasecmp(option, "fork") == 0 && end->kind->role == LISTENS)
		return end->forks = true;
	if (bind && net && !end->kind->scheme[0])
		return socat_take_bind(end, bind);
	if (port && end->kind->role == CONNECTS)
		return socat_copy(end->port, port, strlen(port));
	if (socat_has_tls(end) && socat_take_tls(end, option))
		return true;
	return socat_is_default(option) ||
	       (net && (socat_take_flag(end, option) || socat_take_valued(end, option)));
}

static void socat_read_end(struct socat_end *end, const struct socat_kind *kind, const char *word)
{
	const char *at = word + strcspn(word, ":,");
	size_t len = strcspn(at, ",");

	*end = (struct socat_end){.kind = kind, .word = word};
	if (*at == ':')
		end->has_rest = socat_copy_rest(end, at + 1, len - 1);
	for (at += len; *at; at += len) {
		char option[PART_MAX];

		at++;
		len = strcspn(at, ",");
		if (len == 0)
			continue;
		snprintf(option, sizeof(option), "%.*s", (int)len, at);
		if (!socat_take_option(end, option) && !end->unknown[0])
			memcpy(end->unknown, option, sizeof(option));
	}
}

/* An option in front of the addresses. Returns how many words it took; 0: it says nothing here. */
static size_t socat_take_leading(struct socat_line *line, const char *word, const char *next)
{
	static const struct {
		const char *theirs, *ours;
	} times[] = {{"-t", "-q"}, {"-T", "-i"}};

	if (strcmp(word, "-u") == 0)
		return line->to_right = true;
	if (strcmp(word, "-U") == 0)
		return line->to_left = true;
	if (strncmp(word, "-d", 2) == 0 && word[1 + strspn(word + 1, "d")] == '\0')
		return 1; /* more messages of its own */
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		const char *value = word[2] ? word + 2 : next;

		if (strncmp(word, times[i].theirs, 2) != 0)
			continue;
		return value && line_is_plain(value) &&
		                       line_add(line->options, PART_MAX, times[i].ours, value)
		               ? 1 + !word[2]
		               : 0;
	}
	return 0;
}

static bool socat_read(struct socat_line *line, const char *const *words, size_t count)
{
	*line = (struct socat_line){0};
	for (size_t i = 0, taken; i < count; i += taken) {
		const struct socat_kind *kind;

		taken = 1;
		if (words[i][0] == '-' && words[i][1]) {
			taken = socat_take_leading(
				line, words[i], i + 1 < count ? words[i + 1] : NULL);
			if (!taken && !line->unknown)
				line->unknown = words[i];
			taken = taken ? taken : 1;
			continue;
		}
		kind = socat_find_kind(words[i]);
		if (line->count == 2 || !kind)
			return false;
		socat_read_end(&line->ends[line->count++], kind, words[i]);
	}
	return line->count > 0;
}

static bool socat_is_cat(const struct socat_end *end)
{
	return end->kind->role == PROGRAM && !end->unknown[0] &&
	       (strcmp(end->rest, "cat") == 0 || strcmp(end->rest, "/bin/cat") == 0);
}

static struct socat_end *socat_find_role(struct socat_line *line, enum role role)
{
	for (size_t i = 0; i < line->count; i++)
		if (line->ends[i].kind->role == role)
			return &line->ends[i];
	return NULL;
}

static bool socat_has_datagrams(const struct socat_line *line)
{
	for (size_t i = 0; i < line->count; i++)
		if (strstr(line->ends[i].kind->options, " -u") ||
			strstr(line->ends[i].options, " -u"))
			return true;
	return false;
}

/* What sockx does not do, and what does. Returns false where there is nothing of the kind. */
static bool socat_say_lack(struct socat_line *line, char *out, size_t size)
{
	bool listens = socat_find_role(line, LISTENS);
	struct socat_end *end = socat_find_role(line, PROGRAM);

	if (end && !listens && !socat_find_role(line, CONNECTS))
		return foreign_hint("connect", "-e", out, size);
	if (end && socat_has_datagrams(line) && !(listens && socat_is_cat(end))) {
		snprintf(out, size, "sockx runs no programs over datagrams; socat does");
		return true;
	}
	end = socat_find_role(line, LACKS);
	if (end) {
		snprintf(out, size, "sockx has no '%s'; socat has it", end->kind->name);
		return true;
	}
	end = socat_find_role(line, ECHOES);
	if (end && (!listens || end->has_rest)) {
		snprintf(out, size, "%s",
			end->has_rest ? "sockx opens no pipes by name; socat does"
				      : "sockx echoes only as a server; socat does as a client");
		return true;
	}
	return false;
}

static bool socat_say_unknown(struct socat_line *line, char *out, size_t size)
{
	const char *unknown = line->unknown;

	for (size_t i = 0; i < line->count; i++)
		if (!unknown && line->ends[i].unknown[0])
			unknown = line->ends[i].unknown;
	if (!unknown || !line_is_plain(unknown))
		unknown = NULL;
	snprintf(out, size, "sockx has nothing for socat's option%s%s%s; socat has it",
		unknown ? " '" : "s", unknown ? unknown : "", unknown ? "'" : "");
	return true;
}

/* UDP-RECV and its like hear all peers, and answer none. */
static bool socat_hears_all(const struct socat_end *net)
{
	const char *last = strrchr(net->kind->name, '-');

	return last && strcmp(last, "-RECV") == 0;
}

/* -1: only from the network; 1: only to it; 0: both ways. */
static int socat_direction(const struct socat_line *line, const struct socat_end *net)
{
	const struct socat_end *other = &line->ends[net == &line->ends[0]];
	bool net_first = net == &line->ends[0];

	if (line->to_right || line->to_left)
		return line->to_right == net_first ? -1 : 1;
	if (socat_hears_all(net))
		return -1;
	if (line->count < 2)
		return 0;
	return other->kind->role == STDIN ? 1 : other->kind->role == STDOUT ? -1 : 0;
}

static bool socat_add(char *out, size_t size, const char *text)
{
	return !*text || line_add(out, size, "", text + 1);
}

/* What is shown to the peer, and expected of it; of the far end of a relay what is expected alone.
 */
static bool socat_add_tls(const struct socat_end *end, bool far, char *out, size_t size)
{
	bool listens = end->kind->role == LISTENS;

	return (!far || !end->shown[0]) && socat_add(out, size, end->shown) &&
	       (!end->unverified || listens ||
		       line_add(out, size, "", far ? "--to-tls-no-verify" : "--tls-no-verify")) &&
	       (end->unverified || !end->ca[0] ||
		       line_add(out, size, far ? "--to-tls-ca" : "--tls-ca", end->ca)) &&
	       (!end->name[0] ||
		       line_add(out, size, far ? "--to-tls-name" : "--tls-name", end->name));
}

static bool socat_add_source(const struct socat_end *net, char *out, size_t size)
{
	char source[2 * PART_MAX];

	if (!net->port[0])
		return !net->host[0] || line_add(out, size, "-s", net->host);
	if (net->kind->scheme[0]) /* a path has no port */
		return false;
	endpoint_join(source, sizeof(source), net->host, net->port);
	return line_add(out, size, "-s", source);
}

static bool socat_add_place(const struct socat_end *net, char *out, size_t size)
{
	char place[PART_MAX + 16];

	snprintf(place, sizeof(place), "%s%s", net->kind->scheme, net->rest);
	if (net->kind->role == CONNECTS)
		return socat_add_source(net, out, size) && line_add(out, size, "", place);
	if (net->kind->scheme[0])
		return line_add(out, size, "", place);
	return (!net->host[0] || line_add(out, size, "-H", net->host)) &&
	       line_add(out, size, "-p", place);
}

static bool socat_echoes(const struct socat_end *net, const struct socat_end *other)
{
	return other && net->kind->role == LISTENS &&
	       (other->kind->role == ECHOES || socat_is_cat(other));
}

/* The mode that does it: "echo", "exec", or the default. */
static bool socat_add_mode(
	const struct socat_end *net, bool echoes, bool runs, char *out, size_t size)
{
	if ((net->forks || socat_hears_all(net)) && !echoes && !runs)
		return line_add(out, size, "", "-k");
	if (runs && !net->forks && net->kind->role == LISTENS && !line_add(out, size, "", "-1"))
		return false;
	return (!echoes && !runs) || line_add(out, size, "-m", echoes ? "echo" : "exec");
}

static bool socat_add_file(const struct socat_end *net, const struct socat_end *other,
	int direction, char *out, size_t size)
{
	char redirected[PART_MAX + 2];
	enum role role = other ? other->kind->role : STDIO;

	if (role != FILE_IN && role != FILE_OUT)
		return true;
	if (!other->has_rest || net->forks || direction != (role == FILE_IN ? 1 : -1))
		return false;
	snprintf(redirected, sizeof(redirected), "%c%s", role == FILE_IN ? '<' : '>', other->rest);
	return line_add(out, size, "", redirected);
}

/* The kind's options, of which "-4" says no more than an IPv4 address does. */
static const char *socat_kind_options(const struct socat_end *net)
{
	const char *options = net->kind->options;

	if (net->host[0] && (strncmp(options, " -4", 3) == 0 || strncmp(options, " -6", 3) == 0))
		return options + 3;
	return options;
}

static bool socat_runs(const struct socat_end *other)
{
	return other && other->kind->role == PROGRAM;
}

static bool socat_write(
	const struct socat_line *line, const struct socat_end *net, char *out, size_t size)
{
	const struct socat_end *other = line->count < 2 ? NULL : &line->ends[net == &line->ends[0]];
	bool echoes = socat_echoes(net, other), runs = !echoes && socat_runs(other);
	int direction = echoes ? 0 : socat_direction(line, net);

	if (runs && (!other->has_rest || direction || strstr(line->options, " -q")))
		return false;
	if (!echoes && socat_has_datagrams(line) && (net->forks || socat_hears_all(net)) &&
		(direction > 0 || strstr(net->options, " -C")))
		return false; /* what is sent is for one peer, and all are heard */
	return socat_add_mode(net, echoes, runs, out, size) &&
	       socat_add(out, size, socat_kind_options(net)) &&
	       socat_add_tls(net, false, out, size) && socat_add(out, size, net->options) &&
	       socat_add(out, size, line->options) &&
	       (!direction ||
		       line_add(out, size, "", direction > 0 ? "--send-only" : "--recv-only")) &&
	       socat_add_place(net, out, size) &&
	       socat_add_file(net, other, direction, out, size) &&
	       (!runs || line_add(out, size, "--", other->rest));
}

/* Where a line cannot be made of the names that were typed: its form. */
static bool socat_say_form(
	struct socat_line *line, const struct socat_end *net, char *out, size_t size)
{
	const char *command = net->kind->role == LISTENS ? "serve" : "connect";
	const char *place = net->kind->scheme[0]         ? "unix:PATH"
	                    : net->kind->role != LISTENS ? "HOST:PORT"
	                    : net->host[0]               ? "-H ADDR -p PORT"
	                                                 : "-p PORT";
	const struct socat_end *program = socat_find_role(line, PROGRAM);
	bool file = socat_find_role(line, FILE_IN) || socat_find_role(line, FILE_OUT);

	if (net->port[0] && !net->host[0])
		return foreign_hint("connect", "-p", out, size);
	if (program) {
		snprintf(out, size, "its form is 'sockx %s -m exec%s %s -- %s'", command,
			socat_kind_options(net), place,
			strcmp(program->kind->name, "EXEC") == 0 ? "PROGRAM" : "sh -c LINE");
		return true;
	}
	snprintf(out, size,
		file ? "sockx opens no files: redirect standard input or output of 'sockx %s%s %s'"
		     : "its form is 'sockx %s%s %s'",
		command, socat_kind_options(net), place);
	return true;
}

/* What is typed alike, and means something else. */
static const char *socat_note(struct socat_line *line, const struct socat_end *net)
{
	const struct socat_end *program = socat_find_role(line, PROGRAM);

	if (program && net->kind->role == LISTENS && !net->kind->scheme[0] && !net->host[0] &&
		!socat_is_cat(program))
		return " (for this machine alone, unless '-H' names an address)";
	if (net->kind->role == LISTENS && socat_has_tls(net) && !net->unverified && !net->ca[0])
		return " (with '--tls-ca FILE' its clients show certificates)";
	return "";
}

/* ---- two sockets, joined ---- */

static bool socat_is_relay(const struct socat_line *line)
{
	return line->count == 2 && line->ends[0].kind->role <= LISTENS &&
	       line->ends[1].kind->role <= LISTENS;
}

/* Whether *at begins with our option; then go on after it. */
static bool socat_skip(const char **at, const char *option)
{
	size_t len = strlen(option);

	if (strncmp(*at, option, len) != 0 || ((*at)[len] != ' ' && (*at)[len] != '\0'))
		return false;
	*at += len;
	return true;
}

/* What passes over an end, as the scheme of a Unix socket says it. Only what --to and -w say can be
 * asked of the far one: another option is left in *rest. */
static const char *socat_way_of(const struct socat_end *end, char *wait, const char **rest)
{
	const char *at = end->options;
	const char *way = strstr(end->kind->options, "-u") ? "-datagram" : "";

	for (;;) {
		if (socat_skip(&at, " -u"))
			way = "-datagram";
		else if (socat_skip(&at, " --seqpacket"))
			way = "-seqpacket";
		else if (socat_skip(&at, " -w"))
			at += 1 +
			      snprintf(wait, PART_MAX, "%.*s", (int)strcspn(at + 1, " "), at + 1);
		else
			break;
	}
	*rest = at;
	return way;
}

/* A name of which only one family is wanted cannot be said in one word. */
static bool socat_wants_family(const struct socat_end *end)
{
	const char *options = end->kind->options;

	return (strstr(options, "-4") || strstr(options, "-6")) && end->rest[0] != '[' &&
	       end->rest[strspn(end->rest, "0123456789.")] != ':';
}

static bool socat_add_target(const struct socat_end *far, char *out, size_t size)
{
	char place[PART_MAX + 24], wait[PART_MAX] = "", source[2 * PART_MAX];
	const char *rest, *way = socat_way_of(far, wait, &rest);
	const char *scheme = far->kind->scheme;

	if (*rest || socat_wants_family(far) || (scheme[0] && (far->port[0] || far->host[0])))
		return false;
	if (scheme[0]) /* "unix:", and "@" where it is abstract */
		snprintf(place, sizeof(place), "unix%s%s%s", way, scheme + strlen("unix"),
			far->rest);
	else
		snprintf(place, sizeof(place), "%s%s",
			*way                 ? "udp://"
			: socat_has_tls(far) ? "tls://"
					     : "",
			far->rest);
	endpoint_join(source, sizeof(source), far->host, far->port);
	return line_add(out, size, "--to", place) && socat_add_tls(far, true, out, size) &&
	       (!far->port[0] || line_add(out, size, "--to-source", source)) &&
	       (far->port[0] || !far->host[0] || line_add(out, size, "--to-source", far->host)) &&
	       (!wait[0] || line_add(out, size, "-w", wait));
}

/* socat listens on all addresses of the family, a relay of ours on the loopback ones. */
static bool socat_add_all_addresses(const struct socat_end *net, char *out, size_t size)
{
	const char *options = net->kind->options;

	if (net->kind->role != LISTENS || net->kind->scheme[0] || net->host[0])
		return true;
	return (strstr(options, "-6") || line_add(out, size, "-H", "0.0.0.0")) &&
	       (strstr(options, "-4") || line_add(out, size, "-H", "::"));
}

/* Those of -4 and -6 are said by the addresses. */
static const char *socat_relay_options(const struct socat_end *net)
{
	const char *options = net->kind->options;

	if (net->kind->role == LISTENS)
		(void)(socat_skip(&options, " -4") || socat_skip(&options, " -6"));
	return options;
}

static bool socat_write_relay(const struct socat_line *line, const struct socat_end *near,
	const struct socat_end *far, char *out, size_t size)
{
	bool once = near->kind->role == LISTENS && !near->forks;
	const char *rest, *ways[2];
	char wait[PART_MAX];

	ways[0] = socat_way_of(near, wait, &rest);
	ways[1] = socat_way_of(far, wait, &rest);
	return strcmp(ways[0], ways[1]) == 0 && !strstr(near->options, "-C") &&
	       !strstr(line->options, "-q") && !line->to_left && !line->to_right &&
	       line_add(out, size, "-m", "relay") && (!once || line_add(out, size, "", "-1")) &&
	       socat_add(out, size, socat_relay_options(near)) &&
	       socat_add_tls(near, false, out, size) && socat_add(out, size, near->options) &&
	       socat_add(out, size, line->options) && socat_add_all_addresses(near, out, size) &&
	       socat_add_place(near, out, size) && socat_add_target(far, out, size);
}

static bool socat_say_relay(struct socat_line *line, const char *options, char *out, size_t size)
{
	struct socat_end *near = socat_find_role(line, LISTENS), *far;
	char ours[256];

	if (!near)
		near = &line->ends[0];
	far = &line->ends[near == &line->ends[0]];
	if (line->unknown || near->unknown[0] || far->unknown[0])
		return socat_say_unknown(line, out, size);
	snprintf(ours, sizeof(ours), "sockx %s%s",
		near->kind->role == LISTENS ? "serve" : "connect", options);
	if (far->kind->role == LISTENS)
		snprintf(out, size, "sockx joins no two listening sockets; socat does");
	else if (near->has_rest && far->has_rest &&
		 socat_write_relay(line, near, far, ours, sizeof(ours)))
		snprintf(out, size, "did you mean '%s'?", ours);
	else
		snprintf(out, size, "its form is 'sockx %s -m relay %s --to ADDRESS'",
			near->kind->role == LISTENS ? "serve" : "connect",
			near->kind->role == LISTENS ? "[ADDRESS]" : "ADDRESS");
	return true;
}

bool socat_hint(const char *const *words, size_t count, const char *options, char *out, size_t size)
{
	struct socat_line line;
	struct socat_end *net;
	char ours[256];

	if (!socat_read(&line, words, count))
		return false;
	if (socat_say_lack(&line, out, size))
		return true;
	if (socat_is_relay(&line))
		return socat_say_relay(&line, options, out, size);
	net = socat_find_role(&line, LISTENS);
	if (!net)
		net = socat_find_role(&line, CONNECTS);
	if (!net)
		return false;
	if (line.unknown || line.ends[0].unknown[0] || line.ends[1].unknown[0])
		return socat_say_unknown(&line, out, size);
	snprintf(ours, sizeof(ours), "sockx %s%s", net->kind->role == LISTENS ? "serve" : "connect",
		options);
	if (!net->has_rest || !socat_write(&line, net, ours, sizeof(ours)))
		return socat_say_form(&line, net, out, size);
	snprintf(out, size, "did you mean '%s'?%s", ours, socat_note(&line, net));
	return true;
}
