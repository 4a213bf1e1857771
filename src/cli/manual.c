#include <ctype.h>

#include "cli/complete.h"
#include "cli/opt_row.h"
#include "cli/page.h"

/*
 * mdoc(7), which is roff underneath: a '.' or an apostrophe that begins a line makes it a request,
 * a backslash begins an escape, and a bare '-' may come out as a hyphen, which cannot be pasted
 * back into a shell; roff(7) has \&, \e and \- for them.
 */

static void add_text(struct page *p, const char *text)
{
	char before = ' ';

	for (; *text; before = *text++) {
		if (*text == '\\')
			page_add(p, "\\e");
		else if (*text == '-' && !isalnum((unsigned char)before))
			page_add(p, "\\-");
		else
			page_add(p, "%c", *text);
	}
}

/* A phrase as a line of text that begins as a sentence does. */
static void add_phrase(struct page *p, const char *phrase)
{
	if (*phrase == '.' || *phrase == '\'')
		page_add(p, "\\&");
	if (islower((unsigned char)*phrase))
		page_add(p, "%c", toupper((unsigned char)*phrase++));
	add_text(p, phrase);
	page_add(p, ".\n");
}

static void add_item(struct page *p, const struct opt *opt)
{
	page_add(p, ".It");
	if (opt->letter)
		page_add(p, " Fl %c%s", opt->letter, opt->name ? " ," : "");
	if (opt->name)
		page_add(p, " Fl -%s", opt->name);
	if (opt->arg) {
		page_add(p, "%s", opt_value_is_optional(opt->kind) ? " Ns Op = Ns Ar " : " Ar ");
		add_text(p, opt->arg);
	}
	page_add(p, "\n");
	add_phrase(p, opt->help);
	if (opt->fallback) {
		page_add(p, "Default: ");
		add_text(p, opt->fallback);
		page_add(p, ".\n");
	}
}

static void add_choices(struct page *p, const struct opt *opt)
{
	struct opt_choice choice;

	page_add(p, ".Bl -tag -width indent -compact\n");
	for (size_t i = 0; opt->choice(i, &choice); i++) {
		page_add(p, ".It Cm ");
		add_text(p, choice.name);
		page_add(p, "\n");
		add_phrase(p, choice.summary);
	}
	page_add(p, ".El\n");
}

static void add_title(struct page *p, const struct opt_group *group)
{
	page_add(p, ".Ss ");
	add_text(p, group->title);
	if (group->modes.count)
		page_add(p, " (with \\-\\-mode %s)", opt_modes_text(&group->modes).text);
	page_add(p, "\n.Bl -tag -width indent\n");
}

/* Whether the list that group g stands in goes on with the next group. */
static bool list_goes_on(const struct opt_set *set, size_t g)
{
	return g + 1 < set->count && opt_group_continues(set, g + 1);
}

static void add_group(struct page *p, const struct opt_set *set, size_t g)
{
	const struct opt_group *group = &set->groups[g];

	if (!opt_group_continues(set, g))
		add_title(p, group);
	for (size_t i = 0; i < group->count; i++) {
		add_item(p, &group->rows[i]);
		if (group->rows[i].choice)
			add_choices(p, &group->rows[i]);
	}
	if (!list_goes_on(set, g))
		page_add(p, ".El\n");
}

int manual_options(const struct command *command, struct buf *out)
{
	struct page p = {.out = out};
	struct opt_set set = {0};

	command->options(&set);
	for (size_t g = 0; g < set.count; g++)
		add_group(&p, &set, g);
	return page_end(&p);
}
