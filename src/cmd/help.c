/* sockx help: what --help and -h say, as a command. */
#include "base/escape.h"
#include "cli/help.h"
#include "cmd/commands.h"
#include "cmd/talk.h"
#include "report/report.h"
#include "transport/fd.h"

struct help_conf {
	struct talk_conf talk; /* first: see struct talk_conf */
};

static void help_options(struct opt_set *set)
{
	set->conf_size = sizeof(struct help_conf);
	opt_set_add(set, "Messages", talk_options, talk_option_count, 0);
}

static int help_run(struct reporter *to, void *conf, const struct opt_set *set,
	const struct opt_args *args, struct err *err)
{
	const struct command *command = NULL;
	struct buf page = {0};
	int rc;

	(void)conf;
	(void)set;
	if (args->count > 1) {
		err_set(err, ERR_USAGE, "%s is one word too many", quoted(args->words[1]).text);
		return err_hint(err, "sockx help COMMAND explains one command");
	}
	if (args->count == 1)
		command = command_find(args->words[0]);
	if (args->count == 1 && !command)
		return command_unknown(args->words, 1, err);
	rc = command ? help_long(command, &page) : help_everything(commands, &page);
	if (rc < 0)
		err_set(err, ERR_RUNTIME, "cannot show help: out of memory");
	else
		rc = fd_write_all(to, 1, buf_span(&page), "standard output", err);
	buf_free(&page);
	return rc;
}

const struct command command_help = {
	.name = "help",
	.summary = "explain a command",
	.purpose = "Print all there is to say about a command, or about sockx.",
	.usage = {"[COMMAND]"},
	.examples = {{"sockx help serve", "all about serve"},
		{"sockx serve -h", "one screen about it"}, {"sockx help", "all about sockx"}},
	.words = WORDS_COMMAND,
	.options = help_options,
	.run = help_run,
};
