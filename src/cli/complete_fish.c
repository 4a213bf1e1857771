#include "cli/complete.h"
#include "cli/opt_row.h"
#include "cli/page.h"

static const char head[] =
	"# fish completion for sockx, written by 'make docs' from the option table: change that.\n"
	"\n"
	"function __sockx_is -a command\n"
	"\tset -l words (commandline -opc)\n"
	"\ttest \"$words[2]\" = \"$command\"\n"
	"end\n"
	"\n"
	"function __sockx_addresses\n"
	"\tset -l typed (commandline -ct)\n"
	"\tset -l form (string match -r '^unix(?:-datagram|-seqpacket)?:' -- $typed)\n"
	"\tif test -n \"$form\"\n"
	"\t\tfor found in (__fish_complete_path (string replace -- $form '' $typed))\n"
	"\t\t\tset -l path (string split -m 1 \\t -- $found)[1]\n"
	"\t\t\tset -l real (string replace -r '^~' $HOME -- $path)\n"
	"\t\t\tif test -S $real -o -d $real\n"
	"\t\t\t\tprintf '%s%s\\n' $form $path\n"
	"\t\t\tend\n"
	"\t\tend\n"
	"\telse\n"
	"\t\tprintf '%s\\n' localhost unix: unix-datagram: unix-seqpacket: \\\n"
	"\t\t\ttcp:// tls:// udp:// \\\n"
	"\t\t\t(__fish_print_hostnames)\n"
	"\tend\n"
	"end\n"
	"\n"
	"function __sockx_addresses_or_program\n"
	"\tset -l words (commandline -opc)\n"
	"\tif set -l at (contains -i -- -- $words)\n"
	"\t\tset -e words[1..$at]\n"
	"\t\tset -l typed (commandline -ct)\n"
	"\t\tcomplete -C (string join ' ' -- (string escape -- $words) \"$typed\")\n"
	"\telse\n"
	"\t\t__sockx_addresses\n"
	"\tend\n"
	"end\n"
	"\n"
	"complete -c sockx -f\n"
	"complete -c sockx -n '__sockx_is \"\"' -s h -d 'show the commands'\n"
	"complete -c sockx -n '__sockx_is \"\"' -l help -d 'show the commands, addresses and exit "
	"statuses'\n"
	"complete -c sockx -n '__sockx_is \"\"' -l version -d 'show the version'\n";

static const char *const completers[] = {
	[COMPLETES_NOTHING] = " -x",
	[COMPLETES_HOST] = " -x -a 'localhost (__fish_print_hostnames)'",
	[COMPLETES_FILE] = " -r -F",
	[COMPLETES_SERVICE] = " -x -a '(getent services | string replace -r \"\\s.*\" \"\")'",
};

/* Text as it stands between single quotes, in which fish knows two escapes. */
static void add_quoted(struct page *p, const char *text)
{
	page_add_escaped(p, text, "\\'");
}

static void add_described(struct page *p, const char *what)
{
	page_add(p, " -d '");
	add_quoted(p, what);
	page_add(p, "'\n");
}

/* fish expands the list after -a once more: each summary is a double-quoted string within it. */
static void add_choices(struct page *p, const struct opt *opt)
{
	struct opt_choice choice;
	struct buf list = {0};
	struct page inner = {.out = &list};

	for (size_t i = 0; opt->choice(i, &choice); i++) {
		page_add(&inner, "%s%s\\t\"", i ? " " : "", choice.name);
		page_add_escaped(&inner, choice.summary, "\\\"$");
		page_add(&inner, "\"");
	}
	inner.failed = inner.failed || buf_add(&list, (struct span){(const uint8_t *)"", 1}) < 0;
	page_add(p, " -x -a '");
	if (!inner.failed)
		add_quoted(p, (const char *)buf_span(&list).data);
	page_add(p, "'");
	p->failed = p->failed || inner.failed;
	buf_free(&list);
}

static void add_option(struct page *p, const struct command *command, const struct opt *opt)
{
	page_add(p, "complete -c sockx -n '__sockx_is %s'", command->name);
	if (opt->letter)
		page_add(p, " -s %c", opt->letter);
	if (opt->name)
		page_add(p, " -l %s", opt->name);
	if (opt->choice)
		add_choices(p, opt);
	else if (opt->arg && !opt_value_is_optional(opt->kind))
		page_add(p, "%s", completers[opt->completes]);
	else if (opt->completes == COMPLETES_FILE)
		page_add(p, " -F");
	add_described(p, opt->help);
}

static void add_words(struct page *p, const struct command *command, bool takes_program)
{
	const char *name = command->name;
	struct opt_choice word;

	if (command->words == WORDS_ADDRESS)
		page_add(p, "complete -c sockx -n '__sockx_is %s' -a '(%s)'\n", name,
			takes_program ? "__sockx_addresses_or_program" : "__sockx_addresses");
	for (size_t i = 0; command->words == WORDS_CHOICE && command->word(i, &word); i++) {
		page_add(p, "complete -c sockx -n '__sockx_is %s' -a %s", name, word.name);
		add_described(p, word.summary);
	}
}

static void add_command(struct page *p, const struct command *command)
{
	struct opt_set set = {0};
	struct opt_row row = {0};

	page_add(p, "\ncomplete -c sockx -n '__sockx_is \"\"' -a %s", command->name);
	add_described(p, command->summary);
	command->options(&set);
	while (opt_row_next(&set, &row))
		add_option(p, command, row.opt);
	add_words(p, command, set.takes_program != NULL);
}

int complete_fish(const struct command *const *all, struct buf *out)
{
	struct page p = {.out = out};

	page_add(&p, "%s", head);
	for (size_t i = 0; all[i]; i++)
		add_command(&p, all[i]);
	return page_end(&p);
}
