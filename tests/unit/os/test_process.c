#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "os/process.h"
#include "script.h"

TestSuite(process, .timeout = 20);

Test(process, closed_standard_descriptors_are_reserved_for_reading_only)
{
	struct reporter to = silent_reporter();
	struct err err;
	char byte;

	close(0);
	close(1);
	cr_assert(eq(int, process_reserve_std(&to, &err), 0));
	cr_assert(eq(int, (int)read(0, &byte, 1), 0), "a closed 0 is an empty input");
	cr_assert(eq(int, (int)write(1, "x", 1), -1), "a closed 1 fails");
	cr_assert(eq(int, errno, EBADF));
	cr_assert(eq(int, fcntl(0, F_GETFD), 0));
}

Test(process, open_standard_descriptors_are_left_alone)
{
	struct reporter to = silent_reporter();
	struct stat before, after;
	struct err err;

	cr_assert(eq(int, fstat(2, &before), 0));
	cr_assert(eq(int, process_reserve_std(&to, &err), 0));
	cr_assert(eq(int, fstat(2, &after), 0));
	cr_assert(eq(u64, before.st_ino, after.st_ino));
	cr_assert(eq(u64, before.st_dev, after.st_dev));
}
