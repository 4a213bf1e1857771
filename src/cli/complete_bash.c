#include "cli/complete.h"
#include "cli/opt_row.h"
#include "cli/page.h"

/* bash alone, with nothing of the bash-completion package: so it is to be read in any bash of a
 * Linux system, whether that is installed or not. */

static const char head[] =
	"# bash completion for sockx, written by 'make docs' from the option table: change that.\n"
	"# shellcheck shell=bash\n"
	"\n"
	"_sockx_reply() {\n"
	"\tmapfile -t COMPREPLY < <(compgen \"$@\" -- \"$current\")\n"
	"}\n"
	"\n"
	"_sockx_sockets() {\n"
	"\tlocal found=() path\n"
	"\n"
	"\tcompopt -o filenames\n"
	"\t_sockx_reply -f\n"
	"\tfor path in \"${COMPREPLY[@]}\"; do\n"
	"\t\t[[ ! -S ${path/#'~'/$HOME} && ! -d ${path/#'~'/$HOME} ]] || found+=(\"$path\")\n"
	"\tdone\n"
	"\tCOMPREPLY=(\"${found[@]}\")\n"
	"}\n"
	"\n"
	"_sockx_address() {\n"
	"\tif [[ $before == unix || $before == unix-datagram || $before == unix-seqpacket ]]; "
	"then\n"
	"\t\t_sockx_sockets\n"
	"\telse\n"
	"\t\t_sockx_reply -A hostname -W "
	"'localhost unix: unix-datagram: unix-seqpacket: tcp:// tls:// udp://'\n"
	"\t\t[[ ${COMPREPLY[0]} != *[:/] ]] || compopt -o nospace\n"
	"\tfi\n"
	"}\n"
	"\n"
	"_sockx_program() {\n"
	"\tif ((only_words == COMP_CWORD - 1)); then\n"
	"\t\t_sockx_reply -A command\n"
	"\telse\n"
	"\t\tcompopt -o filenames\n"
	"\t\t_sockx_reply -f\n"
	"\tfi\n"
	"}\n";

/* COMP_WORDBREAKS splits --mode=echo, and unix:PATH, into three words. */
static const char tail_before_cases[] =
	"\tlocal current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
	"\tlocal assigned='' only_words='' i\n"
	"\n"
	"\tCOMPREPLY=()\n"
	"\tif [[ $current == '=' || $current == ':' ]]; then\n"
	"\t\t[[ $current == ':' ]] || assigned=$before\n"
	"\t\tcurrent=''\n"
	"\telif [[ $before == '=' || $before == ':' ]]; then\n"
	"\t\t[[ $before == ':' ]] || assigned=${COMP_WORDS[COMP_CWORD - 2]}\n"
	"\t\tbefore=${COMP_WORDS[COMP_CWORD - 2]}\n"
	"\tfi\n"
	"\tif ((COMP_CWORD == 1)); then\n"
	"\t\t_sockx_reply -W \"$commands -h --help --version\"\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
	"\t\tif [[ ${COMP_WORDS[i]} == -- ]]; then\n"
	"\t\t\tonly_words=${only_words:-$i} before=''\n"
	"\t\tfi\n"
	"\tdone\n"
	"\tcase ${COMP_WORDS[1]} in\n";

static const char tail[] = "\t\t*) ;;\n"
			   "\tesac\n"
			   "}\n"
			   "\n"
			   "complete -F _sockx sockx\n";

static const char *const completers[] = {
	[COMPLETES_NOTHING] = "",
	[COMPLETES_HOST] = "_sockx_reply -A hostname",
	[COMPLETES_FILE] = "compopt -o filenames; _sockx_reply -f",
	[COMPLETES_SERVICE] = "_sockx_reply -A service",
};

static void add_choices(struct page *p, bool (*choice_at)(size_t i, struct opt_choice *out))
{
	struct opt_choice choice;

	page_add(p, "_sockx_reply -W '");
	for (size_t i = 0; choice_at(i, &choice); i++)
		page_add(p, "%s%s", i ? " " : "", choice.name);
	page_add(p, "'");
}

/* after_equals: a value that may be left out is no word of its own. */
static void add_value(struct page *p, const struct opt *opt, bool after_equals)
{
	page_add(p, "\t\t");
	if (opt->letter && !after_equals)
		page_add(p, "-%c%s", opt->letter, opt->name ? " | " : "");
	if (opt->name)
		page_add(p, "--%s", opt->name);
	page_add(p, ") ");
	if (opt->choice)
		add_choices(p, opt->choice);
	else
		page_add(p, "%s", completers[opt->completes]);
	page_add(p, "%sreturn ;;\n", opt->choice || *completers[opt->completes] ? "; " : "");
}

static void add_values(struct page *p, const struct opt_set *set, bool after_equals)
{
	struct opt_row row = {0};

	page_add(p, "\tcase %s in\n", after_equals ? "$assigned" : "$before");
	while (opt_row_next(set, &row))
		if (row.opt->arg && opt_value_is_optional(row.opt->kind) == after_equals)
			add_value(p, row.opt, after_equals);
	page_add(p, "\t\t*) ;;\n\tesac\n");
}

static void add_options(struct page *p, const struct opt_set *set)
{
	struct opt_row row = {0};

	page_add(p, "\tif [[ $current == -* && -z $only_words ]]; then\n\t\t_sockx_reply -W '");
	while (opt_row_next(set, &row)) {
		if (row.opt->letter)
			page_add(p, " -%c", row.opt->letter);
		if (row.opt->name)
			page_add(p, " --%s", row.opt->name);
	}
	page_add(p, "'\n\t\treturn\n\tfi\n");
}

static void add_command(struct page *p, const struct command *command)
{
	struct opt_set set = {0};

	command->options(&set);
	page_add(p, "\n_sockx_%s() {\n", command->name);
	if (set.takes_program)
		page_add(p,
			"\tif [[ -n $only_words ]]; then\n\t\t_sockx_program\n\t\treturn\n\tfi\n");
	add_values(p, &set, false);
	add_values(p, &set, true);
	add_options(p, &set);
	if (command->words == WORDS_ADDRESS)
		page_add(p, "\t_sockx_address\n");
	if (command->words == WORDS_CHOICE) {
		page_add(p, "\t");
		add_choices(p, command->word);
		page_add(p, "\n");
	}
	page_add(p, "}\n");
}

int complete_bash(const struct command *const *all, struct buf *out)
{
	struct page p = {.out = out};

	page_add(&p, "%s", head);
	for (size_t i = 0; all[i]; i++)
		add_command(&p, all[i]);
	page_add(&p, "\n_sockx() {\n\tlocal commands='");
	for (size_t i = 0; all[i]; i++)
		page_add(&p, "%s%s", i ? " " : "", all[i]->name);
	page_add(&p, "'\n%s", tail_before_cases);
	for (size_t i = 0; all[i]; i++)
		page_add(&p, "\t\t%s) _sockx_%s ;;\n", all[i]->name, all[i]->name);
	page_add(&p, "%s", tail);
	return page_end(&p);
}
