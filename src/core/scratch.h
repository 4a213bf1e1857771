#ifndef SOCKX_CORE_SCRATCH_H
#define SOCKX_CORE_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a worker lends to its connections: the room that they read into, for the length of one call,
 * and pipes to move bytes through in the kernel, each for as long as bytes are in it.
 *
 * The pipes are few, for all that one user has count together: after 64 pipes of 1 MiB the kernel
 * gives each new one of that user two pages (pipe(7), pipe-user-pages-soft). Where there is none
 * left, or only such small ones, bytes are read and written.
 */

struct reporter;

enum {
	SCRATCH_ROOM_BYTES = 256 * 1024,
	SCRATCH_PIPES = 16,
	SCRATCH_PIPE_BYTES = 1024 * 1024,   /* what one of them holds, where the kernel allows it */
	SCRATCH_PIPE_MIN_BYTES = 64 * 1024, /* ... and at least: what any pipe holds by default */
};

/* A pipe of ours. */
struct lent_pipe {
	int read_end, write_end;
	size_t held; /* bytes in it */
	bool made, lent;
};

struct scratch {
	uint8_t *room; /* SCRATCH_ROOM_BYTES */
	struct lent_pipe pipes[SCRATCH_PIPES];
	bool used_up; /* the kernel gives this user only small pipes by now */
};

/* Returns 0, or -1 when memory is out. */
int scratch_init(struct scratch *s);

/* Close what is open. It may be called for one that is all zero. */
void scratch_free(struct scratch *s, struct reporter *to);

/* Another room in place of the one there is, which is the caller's from now on. Returns 0, or -1
 * when memory is out: then nothing has changed. */
int scratch_renew_room(struct scratch *s);

/* An empty pipe, or NULL where there is none left or none to be had. */
struct lent_pipe *scratch_lend_pipe(struct scratch *s, struct reporter *to);

/* Take one back; what is still in it is lost. */
void scratch_take_pipe(struct lent_pipe *pipe, struct reporter *to);

#endif
