#include "mode/mode.h"

#include <string.h>

const struct mode *const modes[] = {&mode_pipe, &mode_echo, &mode_greet, &mode_chat, &mode_analyze,
	&mode_discard, &mode_source, NULL};

const struct mode *mode_find(const char *name)
{
	for (size_t i = 0; modes[i]; i++)
		if (strcmp(modes[i]->name, name) == 0)
			return modes[i];
	return NULL;
}

bool mode_choice(size_t i, struct opt_choice *out)
{
	if (i >= sizeof(modes) / sizeof(modes[0]) - 1)
		return false;
	*out = (struct opt_choice){modes[i]->name, modes[i]->summary};
	return true;
}

int mode_fits(const struct mode *mode, const struct transport *via, struct err *err)
{
	if (!mode->no_datagrams || !via->connectionless)
		return 0;
	err_set(err, ERR_USAGE, "mode %s does not go over datagrams: %s", mode->name,
		mode->no_datagrams);
	return err_hint(err, "leave out '--udp', or use --seqpacket with a Unix socket");
}

const void *mode_conf(const struct mode *mode, const struct opt_set *set, const void *conf)
{
	for (size_t g = 0; g < set->count; g++)
		if (set->groups[g].rows == mode->options)
			return (const char *)conf + set->groups[g].offset;
	return NULL;
}
