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
	add_group(set, &(struct opt_group){title, rows, count, offset, NULL});
}

void opt_set_add_for(struct opt_set *set, const char *title, const struct opt *rows, size_t count,
	size_t offset, const char *modes)
{
	add_group(set, &(struct opt_group){title, rows, count, offset, modes});
}

size_t opt_set_add_mode(struct opt_set *set, const char *title, const struct opt *rows,
	size_t count, size_t size, const char *modes)
{
	const size_t align = alignof(max_align_t);
	size_t offset = (set->conf_size + align - 1) / align * align;

	add_group(set, &(struct opt_group){title, rows, count, offset, modes});
	set->conf_size = offset + size;
	return offset;
}

bool opt_row_at(const struct opt_set *set, size_t number, struct opt_row *out)
{
	size_t first = 0;

	for (size_t g = 0; g < set->count; g++) {
		const struct opt_group *group = &set->groups[g];

		if (number - first < group->count) {
			*out = (struct opt_row){&group->rows[number - first], group, number};
			return true;
		}
		first += group->count;
	}
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
	struct opt_row row;

	for (size_t i = 0; opt_row_at(set, i, &row); i++)
		if (is_called(row.opt, name))
			return args->given[i].typed[0] ? args->given[i].typed : NULL;
	return NULL;
}

/* Whether a list of words has this one. */
static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = words; (at = strstr(at, word)); at += len)
		if ((at == words || at[-1] == ' ') && (!at[len] || at[len] == ' '))
			return true;
	return false;
}

const char *opts_stray(const struct opt_set *set, const struct opt_args *args, const char *chosen,
	const char **modes)
{
	struct opt_row row;

	for (size_t i = 0; opt_row_at(set, i, &row); i++) {
		const char *whose = row.group->modes;

		if (args->given[i].typed[0] && whose && !has_word(whose, chosen)) {
			*modes = whose;
			return args->given[i].typed;
		}
	}
	return NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool opt_group_continues(const struct opt_set *set, size_t g)
{
	const struct opt_group *group = &set->groups[g];

	return g > 0 && same_text(group[-1].title, group->title) &&
	       same_text(group[-1].modes, group->modes);
}

struct opt_modes opt_modes_text(const char *modes)
{
	struct opt_modes phrase = {""};
	size_t used = 0;

	while (*modes && used < sizeof(phrase.text)) {
		size_t len = strcspn(modes, " ");
		const char *rest = modes + len + (modes[len] == ' ');
		const char *joint = !*rest ? "" : strchr(rest, ' ') ? ", " : " or ";

		used += (size_t)snprintf(phrase.text + used, sizeof(phrase.text) - used, "%.*s%s",
			(int)len, modes, joint);
		modes = rest;
	}
	return phrase;
}
