#include "cmd/ready.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/list.h"
#include "base/text.h"
#include "core/link.h"
#include "os/sys_event.h"
#include "os/sys_file.h"
#include "os/sys_socket.h"

enum { RETRY_MIN_MS = 10, RETRY_MAX_MS = 100 };

/* ---- what was typed ---- */

static int ready_refuse(const struct ready *r, const char *why, struct err *err)
{
	return err_set(err, ERR_USAGE, "'--ready' cannot use %s: %s", quoted(r->typed).text, why);
}

static int ready_prepare_descriptor(struct ready *r, const char *digits, struct err *err)
{
	uint64_t number;
	int mode = -1;

	if (text_uint(digits, INT32_MAX, &number) == 0 && number <= 2) {
		ready_refuse(r, "0, 1 and 2 are standard input, output and error", err);
		return err_hint(err, "redirect another one: '--ready 3 3>FILE'");
	}
	if (text_uint(digits, INT32_MAX, &number) == 0)
		mode = sys_access_mode((int)number);
	if (mode < 0) {
		ready_refuse(r, "there is no such descriptor", err);
		return err_hint(err,
			"redirect it: '--ready %s %s>FILE'; a file with that name is "
			"./%s",
			digits, digits, digits);
	}
	if (mode == O_RDONLY) {
		ready_refuse(r, "this descriptor is open for reading only", err);
		return err_hint(err, "redirect it: '--ready %s %s>FILE'", digits, digits);
	}
	if (sys_getsockopt(r->to, (int)number, SOL_SOCKET, SO_ACCEPTCONN) > 0) {
		ready_refuse(r, "this descriptor is a socket that listens", err);
		return err_hint(err, "choose one that is not among those of LISTEN_FDS");
	}
	r->kind = READY_DESCRIPTOR;
	r->fd = (int)number;
	return 0;
}

/* A device may be opened as a FIFO is, and no other kind of file. */
static bool ready_is_pipe(const struct stat *about)
{
	return S_ISFIFO(about->st_mode) || S_ISCHR(about->st_mode);
}

static int ready_prepare_path(struct ready *r, struct err *err)
{
	struct stat there;

	if (!*r->typed) {
		ready_refuse(r, "it is empty", err);
		return err_hint(err, "name a file, or a descriptor above 2");
	}
	r->kind = READY_PIPE;
	if (sys_stat(r->typed, &there) == 0 && ready_is_pipe(&there))
		return 0;
	r->kind = READY_FILE;
	return ready_file_prepare(&r->file, r->to, r->typed, err);
}

int ready_prepare(struct ready *r, struct reporter *to, const char *typed, struct err *err)
{
	static const char shell[] = "/dev/fd/"; /* as bash names what >(COMMAND) reads */
	const char *digits = typed;
	int rc;

	*r = (struct ready){.to = to, .typed = typed, .fd = -1};
	if (!typed)
		return 0;
	if (strncmp(typed, shell, strlen(shell)) == 0)
		digits += strlen(shell);
	rc = text_is_digits(digits) ? ready_prepare_descriptor(r, digits, err)
	                            : ready_prepare_path(r, err);
	if (rc < 0)
		r->kind = READY_UNASKED;
	return rc;
}

/* ---- the line ---- */

static void ready_close(struct ready *r)
{
	if (r->fd >= 0)
		sys_close(r->to, r->fd);
	r->fd = -1;
}

/* A FIFO has a reader, or is not open yet: without one, opening it fails (fifo(7)). */
static enum io ready_open(struct ready *r)
{
	struct stat about;

	if (r->fd >= 0)
		return IO_DONE;
	r->fd = sys_open(r->to, r->typed, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (r->fd < 0)
		return errno == ENXIO ? IO_AGAIN : IO_FAIL;
	if (sys_fstat(r->fd, &about) == 0 && ready_is_pipe(&about))
		return IO_DONE;
	errno = EEXIST; /* another program put a file in its place */
	return IO_FAIL;
}

/* What poll(2) calls writable takes PIPE_BUF bytes, so that a descriptor that blocks does not. */
static enum io ready_write(struct ready *r)
{
	enum io verdict = ready_open(r);

	while (verdict == IO_DONE && r->written < r->len) {
		int writable = sys_writable(r->to, r->fd, 0);
		ssize_t n = writable > 0 ? sys_write(r->to, r->fd, r->line + r->written,
						   r->len - r->written)
		                         : writable;

		if (n > 0)
			r->written += (size_t)n;
		else
			verdict = n == 0 || errno == EAGAIN ? IO_AGAIN : IO_FAIL;
	}
	return verdict;
}

/* Write what can be written now. Its reader sees an end when all of it is there. */
static int ready_try(struct ready *r, struct err *err)
{
	enum io verdict = ready_write(r);
	int error = errno;

	if (verdict == IO_AGAIN) {
		timer_set_in(r->loop, &r->again, r->wait_ms);
		r->wait_ms = r->wait_ms * 2 < RETRY_MAX_MS ? r->wait_ms * 2 : RETRY_MAX_MS;
		return 0;
	}
	ready_close(r);
	if (verdict == IO_DONE)
		return 0;
	err_sys(err, ERR_RUNTIME, error, "cannot write to '--ready' %s", quoted(r->typed).text);
	return error == EPIPE ? err_hint(err, "its reader has gone") : -1;
}

static void ready_on_again(struct timer *t)
{
	struct ready *r = container_of(t, struct ready, again);
	struct err err = {0};

	if (ready_try(r, &err) < 0)
		r->failed(r->arg, &err);
}

int ready_begin(struct ready *r, struct loop *loop,
	void (*failed)(void *arg, const struct err *why), void *arg)
{
	if (r->kind == READY_UNASKED || timer_init(loop, &r->again, ready_on_again) < 0)
		return r->kind == READY_UNASKED ? 0 : -1;
	r->loop = loop;
	r->failed = failed;
	r->arg = arg;
	r->wait_ms = RETRY_MIN_MS;
	return 0;
}

int ready_tell(struct ready *r, const char *place, struct err *err)
{
	if (r->kind == READY_UNASKED)
		return 0;
	r->len = (size_t)snprintf(r->line, sizeof(r->line), "%s\n", place);
	if (r->kind == READY_FILE)
		return ready_file_put(
			&r->file, (struct span){(const uint8_t *)r->line, r->len}, err);
	return ready_try(r, err);
}

void ready_end(struct ready *r)
{
	if (r->kind == READY_UNASKED)
		return;
	if (r->kind == READY_FILE)
		ready_file_end(&r->file);
	if (r->loop)
		timer_free(r->loop, &r->again);
	ready_close(r);
	r->kind = READY_UNASKED;
}
