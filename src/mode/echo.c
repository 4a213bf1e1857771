/* echo: RFC 862 over any transport. */
#include "mode/mode.h"

static void echo_data(struct conn *c, struct span in)
{
	if (conn_write(c, in) < 0)
		conn_pause(c); /* it sends faster than it reads; .drained resumes */
}

const struct mode mode_echo = {
	.name = "echo",
	.summary = "send every byte back to its sender",
	.on = {.data = echo_data, .drained = conn_resume},
};
