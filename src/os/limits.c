#include "os/limits.h"

#include <stdint.h>
#include <unistd.h>

#include "os/sys_file.h"
#include "os/sys_process.h"

size_t limits_descriptors(struct reporter *to, int fd)
{
	struct rlimit limit;
	int lowest_free;
	size_t most;

	if (sys_get_nofile(&limit) < 0)
		return 0;
	limit.rlim_cur = limit.rlim_max;
	sys_set_nofile(&limit);
	sys_get_nofile(&limit);
	lowest_free = sys_dup(to, fd);
	if (lowest_free < 0)
		return 0;
	sys_close(to, lowest_free);
	most = limit.rlim_cur > INT32_MAX ? INT32_MAX : (size_t)limit.rlim_cur;
	return most > (size_t)lowest_free ? most - (size_t)lowest_free : 0;
}

int limits_open_files(void)
{
	struct rlimit limit;

	if (sys_get_nofile(&limit) < 0 || limit.rlim_cur > INT32_MAX)
		return INT32_MAX;
	return (int)limit.rlim_cur;
}

size_t limits_memory(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
	size_t bytes = SIZE_MAX;
	struct rlimit limit;

	if (pages > 0 && page_bytes > 0)
		bytes = (size_t)pages * (size_t)page_bytes;
	if (sys_get_as(&limit) == 0 && limit.rlim_cur < bytes)
		bytes = (size_t)limit.rlim_cur;
	return bytes;
}
