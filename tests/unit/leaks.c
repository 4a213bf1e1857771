#include "sanitized.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "mode/mode.h"

#if SANITIZED_MEMORY
#include <sanitizer/allocator_interface.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#endif

/*
 * A look at what each test leaves. It fails if a descriptor that it opened is still open, or one
 * that was open before it is closed; under AddressSanitizer also if it lost memory.
 *
 * Criterion runs a test in a process of its own, by criterion_internal_test_main, between its init
 * and fini. The linker (--wrap, see Makefile) puts our function there. A test that is skipped, or
 * fails, leaves by longjmp: its descriptors and memory are not looked at.
 */

enum { NUMBERS = 4096, AT_ONCE = 64, PATIENCE_MS = 1000 };

/* Which numbers are open. poll tells of many at once; to read /proc would take a descriptor. */
struct open_numbers {
	bool open[NUMBERS];
};

static struct open_numbers numbers_now(void)
{
	struct open_numbers n;

	for (int first = 0; first < NUMBERS; first += AT_ONCE) {
		struct pollfd some[AT_ONCE];

		for (int i = 0; i < AT_ONCE; i++)
			some[i] = (struct pollfd){.fd = first + i};
		cr_assert(ge(int, poll(some, AT_ONCE, 0), 0), "poll: %s", strerror(errno));
		for (int i = 0; i < AT_ONCE; i++)
			n.open[first + i] = !(some[i].revents & POLLNVAL);
	}
	return n;
}

static void compare(const struct open_numbers *before, const struct open_numbers *now)
{
	for (int fd = 0; fd < NUMBERS; fd++) {
		char name[64], what[256] = "";

		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		if (now->open[fd] > before->open[fd] && readlink(name, what, sizeof(what) - 1) >= 0)
			cr_expect(false, "descriptor %d is left open: %s", fd, what);
		if (now->open[fd] < before->open[fd])
			cr_expect(
				false, "descriptor %d was open before the test and is closed", fd);
	}
}

static void look_at_descriptors(const struct open_numbers *before)
{
	struct open_numbers now = numbers_now();

	/* A helper thread that has answered may not have ended yet. */
	for (int i = 0; i < PATIENCE_MS && memcmp(before, &now, sizeof(now)) != 0; i++) {
		usleep(1000);
		now = numbers_now();
	}
	compare(before, &now);
}

#if SANITIZED_MEMORY
/* The blocks of memory that are in use: their number, and all of their addresses in one, inverted,
 * or LeakSanitizer would find in it the one that was lost. */
static atomic_uintptr_t blocks, addresses;

static void block_taken(const volatile void *block, size_t size)
{
	(void)size;
	if (!block)
		return;
	atomic_fetch_add(&blocks, 1);
	atomic_fetch_xor(&addresses, ~(uintptr_t)block);
}

static void block_freed(const volatile void *block)
{
	if (!block)
		return;
	atomic_fetch_sub(&blocks, 1);
	atomic_fetch_xor(&addresses, ~(uintptr_t)block);
}

static void begin_with_memory(void)
{
	cr_assert(ne(int, __sanitizer_install_malloc_and_free_hooks(block_taken, block_freed), 0));
}

/* LeakSanitizer stops the process to look, for 20 ms: only where something is left to be found. */
static void look_at_memory(void)
{
	if (blocks != 0 || addresses != 0)
		cr_expect(eq(int, __lsan_do_recoverable_leak_check(), 0),
			"a block of memory is left: LeakSanitizer's report says which");
}
#else
static void begin_with_memory(void)
{
}

static void look_at_memory(void)
{
}
#endif

/* The test of this process: Criterion calls it without an argument. */
static void (*test)(void);

static void run_and_look(void)
{
	const struct open_numbers before = numbers_now();

	begin_with_memory();
	test();
	look_at_descriptors(&before);
	look_at_memory();
}

void __real_criterion_internal_test_main(void (*fn)(void));
void __wrap_criterion_internal_test_main(void (*fn)(void));

void __wrap_criterion_internal_test_main(void (*fn)(void))
{
	test = fn;
	__real_criterion_internal_test_main(run_and_look);
}

/* tests/check has it fail, with SOCKX_TEST_LEAVES=descriptor and =block. */
Test(leaks, only_what_it_is_asked_to_leave_is_left)
{
	const char *what = getenv("SOCKX_TEST_LEAVES");

	if (what && strcmp(what, "descriptor") == 0)
		cr_assert(ge(int, dup(STDOUT_FILENO), 0));
	if (what && strcmp(what, "block") == 0) {
		void *volatile lost;

		/* Of the last one the stack may still have the address. */
		for (int i = 0; i < 10; i++)
			lost = malloc(100);
		lost = NULL;
		(void)lost;
	}
}

#if SANITIZED_MEMORY
/* By the flags of a build, or the order of its objects, those of some could be left out unseen. */
Test(leaks, what_lies_past_a_global_is_watched)
{
	static char own[3];
	static const char *const literal = "a literal";

	cr_expect(not(__asan_address_is_poisoned(own + sizeof(own) - 1)));
	cr_expect(__asan_address_is_poisoned(own + sizeof(own)));
	cr_expect(__asan_address_is_poisoned(literal + strlen(literal) + 1));
	cr_expect(__asan_address_is_poisoned(&mode_echo + 1));
}
#endif
