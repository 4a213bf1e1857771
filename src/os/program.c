#include "os/program.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "os/sys_process.h"

/* execve(2) wants words that it may write to, and does not write to them. */
static void program_put_word(char **slot, const char *word)
{
	memcpy(slot, &word, sizeof(word));
}

/* Returns 0, or -1 when memory is out. */
static int program_list_words(struct program *p, const char *const *words, size_t count)
{
	p->argv = calloc(2 * count + 3, sizeof(*p->argv));
	if (!p->argv)
		return -1;
	p->by_shell = p->argv + count + 1;
	program_put_word(&p->by_shell[0], "sh");
	p->by_shell[1] = p->path;
	for (size_t i = 0; i < count; i++) {
		program_put_word(&p->argv[i], words[i]);
		if (i)
			program_put_word(&p->by_shell[i + 1], words[i]);
	}
	return 0;
}

/* The file of that name in a directory of PATH, where "" is the current one; NULL: no memory. */
static char *program_path_in(const char *directory, size_t len, const char *name)
{
	size_t size = len + strlen(name) + 3;
	char *path = malloc(size);

	if (path && len)
		snprintf(path, size, "%.*s/%s", (int)len, directory, name);
	else if (path)
		snprintf(path, size, "./%s", name);
	return path;
}

/* Look for it in PATH. Returns 0 or an errno: that of a file which is there, if one is. */
static int program_look_up(struct program *p)
{
	const char *at = getenv("PATH");
	int why = ENOENT;
	size_t len;

	for (at = at ? at : "/bin:/usr/bin";; at += len + 1) {
		len = strcspn(at, ":");
		p->path = program_path_in(at, len, p->name);
		if (!p->path)
			return ENOMEM;
		if (sys_may_execute(p->path) == 0)
			return 0;
		if (errno == EACCES)
			why = EACCES;
		free(p->path);
		p->path = NULL;
		if (!at[len])
			return why;
	}
}

/* Returns 0 or an errno. */
static int program_locate(struct program *p)
{
	if (!*p->name)
		return ENOENT;
	if (!strchr(p->name, '/'))
		return program_look_up(p);
	p->path = strdup(p->name);
	if (!p->path)
		return ENOMEM;
	return sys_may_execute(p->path) < 0 ? errno : 0;
}

static int program_hint(const struct program *p, int why, struct err *err)
{
	char *here = program_path_in("", 0, p->name);
	bool is_here = here && !strchr(p->name, '/') && sys_may_execute(here) == 0;

	free(here);
	if (is_here)
		return err_hint(err, "the one in this directory is './%s'", p->name);
	if (why == ENOENT && strpbrk(p->name, " |;&<>$"))
		return err_hint(err,
			"a program and its arguments are separate words; a line of the shell needs "
			"a shell to run it");
	if (why == EACCES)
		return err_hint(err, "'chmod +x' makes a file executable");
	return -1;
}

static int program_missing(const struct program *p, int why, struct err *err)
{
	if (why == ENOMEM)
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	if (why == ENOENT && *p->name && !strchr(p->name, '/'))
		err_set(err, ERR_USAGE, "cannot run %s: there is no such program in PATH",
			quoted(p->name).text);
	else
		err_sys(err, ERR_USAGE, why, "cannot run %s", quoted(p->name).text);
	return program_hint(p, why, err);
}

int program_find(struct program *p, const char *const *words, size_t count, struct err *err)
{
	int why;

	*p = (struct program){.name = words[0]};
	why = program_locate(p);
	if (!why && program_list_words(p, words, count) < 0)
		why = ENOMEM;
	if (!why)
		return 0;
	program_missing(p, why, err);
	program_free(p);
	return -1;
}

int program_become(const struct program *p, const struct origin *origin, struct err *err)
{
	const struct sys_program program = {
		.path = p->path, .argv = p->argv, .by_shell = p->by_shell, .origin = origin};
	int error;

	sys_replace(&program);
	error = errno;
	sys_signal_ignore(SIGPIPE); /* as process_begin has it */
	sys_signal_ignore(SIGXFSZ);
	return err_sys(err, ERR_RUNTIME, error, "cannot start %s", quoted(p->name).text);
}

void program_free(struct program *p)
{
	free(p->path);
	free(p->argv);
	*p = (struct program){0};
}
