#include <stdio.h>
#include <string.h>

#include "check.h"
#include "cli/complete.h"
#include "toy.h"

/* What was written, in one piece that need not be freed. */
struct page {
	char all[8192];
};

static struct page page_of(struct buf *b)
{
	struct page page = {0};

	cr_assert(lt(sz, b->len, sizeof(page.all)));
	memcpy(page.all, buf_span(b).data, b->len);
	buf_free(b);
	return page;
}

static struct page made_by(int (*shell)(const struct command *const *, struct buf *))
{
	struct buf b = {0};

	cr_assert(eq(int, shell(toys, &b), 0));
	return page_of(&b);
}

static struct page manual(const struct command *command)
{
	struct buf b = {0};

	cr_assert(eq(int, manual_options(command, &b), 0));
	return page_of(&b);
}

static void has(const char *text, const char *part)
{
	cr_expect(strstr(text, part) != NULL, "no '%s' in:\n%s", part, text);
}

/* Whether every option of the toy server stands in text, in these forms of name and letter. */
static void has_every_option(const char *text, const char *name_form, const char *letter_form)
{
	struct opt_set set = {0};
	char form[64];

	toys[TOY_SERVE]->options(&set);
	for (size_t g = 0; g < set.count; g++) {
		for (size_t i = 0; i < set.groups[g].count; i++) {
			const struct opt *opt = &set.groups[g].rows[i];

			if (opt->name) {
				snprintf(form, sizeof(form), name_form, opt->name);
				has(text, form);
			}
			if (opt->letter) {
				snprintf(form, sizeof(form), letter_form, opt->letter);
				has(text, form);
			}
		}
	}
}

Test(complete, every_option_is_in_every_shells_file)
{
	has_every_option(made_by(complete_bash).all, " --%s", " -%c");
	has_every_option(made_by(complete_zsh).all, "--%s", "-%c");
	has_every_option(made_by(complete_fish).all, " -l %s ", " -s %c ");
}

Test(complete, bash_knows_commands_values_hosts_and_files)
{
	struct page page = made_by(complete_bash);

	has(page.all, "local commands='serve help'\n");
	has(page.all, "\t\t-m | --mode) _sockx_reply -W 'pipe echo'; return ;;\n");
	has(page.all, "\t\t-H | --host) _sockx_reply -A hostname; return ;;\n");
	has(page.all, "\t\t--log) compopt -o filenames; _sockx_reply -f; return ;;\n");
	has(page.all, "\t\t-i | --idle-timeout) return ;;\n");
	has(page.all, "\t_sockx_reply -W 'serve topic'\n");
	has(page.all, "\t_sockx_address\n");
	has(page.all, "\ncomplete -F _sockx sockx\n");
}

Test(complete, zsh_texts_are_quoted)
{
	struct page page = made_by(complete_zsh);

	cr_expect(strstr(page.all, "#compdef sockx\n") == page.all);
	has(page.all, "'serve:listen, and run a mode for every client'\\''s call'");
	has(page.all,
		"'(-p --port)'{-p+,--port=}'[listen on PORT \\[0\\: the system'\\''s choice\\]]"
		":PORT:_ports'");
	has(page.all, "'[listen on HOST\\: may be repeated]:HOST:_hosts'");
	has(page.all, "{-1,--once}'['\\''once'\\'' as it says, C\\:\\\\path and --all]'");
	has(page.all, "'pipe:a peer'\\''s bytes, one \"client\" for $0 [or: two]'");
	has(page.all, ":MODE:_sockx_serve_mode'");
	has(page.all, "'*'{-v,--verbose}'[say more]'");
	has(page.all, "\t\t-4'[IPv4 only]'");
	has(page.all, "'(- *)'--help'[all there is]'");
	has(page.all, "'1:command:_sockx_commands'");
	has(page.all, "'1:word:_sockx_help_word'");
	has(page.all, "'topic:a topic'");
	has(page.all, "'*:address:_sockx_address'");
}

Test(complete, fish_texts_are_quoted)
{
	struct page page = made_by(complete_fish);

	has(page.all, "-a serve -d 'listen, and run a mode for every client\\'s call'");
	has(page.all, "-s 1 -l once -d '\\'once\\' as it says, C:\\\\path and --all'");
	has(page.all,
		"-x -a 'pipe\\\\t\"a peer\\'s bytes, one \\\\\"client\\\\\" for \\\\$0 [or: two]\" "
		"echo\\\\t\"send it all back\"' -d 'what a client meets'");
	has(page.all, "-s H -l host -x -a 'localhost (__fish_print_hostnames)' -d");
	has(page.all, "-l log -r -F -d");
	has(page.all, "-n '__sockx_is help' -a topic -d 'a topic'");
	has(page.all, "-n '__sockx_is serve' -a '(__sockx_addresses)'");
}

Test(complete, an_optional_value_is_not_the_next_word)
{
	struct page bash = made_by(complete_bash);
	char *assigned = strstr(bash.all, "\tcase $assigned in\n");

	cr_assert(assigned != NULL);
	has(assigned, "\t\t--watch) return ;;\n");
	has(assigned, "\t\t--dump) compopt -o filenames; _sockx_reply -f; return ;;\n");
	*assigned = '\0';
	cr_expect(strstr(bash.all, "--watch)") == NULL);
	has(made_by(complete_zsh).all, "--watch=-'[see it go]::BYTES: '");
	has(made_by(complete_fish).all, " -l watch -d 'see it go'");
	has(manual(toys[TOY_SERVE]).all, ".It Fl -watch Ns Op = Ns Ar BYTES\n");
	cr_expect(strstr(bash.all, "--dump)") == NULL);
	has(made_by(complete_zsh).all,
		"\t\t'(-d --dump)'-d'[show it all]' \\\n"
		"\t\t'(-d --dump)'--dump=-'[show it all]::FILE:_files' \\\n");
	has(made_by(complete_fish).all, " -s d -l dump -F -d 'show it all'");
	has(manual(toys[TOY_SERVE]).all, ".It Fl d , Fl -dump Ns Op = Ns Ar FILE\n");
}

Test(manual, options_stand_in_lists_under_their_groups)
{
	struct page page = manual(toys[TOY_SERVE]);

	cr_expect(strstr(page.all, ".Ss Main\n.Bl -tag -width indent\n") == page.all);
	has(page.all, ".It Fl p , Fl -port Ar PORT\n");
	has(page.all, ".It Fl 4\nIPv4 only.\n");
	has(page.all, ".It Fl -log Ar FILE\n");
	has(page.all, ".El\n.Ss Talk (with \\-\\-mode talk)\n");
	has(page.all, "The word that ends it.\nDefault: bye.\n.El\n");
	has(page.all, ".It Cm echo\nSend it all back.\n.El\n");
}

Test(manual, a_group_that_goes_on_stays_in_its_list)
{
	struct page page = manual(toys[TOY_SERVE]);
	char *limits = strstr(page.all, ".Ss Limits\n"), *end;

	cr_assert(limits != NULL);
	end = strstr(limits, "\n.El\n");
	cr_assert(end != NULL);
	cr_expect(strstr(limits, ".It Fl -size") < end);
	cr_expect(strstr(limits + 1, ".Ss Limits") == NULL);
}

Test(manual, what_roff_would_take_for_its_own_is_escaped)
{
	struct page page = manual(toys[TOY_SERVE]);

	has(page.all, "\n\\&'once' as it says, C:\\epath and \\-\\-all.\n");
	has(page.all, "\n\\&.queue of N.\n");
}
