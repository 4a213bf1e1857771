#include "toy.h"

struct toy_conf {
	const char *mode, *port, *log, *dump;
	struct opt_list hosts;
	int64_t idle, watch;
	uint64_t backlog, size;
	bool once, four;
	unsigned verbose;
};

struct toy_talk {
	const char *bye;
};

static bool toy_mode(size_t i, struct opt_choice *out)
{
	static const struct opt_choice modes[] = {
		{"pipe", "a peer's bytes, one \"client\" for $0 [or: two]"},
		{"echo", "send it all back"},
	};

	if (i >= sizeof(modes) / sizeof(*modes))
		return false;
	*out = modes[i];
	return true;
}

static const struct opt main_rows[] = {
	{.name = "mode",
		.letter = 'm',
		.kind = OPT_CHOICE,
		OPT_FIELD(struct toy_conf, mode),
		.arg = "MODE",
		.fallback = "pipe",
		.choice = toy_mode,
		.common = true,
		.help = "what a client meets"},
	{.name = "host",
		.letter = 'H',
		.kind = OPT_LIST,
		OPT_FIELD(struct toy_conf, hosts),
		.arg = "HOST",
		.completes = COMPLETES_HOST,
		.common = true,
		.help = "listen on HOST: may be repeated"},
	{.name = "port",
		.letter = 'p',
		.kind = OPT_TEXT,
		OPT_FIELD(struct toy_conf, port),
		.arg = "PORT",
		.completes = COMPLETES_SERVICE,
		.common = true,
		.help = "listen on PORT [0: the system's choice]"},
	{.letter = '4', .kind = OPT_FLAG, OPT_FIELD(struct toy_conf, four), .help = "IPv4 only"},
	{.name = "once",
		.letter = '1',
		.kind = OPT_FLAG,
		OPT_FIELD(struct toy_conf, once),
		.help = "'once' as it says, C:\\path and --all"},
};
static const struct opt limit_rows[] = {
	{.name = "idle-timeout",
		.letter = 'i',
		.kind = OPT_MSEC,
		OPT_FIELD(struct toy_conf, idle),
		.arg = "DUR",
		.fallback = "0",
		.help = "close a connection that has been silent for DUR, which is a text so long "
			"that it must be wrapped in any page (0: never)"},
	{.name = "backlog",
		.letter = 'b',
		.kind = OPT_NUMBER,
		OPT_FIELD(struct toy_conf, backlog),
		.arg = "N",
		.min = 1,
		.max = 4096,
		.fallback = "128",
		.help = ".queue of N"},
};
static const struct opt more_limit_rows[] = {
	{.name = "size",
		.kind = OPT_SIZE,
		OPT_FIELD(struct toy_conf, size),
		.arg = "BYTES",
		.max = 65507,
		.help = "how many at once"},
	{.name = "watch",
		.kind = OPT_MAYBE_SIZE,
		OPT_FIELD(struct toy_conf, watch),
		.arg = "BYTES",
		.help = "see it go"},
};
static const struct opt general_rows[] = {
	{.name = "log",
		.kind = OPT_TEXT,
		OPT_FIELD(struct toy_conf, log),
		.arg = "FILE",
		.completes = COMPLETES_FILE,
		.help = "write events to FILE"},
	{.name = "dump",
		.letter = 'd',
		.kind = OPT_MAYBE_TEXT,
		OPT_FIELD(struct toy_conf, dump),
		.arg = "FILE",
		.completes = COMPLETES_FILE,
		.help = "show it all"},
	{.name = "verbose",
		.letter = 'v',
		.kind = OPT_COUNT,
		OPT_FIELD(struct toy_conf, verbose),
		.help = "say more"},
	{.letter = 'h', .kind = OPT_HELP_SHORT, .help = "a short help"},
	{.name = "help", .kind = OPT_HELP_LONG, .help = "all there is"},
	{.name = "version", .kind = OPT_VERSION, .help = "the version"},
};
static const struct opt talk_rows[] = {
	{.name = "bye",
		.kind = OPT_TEXT,
		OPT_FIELD(struct toy_talk, bye),
		.arg = "WORD",
		.fallback = "bye",
		.help = "the word that ends it"},
};

#define ROWS(rows) rows, sizeof(rows) / sizeof(*(rows))

static void serve_options(struct opt_set *set)
{
	set->conf_size = sizeof(struct toy_conf);
	opt_set_add(set, "Main", ROWS(main_rows), 0);
	opt_set_add(set, "Limits", ROWS(limit_rows), 0);
	opt_set_add(set, "Limits", ROWS(more_limit_rows), 0);
	opt_set_add(set, "General", ROWS(general_rows), 0);
	opt_set_add_mode(set, "Talk", ROWS(talk_rows), sizeof(struct toy_talk), "talk");
}

static void help_options(struct opt_set *set)
{
	opt_set_add(set, "General", general_rows + 2, 2, 0);
}

static const struct command toy_serve = {
	.name = "serve",
	.summary = "listen, and run a mode for every client's call",
	.purpose = "Listen on an address and run a mode for every client that comes. This text is "
		   "longer than one line, so that something must be wrapped.",
	.usage = {"[OPTION...] [ADDRESS]", "[OPTION...] HOST PORT"},
	.examples = {{"sockx serve -p 9000", "print what one client sends"},
		{"sockx serve --mode echo -k -p 9000 -i 2s --once", "a line too wide for a column"},
		{"sockx serve", "the default port"}},
	.words = WORDS_ADDRESS,
	.options = serve_options,
};
static bool help_word(size_t i, struct opt_choice *out)
{
	static const struct opt_choice words[] = {
		{"serve", "listen, and run a mode for every client's call"}, {"topic", "a topic"}};

	if (i >= sizeof(words) / sizeof(*words))
		return false;
	*out = words[i];
	return true;
}

static const struct command toy_help = {
	.name = "help",
	.summary = "show what a command can do",
	.purpose = "Show what a command can do.",
	.usage = {"[COMMAND]"},
	.examples = {{"sockx help serve", "about the server"}},
	.words = WORDS_CHOICE,
	.word = help_word,
	.options = help_options,
};

const struct command *const toys[] = {[TOY_SERVE] = &toy_serve, [TOY_HELP] = &toy_help, NULL};
