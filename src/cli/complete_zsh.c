#include "cli/complete.h"
#include "cli/opt_row.h"
#include "cli/page.h"

static const char head[] =
	"#compdef sockx\n"
	"# zsh completion for sockx, written by 'make docs' from the option table: change that.\n"
	"\n"
	"_sockx_address() {\n"
	"\tlocal ret=1\n"
	"\n"
	"\tif compset -P 'unix(|-datagram|-seqpacket):'; then\n"
	"\t\t_files -g '*(-=)' && ret=0\n"
	"\telse\n"
	"\t\tcompadd -S '' -- unix: unix-datagram: unix-seqpacket: tcp:// tls:// udp:// && ret=0\n"
	"\t\t_hosts && ret=0\n"
	"\tfi\n"
	"\treturn ret\n"
	"}\n"
	"\n"
	"_sockx_address_or_program() {\n"
	"\tlocal at=$words[(i)--]\n"
	"\n"
	"\tif ((at < CURRENT)); then\n"
	"\t\tshift $at words\n"
	"\t\t((CURRENT -= at))\n"
	"\t\t_normal\n"
	"\telse\n"
	"\t\t_sockx_address\n"
	"\tfi\n"
	"}\n";

/* The first word is the command; `*::` narrows $words to it and what follows. */
static const char middle[] =
	"\n"
	"_sockx() {\n"
	"\tlocal curcontext=$curcontext state line\n"
	"\tlocal -A opt_args\n"
	"\n"
	"\t_arguments -C \\\n"
	"\t\t'(- *)-h[show the commands]' \\\n"
	"\t\t'(- *)--help[show the commands, addresses and exit statuses]' \\\n"
	"\t\t'(- *)--version[show the version]' \\\n"
	"\t\t'1:command:_sockx_commands' \\\n"
	"\t\t'*:: :->rest'\n"
	"\t[[ $state == rest ]] || return\n"
	"\tcase $words[1] in\n";

/* zsh runs the file as the function itself, unless it is sourced. */
static const char tail[] = "\tesac\n"
			   "}\n"
			   "\n"
			   "if [[ $funcstack[1] == _sockx ]]; then\n"
			   "\t_sockx \"$@\"\n"
			   "else\n"
			   "\tcompdef _sockx sockx\n"
			   "fi\n";

static const char *const completers[] = {
	[COMPLETES_NOTHING] = " ",
	[COMPLETES_HOST] = "_hosts",
	[COMPLETES_FILE] = "_files",
	[COMPLETES_SERVICE] = "_ports",
};

/* Text as it stands between single quotes, with a backslash before each of special. */
static void add_quoted(struct page *p, const char *text, const char *special)
{
	for (; *text; text++) {
		const char one[] = {*text, '\0'};

		if (*text == '\'')
			page_add(p, "'\\''");
		else
			page_add_escaped(p, one, special);
	}
}

static void add_described(struct page *p, const char *name, const char *what)
{
	page_add(p, "\t\t'");
	add_quoted(p, name, "\\:");
	page_add(p, ":");
	add_quoted(p, what, "\\");
	page_add(p, "'\n");
}

static void add_commands(struct page *p, const struct command *const *all)
{
	page_add(p, "\n_sockx_commands() {\n\tlocal -a commands=(\n");
	for (size_t i = 0; all[i]; i++)
		add_described(p, all[i]->name, all[i]->summary);
	page_add(p, "\t)\n\t_describe -t commands command commands\n}\n");
}

/* The values of an option that is a choice, or the words of a command that takes such, as a
 * function _sockx_COMMAND_OPTION or _sockx_COMMAND_word. */
static void add_choices(struct page *p, const struct command *command, const char *of,
	const char *called, bool (*choice_at)(size_t i, struct opt_choice *out))
{
	struct opt_choice choice;

	page_add(p, "\n_sockx_%s_%s() {\n\tlocal -a values=(\n", command->name, of);
	for (size_t i = 0; choice_at(i, &choice); i++)
		add_described(p, choice.name, choice.summary);
	page_add(p, "\t)\n\t_describe -t values %s values\n}\n", called);
}

/* "(-p --port)" before an option forbids both forms once one is there, "*" allows any number. */
static void add_exclusion(struct page *p, const struct opt *opt)
{
	if (opt->kind == OPT_LIST || opt->kind == OPT_COUNT)
		page_add(p, "'*'");
	else if (opt->kind == OPT_HELP_SHORT || opt->kind == OPT_HELP_LONG ||
		 opt->kind == OPT_VERSION)
		page_add(p, "'(- *)'");
	else if (opt->letter && opt->name)
		page_add(p, "'(-%c --%s)'", opt->letter, opt->name);
}

static void add_help(struct page *p, const struct opt *opt)
{
	page_add(p, "'[");
	add_quoted(p, opt->help, "\\[]:");
	page_add(p, "]");
}

/* "-p+" takes its value from the same or the next word, "--port=" likewise, "--progress=-" from the
 * same; where that is optional, the letter takes none, and has a row of its own. */
static void add_forms(struct page *p, const struct opt *opt)
{
	const char *plus = opt->arg ? "+" : "", *equals = opt->arg ? "=" : "";
	const bool optional = opt_value_is_optional(opt->kind);

	if (optional && opt->letter) {
		page_add(p, "-%c", opt->letter);
		add_help(p, opt);
		page_add(p, "' \\\n\t\t'(-%c --%s)'", opt->letter, opt->name);
	}
	if (optional)
		page_add(p, "--%s=-", opt->name);
	else if (opt->letter && opt->name)
		page_add(p, "{-%c%s,--%s%s}", opt->letter, plus, opt->name, equals);
	else if (opt->letter)
		page_add(p, "-%c%s", opt->letter, plus);
	else
		page_add(p, "--%s%s", opt->name, equals);
}

static void add_option(struct page *p, const struct command *command, const struct opt *opt)
{
	page_add(p, "\t\t");
	add_exclusion(p, opt);
	add_forms(p, opt);
	add_help(p, opt);
	if (opt->arg) {
		page_add(p, "%s", opt_value_is_optional(opt->kind) ? "::" : ":");
		add_quoted(p, opt->arg, "\\:");
		if (opt->choice)
			page_add(p, ":_sockx_%s_%s", command->name, opt->name);
		else
			page_add(p, ":%s", completers[opt->completes]);
	}
	page_add(p, "' \\\n");
}

static const char *words_of(const struct command *command, bool takes_program)
{
	switch (command->words) {
	case WORDS_ADDRESS:
		return takes_program ? "'*:address or program:_sockx_address_or_program'"
		                     : "'*:address:_sockx_address'";
	case WORDS_TEXT: return "'*:text: '";
	case WORDS_CHOICE: return "'1:word:_sockx_help_word'";
	case WORDS_NONE: break;
	}
	return "";
}

static void add_command(struct page *p, const struct command *command)
{
	struct opt_set set = {0};

	command->options(&set);
	for (struct opt_row row = {0}; opt_row_next(&set, &row);)
		if (row.opt->choice)
			add_choices(p, command, row.opt->name, row.opt->arg, row.opt->choice);
	if (command->words == WORDS_CHOICE)
		add_choices(p, command, "word", "word", command->word);
	page_add(p, "\n_sockx_%s() {\n\t_arguments -s -S : \\\n", command->name);
	for (struct opt_row row = {0}; opt_row_next(&set, &row);)
		add_option(p, command, row.opt);
	page_add(p, "\t\t%s\n}\n", words_of(command, set.takes_program != NULL));
}

int complete_zsh(const struct command *const *all, struct buf *out)
{
	struct page p = {.out = out};

	page_add(&p, "%s", head);
	add_commands(&p, all);
	for (size_t i = 0; all[i]; i++)
		add_command(&p, all[i]);
	page_add(&p, "%s", middle);
	for (size_t i = 0; all[i]; i++)
		page_add(&p, "\t\t%s) _sockx_%s ;;\n", all[i]->name, all[i]->name);
	page_add(&p, "%s", tail);
	return page_end(&p);
}
