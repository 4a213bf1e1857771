#include "os/capture_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/list.h"
#include "os/output_file.h"
#include "os/sys_event.h"
#include "os/sys_file.h"
#include "os/sys_socket.h"
#include "os/sys_terminal.h"

enum { CAPTURE_PIPE_BYTES = 1 << 20 };

static int capture_file_refuse(const char *path, const char *why, struct err *err)
{
	err_set(err, ERR_USAGE, "cannot write packets to %s: %s", quoted(path).text, why);
	return err_hint(err, "name a file of its own, which can be written, or a FIFO");
}

/* Bytes of a peer would act on a terminal. */
static int capture_file_open(struct capture_file *f, struct err *err)
{
	const char *why;

	f->fd = output_file_open(&f->silent, f->path, 0, 0600, &why);
	if (f->fd >= 0 && sys_isatty(f->fd)) {
		(void)sys_close(&f->silent, f->fd);
		f->fd = -1;
		why = "it is a terminal";
	}
	return f->fd < 0 ? capture_file_refuse(f->path, why, err) : 0;
}

void capture_file_fail(struct capture_file *f, const char *why)
{
	if (f->failed)
		return;
	f->failed = true;
	buf_free(&f->kept);
	report(f->to,
		&(struct report){.kind = REPORT_CAPTURE_FAILED, .path = f->path, .reason = why});
}

/* Write what it takes now. Returns what is left; nothing, where it has failed. */
static struct span capture_file_write(struct capture_file *f, struct span piece)
{
	while (piece.len) {
		const ssize_t n = sys_write(&f->silent, f->fd, piece.data, piece.len);

		if (n < 0 && errno == EAGAIN)
			return piece;
		if (n < 0) {
			capture_file_fail(f, strerror(errno));
			return (struct span){0};
		}
		piece = span_from(piece, (size_t)n);
	}
	return piece;
}

/* Returns whether some is left. */
static bool capture_file_again(struct capture_file *f)
{
	const struct span kept = buf_span(&f->kept);
	struct span left;

	if (!kept.len)
		return false;
	left = capture_file_write(f, kept);
	if (!f->failed)
		buf_take(&f->kept, kept.len - left.len);
	return f->kept.len > 0;
}

static void capture_file_keep(struct capture_file *f, struct span left)
{
	if (!left.len)
		return;
	if (f->kept.len + left.len > CAPTURE_KEPT_BYTES || buf_add(&f->kept, left) < 0)
		capture_file_fail(f, "what reads from it is too slow");
	else if (f->late.kept)
		f->late.kept(f->late.arg);
}

/* A block that is not whole would spoil the file. */
static void capture_file_cut(struct capture_file *f, off_t place)
{
	if (f->failed && f->is_file && place >= 0)
		(void)sys_ftruncate(&f->silent, f->fd, place);
}

void capture_file_add(struct capture_file *f, struct span piece)
{
	const off_t place = f->is_file ? sys_place(f->fd) : -1;
	struct span left = {0};

	if (f->failed)
		return;
	if (capture_file_again(f))
		left = piece;
	else if (!f->failed)
		left = capture_file_write(f, piece);
	capture_file_cut(f, place);
	capture_file_keep(f, left);
}

/* struct report_late.again */
static bool capture_file_late_again(struct report_late *late)
{
	return capture_file_again(container_of(late, struct capture_file, late));
}

/* ---- begin and end ---- */

int capture_file_begin(
	struct capture_file *f, struct reporter *to, const char *path, struct err *err)
{
	struct stat about;

	*f = (struct capture_file){.to = to, .path = path, .late.again = capture_file_late_again};
	if (capture_file_open(f, err) < 0) {
		f->to = NULL;
		return -1;
	}
	f->is_file = sys_fstat(f->fd, &about) == 0 && S_ISREG(about.st_mode);
	if (!f->is_file) {
		(void)sys_let_wait(&f->silent, f->fd, false);
		(void)sys_set_pipe_size(&f->silent, f->fd, CAPTURE_PIPE_BYTES);
	}
	to->capture = &f->late;
	return 0;
}

/* A reader that is at work may take its time. */
static void capture_file_drain(struct capture_file *f)
{
	int64_t until_ms = clock_ms() + CAPTURE_END_MS;
	size_t left = f->kept.len;

	while (capture_file_again(f) && clock_ms() < until_ms) {
		if (f->kept.len < left)
			until_ms = clock_ms() + CAPTURE_END_MS;
		left = f->kept.len;
		(void)sys_writable(&f->silent, f->fd, CAPTURE_END_MS);
	}
	if (f->kept.len)
		capture_file_fail(f, "what reads from it takes no more");
}

int capture_file_end(struct capture_file *f)
{
	const bool begun = f->to;

	if (!begun)
		return 0;
	capture_file_drain(f);
	f->to->capture = NULL;
	(void)sys_close(&f->silent, f->fd);
	buf_free(&f->kept);
	return f->failed ? -1 : 0;
}
