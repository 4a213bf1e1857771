/* SSLKEYLOGFILE: each connection's keys, a line each, for those who decrypt a capture. */
#include "transport/tls_state.h"

#ifdef TLS_IS_BUILT_IN

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "os/sys_file.h"
#include "report/report.h"

static const char *keys_path(const struct tls *tls)
{
	return tls->lib.secure_getenv("SSLKEYLOGFILE");
}

/* Once, and for all connections: what follows half a line could not be read. */
static void keys_end(struct tls *tls, const char *why)
{
	sys_close(tls->to, tls->keys_fd);
	tls->keys_fd = -1;
	report(tls->to,
		&(struct report){.kind = REPORT_KEYS_LOST, .path = keys_path(tls), .reason = why});
}

static void keys_write(struct tls *tls, struct span line)
{
	ssize_t n = sys_write(tls->to, tls->keys_fd, line.data, line.len);

	if (n < 0)
		keys_end(tls, strerror(errno));
	else if ((size_t)n < line.len)
		keys_end(tls, strerror(ENOSPC));
}

/* SSL_CTX_set_keylog_callback. It is given nothing of ours, not even the way to what is. */
static void keys_on_line(const SSL *ssl, const char *line)
{
	__typeof__(&SSL_get_ex_data) get = NULL;
	const struct tls_link *t;
	struct buf whole = {0};

	if (tls_library_find("SSL_get_ex_data", &get, sizeof(get)) < 0)
		return;
	t = get(ssl, 0);
	if (t->tls->keys_fd < 0)
		return;
	if (buf_printf(&whole, "%s\n", line) < 0)
		keys_end(t->tls, "out of memory");
	else
		keys_write(t->tls, buf_span(&whole));
	buf_free(&whole);
}

int tls_keys_begin(struct tls *tls, struct err *err)
{
	const char *path = keys_path(tls);

	if (!path || !*path)
		return 0;
	tls->keys_fd = sys_openat(tls->to, AT_FDCWD, path,
		O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_CLOEXEC,
		0600);
	if (tls->keys_fd < 0) {
		err_sys(err, ERR_USAGE, errno, "cannot write keys to %s (SSLKEYLOGFILE)",
			quoted(path).text);
		return err_hint(err, "unset it, or name a file that may be written and is no link");
	}
	report(tls->to, &(struct report){.kind = REPORT_KEYS_LOGGED, .path = path});
	tls->lib.SSL_CTX_set_keylog_callback(tls->ctx, keys_on_line);
	return 0;
}

#endif
