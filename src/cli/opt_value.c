#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/text.h"
#include "cli/opt_row.h"

static enum opt_value_result read_text(
	const struct opt *opt, const char *text, union opt_value *out)
{
	(void)opt;
	out->text = text;
	return VALUE_READ;
}

/* None is what the option alone says. */
static enum opt_value_result read_maybe_text(
	const struct opt *opt, const char *text, union opt_value *out)
{
	return *text ? read_text(opt, text, out) : VALUE_ILLEGIBLE;
}

static enum opt_value_result bounded(const struct opt *opt, uint64_t number)
{
	if (number < opt->min || (opt->max && number > opt->max))
		return VALUE_OUT_OF_BOUNDS;
	return VALUE_READ;
}

static enum opt_value_result read_number(
	const struct opt *opt, const char *text, union opt_value *out)
{
	if (text_uint(text, UINT64_MAX, &out->number) < 0)
		return text_is_digits(text) ? VALUE_OUT_OF_BOUNDS : VALUE_ILLEGIBLE;
	return bounded(opt, out->number);
}

static enum opt_value_result read_size(
	const struct opt *opt, const char *text, union opt_value *out)
{
	if (text_size(text, UINT64_MAX, &out->number) < 0)
		return text_is_digits(text) ? VALUE_OUT_OF_BOUNDS : VALUE_ILLEGIBLE;
	return bounded(opt, out->number);
}

static enum opt_value_result read_rate(
	const struct opt *opt, const char *text, union opt_value *out)
{
	const char *slash = strchr(text, '/');
	char size[32];

	if (!slash)
		return read_size(opt, text, out);
	if (strcmp(slash, "/s") != 0 || (size_t)(slash - text) >= sizeof(size))
		return VALUE_ILLEGIBLE;
	snprintf(size, sizeof(size), "%.*s", (int)(slash - text), text);
	return read_size(opt, size, out);
}

static enum opt_value_result read_permissions(
	const struct opt *opt, const char *text, union opt_value *out)
{
	(void)opt;
	return text_octal(text, 0777, &out->number) < 0 ? VALUE_ILLEGIBLE : VALUE_READ;
}

static enum opt_value_result read_msec(
	const struct opt *opt, const char *text, union opt_value *out)
{
	(void)opt;
	if (text_msec(text, &out->msec) < 0)
		return text_is_digits(text) ? VALUE_OUT_OF_BOUNDS : VALUE_ILLEGIBLE;
	return VALUE_READ;
}

static enum opt_value_result read_usec(
	const struct opt *opt, const char *text, union opt_value *out)
{
	(void)opt;
	if (text_usec(text, &out->msec) < 0)
		return text_is_digits(text) ? VALUE_OUT_OF_BOUNDS : VALUE_ILLEGIBLE;
	return VALUE_READ;
}

/* Its field has a sign. */
static enum opt_value_result read_maybe_size(
	const struct opt *opt, const char *text, union opt_value *out)
{
	enum opt_value_result result = read_size(opt, text, out);

	return result == VALUE_READ && out->number > INT64_MAX ? VALUE_OUT_OF_BOUNDS : result;
}

static enum opt_value_result read_choice(
	const struct opt *opt, const char *text, union opt_value *out)
{
	struct opt_choice choice;

	for (size_t i = 0; opt->choice(i, &choice); i++) {
		if (strcmp(choice.name, text) == 0) {
			out->text = choice.name;
			return VALUE_READ;
		}
	}
	return VALUE_ILLEGIBLE;
}

static const struct kind {
	size_t size;
	enum opt_value_result (*read)(const struct opt *, const char *, union opt_value *);
	const char *noun, *form; /* "'x' is not NOUN for '--opt'", and how to write one */
} kinds[] = {
	[OPT_FLAG] = {sizeof(bool)},
	[OPT_COUNT] = {sizeof(unsigned)},
	[OPT_TEXT] = {sizeof(char *), read_text},
	[OPT_LIST] = {sizeof(struct opt_list), read_text},
	[OPT_NUMBER] = {sizeof(uint64_t), read_number, "a number", "write a number"},
	[OPT_MSEC] = {sizeof(int64_t), read_msec, "a duration",
		"write it as 500ms, 2s, 1m or bare seconds"},
	[OPT_USEC] = {sizeof(int64_t), read_usec, "a duration",
		"write it as 100us, 500ms, 2s or bare seconds"},
	[OPT_SIZE] = {sizeof(uint64_t), read_size, "a size", "write it as 64, 16K, 4M or 1G"},
	[OPT_RATE] = {sizeof(uint64_t), read_rate, "a rate", "write it as 16K, 1M or 1M/s"},
	[OPT_MAYBE_SIZE] = {sizeof(int64_t), read_maybe_size, "a size",
		"write it as 64, 16K, 4M or 1G"},
	[OPT_PERMISSIONS] = {sizeof(uint64_t), read_permissions, "permissions in octal",
		"write them as 600 or 0660, from 000 to 777"},
	[OPT_CHOICE] = {sizeof(char *), read_choice, "one of the values"},
	[OPT_MAYBE_CHOICE] = {sizeof(char *), read_choice, "one of the values"},
	[OPT_MAYBE_TEXT] = {sizeof(char *), read_maybe_text, "a value",
		"name one after the '=', or leave that out"},
	[OPT_HELP_SHORT] = {0},
	[OPT_HELP_LONG] = {0},
	[OPT_VERSION] = {0},
};

size_t opt_kind_size(enum opt_kind kind)
{
	return kinds[kind].size;
}

bool opt_kind_takes_value(enum opt_kind kind)
{
	return kinds[kind].read;
}

bool opt_value_is_optional(enum opt_kind kind)
{
	return kind == OPT_MAYBE_SIZE || kind == OPT_MAYBE_CHOICE || kind == OPT_MAYBE_TEXT;
}

bool opt_is_choice(enum opt_kind kind)
{
	return kind == OPT_CHOICE || kind == OPT_MAYBE_CHOICE;
}

enum opt_value_result opt_value_read(const struct opt *opt, const char *text, union opt_value *out)
{
	return kinds[opt->kind].read(opt, text, out);
}

bool opt_value_same(const struct opt *opt, const union opt_value *a, const union opt_value *b)
{
	if (opt->kind == OPT_TEXT || opt->kind == OPT_MAYBE_TEXT || opt_is_choice(opt->kind))
		return strcmp(a->text, b->text) == 0;
	return a->number == b->number;
}

int opt_value_store(const struct opt *opt, void *field, const union opt_value *value)
{
	struct opt_list *list = field;

	if (opt->kind != OPT_LIST) {
		memcpy(field, value, opt->size);
		return 0;
	}
	if (list->count == OPT_LIST_MAX)
		return -1;
	list->items[list->count++] = value->text;
	return 0;
}

/* ", from 1 to 65535" after the form of a value; "" where there are no bounds. */
static void name_bounds(const struct opt *opt, char *out, size_t size)
{
	*out = '\0';
	if (opt->kind == OPT_MSEC || opt->kind == OPT_USEC)
		snprintf(out, size, ", at most %ds", TEXT_MSEC_MAX / 1000);
	else if (opt->max)
		snprintf(out, size, ", from %" PRIu64 " to %" PRIu64, opt->min, opt->max);
	else if (opt->min)
		snprintf(out, size, ", at least %" PRIu64, opt->min);
	else
		snprintf(out, size, ", at most %" PRIu64, UINT64_MAX);
}

static const char *next_choice(const void *arg, size_t i)
{
	const struct opt *opt = arg;
	struct opt_choice choice;

	return opt->choice(i, &choice) ? choice.name : NULL;
}

static void list_choices(const struct opt *opt, char *out, size_t size)
{
	struct opt_choice choice;
	size_t used = 0;

	*out = '\0';
	for (size_t i = 0; used < size && opt->choice(i, &choice); i++)
		used += (size_t)snprintf(
			out + used, size - used, "%s%s", i ? ", " : "", choice.name);
}

static int choice_refused(const struct opt *opt, const char *typed, const char *text,
	const char *other_hint, struct err *err)
{
	const char *meant = text_suggest(text, next_choice, opt);
	char all[256];

	err_set(err, ERR_USAGE, "%s is not one of the values of '%s'", quoted(text).text, typed);
	list_choices(opt, all, sizeof(all));
	if (meant)
		return err_hint(err, "did you mean '%s'? (%s)", meant, all);
	if (other_hint &&
		text_is_digits(text)) /* no choice is a number: it is another tool's option */
		return err_hint(err, "%s", other_hint);
	return err_hint(err, "use one of: %s", all);
}

int opt_value_refused(const struct opt *opt, const char *typed, const char *text,
	enum opt_value_result why, const char *other_hint, struct err *err)
{
	const struct kind *kind = &kinds[opt->kind];
	char bounds[64] = "";

	if (opt_is_choice(opt->kind))
		return choice_refused(opt, typed, text, other_hint, err);
	if (why == VALUE_OUT_OF_BOUNDS)
		err_set(err, ERR_USAGE, "%s is out of range for '%s'", quoted(text).text, typed);
	else
		err_set(err, ERR_USAGE, "%s is not %s for '%s'", quoted(text).text, kind->noun,
			typed);
	if (why == VALUE_OUT_OF_BOUNDS || opt->max)
		name_bounds(opt, bounds, sizeof(bounds));
	return err_hint(err, "%s%s", kind->form, bounds);
}

static const char *number_example(const struct opt *opt)
{
	if (opt->fallback && strcmp(opt->fallback, "0") != 0)
		return opt->fallback;
	return opt->min <= 10 && (!opt->max || opt->max >= 10) ? "10" : NULL;
}

static const char *text_example(const struct opt *opt)
{
	if (opt->completes == COMPLETES_HOST)
		return "localhost";
	return opt->completes == COMPLETES_SERVICE ? "9000" : opt->fallback;
}

const char *opt_value_example(const struct opt *opt)
{
	switch (opt->kind) {
	case OPT_TEXT:
	case OPT_MAYBE_TEXT:
	case OPT_LIST: return text_example(opt);
	case OPT_NUMBER: return number_example(opt);
	case OPT_MSEC: return "2s";
	case OPT_USEC: return "500us";
	case OPT_SIZE:
	case OPT_MAYBE_SIZE: return "16K";
	case OPT_RATE: return "1M/s";
	case OPT_PERMISSIONS: return "0660";
	case OPT_CHOICE:
	case OPT_MAYBE_CHOICE: return next_choice(opt, 0);
	case OPT_FLAG:
	case OPT_COUNT:
	case OPT_HELP_SHORT:
	case OPT_HELP_LONG:
	case OPT_VERSION: break;
	}
	return NULL;
}
