#include "cli/opt.h"

#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#include "cli/opt_row.h"

static size_t rows_of(const struct opt_set *set)
{
	size_t rows = 0;

	for (size_t g = 0; g < set->count; g++)
		rows += set->groups[g].count;
	return rows;
}

static void add_group(struct opt_set *set, const struct opt_group *group)
{
	if (group->count == 0)
		return; /* a mode without options of its own */
	if (set->count == OPT_GROUPS_MAX || rows_of(set) + group->count > OPT_ROWS_MAX)
		set->full = true;
	else
		set->groups[set->count++] = *group;
}

void opt_set_add(
	struct opt_set *set, const char *title, const struct opt *rows, size_t count, size_t offset)
{
	add_group(set, &(struct opt_group){title, rows, count, offset, {{NULL}, 0}});
}

void opt_set_add_for(struct opt_set *set, const char *title, const struct opt *rows, size_t count,
	size_t offset, const struct opt_modes *modes)
{
	if (modes->count)
		add_group(set, &(struct opt_group){title, rows, count, offset, *modes});
}

size_t opt_set_add_mode(struct opt_set *set, const char *title, const struct opt *rows,
	size_t count, size_t size, const char *mode)
{
	const size_t align = alignof(max_align_t);
	size_t offset = (set->conf_size + align - 1) / align * align;

	add_group(set, &(struct opt_group){title, rows, count, offset, {{mode}, 1}});
	set->conf_size = offset + size;
	return offset;
}

bool opt_row_at(const struct opt_set *set, size_t number, struct opt_row *out)
{
	*out = (struct opt_row){0};
	while (opt_row_next(set, out))
		if (out->number == number)
			return true;
	return false;
}

static bool is_called(const struct opt *opt, const char *name)
{
	if (opt->name)
		return strcmp(opt->name, name) == 0;
	return opt->letter && name[0] == opt->letter && !name[1];
}

const char *opts_given(const struct opt_set *set, const struct opt_args *args, const char *name)
{
	struct opt_row row = {0};

	while (opt_row_next(set, &row))
		if (is_called(row.opt, name))
			return args->given[row.number].typed[0] ? args->given[row.number].typed
			                                        : NULL;
	return NULL;
}

static bool has_mode(const struct opt_modes *modes, const char *name)
{
	for (size_t i = 0; i < modes->count; i++)
		if (strcmp(modes->names[i], name) == 0)
			return true;
	return false;
}

const char *opts_stray(const struct opt_set *set, const struct opt_args *args, const char *chosen,
	const struct opt_modes **modes)
{
	struct opt_row row = {0};

	while (opt_row_next(set, &row)) {
		const struct opt_modes *whose = &row.group->modes;

		if (args->given[row.number].typed[0] && whose->count && !has_mode(whose, chosen)) {
			*modes = whose;
			return args->given[row.number].typed;
		}
	}
	return NULL;
}

static bool same_modes(const struct opt_modes *a, const struct opt_modes *b)
{
	for (size_t i = 0; i < a->count; i++)
		if (!has_mode(b, a->names[i]))
			return false;
	return a->count == b->count;
}

bool opt_group_continues(const struct opt_set *set, size_t g)
{
	const struct opt_group *group = &set->groups[g];

	return g > 0 && strcmp(group[-1].title, group->title) == 0 &&
	       same_modes(&group[-1].modes, &group->modes);
}

struct opt_modes_shown opt_modes_text(const struct opt_modes *modes)
{
	struct opt_modes_shown phrase = {""};
	size_t used = 0;

	for (size_t i = 0; i < modes->count && used < sizeof(phrase.text); i++) {
		size_t after = modes->count - i - 1;
		const char *joint = after == 0 ? "" : after == 1 ? " or " : ", ";

		used += (size_t)snprintf(phrase.text + used, sizeof(phrase.text) - used, "%s%s",
			modes->names[i], joint);
	}
	return phrase;
}
