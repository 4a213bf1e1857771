#include "mode/mode.h"

#include <string.h>

const struct mode *const modes[] = {&mode_pipe, &mode_echo, &mode_discard, &mode_source, NULL};

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
