#ifndef UNIT_MODE_STD_PIPES_H
#define UNIT_MODE_STD_PIPES_H

#include <fcntl.h>
#include <unistd.h>

#include "check.h"

/* Descriptors 0 and 1 as pipes of which the test holds the other ends. */

/* Have a descriptor at another number. */
static inline void take_over(int from, int number)
{
	cr_assert(eq(int, dup2(from, number), number));
	close(from);
}

static inline void let_go(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* What is written to *in is standard input, what goes to standard output is read from *out; neither
 * waits. */
static inline void lay_pipes(int *in, int *out)
{
	int input[2], output[2];

	cr_assert(eq(int, pipe2(input, O_CLOEXEC), 0));
	cr_assert(eq(int, pipe2(output, O_CLOEXEC), 0));
	*in = input[1];
	*out = output[0];
	take_over(input[0], 0);
	take_over(output[1], 1);
	cr_assert(eq(int, fcntl(*in, F_SETFL, O_NONBLOCK), 0));
	cr_assert(eq(int, fcntl(*out, F_SETFL, O_NONBLOCK), 0));
}

#endif
