#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *e, enum err_kind kind, const char *format, ...)
{
	struct err made = {.kind = kind};
	va_list args;

	va_start(args, format);
	vsnprintf(made.what, sizeof(made.what), format, args);
	va_end(args);
	*e = made;
	return -1;
}

int err_sys(struct err *e, enum err_kind kind, int errnum, const char *format, ...)
{
	struct err made = {.kind = kind, .sys = errnum};
	va_list args;
	size_t used;

	va_start(args, format);
	vsnprintf(made.what, sizeof(made.what), format, args);
	va_end(args);
	used = strlen(made.what);
	/* Safe in threads with glibc (since 2.32) and musl; knows any number. */
	snprintf(made.what + used, sizeof(made.what) - used, ": %s", strerror(errnum));
	if (made.what[used])
		made.cause = (uint16_t)(used + strlen(": "));
	*e = made;
	return -1;
}

int err_cause(struct err *e, const char *start)
{
	const char *found = strstr(e->what, start);

	for (; found; found = strstr(found + 1, start))
		e->cause = (uint16_t)(found - e->what);
	return -1;
}

bool err_is_shortage(int errnum)
{
	switch (errnum) {
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
	case ENOSPC: return true; /* no descriptor more can be watched (epoll_ctl(2)) */
	default: return false;
	}
}

bool err_note_shortage(struct err *e)
{
	if (!err_is_shortage(e->sys))
		return false;
	e->kind = ERR_RUNTIME;
	err_hint(e, "this program is out of descriptors or memory; see 'ulimit -a'");
	return true;
}

int err_hint(struct err *e, const char *format, ...)
{
	char made[sizeof(e->hint)];
	va_list args;

	va_start(args, format);
	vsnprintf(made, sizeof(made), format, args);
	va_end(args);
	memcpy(e->hint, made, sizeof(made));
	return -1;
}

int err_fact(struct err *e, enum fact fact, const struct addr *at)
{
	e->fact = fact;
	e->at = at ? *at : (struct addr){0};
	return -1;
}
