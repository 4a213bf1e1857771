#include <fcntl.h>
#include <unistd.h>

#include "check.h"
#include "core/scratch.h"
#include "directory.h"
#include "report/report.h"

TestSuite(scratch, .timeout = 20);

enum { SOMEBODY = 64999, PIPES_MAX = 400 };

/* The pipes of a user of no other process: what is theirs alone can be used up. */
static void be_somebody(void)
{
	if (geteuid() != 0)
		cr_skip_test("another user cannot be had");
	cr_assert(eq(int, seteuid(SOMEBODY), 0));
}

/* Take all pipes that this user may have. Returns how many of them are open, 0 if there is no end.
 */
static size_t use_up_pipes(int pipes[][2])
{
	for (size_t i = 0; i < PIPES_MAX; i++) {
		if (pipe2(pipes[i], O_CLOEXEC) < 0)
			return 0;
		fcntl(pipes[i][0], F_SETPIPE_SZ, SCRATCH_PIPE_BYTES);
		if (fcntl(pipes[i][0], F_GETPIPE_SZ) < SCRATCH_PIPE_MIN_BYTES)
			return i + 1;
	}
	return 0;
}

Test(scratch, a_pipe_is_lent_to_one_at_a_time_and_used_again)
{
	struct reporter to = {0};
	struct scratch s;
	struct lent_pipe *one, *other;

	cr_assert(eq(int, scratch_init(&s), 0));
	one = scratch_lend_pipe(&s, &to);
	other = scratch_lend_pipe(&s, &to);
	cr_assert(one && other && one != other);
	cr_assert(ge(int, fcntl(one->read_end, F_GETPIPE_SZ), SCRATCH_PIPE_MIN_BYTES));
	scratch_take_pipe(one, &to);
	cr_assert(eq(ptr, scratch_lend_pipe(&s, &to), one));
	scratch_free(&s, &to);
}

Test(scratch, where_the_kernel_gives_small_pipes_none_is_lent_nor_asked_for_again)
{
	struct reporter to = {0};
	struct scratch s;
	static int pipes[PIPES_MAX][2];
	size_t count;
	int lowest_free;

	be_somebody();
	count = use_up_pipes(pipes);
	if (!count)
		cr_skip_test("this user has as many pipes as they like");
	cr_assert(eq(int, scratch_init(&s), 0));
	lowest_free = dup(0);
	close(lowest_free);
	cr_assert(eq(ptr, scratch_lend_pipe(&s, &to), NULL));
	cr_assert(s.used_up);
	cr_assert(eq(ptr, scratch_lend_pipe(&s, &to), NULL));
	cr_assert(eq(int, dup(0), lowest_free), "nothing is left open");
	close(lowest_free);
	for (size_t i = 0; i < count; i++) {
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
	scratch_free(&s, &to);
	be_ourselves();
}
