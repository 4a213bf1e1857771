/* How long one whole client run takes, `echo hi | client`: each command in turn, round after round,
 * wall time from spawn to exit; medians, and each one's ratio to the last command's.
 *
 *     startup ROUNDS COMMAND [; COMMAND]...      (a lone ";" word separates) */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COMMANDS_MAX = 8 };

extern char **environ;

struct command {
	char **argv;
	double *us;
	int failures;
};

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Standard input: a pipe that holds "hi\n" and has ended. Output is thrown away. */
static int spawn_client(char **argv, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	int ends[2], error;

	if (pipe2(ends, O_CLOEXEC) < 0 || write(ends[1], "hi\n", 3) != 3)
		return -1;
	close(ends[1]);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, ends[0], 0);
	posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
	error = posix_spawnp(pid, argv[0], &files, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	close(ends[0]);
	errno = error;
	return error ? -1 : 0;
}

static int run_once(struct command *c, int round)
{
	const double began = now_us();
	int status;
	pid_t pid;

	if (spawn_client(c->argv, &pid) < 0 || waitpid(pid, &status, 0) < 0) {
		fprintf(stderr, "startup: %s: %s\n", c->argv[0], strerror(errno));
		return -1;
	}
	c->us[round] = now_us() - began;
	c->failures += status != 0;
	return 0;
}

static int by_size(const void *a, const void *b)
{
	const double *one = a, *other = b;

	return *one < *other ? -1 : *one > *other;
}

static double median(const struct command *c, int rounds)
{
	qsort(c->us, (size_t)rounds, sizeof(*c->us), by_size);
	return c->us[rounds / 2];
}

/* Cut argv at each ";"; returns how many commands there are, or -1. */
static int split(int argc, char **argv, struct command *commands, int rounds)
{
	int count = 0;

	for (int i = 0; i < argc; i++) {
		if (i == 0 || !argv[i - 1]) {
			if (count == COMMANDS_MAX)
				return -1;
			commands[count].argv = &argv[i];
			commands[count].us = calloc((size_t)rounds, sizeof(double));
			if (!commands[count++].us)
				return -1;
		}
		if (strcmp(argv[i], ";") == 0)
			argv[i] = NULL;
	}
	return count;
}

static int print(struct command *commands, int count, int rounds)
{
	double last = median(&commands[count - 1], rounds);
	int failures = 0;

	for (int i = 0; i < count; i++) {
		double us = median(&commands[i], rounds);

		printf("%-12s median_us=%.0f ratio=%.3f failures=%d\n",
			strrchr(commands[i].argv[0], '/') ? strrchr(commands[i].argv[0], '/') + 1
							  : commands[i].argv[0],
			us, us / last, commands[i].failures);
		failures += commands[i].failures;
	}
	return failures ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct command commands[COMMANDS_MAX] = {{0}};
	int rounds = argc > 2 ? atoi(argv[1]) : 0;
	int count = rounds > 0 ? split(argc - 2, argv + 2, commands, rounds) : -1;

	if (count < 1) {
		fprintf(stderr, "usage: startup ROUNDS COMMAND [\\; COMMAND]...\n");
		return 2;
	}
	for (int round = 0; round < rounds; round++)
		for (int i = 0; i < count; i++)
			if (run_once(&commands[i], round) < 0)
				return 1;
	return print(commands, count, rounds);
}
