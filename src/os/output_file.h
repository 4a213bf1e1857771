#ifndef SOCKX_OS_OUTPUT_FILE_H
#define SOCKX_OS_OUTPUT_FILE_H

#include <sys/types.h>

#include "report/report.h"

/* Open a file that a run writes beside its standard streams, for nothing but that: it is made with
 * this mode (less the umask) where it is not there, and emptied once it is known to be none of the
 * three streams, and that nothing else writes it so (flock(2)). flags go to open(2); without
 * O_NONBLOCK a FIFO is waited for until it has a reader. Returns its descriptor, which closes on
 * exec; or -1 with *why: "Permission denied". */
int output_file_open(
	struct reporter *to, const char *path, int flags, mode_t mode, const char **why);

#endif
