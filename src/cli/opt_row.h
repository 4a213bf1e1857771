#ifndef SOCKX_CLI_OPT_ROW_H
#define SOCKX_CLI_OPT_ROW_H

#include "cli/opt.h"

/* What the files around the option table share: the rows of a set as one list, and the reading of
 * values. Outside src/cli, cli/opt.h is all there is. */

struct opt_row {
	const struct opt *opt;
	const struct opt_group *group;
	size_t number; /* over all groups: the index into opt_args.given */
};

/* The next row of the set, from {0} on; false after the last. Here, for a run walks the rows
 * several times before it connects. */
static inline bool opt_row_next(const struct opt_set *set, struct opt_row *row)
{
	if (!row->opt) {
		*row = (struct opt_row){set->groups[0].rows, &set->groups[0], 0};
		return set->count > 0;
	}
	row->number++;
	row->opt++;
	if (row->opt == row->group->rows + row->group->count) {
		if (row->group == &set->groups[set->count - 1])
			return false;
		row->group++;
		row->opt = row->group->rows;
	}
	return true;
}

/* The row of that number; false after the last. */
bool opt_row_at(const struct opt_set *set, size_t number, struct opt_row *out);

/* Where a row's field is, in bytes from the start of the configuration. */
static inline size_t opt_row_offset(const struct opt_row *row)
{
	return row->group->offset + row->opt->offset;
}

/* How many bytes the field of an option of that kind has; 0: it has none. */
size_t opt_kind_size(enum opt_kind kind);

/* Whether options of that kind take a value. */
bool opt_kind_takes_value(enum opt_kind kind);

/* Whether it may be left out: it is never the next word then. */
bool opt_value_is_optional(enum opt_kind kind);
bool opt_is_choice(enum opt_kind kind);

/* One value, in the type of its kind's field. */
union opt_value {
	uint64_t number;
	int64_t msec;
	const char *text;
};

enum opt_value_result { VALUE_READ, VALUE_ILLEGIBLE, VALUE_OUT_OF_BOUNDS };

/* What text means as a value of opt, which takes one. */
enum opt_value_result opt_value_read(const struct opt *opt, const char *text, union opt_value *out);

/* Whether two values of one option mean the same. */
bool opt_value_same(const struct opt *opt, const union opt_value *a, const union opt_value *b);

/* Put a value into its field. Returns 0, or -1 where a list has no room for it. */
int opt_value_store(const struct opt *opt, void *field, const union opt_value *value);

/* Fill err for a value that was not read. typed is the option as it was typed. Of a choice given
 * as a number, other_hint is given instead of the list, if not NULL. Returns -1. */
int opt_value_refused(const struct opt *opt, const char *typed, const char *text,
	enum opt_value_result why, const char *other_hint, struct err *err);

/* An example value of opt, as typed; NULL: none. */
const char *opt_value_example(const struct opt *opt);

#endif
