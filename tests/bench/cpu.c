/* How much of a processor a server takes, with every thread of it and of its descendants.
 *
 *     cpu PID SECONDS
 *
 * Looks twice, so far apart, and prints the processor time they had in between, in microseconds a
 * second. Exact to a tick of the clock (4 ms), which is when the kernel brings a running task's
 * figure up to date. Exit status 1 if one of them went meanwhile: the figure would be too low. (The
 * cutime of /proc/PID/stat would need them to have ended and been waited for, and counts in ticks.)
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* A task's schedstat, kept open: looking again costs one call, and nothing is looked for twice. */
struct task {
	int schedstat;
	int64_t at_ns, had_ns; /* when it was looked at, and what it had had by then */
};

struct tasks {
	struct task *all;
	size_t count;
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool look(struct task *t)
{
	char text[64];
	ssize_t n = pread(t->schedstat, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return false;
	text[n] = '\0';
	t->at_ns = now_ns();
	t->had_ns = strtoll(text, NULL, 10);
	return true;
}

static bool add_task(struct tasks *ts, const char *directory)
{
	char path[96];
	struct task *all = realloc(ts->all, (ts->count + 1) * sizeof(*all));

	if (!all)
		return false;
	ts->all = all;
	snprintf(path, sizeof(path), "%s/schedstat", directory);
	all[ts->count].schedstat = open(path, O_RDONLY | O_CLOEXEC);
	return all[ts->count].schedstat >= 0 && look(&all[ts->count++]);
}

static bool add_process(struct tasks *ts, uint64_t pid);

static bool add_children(struct tasks *ts, const char *directory)
{
	char path[96];
	uint64_t child;
	bool ok = true;
	FILE *f;

	snprintf(path, sizeof(path), "%s/children", directory);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (fscanf(f, "%" SCNu64, &child) == 1)
		ok = add_process(ts, child) && ok;
	fclose(f);
	return ok;
}

static bool add_process(struct tasks *ts, uint64_t pid)
{
	char path[48], directory[80];
	struct dirent *entry;
	bool ok = true;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%" PRIu64 "/task", pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(directory, sizeof(directory), "%s/%.20s", path, entry->d_name);
		ok = add_task(ts, directory) && add_children(ts, directory) && ok;
	}
	closedir(dir);
	return ok;
}

/* Microseconds a second, of all together; below 0: one is gone. */
static double since_last(struct tasks *ts)
{
	double sum = 0;

	for (size_t i = 0; i < ts->count; i++) {
		const struct task before = ts->all[i];

		if (!look(&ts->all[i]))
			return -1;
		sum += (double)(ts->all[i].had_ns - before.had_ns) /
		       (double)(ts->all[i].at_ns - before.at_ns);
	}
	return sum * 1e6;
}

static void allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(int argc, char **argv)
{
	struct tasks ts = {0};
	struct timespec apart;
	double seconds, taken;

	seconds = argc == 3 ? strtod(argv[2], NULL) : 0;
	if (!(seconds > 0)) {
		fprintf(stderr, "usage: cpu PID SECONDS\n");
		return 2;
	}
	allow_descriptors();
	apart.tv_sec = (time_t)seconds;
	apart.tv_nsec = (long)((seconds - (double)apart.tv_sec) * 1e9);
	if (!add_process(&ts, strtoull(argv[1], NULL, 10)))
		return 1;
	nanosleep(&apart, NULL);
	taken = since_last(&ts);
	free(ts.all);
	if (taken < 0)
		return 1;
	printf("%.0f\n", taken);
	return 0;
}
