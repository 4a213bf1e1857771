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
#include "mode/mode.h"

struct help_conf {
	struct talk_conf talk; /* first: see struct talk_conf */
};

static const struct topic {
	const char *name, *summary;
	const char *page, *section; /* of the manual; NULL: the whole page */
} topics[] = {
	{"addresses", "how to say where to listen and connect", "sockx", "ADDRESSES"},
	{"tls", "what is verified, pins, certificates, and how TLS ends", "sockx", "TLS"},
	{"exit-codes", "what each exit status means", "sockx", "EXIT STATUS"},
	{"diagnostics", "every message, what it means, and what to do", "sockx", "DIAGNOSTICS"},
	{"coming-from-nc", "what nc, ncat and socat users type here", "sockx", "COMING FROM NC"},
	{"json", "what -j prints: every event, and every member", "json", NULL},
	{"lab", "five exercises on sockets, and the calls that each makes", "lab", NULL},
};

/* Other words for what the manual has. They are not listed. */
static const struct topic aliases[] = {
	{"nc", NULL, "sockx", "COMING FROM NC"},
	{"ncat", NULL, "sockx", "COMING FROM NC"},
	{"netcat", NULL, "sockx", "COMING FROM NC"},
	{"socat", NULL, "sockx", "COMING FROM NC"},
	{"output", NULL, "sockx", "OUTPUT"},
	{"udp", NULL, "sockx", "DATAGRAMS"},
	{"datagrams", NULL, "sockx", "DATAGRAMS"},
	{"unix", NULL, "sockx", "UNIX SOCKETS"},
	{"ssl", NULL, "sockx", "TLS"},
	{"examples", NULL, "sockx", "EXAMPLES"},
	{"trace", NULL, "sockx", "TRACE"},
	{"explain", NULL, "sockx", "TRACE"},
	{"mermaid", NULL, "sockx", "TRACE"},
	{"pcap", NULL, "sockx", "TRACE"},
	{"hexdump", NULL, "sockx", "HEX DUMP"},
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

static const struct topic *help_find_topic(const char *word)
{
	for (size_t i = 0; i < sizeof(topics) / sizeof(*topics); i++)
		if (strcmp(topics[i].name, word) == 0)
			return &topics[i];
	for (size_t i = 0; i < sizeof(aliases) / sizeof(*aliases); i++)
		if (strcmp(aliases[i].name, word) == 0)
			return &aliases[i];
	return NULL;
}

/* What the manual has about a word; false: nothing. */
static bool help_find_text(const char *word, struct span *text)
{
	const struct topic *topic = help_find_topic(word);
	struct span page;

	if (!topic || !manpage_find(topic->page, &page))
		return manpage_find(word, text);
	*text = page;
	return !topic->section || manpage_section(page, topic->section, text);
}

static int help_unknown(const char *word, struct err *err)
{
	const char *meant = text_suggest(word, help_word_at, NULL);

	err_set(err, ERR_USAGE, "%s is not a command or a topic", quoted(word).text);
	if (mode_find(word))
		return err_hint(err, "it is a mode: 'sockx help serve' explains it");
	if (meant)
		return err_hint(err, "did you mean 'sockx help %s'?", meant);
	return err_hint(err, "'sockx help' lists both");
}

/* The exercise of `help lab N`. */
static bool help_find_exercise(const char *number, struct span *out)
{
	char heading[] = "EXERCISE N:";
	struct span page;

	heading[strlen("EXERCISE ")] = number[0];
	return number[0] && !number[1] && manpage_find("lab", &page) &&
	       manpage_section(page, heading, out);
}

/* Find the text that words ask for: a topic, an exercise, or nothing in particular. */
static int help_find(const struct opt_args *args, struct span *out, struct err *err)
{
	const char *const *words = args->words;

	if (args->count == 0 || (args->count == 1 && strcmp(words[0], "help") == 0))
		return 0;
	if (args->count == 2 && strcmp(words[0], "lab") == 0) {
		if (help_find_exercise(words[1], out))
			return 0;
		err_set(err, ERR_USAGE, "the lab has no exercise %s", quoted(words[1]).text);
		return err_hint(err, "there are 1 to 5: 'sockx help lab 1' shows the first");
	}
	if (args->count > 1) {
		err_set(err, ERR_USAGE, "unexpected argument %s", quoted(words[1]).text);
		return err_hint(err, "'sockx help WORD' explains one command or topic");
	}
	return help_find_text(words[0], out) ? 0 : help_unknown(words[0], err);
}

/* That there is a text to show. */
static int help_check(
	void *conf, const struct opt_set *set, const struct opt_args *args, struct err *err)
{
	struct span text;

	(void)conf;
	(void)set;
	return help_find(args, &text, err);
}

static int help_command(struct reporter *to, void *conf, const struct opt_set *set,
	const struct opt_args *args, struct err *err)
{
	const char *colour = ((const struct help_conf *)conf)->talk.color;
	struct span text = {0};
	struct buf page = {0};

	(void)set;
	if (help_find(args, &text, err) < 0)
		return -1;
	if (args->count == 0)
		return show_made(to, STDOUT_FILENO, help_all(&page), &page, colour, err);
	if (strcmp(args->words[0], "help") == 0)
		return show_made(
			to, STDOUT_FILENO, help_long(&command_help, &page), &page, colour, err);
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
	.check = help_check,
	.run = help_command,
};
