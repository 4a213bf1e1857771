#ifndef SOCKX_OS_LIMITS_H
#define SOCKX_OS_LIMITS_H

#include <stddef.h>

struct reporter;

/* Raise the soft limit of descriptors to the hard one, and say how many more can be opened. fd is
 * one that is open: its copy tells which numbers are free. */
size_t limits_descriptors(struct reporter *to, int fd);

/* How many descriptors may be open at once: the soft limit. */
int limits_open_files(void);

/* The bytes of memory there are for us: the machine's, or RLIMIT_AS where that is less. */
size_t limits_memory(void);

#endif
