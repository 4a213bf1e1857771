#include "core/scratch.h"

#include <stdlib.h>

#include "os/sys_file.h"

int scratch_init(struct scratch *s)
{
	*s = (struct scratch){.room = malloc(SCRATCH_ROOM_BYTES)};
	return s->room ? 0 : -1;
}

static void scratch_close_pipe(struct lent_pipe *pipe, struct reporter *to)
{
	if (pipe->made) {
		sys_close(to, pipe->read_end);
		sys_close(to, pipe->write_end);
	}
	*pipe = (struct lent_pipe){0};
}

void scratch_free(struct scratch *s, struct reporter *to)
{
	for (size_t i = 0; i < SCRATCH_PIPES; i++)
		scratch_close_pipe(&s->pipes[i], to);
	free(s->room);
	s->room = NULL;
}

int scratch_renew_room(struct scratch *s)
{
	uint8_t *room = malloc(SCRATCH_ROOM_BYTES);

	if (!room)
		return -1;
	s->room = room;
	return 0;
}

/* A pipe of two pages would take more calls than reading and writing does, and the next one would
 * be no larger. */
static bool scratch_is_wide(struct reporter *to, int fd)
{
	return sys_set_pipe_size(to, fd, SCRATCH_PIPE_BYTES) >= 0 ||
	       sys_set_pipe_size(to, fd, SCRATCH_PIPE_MIN_BYTES) >= 0;
}

static bool scratch_make_pipe(struct scratch *s, struct lent_pipe *pipe, struct reporter *to)
{
	int ends[2];

	if (s->used_up || sys_pipe(to, ends) < 0)
		return false;
	*pipe = (struct lent_pipe){.read_end = ends[0], .write_end = ends[1], .made = true};
	s->used_up = !scratch_is_wide(to, ends[1]);
	if (s->used_up)
		scratch_close_pipe(pipe, to);
	return !s->used_up;
}

struct lent_pipe *scratch_lend_pipe(struct scratch *s, struct reporter *to)
{
	for (size_t i = 0; i < SCRATCH_PIPES; i++) {
		struct lent_pipe *pipe = &s->pipes[i];

		if (pipe->lent)
			continue;
		if (!pipe->made && !scratch_make_pipe(s, pipe, to))
			return NULL;
		pipe->lent = true;
		return pipe;
	}
	return NULL;
}

void scratch_take_pipe(struct lent_pipe *pipe, struct reporter *to)
{
	pipe->lent = false;
	if (pipe->held)
		scratch_close_pipe(pipe, to);
}
