#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/text.h"
#include "cli/foreign.h"
#include "cli/opt_row.h"

/* One reading of one command line. */
struct parser {
	const struct opt_set *set;
	const char *command;
	char *conf;
	char **argv;
	int argc, next; /* the word to be read next */
	struct opt_args *args;
	struct err *err;
	enum opt_result result;
};

/* An option where it stands: the row, how it was typed, and the value that was joined to it. */
struct use {
	struct opt_row row;
	char typed[OPT_NAME_MAX + 4];
	const char *joined; /* NULL: the value, if it takes one, is the next word */
};

static int hint_at_help(const struct parser *p)
{
	return err_hint(p->err, "'sockx %s -h' shows the options", p->command);
}

static int hint_or_help(const struct parser *p, const char *hint)
{
	return hint ? err_hint(p->err, "%s", hint) : hint_at_help(p);
}

static void *field_of(const struct parser *p, const struct opt_row *row)
{
	return p->conf + opt_row_offset(row);
}

static void set_fallbacks(const struct parser *p)
{
	struct opt_row row = {0};
	union opt_value value;
	const union opt_value never = {.msec = -1}; /* for 0 is a duration too */

	while (opt_row_next(p->set, &row)) {
		memset(field_of(p, &row), 0, row.opt->size);
		if (row.opt->kind == OPT_MSEC || row.opt->kind == OPT_USEC ||
			row.opt->kind == OPT_MAYBE_SIZE)
			opt_value_store(row.opt, field_of(p, &row), &never);
		if (row.opt->fallback &&
			opt_value_read(row.opt, row.opt->fallback, &value) == VALUE_READ)
			opt_value_store(row.opt, field_of(p, &row), &value);
	}
}

static bool find_name(const struct parser *p, const char *name, struct opt_row *out)
{
	*out = (struct opt_row){0};
	while (opt_row_next(p->set, out))
		if (out->opt->name && strcmp(out->opt->name, name) == 0)
			return true;
	return false;
}

static bool find_letter(const struct parser *p, char letter, struct opt_row *out)
{
	*out = (struct opt_row){0};
	while (letter && opt_row_next(p->set, out))
		if (out->opt->letter == letter)
			return true;
	return false;
}

static int given_twice(const struct parser *p, const struct use *use, const char *value)
{
	const struct opt_given *before = &p->args->given[use->row.number];

	if (strcmp(before->typed, use->typed) == 0)
		err_set(p->err, ERR_USAGE, "'%s' was given twice: %s, then %s", use->typed,
			quoted(before->value).text, quoted(value).text);
	else
		err_set(p->err, ERR_USAGE, "'%s' and '%s' are the same option, given %s, then %s",
			before->typed, use->typed, quoted(before->value).text, quoted(value).text);
	return err_hint(p->err, "give it once");
}

/* Whether the option had another value before. One that it has from its fallback does not count. */
static bool contradicts(const struct parser *p, const struct use *use, const union opt_value *value)
{
	const struct opt_given *given = &p->args->given[use->row.number];
	union opt_value before;

	return given->value && use->row.opt->kind != OPT_LIST &&
	       opt_value_read(use->row.opt, given->value, &before) == VALUE_READ &&
	       !opt_value_same(use->row.opt, &before, value);
}

static void mark_given(const struct parser *p, const struct use *use, const char *value)
{
	struct opt_given *given = &p->args->given[use->row.number];

	memcpy(given->typed, use->typed, sizeof(given->typed));
	given->value = value;
}

static int value_refused(
	const struct parser *p, const struct use *use, const char *text, enum opt_value_result why)
{
	char room[320];
	const char *hint = foreign_hint(p->command, use->typed, room, sizeof(room));

	return opt_value_refused(use->row.opt, use->typed, text, why, hint, p->err);
}

static int list_full(const struct parser *p, const struct use *use)
{
	err_set(p->err, ERR_USAGE, "'%s' was given more than %d times", use->typed, OPT_LIST_MAX);
	return err_hint(p->err, "give it at most %d times", OPT_LIST_MAX);
}

static int take_value(const struct parser *p, const struct use *use, const char *text)
{
	const struct opt *opt = use->row.opt;
	union opt_value value;
	enum opt_value_result result = opt_value_read(opt, text, &value);

	if (result != VALUE_READ)
		return value_refused(p, use, text, result);
	if (contradicts(p, use, &value))
		return given_twice(p, use, text);
	if (opt_value_store(opt, field_of(p, &use->row), &value) < 0)
		return list_full(p, use);
	mark_given(p, use, text);
	return 0;
}

/* "an ADDR", "an N", "a PORT": single letters as they are spelt. */
static const char *article(const char *noun)
{
	return strchr(noun[1] ? "AEIOU" : "AEFHILMNORSX", noun[0]) ? "an" : "a";
}

static int value_missing(const struct parser *p, const struct use *use)
{
	const struct opt *opt = use->row.opt;
	const char *example = opt_value_example(opt);

	err_set(p->err, ERR_USAGE, "option '%s' needs %s %s", use->typed, article(opt->arg),
		opt->arg);
	if (!example)
		return hint_at_help(p);
	return err_hint(p->err, "for example: %s %s", use->typed, example);
}

static int apply_with_value(struct parser *p, const struct use *use)
{
	if (use->joined)
		return take_value(p, use, use->joined);
	if (p->next == p->argc)
		return value_missing(p, use);
	return take_value(p, use, p->argv[p->next++]);
}

static void apply_alone(struct parser *p, const struct use *use)
{
	unsigned *count = field_of(p, &use->row);
	bool *flag = field_of(p, &use->row);
	const char **text = field_of(p, &use->row);

	switch (use->row.opt->kind) {
	case OPT_FLAG: *flag = true; break;
	case OPT_COUNT: ++*count; break;
	case OPT_MAYBE_SIZE: memset(flag, 0, use->row.opt->size); break;
	case OPT_MAYBE_CHOICE: *text = opt_value_example(use->row.opt); break;
	case OPT_MAYBE_TEXT: *text = ""; break;
	case OPT_HELP_SHORT: p->result = OPTS_HELP_SHORT; break;
	case OPT_HELP_LONG: p->result = OPTS_HELP_LONG; break;
	case OPT_VERSION: p->result = OPTS_VERSION; break;
	case OPT_TEXT:
	case OPT_LIST:
	case OPT_NUMBER:
	case OPT_MSEC:
	case OPT_USEC:
	case OPT_SIZE:
	case OPT_RATE:
	case OPT_PERMISSIONS:
	case OPT_CHOICE: break;
	}
	mark_given(p, use, NULL);
}

static int value_unwanted(const struct parser *p, const struct use *use)
{
	err_set(p->err, ERR_USAGE, "option '%s' takes no value, but was given %s", use->typed,
		quoted(use->joined).text);
	return err_hint(p->err, "write '%s' alone", use->typed);
}

/* Whether the next word is a value, and not where it belongs. */
static bool value_stands_apart(const struct parser *p, const struct opt *opt)
{
	union opt_value value;

	return opt->kind == OPT_MAYBE_CHOICE && p->next < p->argc &&
	       opt_value_read(opt, p->argv[p->next], &value) == VALUE_READ;
}

static int value_apart(const struct parser *p, const struct use *use)
{
	const char *word = p->argv[p->next];

	err_set(p->err, ERR_USAGE, "%s is not joined to '%s', whose value it seems to be",
		quoted(word).text, use->typed);
	return err_hint(p->err, "write '--%s=%s'", use->row.opt->name, word);
}

static const char *next_name(const void *arg, size_t i)
{
	const struct opt_set *set = arg;
	struct opt_row row;

	if (!opt_row_at(set, i, &row))
		return NULL;
	return row.opt->name ? row.opt->name : ""; /* which nothing typed is near to */
}

/* What to say about word, which begins with '-' and is no option: name is its long name. */
static int hint_for_unknown_name(const struct parser *p, const char *word, const char *name)
{
	char room[320];
	const char *meant, *hint = foreign_hint(p->command, word, room, sizeof(room));

	if (hint)
		return err_hint(p->err, "%s", hint);
	if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", name[0]))
		return err_hint(p->err, "put words that begin with '-' after '--'");
	meant = text_suggest(name, next_name, p->set);
	return meant ? err_hint(p->err, "did you mean '--%s'?", meant) : hint_at_help(p);
}

static int unknown_name(const struct parser *p, const char *word)
{
	size_t len = strcspn(word + 2, "=");
	char name[128];

	snprintf(name, sizeof(name), "%.*s", (int)(len ? 2 + len : strlen(word)), word);
	err_set(p->err, ERR_USAGE, "unknown option %s", quoted(name).text);
	return hint_for_unknown_name(p, name, name + 2);
}

static int read_long(struct parser *p, const char *word)
{
	struct use use = {0};
	struct opt_row row;
	size_t len = strcspn(word, "=");

	if (len >= sizeof(use.typed))
		return unknown_name(p, word);
	memcpy(use.typed, word, len);
	if (!find_name(p, use.typed + 2, &row))
		return unknown_name(p, word);
	use.row = row;
	use.joined = word[len] ? word + len + 1 : NULL;
	if (opt_kind_takes_value(row.opt->kind) &&
		(use.joined || !opt_value_is_optional(row.opt->kind)))
		return apply_with_value(p, &use);
	if (use.joined)
		return value_unwanted(p, &use);
	if (value_stands_apart(p, row.opt))
		return value_apart(p, &use);
	apply_alone(p, &use);
	return 0;
}

static char other_case(char letter)
{
	if ((letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z'))
		return (char)(letter ^ ('a' ^ 'A'));
	return '\0';
}

/* The hint for a letter that is no option: of the whole word first, as "-once" and "-lk" say more
 * than their letters. */
static int hint_for_unknown_letter(const struct parser *p, const char *word, const char *letter)
{
	char room[320];
	struct opt_row row;
	const char *hint;

	if (word[2] && find_name(p, word + 1, &row))
		return err_hint(p->err, "did you mean '--%s'?", row.opt->name);
	hint = foreign_hint(p->command, word, room, sizeof(room));
	if (!hint)
		hint = foreign_hint(p->command, letter, room, sizeof(room));
	if (!hint && find_letter(p, other_case(letter[1]), &row))
		return err_hint(p->err, "did you mean '-%c'?", row.opt->letter);
	if (!hint && !other_case(letter[1]))
		hint = "put words that begin with '-' after '--'";
	return hint_or_help(p, hint);
}

/* "-x=FILE": a value that may be left out goes with the name alone. */
static bool is_value_of_letter(
	const struct parser *p, const char *word, const char *at, struct opt_row *row)
{
	return at == word + 2 && at[0] == '=' && at[1] && find_letter(p, word[1], row) &&
	       opt_value_is_optional(row->opt->kind);
}

static int value_of_letter(const struct parser *p, const struct opt *opt, const char *value)
{
	err_set(p->err, ERR_USAGE, "option '-%c' takes no value, but was given %s", opt->letter,
		quoted(value).text);
	return err_hint(p->err, "write '--%s=%s'", opt->name, value);
}

static int unknown_letter(const struct parser *p, const char *word, const char *at)
{
	char letter[8] = "-";
	size_t len = 1;
	struct opt_row row;

	if (is_value_of_letter(p, word, at, &row))
		return value_of_letter(p, row.opt, at + 1);

	while (len < 4 && ((unsigned char)at[len] & 0xC0) == 0x80) /* the rest of a UTF-8 letter */
		len++;
	memcpy(letter + 1, at, len);
	if (strcmp(letter, word) == 0)
		err_set(p->err, ERR_USAGE, "unknown option %s", quoted(word).text);
	else
		err_set(p->err, ERR_USAGE, "unknown option %s in %s", quoted(letter).text,
			quoted(word).text);
	return hint_for_unknown_letter(p, word, letter);
}

static int read_letters(struct parser *p, const char *word)
{
	for (const char *at = word + 1; *at && p->result == OPTS_RUN; at++) {
		struct use use = {.typed = {'-', *at}};

		if (!find_letter(p, *at, &use.row))
			return unknown_letter(p, word, at);
		if (opt_kind_takes_value(use.row.opt->kind) &&
			!opt_value_is_optional(use.row.opt->kind)) {
			use.joined = at[1] ? at + 1 : NULL;
			return apply_with_value(p, &use);
		}
		apply_alone(p, &use);
	}
	return 0;
}

static void take_word(struct parser *p, char *word)
{
	p->argv[p->args->count++] = word;
}

static int read_word(struct parser *p, char *word)
{
	if (word[0] == '-' && word[1] == '-')
		return read_long(p, word);
	if (word[0] == '-' && word[1])
		return read_letters(p, word);
	take_word(p, word);
	return 0;
}

/* What is left is a program and its arguments, or positional words. */
static void take_rest(struct parser *p)
{
	if (p->args->dashes && p->set->takes_program && p->set->takes_program(p->conf)) {
		p->args->program = (const char *const *)p->argv + p->next;
		p->args->program_count = (size_t)(p->argc - p->next);
		return;
	}
	while (p->next < p->argc)
		take_word(p, p->argv[p->next++]);
}

static enum opt_result read_all(struct parser *p)
{
	while (p->next < p->argc && p->result == OPTS_RUN) {
		char *word = p->argv[p->next++];

		if (strcmp(word, "--") == 0) {
			p->args->dashes = true;
			break;
		}
		if (read_word(p, word) < 0)
			return OPTS_ERROR;
	}
	take_rest(p);
	return p->result;
}

enum opt_result opts_parse(const struct opt_set *set, const char *command, void *conf, int argc,
	char **argv, struct opt_args *args, struct err *err)
{
	struct parser p = {.set = set,
		.command = command,
		.conf = conf,
		.argv = argv,
		.argc = argc,
		.args = args,
		.err = err,
		.result = OPTS_RUN};

	*args = (struct opt_args){.words = (const char *const *)argv};
	set_fallbacks(&p);
	return read_all(&p);
}
