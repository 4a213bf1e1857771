/* sockx help: a page of the manual, or a topic out of it. */
#include "cmd/help.h"

#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/text.h"
#include "cli/help.h"
#include "cli/page.h"
#include "cmd/commands.h"
#include "cmd/manpages.h"
#include "cmd/show.h"
#include "cmd/talk.h"

struct help_conf {
	struct talk_conf talk; /* first: see struct talk_conf */
};

static const struct topic {
	const char *name, *summary;
	const char *page, *section; /* of the manual; NULL: the whole page */
} topics[] = {
	{"addresses", "how to say where to listen and connect", "sockx", "ADDRESSES"},
	{"exit-codes", "what each exit status means", "sockx", "EXIT STATUS"},
	{"diagnostics", "every message, what it means, and what to do", "sockx", "DIAGNOSTICS"},
	{"coming-from-nc", "what nc, ncat and socat users type here", "sockx", "COMING FROM NC"},
	{"lab", "five exercises on sockets, and the calls behind each", "lab", NULL},
};

static void help_options(struct opt_set *set)
{
	set->conf_size = sizeof(struct help_conf);
	opt_set_add(set, "Messages", talk_options, talk_option_count, 0);
}

/* All words that help takes: the commands, then the topics. */
static bool help_word(size_t i, struct opt_choice *out)
{
	size_t known = 0;

	while (commands[known])
		known++;
	if (i >= known + sizeof(topics) / sizeof(*topics))
		return false;
	*out = i < known ? (struct opt_choice){commands[i]->name, commands[i]->summary}
	                 : (struct opt_choice){topics[i - known].name, topics[i - known].summary};
	return true;
}

static const char *help_word_at(const void *arg, size_t i)
{
	struct opt_choice word;

	(void)arg;
	return help_word(i, &word) ? word.name : NULL;
}

int help_all(struct buf *out)
{
	struct page p = {.out = out};

	if (help_everything(commands, out) < 0)
		return -1;
	page_add(&p, "\nTopics:\n");
	for (size_t i = 0; i < sizeof(topics) / sizeof(*topics); i++)
		page_row(&p, 2, topics[i].name, 18, topics[i].summary);
	page_add(&p, "\n");
	page_wrap(&p, 0, 0,
		"'sockx COMMAND --help' has all options of a command, 'sockx help COMMAND' its "
		"manual, 'sockx help TOPIC' a part of it, 'sockx help sockx' what all commands "
		"share.");
	return page_end(&p);
}

/* What the manual has about a word; false: nothing. */
static bool help_find_text(const char *word, struct span *text)
{
	struct span page;

	for (size_t i = 0; i < sizeof(topics) / sizeof(*topics); i++) {
		const struct topic *topic = &topics[i];

		if (strcmp(topic->name, word) != 0 || !manpage_find(topic->page, &page))
			continue;
		*text = page;
		return !topic->section || manpage_section(page, topic->section, text);
	}
	return manpage_find(word, text);
}

static int help_unknown(const char *word, struct err *err)
{
	const char *meant = text_suggest(word, help_word_at, NULL);

	err_set(err, ERR_USAGE, "%s is no command and no topic", quoted(word).text);
	if (meant)
		return err_hint(err, "did you mean 'sockx help %s'?", meant);
	return err_hint(err, "'sockx help' lists both");
}

/* `help lab N`. */
static int help_exercise(
	struct reporter *to, const char *number, const char *colour, struct err *err)
{
	char heading[] = "EXERCISE N:";
	struct span page, text;

	heading[strlen("EXERCISE ")] = number[0];
	if (number[0] && !number[1] && manpage_find("lab", &page) &&
		manpage_section(page, heading, &text))
		return show_paged(to, text, colour, err);
	err_set(err, ERR_USAGE, "the lab has no exercise %s", quoted(number).text);
	return err_hint(err, "there are 1 to 5: 'sockx help lab 1' shows the first");
}

static int help_command(struct reporter *to, void *conf, const struct opt_set *set,
	const struct opt_args *args, struct err *err)
{
	const char *colour = ((const struct help_conf *)conf)->talk.color;
	struct span text;
	struct buf page = {0};

	(void)set;
	if (args->count == 2 && strcmp(args->words[0], "lab") == 0)
		return help_exercise(to, args->words[1], colour, err);
	if (args->count > 1) {
		err_set(err, ERR_USAGE, "%s is one word too many", quoted(args->words[1]).text);
		return err_hint(err, "'sockx help WORD' explains one command or topic");
	}
	if (args->count == 0)
		return show_made(to, STDOUT_FILENO, help_all(&page), &page, colour, err);
	if (strcmp(args->words[0], "help") == 0)
		return show_made(
			to, STDOUT_FILENO, help_long(&command_help, &page), &page, colour, err);
	if (!help_find_text(args->words[0], &text))
		return help_unknown(args->words[0], err);
	return show_paged(to, text, colour, err);
}

const struct command command_help = {
	.name = "help",
	.summary = "show the manual of a command, or a topic",
	.purpose =
		"Print a page of the manual, or a topic out of it. The pages are compiled in; no "
		"installation is needed.",
	.usage = {"[COMMAND | TOPIC]", "lab N"},
	.examples = {{"sockx help serve", "the manual of serve"},
		{"sockx help exit-codes", "a topic; 'sockx help' lists them"},
		{"sockx help lab 1", "learn what the socket calls do, by an exercise"}},
	.words = WORDS_CHOICE,
	.word = help_word,
	.options = help_options,
	.run = help_command,
};
