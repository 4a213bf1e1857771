#include "cmd/show.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/colour.h"
#include "os/sys_event.h"
#include "os/sys_process.h"
#include "os/sys_terminal.h"
#include "os/write_out.h"

static int show_no_memory(struct err *err)
{
	return err_set(err, ERR_RUNTIME, "cannot show help: out of memory");
}

int show_page(struct reporter *to, int fd, struct span page, const char *colour, struct err *err)
{
	const char *name = fd == STDERR_FILENO ? "standard error" : "standard output";
	struct buf coloured = {0};
	int rc;

	if (!colour_wanted(colour, sys_isatty(fd)))
		return write_out(to, fd, page, name, err);
	rc = colour_page(page, &coloured) < 0 ? show_no_memory(err)
	                                      : write_out(to, fd, buf_span(&coloured), name, err);
	buf_free(&coloured);
	return rc;
}

/* Whether the output is for a person who may want to turn pages. */
static bool show_has_pager(const char *pager)
{
	const char *kind = getenv("TERM");

	if (!sys_isatty(STDOUT_FILENO) || !kind || !*kind || strcmp(kind, "dumb") == 0)
		return false;
	return !pager || (*pager && strcmp(pager, "cat") != 0);
}

/* Become the pager; returns where that cannot be. */
static void show_become_pager(int fd, const char *pager)
{
	char *less[] = {(char[]){"less"}, NULL};
	char *shell[] = {(char[]){"sh"}, (char[]){"-c"}, NULL, NULL};

	setenv("LESS", "FRX", 0); /* colours pass, a short page does not wait: as git has it */
	if (!pager) {
		sys_become(less, fd);
		return;
	}
	shell[2] = strdup(pager);
	if (shell[2])
		sys_become(shell, fd);
	free(shell[2]);
}

int show_paged(struct reporter *to, struct span page, const char *colour, struct err *err)
{
	const char *pager = getenv("PAGER");
	struct buf coloured = {0};
	struct span shown = page;
	int fd = -1;

	if (show_has_pager(pager))
		fd = sys_memory_file("help");
	if (fd < 0)
		return show_page(to, STDOUT_FILENO, page, colour, err);
	if (colour_wanted(colour, true) && colour_page(page, &coloured) == 0)
		shown = buf_span(&coloured);
	if (write_out(to, fd, shown, "the pager's file", err) == 0)
		show_become_pager(fd, pager);
	buf_free(&coloured);
	sys_close_own(fd);
	return show_page(to, STDOUT_FILENO, page, colour, err);
}

int show_made(struct reporter *to, int fd, int made, struct buf *page, const char *colour,
	struct err *err)
{
	int rc = made < 0 ? show_no_memory(err) : show_page(to, fd, buf_span(page), colour, err);

	buf_free(page);
	return rc;
}
