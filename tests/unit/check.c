#include "check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TEXT = 2000, SHOWN = 800 };

/* The values of the last comparison that did not hold. */
static char values[TEXT];

void check_begin(void)
{
	values[0] = '\0';
}

static bool holds(enum check_how how, int order)
{
	switch (how) {
	case CHECK_EQ: return order == 0;
	case CHECK_NE: return order != 0;
	case CHECK_LT: return order < 0;
	case CHECK_LE: return order <= 0;
	case CHECK_GT: return order > 0;
	case CHECK_GE: return order >= 0;
	}
	return false;
}

bool check_signed(intmax_t a, enum check_how how, intmax_t b)
{
	if (holds(how, (a > b) - (a < b)))
		return true;
	snprintf(values, sizeof(values), "%jd, %jd", a, b);
	return false;
}

bool check_unsigned(uintmax_t a, enum check_how how, uintmax_t b)
{
	if (holds(how, (a > b) - (a < b)))
		return true;
	snprintf(values, sizeof(values), "%ju, %ju", a, b);
	return false;
}

bool check_ptr(const volatile void *a, enum check_how how, const volatile void *b)
{
	uintptr_t x = (uintptr_t)a, y = (uintptr_t)b;

	if (holds(how, (x > y) - (x < y)))
		return true;
	snprintf(values, sizeof(values), "0x%" PRIxPTR ", 0x%" PRIxPTR, x, y);
	return false;
}

bool check_str(const char *a, enum check_how how, const char *b)
{
	if (holds(how, a && b ? strcmp(a, b) : (a != NULL) - (b != NULL)))
		return true;
	snprintf(values, sizeof(values), "\"%.*s\", \"%.*s\"", SHOWN, a ? a : "(NULL)", SHOWN,
		b ? b : "(NULL)");
	return false;
}

bool check_span(struct span a, enum check_how how, struct span b)
{
	size_t both = a.len < b.len ? a.len : b.len;
	int order = both > 0 ? memcmp(a.data, b.data, both) : 0;

	if (holds(how, order != 0 ? order : (a.len > b.len) - (a.len < b.len)))
		return true;
	snprintf(values, sizeof(values), "%zu bytes \"%.*s\", %zu bytes \"%.*s\"", a.len,
		(int)(a.len < SHOWN ? a.len : SHOWN), (const char *)a.data, b.len,
		(int)(b.len < SHOWN ? b.len : SHOWN), (const char *)b.data);
	return false;
}

void check_failed(const char *file, unsigned line, const char *what, const char *format, ...)
{
	static char message[3 * TEXT];
	struct criterion_assert_stats stats = {.message = message, .file = file, .line = line};
	va_list args;
	int used = snprintf(message, TEXT, "%s%s%s", what, values[0] ? ": " : "", values);
	size_t at = used < TEXT ? (size_t)used : TEXT - 1;

	va_start(args, format);
	if (strcmp(format, " ") != 0)
		vsnprintf(message + at, sizeof(message) - at, format, args);
	va_end(args);
	criterion_send_assert(&stats);
}

/*
 * What Criterion would call of libgit2, which is not loaded (see Makefile): check_failed shows
 * values, and no differences.
 */
int git_libgit2_init(void);
int git_libgit2_shutdown(void);
int git_diff_buffers(void);

int git_libgit2_init(void)
{
	return 1;
}

int git_libgit2_shutdown(void)
{
	return 0;
}

int git_diff_buffers(void)
{
	return -1;
}
