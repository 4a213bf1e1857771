/* sockx: find the command, run it, print its error, choose the exit status. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "cli/colour.h"
#include "cli/help.h"
#include "cmd/advice.h"
#include "cmd/commands.h"
#include "cmd/help.h"
#include "cmd/hexdump.h"
#include "cmd/show.h"
#include "cmd/standard_error.h"
#include "cmd/tracing.h"
#include "os/process.h"
#include "os/sys_process.h"
#include "os/sys_terminal.h"
#include "report/report.h"

static void set_reporter(struct reporter *to, const struct talk_conf *talk, bool terminal)
{
	to->colour = colour_wanted(talk->color, terminal);
	to->json = talk->json;
	if (talk->quiet)
		to->level = LEVEL_ERROR;
	else if (talk->verbose || talk->json)
		to->level = LEVEL_DETAIL;
	else
		to->level = terminal ? LEVEL_PEOPLE : LEVEL_READY;
}

static int show_version(struct reporter *to, struct err *err)
{
	struct buf page = {0};

	return show_made(to, STDOUT_FILENO, buf_puts(&page, "sockx " SOCKX_VERSION "\n"), &page,
		"never", err);
}

/* What is shown while it runs. A file is not emptied for a line that cannot be run. */
static int begin_showing(struct tracing **tracing, struct hexdump *hexdump, struct reporter *to,
	const struct command *command, void *conf, const struct opt_set *set,
	const struct opt_args *args, struct err *err)
{
	const struct talk_conf *talk = conf;

	if (hexdump_check(talk, err) < 0)
		return -1;
	if ((talk->hexdump || talk->pcap) && command->check &&
		command->check(conf, set, args, err) < 0)
		return -1;
	if (tracing_begin(tracing, to, talk, command->name, err) < 0)
		return -1;
	return hexdump_begin(hexdump, to, talk, err);
}

static int run_command(struct reporter *to, const struct origin *origin,
	const struct command *command, int argc, char **argv, bool terminal, struct err *err)
{
	struct opt_set set = {0};
	struct opt_args args = {0};
	struct buf page = {0};
	enum opt_result result;
	const char *colour;
	struct tracing *tracing = NULL;
	struct hexdump hexdump = {0};
	struct err lacks = {0};
	struct talk_conf *talk;
	void *conf;
	int rc = -1;

	command->options(&set);
	conf = calloc(1, set.conf_size);
	if (!conf)
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	result = opts_parse(&set, command->name, conf, argc, argv, &args, err);
	talk = conf;
	talk->origin = origin;
	set_reporter(to, talk, terminal);
	if (result == OPTS_RUN &&
		begin_showing(&tracing, &hexdump, to, command, conf, &set, &args, err) < 0)
		result = OPTS_ERROR;
	colour = talk->color;
	switch (result) {
	case OPTS_ERROR: break;
	case OPTS_HELP_SHORT:
		rc = show_made(to, STDOUT_FILENO, help_short(command, &page), &page, colour, err);
		break;
	case OPTS_HELP_LONG:
		rc = show_made(to, STDOUT_FILENO, help_long(command, &page), &page, colour, err);
		break;
	case OPTS_VERSION: rc = show_version(to, err); break;
	case OPTS_RUN: rc = command->run(to, conf, &set, &args, err); break;
	}
	if (hexdump_end(&hexdump, &lacks) < 0 && rc == 0) {
		*err = lacks;
		rc = -1;
	}
	rc = tracing_end(tracing, rc, err);
	free(conf);
	return rc;
}

/* `sockx` alone: -h, where errors go. */
static int nothing_asked(struct reporter *to, struct err *err)
{
	struct buf page = {0};

	show_made(to, STDERR_FILENO, help_overview(commands, &page), &page, NULL, err);
	*err = (struct err){.kind = ERR_USAGE}; /* with nothing more to say */
	return -1;
}

static int run(struct reporter *to, const struct origin *origin, int argc, char **argv,
	bool terminal, struct err *err)
{
	const struct command *command;
	struct buf page = {0};

	if (argc < 2)
		return nothing_asked(to, err);
	if (strcmp(argv[1], "-h") == 0)
		return show_made(
			to, STDOUT_FILENO, help_overview(commands, &page), &page, NULL, err);
	if (strcmp(argv[1], "--help") == 0)
		return show_made(to, STDOUT_FILENO, help_all(&page), &page, NULL, err);
	if (strcmp(argv[1], "--version") == 0)
		return show_version(to, err);
	to->colour = colour_wanted(NULL, terminal);
	command = command_find(argv[1]);
	if (!command)
		return command_unknown((const char *const *)argv + 1, (size_t)argc - 1, err);
	return run_command(to, origin, command, argc - 2, argv + 2, terminal, err);
}

/* Where our parent had us ignore SIGPIPE, its error is one like any other. Else a person is not
 * told. */
static void tell(struct reporter *to, bool sigpipe_ignored, struct err *err)
{
	if (err->kind == ERR_SIGPIPE && !sigpipe_ignored && !to->json)
		return;
	if (err->kind == ERR_SIGPIPE && sigpipe_ignored)
		err->kind = ERR_RUNTIME;
	if (err->what[0])
		report_end(to, err);
}

/* End as any filter does whose reader has gone. */
static int end_by_sigpipe(void)
{
	sys_signal_default(SIGPIPE);
	sys_raise(SIGPIPE);
	return ERR_RUNTIME;
}

int main(int argc, char **argv)
{
	struct standard_error standard_error;
	struct reporter to = {.level = LEVEL_READY, .advise = advise};
	struct err err = {0};
	struct origin origin;
	bool sigpipe_ignored;
	int rc;

	process_begin(&origin);
	sigpipe_ignored = sigismember(&origin.ignored, SIGPIPE);
	standard_error_begin(&standard_error, &to);
	rc = process_reserve_std(&to, &err);
	if (rc == 0)
		rc = run(&to, &origin, argc, argv, sys_isatty(STDERR_FILENO), &err);
	if (rc < 0)
		tell(&to, sigpipe_ignored, &err);
	else
		report_end(&to, NULL);
	standard_error_end(&standard_error);
	if (rc == 0)
		return 0;
	if (err.kind == ERR_SIGPIPE)
		return end_by_sigpipe();
	return err.kind ? (int)err.kind : ERR_RUNTIME;
}
