#ifndef SOCKX_CLI_OPT_H
#define SOCKX_CLI_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * The option table. One row (struct opt) is all there is to an option: the parser, -h, --help, the
 * completions and the manual's list read nothing else. Rows that several commands share stand in
 * one array; a command's options are a set of such arrays, each with the place in the command's
 * configuration that its fields are in.
 */

enum opt_kind {
	OPT_FLAG,        /* bool; may be repeated */
	OPT_COUNT,       /* unsigned: how often it was given */
	OPT_TEXT,        /* const char *: the argument itself, or NULL */
	OPT_LIST,        /* struct opt_list: each adds one */
	OPT_NUMBER,      /* uint64_t, from min to max */
	OPT_MSEC,        /* int64_t: a duration in milliseconds; -1: not given, and no fallback */
	OPT_USEC,        /* int64_t: the same in microseconds */
	OPT_SIZE,        /* uint64_t: bytes, from min to max */
	OPT_RATE,        /* the same a second: "/s" may follow */
	OPT_MAYBE_SIZE,  /* int64_t: -1: not given; 0: given alone; else bytes, from min to max. The
	                    value is optional, and so stands in the same word: --name=SIZE */
	OPT_PERMISSIONS, /* uint64_t: up to 0777, typed in octal */
	OPT_CHOICE,      /* const char *: one of the names that choice() yields */
	OPT_MAYBE_CHOICE, /* the same; NULL: not given; given alone, the first of them. The value
	                     is optional: --name=CHOICE */
	OPT_MAYBE_TEXT,   /* const char *; NULL: not given; "": given alone; else what stands after
	                     --name= */
	OPT_HELP_SHORT,   /* no field: -h */
	OPT_HELP_LONG,    /* no field: --help */
	OPT_VERSION,      /* no field: --version */
};

/* What a shell can complete after the option. */
enum opt_completes { COMPLETES_NOTHING, COMPLETES_HOST, COMPLETES_FILE, COMPLETES_SERVICE };

struct opt_choice {
	const char *name, *summary;
};

enum { OPT_LIST_MAX = 16 };
struct opt_list {
	const char *items[OPT_LIST_MAX];
	size_t count;
};

struct opt {
	const char *name; /* long form without "--", or NULL: the letter is all there is (-h) */
	char letter;      /* short form, or 0; where the value is optional it takes none */
	enum opt_kind kind;
	size_t offset, size;  /* the field: OPT_FIELD fills both */
	const char *arg;      /* what --help calls the value: "DUR"; NULL: the option takes none */
	const char *fallback; /* the default as a user would type it, or NULL: as the kind says,
	                         else 0 */
	const char *help;     /* one phrase, lower case, no full stop */
	uint64_t min, max;    /* OPT_NUMBER, and sizes and rates; max 0: no bound */
	/* Choices: fills out with choice i and returns true, or false after the last. */
	bool (*choice)(size_t i, struct opt_choice *out);
	enum opt_completes completes;
	bool common; /* among the few that -h shows */
};

#define OPT_FIELD(type, member) \
	.offset = offsetof(type, member), .size = sizeof(((type *)NULL)->member)

/* Some of the values of --mode, by name. */
enum { OPT_MODES_MAX = 16 };
struct opt_modes {
	const char *names[OPT_MODES_MAX];
	size_t count;
};

/* Some rows, where their fields are, and what they are about. */
struct opt_group {
	const char *title; /* "Time limits" */
	const struct opt *rows;
	size_t count;
	size_t offset; /* of the struct the rows' fields are in, within the configuration */
	struct opt_modes modes; /* the rows belong to these alone; none: to the command */
};

enum { OPT_GROUPS_MAX = 24, OPT_ROWS_MAX = 128 };
struct opt_set {
	struct opt_group groups[OPT_GROUPS_MAX];
	size_t count;
	size_t conf_size; /* bytes of the whole configuration */
	bool full;        /* rows had to be left out; opts_check says so */
	/* Whether "--" begins a program with its arguments, as conf says by then; NULL: it never
	 * does. */
	bool (*takes_program)(const void *conf);
};

/* Add rows whose fields are in a struct at offset of the configuration. conf_size stays as it is:
 * the command sets it to the size of its own struct first. */
void opt_set_add(struct opt_set *set, const char *title, const struct opt *rows, size_t count,
	size_t offset);

/* The same for rows that belong to some modes alone; to none: they are left out. */
void opt_set_add_for(struct opt_set *set, const char *title, const struct opt *rows, size_t count,
	size_t offset, const struct opt_modes *modes);

/* Add the rows of one mode: their struct, of size bytes, is put after all there is so far. Returns
 * its offset. */
size_t opt_set_add_mode(struct opt_set *set, const char *title, const struct opt *rows,
	size_t count, size_t size, const char *mode);

/* A row as it was given: how it was typed last ("-p", "--port"; "" if it was not), and its value,
 * which points into argv. */
enum { OPT_NAME_MAX = 28 };
struct opt_given {
	char typed[OPT_NAME_MAX + 4];
	const char *value;
};

/* What was on the command line beside the configuration. */
struct opt_args {
	const char *const *words; /* positional arguments, in order: the first slots of argv */
	size_t count;
	bool dashes;                /* "--" was among them */
	const char *const *program; /* what came after it, where that is a program: up to the end of
	                             * argv */
	size_t program_count;
	struct opt_given given[OPT_ROWS_MAX]; /* by row number over all groups */
};

enum opt_result { OPTS_ERROR = -1, OPTS_RUN, OPTS_HELP_SHORT, OPTS_HELP_LONG, OPTS_VERSION };

/*
 * Read argv[0..argc) (the words after the command) into conf, conf_size bytes that the caller
 * owns: first every row's fallback, then what was given; what no row describes is left alone. The
 * slots of argv are reused for the positional words. Understands --name, --name=value, --name
 * value (not where the value is optional), -l, -lvalue, -l value, clustered letters, and --, after
 * which all is positional, or a program (takes_program); options and positional arguments may be
 * mixed; a lone "-" is positional.
 * No abbreviations. A value option given twice with values that mean different things is an error;
 * flags repeat; lists add up. -h, --help and --version end the reading at once. On OPTS_ERROR err
 * is ERR_USAGE: what is wrong with the word quoted, and one hint: a did-you-mean, the sockx
 * spelling of a netcat or socat option, or where the help is. command names it.
 */
enum opt_result opts_parse(const struct opt_set *set, const char *command, void *conf, int argc,
	char **argv, struct opt_args *args, struct err *err);

/* How the option called name was typed, or NULL if it was not given. A row without a name is called
 * by its letter: "4". */
const char *opts_given(const struct opt_set *set, const struct opt_args *args, const char *name);

/* A given option that does not belong to the mode named: how it was typed, and in *modes the modes
 * that have it. NULL: there is none. */
const char *opts_stray(const struct opt_set *set, const struct opt_args *args, const char *chosen,
	const struct opt_modes **modes);

/* Modes as a phrase: "pipe", "pipe or chat", "greet, chat or analyze". */
struct opt_modes_shown {
	char text[128];
};
struct opt_modes_shown opt_modes_text(const struct opt_modes *modes);

/* Whether group g goes on under the heading of the group before it: same title, same mode. */
bool opt_group_continues(const struct opt_set *set, size_t g);

/* The table's own test: 0 if set is sound, else -1 and in err the first thing that is wrong, and
 * where: two rows of one name or letter, a field of the wrong size, outside the configuration or
 * shared by two rows, a fallback that does not parse, a value without arg, a help with a capital
 * or a full stop, a choice without choices. */
int opts_check(const struct opt_set *set, struct err *err);

#endif
