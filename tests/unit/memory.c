#include "memory.h"
#include "sanitized.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

static const bool sanitized = SANITIZED_MEMORY || SANITIZED_THREADS;

/* The stack grows as it is used, and could not under the limit. */
static void grow_stack(void)
{
	volatile char pages[256 * 1024];

	for (size_t i = 0; i < sizeof(pages); i += 1024)
		pages[i] = 1;
}

struct rlimit allow_no_more_memory(void)
{
	struct rlimit before, now;
	unsigned long pages = 0;
	FILE *f;

	if (sanitized)
		cr_skip_test("a sanitizer needs memory of its own");
	grow_stack();
	f = fopen("/proc/self/statm", "r");
	cr_assert(f != NULL);
	cr_assert(eq(int, fscanf(f, "%lu", &pages), 1));
	fclose(f);
	cr_assert(eq(int, getrlimit(RLIMIT_AS, &before), 0));
	now = before;
	now.rlim_cur = pages * (rlim_t)sysconf(_SC_PAGESIZE);
	cr_assert(eq(int, setrlimit(RLIMIT_AS, &now), 0));
	return before;
}

void allow_memory(const struct rlimit *before)
{
	cr_assert(eq(int, setrlimit(RLIMIT_AS, before), 0));
}

/* All that malloc still has, the large pieces first, as a chain. */
static void *hoard;

void hoard_memory(void)
{
	size_t size = 1 << 20;
	void **piece;

	while (size >= 16) {
		piece = malloc(size);
		if (piece) {
			*piece = hoard;
			hoard = piece;
		} else {
			size = size > 2048 ? size / 2 : size - 16;
		}
	}
}

void release_memory(void)
{
	while (hoard) {
		void *next = *(void **)hoard;

		free(hoard);
		hoard = next;
	}
}
