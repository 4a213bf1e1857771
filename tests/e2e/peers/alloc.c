/* A preloaded shim: the FAIL_AT-th allocation fails, and with FAIL_EVER all that follow it do, too.
 * At exit it appends how many there were to the file that ALLOC_LOG names. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* glibc's own names for what is replaced here. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static unsigned long allocations, fail_at;
static int fail_ever, ready;

/* Whether this allocation is one that fails. */
static int fails(void)
{
	if (!ready) {
		const char *at = getenv("FAIL_AT");

		ready = 1;
		fail_at = at ? strtoul(at, NULL, 10) : 0;
		fail_ever = getenv("FAIL_EVER") != NULL;
	}
	allocations++;
	if (!fail_at || allocations < fail_at || (allocations > fail_at && !fail_ever))
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}

__attribute__((destructor)) static void tell(void)
{
	const char *path = getenv("ALLOC_LOG");
	int log = path ? open(path, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
	char line[32];
	int len = snprintf(line, sizeof(line), "%lu\n", allocations);

	if (log < 0 || write(log, line, (size_t)len) != len)
		return;
	close(log);
}
