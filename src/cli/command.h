#ifndef SOCKX_CLI_COMMAND_H
#define SOCKX_CLI_COMMAND_H

#include "base/buf.h"
#include "cli/opt.h"

struct origin;
struct reporter;

/* What the positional arguments of a command are, for the completions. */
enum command_words { WORDS_NONE, WORDS_ADDRESS, WORDS_TEXT, WORDS_CHOICE };

struct command_example {
	const char *line, *what;
};

enum { COMMAND_EXAMPLES = 3, COMMAND_USAGES = 2 };

/* What main and the commands say to each other: every command's configuration begins with it. */
struct talk_conf {
	/* How much a run tells. */
	unsigned verbose;
	bool quiet, json;
	const char *trace; /* NULL: not given; else in which form */
	bool explain;
	const char *hexdump;         /* NULL: not given; "": to standard error; else to this file */
	const char *pcap;            /* NULL: not given; else the file that packets go to */
	int64_t progress;            /* -1: not given; 0: of any size; else of so many bytes */
	const char *color;           /* when: see colour_wanted */
	const struct origin *origin; /* main puts it here: what programs are started with */
};

/* A command is one file of src/cmd and one row; help, completions and the manual read the rest
 * from here. */
struct command {
	const char *name;
	const char *summary; /* one phrase: "listen, and run a mode for every client" */
	const char *purpose; /* two or three sentences for the top of --help */
	const char *usage[COMMAND_USAGES]; /* after "sockx NAME": "[OPTION...] [ADDRESS]" */
	struct command_example examples[COMMAND_EXAMPLES];
	enum command_words words;
	bool (*word)(size_t i, struct opt_choice *out); /* WORDS_CHOICE: as opt.choice */
	void (*options)(struct opt_set *set);           /* fills an all-zero set */
	/* Whether it can be done, as far as that is known without beginning; NULL: what the parser
	 * takes can. Arguments and result as those of run. */
	int (*check)(void *conf, const struct opt_set *set, const struct opt_args *args,
		struct err *err);
	/* Do it. conf is what options() described, filled. Returns 0, or -1 with err filled. */
	int (*run)(struct reporter *to, void *conf, const struct opt_set *set,
		const struct opt_args *args, struct err *err);
};

#endif
