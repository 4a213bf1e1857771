#include "cli/netcat.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/foreign.h"
#include "cli/line.h"

/* The options that nc(1) and ncat(1) have in common, and what they are here. */
enum meaning {
	LISTEN,
	KEEP,
	UNIX,
	PROBE,
	HALF_CLOSE, /* what serve does without being asked */
	SAME,       /* a flag that we have, too: text */
	BROADCAST,
	TLS,
	VERIFY, /* which TLS does here without being asked */
	ROOM,   /* its clients hear each other: a mode of that name */
	WAIT,   /* from here on, all have a value */
	PAUSE,  /* of nc between lines: a number; of ncat silence, which may have a unit */
	SOURCE,
	PORT,
	EXEC,
	PACKETS,
	CLIENTS, /* of ncat; the least hop limit of nc */
	VALUE,   /* an option with a value that we have, too: text */
	TLS_VALUE,
	EXPECTED, /* of TLS: what a client expects of its server; a server of theirs expects nothing
	           */
};

static const struct netcat_option {
	const char *name; /* ncat's long form, or NULL */
	const char *text; /* SAME and VALUE: our spelling */
	enum meaning meaning;
	char letter; /* 0: none */
} known[] = {
	{"listen", NULL, LISTEN, 'l'},
	{"keep-open", NULL, KEEP, 'k'},
	{"unixsock", NULL, UNIX, 'U'},
	{"zero", NULL, PROBE, 'z'},
	{NULL, NULL, HALF_CLOSE, 'N'},
	{NULL, "-4", SAME, '4'},
	{NULL, "-6", SAME, '6'},
	{"udp", "-u", SAME, 'u'},
	{"nodns", "-n", SAME, 'n'},
	{"verbose", "-v", SAME, 'v'},
	{"crlf", "-C", SAME, 'C'},
	{"recv-only", "--recv-only", SAME, 'd'},
	{"send-only", "--send-only", SAME, 0},
	{"wait", NULL, WAIT, 'w'},
	{"source", NULL, SOURCE, 's'},
	{"source-port", NULL, PORT, 'p'},
	{"exec", NULL, EXEC, 'e'},
	{"sh-exec", NULL, EXEC, 'c'},
	{"chat", "chat", ROOM, 0},
	{"broker", "broker", ROOM, 0},
	{NULL, "-q", VALUE, 'q'},
	{NULL, NULL, PAUSE, 'i'},
	{"idle-timeout", "-i", VALUE, 0},
	{"max-conns", "--max-conns", CLIENTS, 'm'},
	{"ssl", NULL, TLS, 0},
	{"ssl-verify", NULL, VERIFY, 0},
	{"ssl-cert", "--tls-cert", TLS_VALUE, 0},
	{"ssl-key", "--tls-key", TLS_VALUE, 0},
	{"ssl-alpn", "--tls-alpn", TLS_VALUE, 0},
	{"ssl-trustfile", "--tls-ca", EXPECTED, 0},
	{"ssl-servername", "--tls-name", EXPECTED, 0},
	{NULL, NULL, PACKETS, 'W'},
	{NULL, NULL, BROADCAST, 'b'},
};

struct netcat_typed {
	const char *program; /* with its arguments */
	const char *room;    /* "chat" or "broker" */
	bool listens, keeps, local, probes, half_closes, udp, broadcasts, tls, verifies;
	const char *wait, *pause, *silence, *source, *port, *clients, *packets;
	const char *words[2]; /* host and port, or a path */
	size_t count;
	char options[128]; /* " -u -v": what is the same on both sides */
	char of_tls[128];  /* the same of TLS */
	char expected[128];
	char refused[32]; /* the option that stopped the reading: "-X", "--proxy" */
};

static const struct netcat_option *find_letter(char letter)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (letter && known[i].letter == letter)
			return &known[i];
	return NULL;
}

static const struct netcat_option *find_name(const char *name)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i].name && strcmp(known[i].name, name) == 0)
			return &known[i];
	return NULL;
}

static bool takes_value(const struct netcat_option *option)
{
	return option->meaning >= WAIT;
}

/* A server that runs cat is an echo. */
static bool is_cat(const char *program)
{
	const char *base = strrchr(program, '/');

	return strcmp(base ? base + 1 : program, "cat") == 0;
}

/* A line of the shell without anything that is special to it is a program and its arguments. */
static bool takes_as_value(const struct netcat_option *option, const char *value)
{
	return option->meaning == EXEC ? line_is_program(value) : line_is_plain(value);
}

/* Each of ncat's options of TLS asks for it. */
static bool take_tls(
	struct netcat_typed *line, const struct netcat_option *option, const char *value)
{
	line->tls = true;
	if (option->meaning == VERIFY || strcmp(option->name, "ssl-trustfile") == 0)
		line->verifies = true;
	if (option->meaning == TLS_VALUE)
		return line_add(line->of_tls, sizeof(line->of_tls), option->text, value);
	return option->meaning != EXPECTED ||
	       line_add(line->expected, sizeof(line->expected), option->text, value);
}

static bool take(struct netcat_typed *line, const struct netcat_option *option, const char *value)
{
	if (takes_value(option) && !(value && takes_as_value(option, value)))
		return false;
	switch (option->meaning) {
	case LISTEN: line->listens = true; break;
	case KEEP: line->keeps = true; break;
	case UNIX: line->local = true; break;
	case PROBE: line->probes = true; break;
	case ROOM: line->room = option->text; break;
	case BROADCAST: line->broadcasts = true; break;
	case WAIT: line->wait = value; break;
	case PAUSE: *(text_is_digits(value) ? &line->pause : &line->silence) = value; break;
	case PACKETS: line->packets = value; break;
	case CLIENTS: line->clients = value; break;
	case SOURCE: line->source = value; break;
	case PORT: line->port = value; break;
	case EXEC: line->program = value; break;
	case SAME:
		line->udp = line->udp || option->letter == 'u';
		return line_add(line->options, sizeof(line->options), "", option->text);
	case VALUE: return line_add(line->options, sizeof(line->options), option->text, value);
	case HALF_CLOSE: line->half_closes = true; break;
	case TLS:
	case VERIFY:
	case TLS_VALUE:
	case EXPECTED: return take_tls(line, option, value);
	}
	return true;
}

/* "-lvp" and what follows: one letter after the other, the value of the last in this word or the
 * next. Returns how many words that took; 0: one of them is none that we know. */
static size_t take_letters(struct netcat_typed *line, const char *letters, const char *next)
{
	for (; *letters; letters++) {
		const struct netcat_option *option = find_letter(*letters);

		snprintf(line->refused, sizeof(line->refused), "-%c", *letters);
		if (!option)
			return 0;
		if (!takes_value(option)) {
			if (!take(line, option, NULL))
				return 0;
			continue;
		}
		if (letters[1])
			return take(line, option, letters + 1);
		return take(line, option, next) ? 2 : 0;
	}
	return 1;
}

static size_t take_name(struct netcat_typed *line, const char *name, const char *next)
{
	const struct netcat_option *option = find_name(name);

	snprintf(line->refused, sizeof(line->refused), "--%s", name);
	if (!option || !take(line, option, next))
		return 0;
	return takes_value(option) ? 2 : 1;
}

static size_t take_word(struct netcat_typed *line, const char *word, const char *next)
{
	if (word[0] == '-' && word[1] == '-')
		return take_name(line, word + 2, next);
	if (word[0] == '-' && word[1])
		return take_letters(line, word + 1, next);
	if (line->count == 2 || word[0] == '-' || !line_is_plain(word))
		return 0;
	line->words[line->count++] = word;
	return 1;
}

/* Of those that a probe has; the others are about data, and a probe moves none. */
static bool add_probe_options(const struct netcat_typed *line, char *out, size_t size)
{
	static const char *const kept[] = {"-4", "-6", "-u", "-n", "-v"};
	char typed[8];

	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		snprintf(typed, sizeof(typed), " %s", kept[i]);
		if (strstr(line->options, typed) && !line_add(out, size, "", kept[i]))
			return false;
	}
	return true;
}

static bool add_options(const struct netcat_typed *line, char *out, size_t size)
{
	return !*line->options || line_add(out, size, "", line->options + 1);
}

static bool add_tls(const struct netcat_typed *line, char *out, size_t size)
{
	return !line->tls ||
	       (line_add(out, size, "", "--tls") &&
		       (!*line->of_tls || line_add(out, size, "", line->of_tls + 1)) &&
		       (line->listens || !*line->expected ||
			       line_add(out, size, "", line->expected + 1)));
}

/* Whether an option was typed that only joins to standard input and output have. */
static bool has_option_of_pipe(const struct netcat_typed *line)
{
	static const char *const others[] = {"-C", "--recv-only", "--send-only", "-q"};

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (strstr(line->options, others[i]))
			return true;
	return false;
}

/* Whether what else was typed goes with a program. */
static bool fits_program(const struct netcat_typed *line)
{
	return !line->udp && !line->room && !line->probes && !line->pause && !line->packets &&
	       !has_option_of_pipe(line);
}

/* How a server of theirs that runs a program is called here: it serves one client unless -k. */
static bool add_server_of_program(const struct netcat_typed *line, char *out, size_t size)
{
	if (is_cat(line->program))
		return (!line->keeps || line_add(out, size, "", "-k")) &&
		       line_add(out, size, "-m", "echo");
	return fits_program(line) && (line->keeps || line_add(out, size, "", "-1")) &&
	       line_add(out, size, "-m", "exec");
}

static bool is_broker(const struct netcat_typed *line)
{
	return strcmp(line->room, "broker") == 0;
}

static bool add_serve_mode(const struct netcat_typed *line, char *out, size_t size)
{
	if (line->program)
		return !line->room && add_server_of_program(line, out, size);
	if (line->room && (line->udp || (is_broker(line) && has_option_of_pipe(line))))
		return false;
	return (!line->keeps || line_add(out, size, "", "-k")) &&
	       (!line->room || line_add(out, size, "-m", line->room));
}

static bool add_program(const struct netcat_typed *line, char *out, size_t size)
{
	return !line->program || (line->listens && is_cat(line->program)) ||
	       line_add(out, size, "--", line->program);
}

/* What is sent line by line, or alone, is for one peer: not where all are heard. */
static bool is_for_one_of_all(const struct netcat_typed *line)
{
	return line->udp && line->keeps && !line->program && !line->room &&
	       (line->pause || strstr(line->options, " -C") ||
		       strstr(line->options, " --send-only"));
}

/* Where a line of nc's wants to listen: after -p, or in its last word. */
/* Their limit of 0 is one: no client. Ours is none. */
static bool admits_none(const struct netcat_typed *line)
{
	return line->clients && strcmp(line->clients, "0") == 0;
}

static bool write_serve(struct netcat_typed *line, char *out, size_t size)
{
	const char *port = line->port, *host = line->source;

	if (line->program || line->room) { /* these programs are ncat's */
		line->silence = line->pause ? line->pause : line->silence;
		line->pause = NULL;
	}
	if (!port && !line->local && line->count && text_is_digits(line->words[line->count - 1]))
		port = line->words[--line->count];
	if (line->probes || line->broadcasts || line->count > 1 ||
		(line->packets && (!line->udp || line->keeps)) || is_for_one_of_all(line) ||
		admits_none(line) || (line->local ? !line->count : !port) || (host && line->count))
		return false;
	if (line->count)
		host = line->words[0];
	snprintf(out, size, "sockx serve");
	return add_serve_mode(line, out, size) && add_options(line, out, size) &&
	       add_tls(line, out, size) &&
	       (!line->clients || line_add(out, size, "--max-conns", line->clients)) &&
	       (!line->packets || line_add(out, size, "--messages", line->packets)) &&
	       (!line->wait || line->silence || line_add(out, size, "-i", line->wait)) &&
	       (!line->silence || line_add(out, size, "-i", line->silence)) &&
	       (!line->pause || line_add(out, size, "--delay", line->pause)) &&
	       (!host || line_add(out, size, line->local ? "-U" : "-H", host)) &&
	       (!port || line_add(out, size, "-p", port)) && add_program(line, out, size);
}

static bool add_source(const struct netcat_typed *line, char *out, size_t size)
{
	const char *host = line->source ? line->source : "";
	char source[160];

	if (!line->port && !*host)
		return true;
	if (strlen(host) + strlen("[]:") + (line->port ? strlen(line->port) : 0) >= sizeof(source))
		return false;
	if (line->port)
		endpoint_join(source, sizeof(source), host, line->port);
	return line_add(out, size, "-s", line->port ? source : host);
}

/* "20-30", which only a probe takes. */
static bool is_range(const char *port)
{
	return !text_is_digits(port) && !port[strspn(port, "0123456789-")];
}

/* When and how much is sent and received, which a probe does not know. */
static bool add_pace(const struct netcat_typed *line, char *out, size_t size)
{
	return (!line->silence || line_add(out, size, "-i", line->silence)) &&
	       (!line->pause || line_add(out, size, "--delay", line->pause)) &&
	       (!line->packets || line_add(out, size, "--messages", line->packets));
}

static bool write_connect(struct netcat_typed *line, char *out, size_t size)
{
	if (line->keeps || line->room || line->clients || !line->count ||
		(line->program && !fits_program(line)) ||
		(line->broadcasts && (!line->udp || line->probes)) ||
		(line->packets && !line->udp && !line->probes) ||
		(line->count > 1 && (line->local || (!line->probes && is_range(line->words[1])))))
		return false;
	snprintf(out, size, "sockx connect%s",
		line->probes                          ? " -z"
		: line->half_closes && !line->program ? " -N"
						      : "");
	return (!line->program || line_add(out, size, "-m", "exec")) &&
	       (line->probes ? add_probe_options : add_options)(line, out, size) &&
	       add_tls(line, out, size) &&
	       (!line->wait || (line_add(out, size, "-w", line->wait) &&
				       (line->probes || line->program ||
					       line_add(out, size, "-q", line->wait)))) &&
	       (line->probes || add_pace(line, out, size)) &&
	       (!line->broadcasts || line_add(out, size, "", "--send-only")) &&
	       add_source(line, out, size) &&
	       line_add(out, size, line->local ? "-U" : "", line->words[0]) &&
	       (line->count < 2 || line_add(out, size, "", line->words[1])) &&
	       add_program(line, out, size);
}

static bool write_port(const char *port, char *out, size_t size)
{
	const int len = snprintf(out, size, "sockx serve %s", port);

	return (size_t)len < size;
}

/* Without options only what looks like an address is one: "host 80", "host:80". */
static bool looks_like_an_address(const struct netcat_typed *line)
{
	const char *colon = strrchr(line->words[0], ':');

	return line->count == 2 ? text_is_digits(line->words[1])
	                        : colon && text_is_digits(colon + 1);
}

static bool netcat_read(struct netcat_typed *line, const char *const *words, size_t count)
{
	*line = (struct netcat_typed){0};
	for (size_t i = 0, taken; i < count; i += taken) {
		taken = take_word(line, words[i], i + 1 < count ? words[i + 1] : NULL);
		if (!taken)
			return false;
	}
	line->refused[0] = '\0';
	return true;
}

static bool netcat_write(
	struct netcat_typed *line, const char *const *words, size_t count, char *out, size_t size)
{
	bool options = false;

	for (size_t i = 0; i < count; i++)
		options = options || words[i][0] == '-';
	if (line->tls && line->udp)
		return false;
	if (line->listens)
		return write_serve(line, out, size);
	if (!options && line->count == 1 && text_is_digits(line->words[0]))
		return write_port(line->words[0], out, size);
	if (!options && (!line->count || !looks_like_an_address(line)))
		return false;
	return write_connect(line, out, size);
}

bool netcat_line(const char *const *words, size_t count, char *out, size_t size)
{
	struct netcat_typed line;

	return netcat_read(&line, words, count) && netcat_write(&line, words, count, out, size);
}

/* Whether a word that was not read asks to listen as well. */
static bool netcat_listens(const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(words[i], "--listen") == 0 ||
			(words[i][0] == '-' && words[i][1] != '-' && strchr(words[i], 'l')))
			return true;
	return false;
}

/* What is typed alike, and means something else. */
static const char *netcat_note(const struct netcat_typed *line)
{
	if (line->probes)
		return line->udp ? " (over UDP only an answer shows a server, and most do not "
		                   "answer an empty datagram)"
		                 : "";
	if (line->pause)
		return " (here '-i' is a limit of silence, as in ncat)";
	if (line->silence)
		return " ('-i' is a limit of silence, as in ncat)";
	if (line->program && line->listens && !line->local && !line->source && !line->count &&
		!is_cat(line->program))
		return " (for this machine alone, unless '-H' names an address)";
	if (line->tls && !line->listens && !line->verifies)
		return " ('--tls' verifies the server, as '--ssl-verify' does)";
	if (line->tls && line->listens && !*line->of_tls)
		return " (its clients need the pin that it prints)";
	if (line->wait && line->listens)
		return " (here '-w' limits connecting, '-i' silence)";
	return line->wait ? " (here '-w' limits connecting alone)" : "";
}

/* Why there is no line of ours, where it is known. */
static const char *netcat_reason(const struct netcat_typed *line)
{
	if (line->program && line->udp)
		return "sockx runs no programs over datagrams; socat does";
	if (line->tls && line->udp)
		return "sockx has TLS over streams alone; ncat has it over UDP (DTLS)";
	if (line->room && line->udp)
		return "sockx has neither chat nor broker over datagrams";
	if (!line->listens && line->count == 2 && is_range(line->words[1]))
		return "to see which ports are open: 'sockx connect -z HOST 20-30'";
	if (line->packets && !line->udp)
		return "a stream has no packets to count; over UDP: 'sockx connect -u --messages N "
		       "HOST PORT'";
	if (line->listens && admits_none(line))
		return "ncat serves no client with '-m 0'; sockx serves any number with "
		       "'--max-conns 0'";
	if (!line->listens && line->clients)
		return "sockx sets no hop limits; 'nc -m' does";
	if (!line->listens && line->keeps)
		return "'-k' is for listening: 'sockx serve -k -p PORT'";
	return NULL;
}

bool netcat_hint(const char *const *words, size_t count, char *out, size_t size)
{
	struct netcat_typed line;
	char ours[256];
	const char *reason = NULL;
	bool listens = netcat_listens(words, count), read = netcat_read(&line, words, count);

	if (read && netcat_write(&line, words, count, ours, sizeof(ours))) {
		snprintf(out, size, "did you mean '%s'?%s", ours, netcat_note(&line));
		return true;
	}
	if (read)
		reason = netcat_reason(&line);
	if (reason) {
		snprintf(out, size, "%s", reason);
		return true;
	}
	if (line.refused[0] && foreign_hint(listens ? "serve" : "connect", line.refused, out, size))
		return strcmp(line.refused, "-l") != 0;
	return listens && foreign_hint(NULL, line.keeps ? "-L" : "-l", out, size);
}
