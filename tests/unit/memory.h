#ifndef UNIT_MEMORY_H
#define UNIT_MEMORY_H

#include <stdbool.h>
#include <sys/resource.h>

/* Let no more memory be had than what is had now (or, where a sanitizer needs more, none for
 * allocations of ours): whatever is large fails. Hoard, and so does what is small. Assert nothing
 * before it is over. Returns the limit as it was, for allow_memory. */
struct rlimit allow_no_more_memory(void);
void allow_memory(const struct rlimit *before);
void hoard_memory(void);
void release_memory(void);

/* Have the nth allocation from now on fail, counted from 1, and no other; 0: none. Returns whether
 * the one that was to fail before has failed. What libc allocates for itself does not count. Assert
 * nothing before it is over, for that allocates. */
bool fail_allocation(unsigned nth);

#endif
