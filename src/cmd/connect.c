/* sockx connect: join standard input and output to a server. */
#include <stdlib.h>

#include "cmd/client.h"
#include "cmd/commands.h"
#include "mode/mode.h"
#include "transport/fd.h"

struct connect_conf {
	struct client_conf client; /* first: see struct talk_conf */
};

struct connect_run {
	struct client client;
	struct mode_env env;
};

static void connect_options(struct opt_set *set)
{
	set->conf_size = sizeof(struct connect_conf);
	client_options(set);
	opt_set_add_mode(
		set, "Data", mode_pipe.options, mode_pipe.option_count, mode_pipe.conf_size, NULL);
}

/* The connection is over; what came by it may still have to be written. */
static void on_over(struct client *client, const struct err *why)
{
	struct connect_run *run = container_of(client, struct connect_run, client);

	client_blame(client, why);
	mode_pipe.finish(&run->env);
}

static void on_done(void *arg, const struct err *why)
{
	struct connect_run *run = arg;

	client_blame(&run->client, why);
	client_stop(&run->client);
}

static int connect_run(struct reporter *to, void *conf, const struct opt_set *set,
	const struct opt_args *args, struct err *err)
{
	struct connect_run run = {0};
	void *state = calloc(1, mode_pipe.state_size);
	int rc = -1;

	if (!state)
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	if (client_init(&run.client, to, conf, &mode_pipe.on, state, err) < 0)
		goto out;
	run.client.over = on_over;
	run.env = (struct mode_env){.loop = &run.client.loop,
		.to = to,
		.room = run.client.owner.room,
		.state = state,
		.open_std = fd_open_std,
		.conf = (char *)conf + set->groups[set->count - 1].offset,
		.done = on_done,
		.arg = &run};
	if (client_aim(&run.client, "connect", args, err) == 0 &&
		mode_pipe.begin(&run.env, err) == 0)
		rc = client_run(&run.client, err);
	mode_pipe.end(&run.env);
	client_free(&run.client);
out:
	free(state);
	return rc;
}

const struct command command_connect = {
	.name = "connect",
	.summary = "join standard input and output to a server",
	.purpose =
		"Send standard input to a server and write what it answers to standard output. "
		"Either direction's end is passed on at once; the status is 0 only if every byte "
		"went where it should.",
	.usage = {"[OPTION...] [HOST [PORT] | HOST:PORT | unix:PATH]"},
	.examples = {{"printf 'Hello, world' | sockx connect localhost 65432",
			     "send, print the answer"},
		{"sockx connect example.org:80 -C <request", "send a request with CR LF line ends"},
		{"sockx connect -w 2s 192.0.2.1 22 </dev/null", "see whether a port answers"}},
	.words = WORDS_ADDRESS,
	.options = connect_options,
	.run = connect_run,
};
