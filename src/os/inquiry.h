#ifndef SOCKX_OS_INQUIRY_H
#define SOCKX_OS_INQUIRY_H

#include "os/loop.h"

/* SIGUSR1 as an event of the loop: how far is it? It would end a program that has no use for it, so
 * it is held back until the end of the process. One that the parent had ignored stays ignored. */
struct inquiry {
	struct loop *loop; /* NULL: not open */
	struct watch watch;
	void (*asked)(void *arg); /* filled by the caller, as arg */
	void *arg;
};

/* Watch for it. Where there is no descriptor for that, the signal keeps its default action. */
void inquiry_open(struct inquiry *q, struct loop *loop);

/* Watch no more. Also for one that is not open. */
void inquiry_close(struct inquiry *q);

#endif
