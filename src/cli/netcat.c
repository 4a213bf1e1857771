#include "cli/netcat.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* The options that nc(1) and ncat(1) have in common, and what they are here. */
enum meaning {
	LISTEN,
	KEEP,
	UNIX,
	PROBE,
	HALF_CLOSE, /* what serve does without being asked */
	SAME,       /* a flag that we have, too: text */
	WAIT,
	SOURCE,
	PORT,
	EXEC,
	CHAT,
	VALUE, /* an option with a value that we have, too: text */
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
	{"chat", NULL, CHAT, 0},
	{NULL, "-q", VALUE, 'q'},
	{"idle-timeout", "-i", VALUE, 'i'},
	{"max-conns", "--max-conns", VALUE, 'm'},
};

struct netcat_typed {
	bool listens, keeps, local, probes, echoes, chats, half_closes;
	const char *wait, *source, *port;
	const char *words[2]; /* host and port, or a path */
	size_t count;
	char options[128]; /* " -u -v": what is the same on both sides */
};

/* Nothing that a shell would read in its own way, and nothing that a screen would. */
static bool is_plain(const char *word)
{
	for (const char *c = word; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._:/@%+=-", *c))
			return false;
	return *word != '\0';
}

static bool add(char *out, size_t size, const char *before, const char *text)
{
	size_t used = strlen(out);
	int len = snprintf(out + used, size - used, " %s%s%s", before, *before ? " " : "", text);

	return len > 0 && (size_t)len < size - used;
}

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
	return option->meaning == VALUE || (option->meaning >= WAIT && option->meaning <= EXEC);
}

/* cat is the only program that has a mode here. */
static bool is_cat(const char *program)
{
	const char *base = strrchr(program, '/');

	return strcmp(base ? base + 1 : program, "cat") == 0;
}

static bool take(struct netcat_typed *line, const struct netcat_option *option, const char *value)
{
	if (takes_value(option) && (!value || !is_plain(value)))
		return false;
	switch (option->meaning) {
	case LISTEN: line->listens = true; break;
	case KEEP: line->keeps = true; break;
	case UNIX: line->local = true; break;
	case PROBE: line->probes = true; break;
	case CHAT: line->chats = true; break;
	case WAIT: line->wait = value; break;
	case SOURCE: line->source = value; break;
	case PORT: line->port = value; break;
	case EXEC: line->echoes = true; return is_cat(value);
	case SAME: return add(line->options, sizeof(line->options), "", option->text);
	case VALUE: return add(line->options, sizeof(line->options), option->text, value);
	case HALF_CLOSE: line->half_closes = true; break;
	}
	return true;
}

/* "-lvp" and what follows: one letter after the other, the value of the last in this word or the
 * next. Returns how many words that took; 0: one of them is none that we know. */
static size_t take_letters(struct netcat_typed *line, const char *letters, const char *next)
{
	for (; *letters; letters++) {
		const struct netcat_option *option = find_letter(*letters);

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
	if (line->count == 2 || word[0] == '-' || !is_plain(word))
		return 0;
	line->words[line->count++] = word;
	return 1;
}

static bool add_options(const struct netcat_typed *line, char *out, size_t size)
{
	return !*line->options || add(out, size, "", line->options + 1);
}

/* Where a line of nc's wants to listen: behind -p, or in its last word. */
static bool write_serve(struct netcat_typed *line, char *out, size_t size)
{
	const char *port = line->port;

	if (!port && !line->local && line->count && text_is_digits(line->words[line->count - 1]))
		port = line->words[--line->count];
	if (line->source || line->probes || line->count > 1 || (line->local && !line->count))
		return false;
	snprintf(out, size, "sockx serve%s", line->keeps ? " -k" : "");
	return (!line->echoes || add(out, size, "-m", "echo")) &&
	       (!line->chats || add(out, size, "-m", "chat")) && add_options(line, out, size) &&
	       (!line->wait || add(out, size, "-i", line->wait)) &&
	       (!line->count || add(out, size, line->local ? "-U" : "-H", line->words[0])) &&
	       (!port || add(out, size, "-p", port));
}

static bool add_source(const struct netcat_typed *line, char *out, size_t size)
{
	char source[160];
	int len;

	if (!line->source)
		return !line->port;
	len = snprintf(source, sizeof(source), "%s%s%s", line->source, line->port ? ":" : "",
		line->port ? line->port : "");
	return (size_t)len < sizeof(source) && add(out, size, "-s", source);
}

/* nc scans "20-30"; we do not. */
static bool is_range(const char *port)
{
	return !text_is_digits(port) && !port[strspn(port, "0123456789-")];
}

static bool write_connect(struct netcat_typed *line, char *out, size_t size)
{
	if (line->keeps || line->chats || line->echoes || !line->count ||
		(line->count > 1 && (line->local || is_range(line->words[1]))))
		return false;
	snprintf(out, size, "sockx connect%s",
		line->probes        ? " -q 0"
		: line->half_closes ? " -N"
				    : "");
	return add_options(line, out, size) &&
	       (!line->wait ||
		       (add(out, size, "-w", line->wait) && add(out, size, "-q", line->wait))) &&
	       add_source(line, out, size) &&
	       add(out, size, line->local ? "-U" : "", line->words[0]) &&
	       (line->count < 2 || add(out, size, "", line->words[1])) &&
	       (!line->probes || add(out, size, "", "</dev/null"));
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

bool netcat_line(const char *const *words, size_t count, char *out, size_t size)
{
	struct netcat_typed line = {0};
	bool options = false;

	for (size_t i = 0, taken; i < count; i += taken) {
		taken = take_word(&line, words[i], i + 1 < count ? words[i + 1] : NULL);
		if (!taken)
			return false;
		options = options || words[i][0] == '-';
	}
	if (line.listens)
		return write_serve(&line, out, size);
	if (!options && line.count == 1 && text_is_digits(line.words[0]))
		return write_port(line.words[0], out, size);
	if (!options && (!line.count || !looks_like_an_address(&line)))
		return false;
	return write_connect(&line, out, size);
}
