#include "words.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "cmd/commands.h"
#include "memory.h"
#include "script.h"

enum { WORDS_MAX = 16 };

static void run_parsed(
	const char *const *words, struct reporter *to, unsigned nth, struct outcome *out)
{
	const struct command *command = command_find(words[0]);
	struct opt_set set = {0};
	struct opt_args args = {0};
	char *argv[WORDS_MAX] = {0}, *own[WORDS_MAX] = {0};
	int argc = 0;
	void *conf;

	*out = (struct outcome){0};
	for (; words[1 + argc]; argc++)
		argv[argc] = own[argc] = strdup(words[1 + argc]);
	cr_assert(le(int, argc, WORDS_MAX));
	command->options(&set);
	conf = calloc(1, set.conf_size);
	cr_assert(eq(int, opts_parse(&set, words[0], conf, argc, argv, &args, &out->err), OPTS_RUN),
		"%s", out->err.what);
	fail_allocation(nth);
	out->rc = command->run(to, conf, &set, &args, &out->err);
	out->all_there = !fail_allocation(0) || !nth;
	free(conf);
	for (int i = 0; i < argc; i++)
		free(own[i]);
}

void run_words(const char *const *words, struct reporter *to, struct outcome *out)
{
	run_parsed(words, to, 0, out);
}

static void put_in_place(int fd, int number)
{
	cr_assert(eq(int, dup2(fd, number), number));
	close(fd);
}

static void run(const char *const *words, const char *input, struct reporter *to, unsigned nth,
	struct outcome *out)
{
	int own_in = dup(STDIN_FILENO), own_out = dup(STDOUT_FILENO);
	int in = memfd_create("input", MFD_CLOEXEC), kept = memfd_create("output", MFD_CLOEXEC);

	signal(SIGPIPE, SIG_IGN);
	cr_assert(eq(sz, (size_t)write(in, input, strlen(input)), strlen(input)));
	cr_assert(eq(long, lseek(in, 0, SEEK_SET), 0));
	put_in_place(in, STDIN_FILENO);
	cr_assert(eq(int, dup2(kept, STDOUT_FILENO), STDOUT_FILENO));
	run_parsed(words, to, nth, out);
	put_in_place(own_in, STDIN_FILENO);
	put_in_place(own_out, STDOUT_FILENO);
	cr_assert(ge(long, pread(kept, out->said, sizeof(out->said) - 1, 0), 0));
	close(kept);
}

void run_with(const char *const *words, const char *input, struct reporter *to, struct outcome *out)
{
	run(words, input, to, 0, out);
}

void run_failing(const char *const *words, const char *input, unsigned nth, struct outcome *out)
{
	struct reporter to = silent_reporter();

	run(words, input, &to, nth, out);
}
