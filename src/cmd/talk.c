#include "cmd/talk.h"

#include "cli/colour.h"

static const struct opt_choice trace_forms[] = {
	{"text", "a line a call, in columns"},
	{"json", "an object a call, one on each line"},
	{"mermaid", "a sequence diagram, to be drawn by mermaid"},
};

static bool trace_choice(size_t i, struct opt_choice *out)
{
	if (i >= sizeof(trace_forms) / sizeof(trace_forms[0]))
		return false;
	*out = trace_forms[i];
	return true;
}

const struct opt talk_options[] = {
	{.name = "verbose",
		.letter = 'v',
		.kind = OPT_COUNT,
		OPT_FIELD(struct talk_conf, verbose),
		.help = "report who connects, each attempt, why it failed, and the totals at the "
			"end"},
	{.name = "quiet",
		.letter = 'Q',
		.kind = OPT_FLAG,
		OPT_FIELD(struct talk_conf, quiet),
		.help = "report only errors"},
	{.name = "json",
		.letter = 'j',
		.kind = OPT_FLAG,
		OPT_FIELD(struct talk_conf, json),
		.help = "write events, errors and reports as JSON, one object per line, as many as "
			"with -v"},
	{.name = "progress",
		.kind = OPT_MAYBE_SIZE,
		OPT_FIELD(struct talk_conf, progress),
		.arg = "SIZE",
		.min = 1,
		.max = INT64_MAX,
		.help = "on a terminal, show how much has moved, how fast, and how long it will "
			"take (SIZE: of how much, where it is not known from standard input)"},
	{.name = "trace",
		.kind = OPT_MAYBE_CHOICE,
		OPT_FIELD(struct talk_conf, trace),
		.arg = "FORM",
		.choice = trace_choice,
		.help = "show every system call on a socket, what it returned, and the state of "
			"its "
			"connection"},
	{.name = "explain",
		.kind = OPT_FLAG,
		OPT_FIELD(struct talk_conf, explain),
		.help = "the same with what each call means, why one failed, and a summary"},
	{.name = "pcap",
		.kind = OPT_TEXT,
		OPT_FIELD(struct talk_conf, pcap),
		.arg = "FILE",
		.completes = COMPLETES_FILE,
		.help = "write a pcapng file of the packets that the calls amount to, for "
			"tcpdump or wireshark"},
	{.name = "color",
		.kind = OPT_CHOICE,
		OPT_FIELD(struct talk_conf, color),
		.arg = "WHEN",
		.fallback = "auto",
		.choice = colour_choice,
		.help = "colour help, errors and traces"},
	{.letter = 'h', .kind = OPT_HELP_SHORT, .help = "show the most common options"},
	{.name = "help", .kind = OPT_HELP_LONG, .help = "show all options"},
	{.name = "version", .kind = OPT_VERSION, .help = "show the version"},
};
const size_t talk_option_count = sizeof(talk_options) / sizeof(talk_options[0]);
