#include "cmd/standard_error.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "os/sys_event.h"
#include "transport/fd.h"

enum { END_RETRY_MS = 2 };

/* Write what it takes now. Returns what it did not take, and nothing if it has failed. */
static struct span standard_error_write(struct standard_error *e, struct span text, bool *failed)
{
	enum io verdict = IO_DONE;
	size_t taken = 0;

	while (text.len && verdict == IO_DONE) {
		verdict = e->link.via->write(&e->link, text, &taken);
		if (verdict == IO_DONE)
			text = span_from(text, taken);
	}
	*failed = verdict == IO_FAIL;
	return text;
}

/* struct report_late.again */
static bool standard_error_again(struct report_late *late)
{
	struct standard_error *e = container_of(late, struct standard_error, late);
	const struct span kept = buf_span(&e->kept);
	bool failed;
	struct span left = standard_error_write(e, kept, &failed);

	if (failed)
		buf_free(&e->kept);
	else
		buf_take(&e->kept, kept.len - left.len);
	return e->kept.len > 0;
}

/* A line that was begun is ended, however long it is: it would run into the next one. */
static int standard_error_keep(struct standard_error *e, struct span left, bool begun)
{
	bool first = e->kept.len == 0;

	if ((!begun && e->kept.len + left.len > STANDARD_ERROR_KEPT_BYTES) ||
		buf_add(&e->kept, left) < 0)
		return -1;
	if (first && e->late.kept)
		e->late.kept(e->late.arg);
	return 0;
}

/* struct report_sink.line */
static int standard_error_line(void *arg, struct span line)
{
	struct standard_error *e = arg;
	const size_t len = line.len;
	bool failed = false, begun;

	if (!e->link.via)
		fd_open(&e->silent, STDERR_FILENO, CONN_WRITES, &e->link);
	if (e->kept.len == 0 || !standard_error_again(&e->late))
		line = standard_error_write(e, line, &failed);
	if (!line.len)
		return 0;
	begun = line.len < len;
	if (failed || !(e->link.terminal || begun))
		return -1;
	return standard_error_keep(e, line, begun); /* on a pipe, of a line that has been begun */
}

void standard_error_begin(struct standard_error *e, struct reporter *to)
{
	*e = (struct standard_error){.late.again = standard_error_again};
	to->sink = (struct report_sink){standard_error_line, e};
	to->late = &e->late;
}

void standard_error_leave(struct reporter *to)
{
	struct standard_error *e = to->sink.arg;

	if (e->kept.len)
		standard_error_again(&e->late);
	buf_free(&e->kept);
	if (!e->link.via)
		return;
	e->link.vacates = false;
	link_close(&e->link);
	e->link = (struct link){0};
}

void standard_error_end(struct standard_error *e)
{
	int64_t until_ms = clock_ms() + STANDARD_ERROR_END_MS;

	while (e->kept.len && standard_error_again(&e->late) && clock_ms() < until_ms)
		sys_rest(END_RETRY_MS);
	buf_free(&e->kept);
}
