#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/opt_row.h"

static int wrong(struct err *err, const struct opt *opt, const char *what)
{
	if (opt->name)
		return err_set(err, ERR_USAGE, "--%s: %s", opt->name, what);
	return err_set(err, ERR_USAGE, "-%c: %s", opt->letter ? opt->letter : '?', what);
}

static bool is_name(const char *name)
{
	size_t len = strlen(name);

	return len >= 2 && len <= OPT_NAME_MAX && islower((unsigned char)name[0]) &&
	       name[len - 1] != '-' && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static const char *check_names(const struct opt *opt)
{
	if (!opt->name && !opt->letter)
		return "has neither a name nor a letter";
	if (opt->name && !is_name(opt->name))
		return "the name is not 2 to 28 small letters, digits and '-'";
	if (opt->letter && !isalnum((unsigned char)opt->letter))
		return "the letter is neither a letter nor a digit";
	return NULL;
}

/* One line of plain text: every reader of the table lays it out its own way. */
static bool is_phrase(const char *text)
{
	size_t len = text ? strlen(text) : 0;

	if (len == 0 || text[0] == ' ' || text[len - 1] == ' ')
		return false;
	for (size_t i = 0; i < len; i++)
		if (iscntrl((unsigned char)text[i]))
			return false;
	return true;
}

static const char *check_help(const struct opt *opt)
{
	const char *help = opt->help;

	if (!is_phrase(help))
		return "the help is not one phrase on one line";
	/* "TCP" and "N" may begin a phrase, "Listen" begins a sentence. */
	if (isupper((unsigned char)help[0]) && islower((unsigned char)help[1]))
		return "the help begins with a capital";
	if (help[strlen(help) - 1] == '.')
		return "the help ends with a full stop";
	return NULL;
}

static const char *check_bounds(const struct opt *opt)
{
	if ((opt->min || opt->max) && opt->kind != OPT_NUMBER && opt->kind != OPT_SIZE &&
		opt->kind != OPT_RATE && opt->kind != OPT_MAYBE_SIZE)
		return "has bounds, but is no number or size";
	if (opt->max && opt->min > opt->max)
		return "the least value is above the greatest";
	return NULL;
}

static bool chosen_before(const struct opt *opt, size_t i, const char *name)
{
	struct opt_choice other;

	for (size_t k = 0; k < i && opt->choice(k, &other); k++)
		if (strcmp(other.name, name) == 0)
			return true;
	return false;
}

static const char *check_choices(const struct opt *opt)
{
	struct opt_choice choice;
	size_t i = 0;

	if (!opt_is_choice(opt->kind))
		return opt->choice ? "has choices, but is no choice" : NULL;
	if (!opt->choice)
		return "is a choice without choices";
	for (; opt->choice(i, &choice); i++) {
		if (!is_phrase(choice.name) || strchr(choice.name, ' '))
			return "the name of a choice is not one word";
		if (!is_phrase(choice.summary))
			return "the summary of a choice is not one phrase on one line";
		if (chosen_before(opt, i, choice.name))
			return "has one choice twice";
	}
	return i ? NULL : "is a choice without choices";
}

static const char *check_value(const struct opt *opt)
{
	union opt_value value;

	if (!opt_kind_takes_value(opt->kind)) {
		if (opt->arg || opt->fallback || opt->completes != COMPLETES_NOTHING)
			return "takes no value, but has an arg, a fallback or a completion";
		return NULL;
	}
	if (!opt->arg || !is_phrase(opt->arg))
		return "takes a value, but has no arg to call it by";
	if (opt_value_is_optional(opt->kind) && (!opt->name || opt->fallback))
		return "has an optional value, and so needs a name and takes no fallback";
	if (opt->fallback && opt->kind == OPT_LIST)
		return "is a list with a fallback";
	if (opt->fallback && opt_value_read(opt, opt->fallback, &value) != VALUE_READ)
		return "the fallback does not parse";
	return NULL;
}

static const char *check_field(const struct opt_set *set, const struct opt_row *row)
{
	size_t start = opt_row_offset(row), size = row->opt->size;

	if (size != opt_kind_size(row->opt->kind))
		return "the field has the wrong size for the kind";
	if (start > set->conf_size || size > set->conf_size - start)
		return "the field is outside the configuration";
	if (size && start % (size < sizeof(void *) ? size : sizeof(void *)) != 0)
		return "the field is not aligned";
	return NULL;
}

typedef const char *row_check(const struct opt *opt);

static row_check *const row_checks[] = {
	check_names, check_help, check_bounds, check_choices, check_value};

static const char *check_row(const struct opt_set *set, const struct opt_row *row)
{
	const char *what = check_field(set, row);

	for (size_t i = 0; !what && i < sizeof(row_checks) / sizeof(*row_checks); i++)
		what = row_checks[i](row->opt);
	return what;
}

static const char *check_pair(const struct opt_row *a, const struct opt_row *b)
{
	size_t at = opt_row_offset(a), bt = opt_row_offset(b);

	if (a->opt->name && b->opt->name && strcmp(a->opt->name, b->opt->name) == 0)
		return "two rows have this name";
	if (a->opt->letter && a->opt->letter == b->opt->letter)
		return "two rows have this letter";
	if (at < bt + b->opt->size && bt < at + a->opt->size)
		return "two rows have this field";
	return NULL;
}

static const char *check_against_earlier(const struct opt_set *set, const struct opt_row *row)
{
	struct opt_row earlier;
	const char *what = NULL;

	for (size_t i = 0; !what && i < row->number && opt_row_at(set, i, &earlier); i++)
		what = check_pair(&earlier, row);
	return what;
}

int opts_check(const struct opt_set *set, struct err *err)
{
	struct opt_row row;

	if (set->full)
		return err_set(err, ERR_USAGE, "more than %d groups or %d rows", OPT_GROUPS_MAX,
			OPT_ROWS_MAX);
	for (size_t i = 0; opt_row_at(set, i, &row); i++) {
		const char *what = check_row(set, &row);

		if (!what)
			what = check_against_earlier(set, &row);
		if (what)
			return wrong(err, row.opt, what);
	}
	return 0;
}
