#include "memory.h"
#include "sanitized.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

/* A sanitizer needs memory of its own, and does not return when it gets none: no limit of the
 * system is set then. Our allocations fail all the same, as is_past_limit says. */
static const bool pretended = SANITIZED_MEMORY || SANITIZED_THREADS;

/* The largest allocation there is memory for. */
static atomic_size_t room = SIZE_MAX;
enum { SMALL_BYTES = 32 * 1024 };

static bool is_past_limit(size_t size)
{
	if (size <= atomic_load(&room))
		return false;
	errno = ENOMEM;
	return true;
}

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

	cr_assert(eq(int, getrlimit(RLIMIT_AS, &before), 0));
	if (pretended) {
		atomic_store(&room, SMALL_BYTES);
		return before;
	}
	grow_stack();
	f = fopen("/proc/self/statm", "r");
	cr_assert(f != NULL);
	cr_assert(eq(int, fscanf(f, "%lu", &pages), 1));
	fclose(f);
	now = before;
	now.rlim_cur = pages * (rlim_t)sysconf(_SC_PAGESIZE);
	cr_assert(eq(int, setrlimit(RLIMIT_AS, &now), 0));
	return before;
}

void allow_memory(const struct rlimit *before)
{
	atomic_store(&room, SIZE_MAX);
	cr_assert(eq(int, setrlimit(RLIMIT_AS, before), 0));
}

/* All that malloc still has, the large pieces first, as a chain. */
static void *hoard;

void hoard_memory(void)
{
	size_t size = 1 << 20;
	void **piece;

	if (pretended) {
		atomic_store(&room, 0);
		return;
	}
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
	if (pretended)
		atomic_store(&room, SMALL_BYTES);
	while (hoard) {
		void *next = *(void **)hoard;

		free(hoard);
		hoard = next;
	}
}

/* ---- one allocation fails ---- */

/* How many are still to come, the failing one included; 0: none is to fail. A look-up's thread
 * allocates, too. */
static atomic_uint to_come;

bool fail_allocation(unsigned nth)
{
	return atomic_exchange(&to_come, nth) == 0;
}

static bool is_to_fail(size_t size)
{
	unsigned left = atomic_load(&to_come);

	if (is_past_limit(size))
		return true;
	while (left && !atomic_compare_exchange_weak(&to_come, &left, left - 1))
		;
	if (left == 1)
		errno = ENOMEM;
	return left == 1;
}

/* The linker (--wrap, see Makefile) has our allocations come here. */
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size)
{
	return is_to_fail(size) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return is_to_fail(count * size) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
	return is_to_fail(size) ? NULL : __real_realloc(block, size);
}

char *__wrap_strdup(const char *text)
{
	return is_to_fail(strlen(text) + 1) ? NULL : __real_strdup(text);
}
