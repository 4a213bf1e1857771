#ifndef UNIT_CHECK_H
#define UNIT_CHECK_H

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/*
 * What a test asserts, written as with Criterion's newer macros, in the forms that the tests here
 *use:
 *
 *	cr_assert(eq(int, got, 3));
 *	cr_expect(not(has_text(line, "lost")), "after %zu bytes", n);
 *
 * A comparison that does not hold shows both of its values. Criterion's own macros do the same, but
 * make a thousand tokens of each: they took four fifths of the time that it takes to compile a
 *test.
 */

enum check_how { CHECK_EQ, CHECK_NE, CHECK_LT, CHECK_LE, CHECK_GT, CHECK_GE };

#define eq(KIND, A, B) check_##KIND(A, CHECK_EQ, B)
#define ne(KIND, A, B) check_##KIND(A, CHECK_NE, B)
#define lt(KIND, A, B) check_##KIND(A, CHECK_LT, B)
#define le(KIND, A, B) check_##KIND(A, CHECK_LE, B)
#define gt(KIND, A, B) check_##KIND(A, CHECK_GT, B)
#define ge(KIND, A, B) check_##KIND(A, CHECK_GE, B)
#define not(A) (!(A))

/* Whether it holds; if not, its two values are kept for the message of the failure. */
bool check_signed(intmax_t a, enum check_how how, intmax_t b);
bool check_unsigned(uintmax_t a, enum check_how how, uintmax_t b);
bool check_ptr(const volatile void *a, enum check_how how, const volatile void *b);
/* NULL equals itself alone. */
bool check_str(const char *a, enum check_how how, const char *b);
bool check_span(struct span a, enum check_how how, struct span b);

#define CHECK_NUMBER(KIND, TYPE, WIDE)                                      \
	static inline bool check_##KIND(TYPE a, enum check_how how, TYPE b) \
	{                                                                   \
		return check_##WIDE(a, how, b);                             \
	}

CHECK_NUMBER(int, int, signed)
CHECK_NUMBER(chr, char, signed)
CHECK_NUMBER(long, long, signed)
CHECK_NUMBER(i64, int64_t, signed)
CHECK_NUMBER(uint, unsigned, unsigned)
CHECK_NUMBER(sz, size_t, unsigned)
CHECK_NUMBER(u8, uint8_t, unsigned)
CHECK_NUMBER(u16, uint16_t, unsigned)
CHECK_NUMBER(u32, uint32_t, unsigned)
CHECK_NUMBER(u64, uint64_t, unsigned)

/* Forgets the values of the last comparison. */
void check_begin(void);

/* An assertion does not hold: tells Criterion what it was, and FORMAT (which begins with a space).
 */
__attribute__((format(printf, 4, 5))) void check_failed(
	const char *file, unsigned line, const char *what, const char *format, ...);

#undef cr_assert
#undef cr_expect
#undef cr_fatal
#define cr_expect(HOLDS, ...) \
	(check_begin(),       \
		(HOLDS) ? (void)0 : check_failed(__FILE__, __LINE__, #HOLDS, " " __VA_ARGS__))
#define cr_assert(HOLDS, ...)                                                                 \
	(check_begin(), (HOLDS) ? (void)0                                                     \
				: (check_failed(__FILE__, __LINE__, #HOLDS, " " __VA_ARGS__), \
					  criterion_abort_test()))
/* With a message, which says it all. */
#define cr_fatal(...)                                                          \
	(check_begin(), check_failed(__FILE__, __LINE__, "", " " __VA_ARGS__), \
		criterion_abort_test())

#endif
