/* Writes what is generated from the tables: the shells' completions, and the manual's lists of
 * options in the page that is there. Run by `make docs`; not installed. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/complete.h"
#include "cmd/commands.h"

enum { NAME_BYTES = 64 };

struct manual {
	const char *path;
	FILE *file;
	char *line;
	size_t size;
	unsigned number; /* of the line */
};

static int next_line(struct manual *m)
{
	ssize_t len = getline(&m->line, &m->size, m->file);

	if (len < 0)
		return -1;
	m->number++;
	if (len > 0 && m->line[len - 1] == '\n')
		m->line[len - 1] = '\0';
	return 0;
}

/* Whether the line is `.\" options of NAME EDGE`; fills in NAME. */
static bool is_edge(const struct manual *m, const char *edge, char name[NAME_BYTES])
{
	char expected[NAME_BYTES + 64];

	if (sscanf(m->line, ".\\\" options of %63s", name) != 1)
		return false;
	snprintf(expected, sizeof(expected), ".\\\" options of %s %s", name, edge);
	return strcmp(m->line, expected) == 0;
}

static int skip_to_end(struct manual *m, const char *name, struct err *err)
{
	char other[NAME_BYTES];

	while (next_line(m) == 0)
		if (is_edge(m, "end", other) && strcmp(other, name) == 0)
			return 0;
	return err_set(err, ERR_RUNTIME, "%s: the options of %s do not end", m->path, name);
}

static int write_options(struct manual *m, const char *name, struct buf *out, struct err *err)
{
	for (size_t i = 0; commands[i]; i++) {
		if (strcmp(commands[i]->name, name) != 0)
			continue;
		if (manual_options(commands[i], out) < 0)
			return err_sys(err, ERR_RUNTIME, ENOMEM, "options of %s", name);
		return skip_to_end(m, name, err);
	}
	return err_set(err, ERR_RUNTIME, "%s:%u: no command %s", m->path, m->number, name);
}

static int copy_manual(struct manual *m, struct buf *out, struct err *err)
{
	char name[NAME_BYTES];

	while (next_line(m) == 0) {
		if (buf_printf(out, "%s\n", m->line) < 0)
			return err_sys(err, ERR_RUNTIME, ENOMEM, "%s", m->path);
		if (!is_edge(m, "begin", name))
			continue;
		if (write_options(m, name, out, err) < 0)
			return -1;
		if (buf_printf(out, "%s\n", m->line) < 0)
			return err_sys(err, ERR_RUNTIME, ENOMEM, "%s", m->path);
	}
	if (ferror(m->file))
		return err_sys(err, ERR_RUNTIME, errno, "%s", m->path);
	return 0;
}

static int write_manual(const char *path, struct buf *out, struct err *err)
{
	struct manual m = {.path = path, .file = fopen(path, "r")};
	int rc;

	if (!m.file)
		return err_sys(err, ERR_RUNTIME, errno, "%s", path);
	rc = copy_manual(&m, out, err);
	free(m.line);
	fclose(m.file);
	return rc;
}

static int write_completion(const char *shell, struct buf *out, struct err *err)
{
	static const struct {
		const char *shell;
		int (*complete)(const struct command *const *all, struct buf *out);
	} shells[] = {{"bash", complete_bash}, {"zsh", complete_zsh}, {"fish", complete_fish}};

	for (size_t i = 0; i < sizeof(shells) / sizeof(*shells); i++) {
		if (strcmp(shells[i].shell, shell) != 0)
			continue;
		if (shells[i].complete(commands, out) < 0)
			return err_sys(err, ERR_RUNTIME, ENOMEM, "completion for %s", shell);
		return 0;
	}
	return err_set(err, ERR_USAGE, "usage: docs bash | zsh | fish | options | manual FILE");
}

/* One line an option: "serve p port", "-" in place of what it has not. The lint compares it with
 * what is written about them. */
static int write_options_list(struct buf *out, struct err *err)
{
	for (size_t i = 0; commands[i]; i++) {
		struct opt_set set = {0};

		commands[i]->options(&set);
		for (size_t g = 0; g < set.count; g++) {
			for (size_t k = 0; k < set.groups[g].count; k++) {
				const struct opt *opt = &set.groups[g].rows[k];

				if (buf_printf(out, "%s %c %s\n", commands[i]->name,
					    opt->letter ? opt->letter : '-',
					    opt->name ? opt->name : "-") < 0)
					return err_sys(err, ERR_RUNTIME, ENOMEM, "options");
			}
		}
	}
	return 0;
}

static int print(const struct buf *out, struct err *err)
{
	struct span text = buf_span(out);

	if (fwrite(text.data, 1, text.len, stdout) != text.len || fflush(stdout) != 0)
		return err_sys(err, ERR_RUNTIME, errno, "standard output");
	return 0;
}

int main(int argc, char **argv)
{
	struct buf out = {0};
	struct err err = {0};
	int rc;

	if (argc == 3 && strcmp(argv[1], "manual") == 0)
		rc = write_manual(argv[2], &out, &err);
	else if (argc == 2 && strcmp(argv[1], "options") == 0)
		rc = write_options_list(&out, &err);
	else
		rc = write_completion(argc == 2 ? argv[1] : "", &out, &err);
	if (rc == 0)
		rc = print(&out, &err);
	if (rc < 0)
		fprintf(stderr, "docs: %s\n", err.what);
	buf_free(&out);
	return (int)err.kind;
}
