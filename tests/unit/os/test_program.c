#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "directory.h"
#include "memory.h"
#include "os/program.h"
#include "os/sys_process.h"

TestSuite(program, .timeout = 20);

static void found_at(const char *name, const char *path)
{
	const char *words[] = {name, "one", "two"};
	struct err err = {0};
	struct program p;

	cr_assert(eq(int, program_find(&p, words, 3, &err), 0), "%s", err.what);
	cr_assert(eq(str, p.path, (char *)path));
	cr_assert(eq(str, p.argv[0], (char *)name));
	cr_assert(eq(str, p.argv[2], "two"));
	cr_assert(eq(ptr, p.argv[3], NULL));
	cr_assert(eq(str, p.by_shell[0], "sh"));
	cr_assert(eq(str, p.by_shell[1], (char *)path));
	cr_assert(eq(str, p.by_shell[3], "two"));
	cr_assert(eq(ptr, p.by_shell[4], NULL));
	program_free(&p);
}

static void is_refused(const char *name, const char *what, const char *hint)
{
	struct err err = {0};
	struct program p;

	cr_assert(eq(int, program_find(&p, &name, 1, &err), -1));
	cr_assert(eq(int, (int)err.kind, ERR_USAGE));
	cr_assert(eq(str, err.what, (char *)what));
	cr_assert(eq(str, err.hint, (char *)hint));
	program_free(&p);
}

Test(program, is_the_first_in_path_that_can_be_executed)
{
	setenv("PATH", "/nowhere:/etc:/bin:/usr/bin", 1);
	found_at("sh", "/bin/sh");
	setenv("PATH", "/bin", 1);
	found_at("sh", "/bin/sh");
	unsetenv("PATH");
	found_at("sh", "/bin/sh");
	found_at("/bin/sh", "/bin/sh");
}

Test(program, an_empty_part_of_path_is_the_current_directory)
{
	setenv("PATH", "/nowhere:", 1);
	cr_assert(eq(int, chdir("/bin"), 0));
	found_at("sh", "./sh");
	found_at("./sh", "./sh");
}

Test(program, says_why_there_is_none)
{
	setenv("PATH", "/etc:/bin", 1);
	is_refused("no-such-program",
		"cannot run 'no-such-program': there is no such program in PATH", "");
	is_refused("/no/such", "cannot run '/no/such': No such file or directory", "");
	is_refused("/bin", "cannot run '/bin': Is a directory", "");
	is_refused("", "cannot run '': No such file or directory", "");
	is_refused("cat -n", "cannot run 'cat -n': there is no such program in PATH",
		"a program and its arguments are separate words; a line of the shell needs "
		"a shell to run it");
	setenv("PATH", "/etc:/nowhere", 1);
	is_refused("passwd", "cannot run 'passwd': Permission denied",
		"'chmod +x' makes a file executable");
	cr_assert(eq(int, chdir("/bin"), 0));
	is_refused("sh", "cannot run 'sh': there is no such program in PATH",
		"the one in this directory is './sh'");
}

Test(program, each_allocation_to_find_it_may_fail)
{
	const char *in_path[] = {"sh", "-c"}, *by_path[] = {"/bin/sh", "-c"};
	bool reached = true;
	unsigned nth = 1;

	for (; reached; nth++) {
		struct err err = {0};
		struct program p;
		int rc;

		fail_allocation(nth);
		rc = program_find(&p, nth % 2 ? in_path : by_path, 2, &err);
		reached = fail_allocation(0);
		cr_assert(eq(int, rc, reached ? -1 : 0), "allocation %u", nth);
		if (reached)
			cr_assert(eq(str, err.what, "cannot begin: out of memory"));
		program_free(&p);
	}
	cr_assert(gt(uint, nth, 3));
}

/* It is gone when it is to be started. */
static void find_one_that_goes(struct program *p)
{
	const char *words[] = {"./goes"};
	struct err err = {0};
	int fd;

	directory_enter();
	fd = open("goes", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	close(fd);
	cr_assert(eq(int, program_find(p, words, 1, &err), 0), "%s", err.what);
	unlink("goes");
	directory_leave();
}

Test(program, one_that_we_cannot_become_is_an_error_and_leaves_us_as_we_were)
{
	struct origin origin;
	struct program p;
	struct err err = {0};

	sys_note_origin(&origin);
	signal(SIGPIPE, SIG_IGN);
	find_one_that_goes(&p);
	cr_assert(eq(int, program_become(&p, &origin, &err), -1));
	cr_assert(eq(int, (int)err.kind, ERR_RUNTIME));
	cr_assert(eq(int, err.sys, ENOENT));
	cr_assert(eq(str, err.what, "cannot start './goes': No such file or directory"));
	cr_assert(sys_signal_is_ignored(SIGPIPE), "or a peer that is gone would kill us");
	cr_assert(sys_signal_is_ignored(SIGXFSZ));
	program_free(&p);
}
