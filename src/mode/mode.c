#include "mode/mode.h"

#include <string.h>

const struct mode *const modes[] = {&mode_pipe, &mode_echo, &mode_greet, &mode_chat, &mode_analyze,
	&mode_discard, &mode_source, &mode_exec, &mode_relay, &mode_broker, &mode_collect, NULL};

const struct mode *mode_find(const char *name)
{
	for (size_t i = 0; modes[i]; i++)
		if (strcmp(modes[i]->name, name) == 0)
			return modes[i];
	return NULL;
}

bool mode_takes_program(const char *name)
{
	const struct mode *mode = mode_find(name);

	return mode && mode->takes_program;
}

bool mode_is_of(const struct mode *mode, enum mode_side side)
{
	return side == MODE_OF_SERVE || mode->client_summary;
}

bool mode_choice(size_t i, struct opt_choice *out)
{
	if (i >= sizeof(modes) / sizeof(modes[0]) - 1)
		return false;
	*out = (struct opt_choice){modes[i]->name, modes[i]->summary};
	return true;
}

bool mode_client_choice(size_t i, struct opt_choice *out)
{
	for (size_t m = 0; modes[m]; m++) {
		if (!mode_is_of(modes[m], MODE_OF_CONNECT) || i-- > 0)
			continue;
		*out = (struct opt_choice){modes[m]->name, modes[m]->client_summary};
		return true;
	}
	return false;
}

void mode_end_run(struct mode_env *env, const struct err *verdict)
{
	if (env->over)
		return;
	env->over = true;
	env->done(env->arg, verdict->kind ? verdict : NULL);
}

int mode_fits(
	const struct mode *mode, const void *conf, const struct transport *via, struct err *err)
{
	if (!mode->no_datagrams || !via->connectionless)
		return mode->fits ? mode->fits(conf, via, err) : 0;
	err_set(err, ERR_USAGE, "mode %s does not work over datagrams: %s", mode->name,
		mode->no_datagrams);
	return err_hint(err, "leave out '--udp', or use --seqpacket with a Unix socket");
}
