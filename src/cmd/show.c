#include "cmd/show.h"

#include <unistd.h>

#include "cli/colour.h"
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

int show_made(struct reporter *to, int fd, int made, struct buf *page, const char *colour,
	struct err *err)
{
	int rc = made < 0 ? show_no_memory(err) : show_page(to, fd, buf_span(page), colour, err);

	buf_free(page);
	return rc;
}
