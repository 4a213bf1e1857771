/* How sockx serve tells that it is ready. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/colour.h"
#include "cmd/serve.h"
#include "cmd/standard_error.h"
#include "cmd/talk.h"
#include "os/sys_file.h"
#include "os/sys_process.h"
#include "os/write_out.h"

const struct opt serve_ready_options[] = {
	{.name = "ready",
		.kind = OPT_TEXT,
		OPT_FIELD(struct serve_ready_conf, to),
		.arg = "FD|PATH",
		.completes = COMPLETES_FILE,
		.help = "once clients are accepted, write HOST PORT, or the path of the Unix "
			"socket, to this descriptor, FIFO or new file"},
	{.name = "background",
		.kind = OPT_FLAG,
		OPT_FIELD(struct serve_ready_conf, background),
		.help = "return once clients are accepted, print PID HOST PORT, and serve in the "
			"background"},
	{.name = "log",
		.kind = OPT_TEXT,
		OPT_FIELD(struct serve_ready_conf, log),
		.arg = "FILE",
		.completes = COMPLETES_FILE,
		.help = "append what is said in the background to FILE"},
};
const size_t serve_ready_option_count =
	sizeof(serve_ready_options) / sizeof(serve_ready_options[0]);

/* The address that clients on this machine can use: of every address, the loopback one; IPv4 where
 * there are both. */
static struct addr serve_ready_address(const struct server *s)
{
	struct addr at = s->listeners[0].at;

	if (at.sa.sa_family == AF_UNIX || !addr_is_any(&at))
		return at;
	for (size_t i = 1; i < s->listening; i++)
		if (at.sa.sa_family != AF_INET && s->listeners[i].at.sa.sa_family == AF_INET &&
			addr_is_any(&s->listeners[i].at))
			at = s->listeners[i].at;
	return addr_loopback(addr_host(&at).sa.sa_family, addr_port(&at));
}

/* In the background none reads a pipe or a terminal for us; a file is there for later. */
static int serve_ready_check_output(const struct mode *mode, struct err *err)
{
	struct stat is;

	if (!mode->uses_std)
		return 0;
	if (!mode->only_writes) {
		err_set(err, ERR_USAGE,
			"'--background' is not for mode %s: it uses standard input and output",
			mode->name);
		return err_hint(err, "choose another mode, such as '--mode echo'");
	}
	if (sys_fstat(STDOUT_FILENO, &is) == 0 && S_ISREG(is.st_mode))
		return 0;
	err_set(err, ERR_USAGE, "'--background' with mode %s needs a file as standard output",
		mode->name);
	return err_hint(err, "redirect it, as in: >>FILE");
}

int serve_ready_check(const struct serve_run *run, struct err *err)
{
	const struct serve_ready_conf *conf = &run->conf->ready;

	if (conf->log && !conf->background) {
		err_set(err, ERR_USAGE, "'--log' needs '--background'");
		return err_hint(err, "without it, redirect standard error: 2>>FILE");
	}
	return conf->background ? serve_ready_check_output(run->mode, err) : 0;
}

int serve_ready_prepare(struct serve_run *run, struct err *err)
{
	const struct serve_ready_conf *conf = &run->conf->ready;

	if (ready_prepare(&run->ready, run->to, conf->to, err) < 0)
		return -1;
	if (background_open(&run->background, run->to, conf->log, err) == 0)
		return 0;
	ready_end(&run->ready);
	return -1;
}

/* The parent prints what the server says once it is ready: not into the file that the server
 * writes. */
static int serve_ready_print(struct serve_run *run, struct err *err)
{
	bool writes = run->background.writes;
	char said[200];

	if (background_wait(&run->background, said, sizeof(said), err) < 0)
		return -1;
	if (write_out(run->to, writes ? STDERR_FILENO : STDOUT_FILENO, span_of(said),
		    writes ? "standard error" : "standard output", err) == 0)
		return 1;
	background_stop(&run->background);
	return -1;
}

int serve_ready_detach(struct serve_run *run, struct err *err)
{
	int forked;

	if (!run->conf->ready.background)
		return 0;
	run->background.writes = run->mode->only_writes;
	forked = background_fork(&run->background, err);
	return forked > 0 ? serve_ready_print(run, err) : forked;
}

static void serve_ready_on_failed(void *arg, const struct err *why)
{
	serve_fail(arg, "--ready", why);
}

int serve_ready_begin(struct serve_run *run)
{
	if (notify_begin(&run->notify, run->to, &run->loop) < 0)
		return -1;
	return ready_begin(&run->ready, &run->loop, serve_ready_on_failed, run);
}

void serve_ready_stopping(struct serve_run *run)
{
	notify_say(&run->notify, "STOPPING=1");
}

void serve_ready_end(struct serve_run *run)
{
	ready_end(&run->ready);
	notify_end(&run->notify);
	background_end(&run->background);
}

/* The last message to the program that started us. */
static int serve_ready_leave(struct serve_run *run, const char *place, struct err *err)
{
	char word[200];

	if (!run->conf->ready.background)
		return 0;
	snprintf(word, sizeof(word), "%d %s\n", sys_pid(), place);
	standard_error_leave(run->to);
	if (run->to->level == LEVEL_PEOPLE)
		run->to->level = LEVEL_READY;
	run->to->colour = colour_wanted(run->conf->talk.color, false);
	return background_ready(&run->background, word, err);
}

/* What the service manager hears; from the background also which process goes on. */
static const char *serve_ready_state(struct serve_run *run)
{
	if (!run->conf->ready.background)
		return "READY=1";
	snprintf(run->notified, sizeof(run->notified), "READY=1\nMAINPID=%d", sys_pid());
	return run->notified;
}

int serve_ready_tell(void *arg, struct err *err)
{
	struct serve_run *run = arg;
	const struct addr at = serve_ready_address(&run->server);
	const struct addr_shown place = addr_words(&at);

	if (ready_tell(&run->ready, place.text, err) < 0)
		return -1;
	notify_say(&run->notify, serve_ready_state(run));
	return serve_ready_leave(run, place.text, err);
}
