#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "check.h"

Test(err, a_setter_returns_minus_one_and_tells_the_story)
{
	struct err e = {0};

	cr_assert(eq(int, err_set(&e, ERR_USAGE, "port '%d' is too high", 70000), -1));
	cr_assert(eq(str, e.what, "port '70000' is too high"));
	cr_assert(eq(int, e.kind, ERR_USAGE));
	cr_assert(eq(int, e.sys, 0));
	cr_assert(eq(str, e.hint, ""));
}

Test(err, the_system_is_quoted_after_the_story)
{
	struct err e = {0};

	cr_assert(eq(int, err_sys(&e, ERR_LISTEN, EADDRINUSE, "%s: bind", "[::]:80"), -1));
	cr_assert(eq(str, e.what, "[::]:80: bind: Address already in use"));
	cr_assert(eq(int, e.kind, ERR_LISTEN));
	cr_assert(eq(int, e.sys, EADDRINUSE));
}

Test(err, a_shortage_is_a_failure_of_our_own_whatever_it_was_set_as)
{
	struct err e = {0};

	err_sys(&e, ERR_REFUSED, ENFILE, "cannot connect");
	cr_assert(err_note_shortage(&e));
	cr_assert(eq(int, e.kind, ERR_RUNTIME));
	cr_assert(strstr(e.hint, "ulimit") != NULL);
	err_sys(&e, ERR_REFUSED, ECONNREFUSED, "cannot connect");
	cr_assert(not(err_note_shortage(&e)));
	cr_assert(eq(int, e.kind, ERR_REFUSED));
	cr_assert(eq(str, e.hint, ""));
}

Test(err, an_unknown_errno_is_named_by_its_number)
{
	struct err e = {0};

	err_sys(&e, ERR_RUNTIME, 4242, "read");
	cr_assert(ne(ptr, strstr(e.what, "4242"), NULL), "%s", e.what);
}

Test(err, a_story_may_be_reported_again_with_more_around_it)
{
	struct err e = {0};

	err_set(&e, ERR_RUNTIME, "inner");
	err_set(&e, ERR_RUNTIME, "outer: %s", e.what);
	cr_assert(eq(str, e.what, "outer: inner"));
	err_sys(&e, ERR_RUNTIME, ENOENT, "top: %s", e.what);
	cr_assert(eq(str, e.what, "top: outer: inner: No such file or directory"));
}

Test(err, a_new_story_forgets_the_old_hint_and_errno)
{
	struct err e = {0};

	err_sys(&e, ERR_REFUSED, ECONNREFUSED, "connect");
	err_hint(&e, "is it running?");
	err_set(&e, ERR_WRONG, "short");
	cr_assert(eq(int, e.sys, 0));
	cr_assert(eq(str, e.hint, ""));
}

Test(err, a_hint_leaves_the_story_as_it_is)
{
	struct err e = {0};

	err_sys(&e, ERR_REFUSED, ECONNREFUSED, "connect");
	cr_assert(eq(int, err_hint(&e, "try %s", "-p 80"), -1));
	cr_assert(eq(str, e.hint, "try -p 80"));
	cr_assert(eq(str, e.what, "connect: Connection refused"));
	cr_assert(eq(int, e.kind, ERR_REFUSED));
	cr_assert(eq(int, e.sys, ECONNREFUSED));
}

Test(err, a_fact_comes_with_its_address_and_is_forgotten_with_the_story)
{
	const struct addr at = addr_loopback(AF_INET, 80);
	struct err e = {0};

	err_sys(&e, ERR_REFUSED, ECONNREFUSED, "connect");
	cr_assert(eq(int, err_fact(&e, FACT_NO_TCP_SERVER, &at), -1));
	cr_assert(eq(int, e.fact, FACT_NO_TCP_SERVER));
	cr_assert(addr_equal(&e.at, &at));
	cr_assert(eq(str, e.what, "connect: Connection refused"));
	err_fact(&e, FACT_NO_ANSWER, NULL);
	cr_assert(eq(uint, e.at.len, 0));
	err_set(&e, ERR_WRONG, "short");
	cr_assert(eq(int, e.fact, FACT_NONE));
}

Test(err, what_is_too_long_is_cut_within_its_field)
{
	char text[2000];
	struct err e = {0};

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_sys(&e, ERR_RUNTIME, EIO, "%s", text);
	cr_assert(eq(sz, strlen(e.what), sizeof(e.what) - 1));
	cr_assert(eq(str, e.hint, ""));
	err_hint(&e, "%s", text);
	cr_assert(eq(sz, strlen(e.hint), sizeof(e.hint) - 1));
}

Test(err, the_cause_stands_apart_from_the_object)
{
	struct err e = {0};

	err_set(&e, ERR_LISTEN, "it is late");
	cr_assert(eq(str, e.what + e.cause, "it is late"), "the whole, unless told");
	err_sys(&e, ERR_LISTEN, EADDRINUSE, "%s: bind", "[::]:80");
	cr_assert(eq(str, e.what + e.cause, "Address already in use"));
	err_set(&e, ERR_TIMEOUT, "connection with %s: silent for 5 ms", "/tmp/silent for good");
	cr_assert(eq(int, err_cause(&e, "silent for"), -1));
	cr_assert(eq(str, e.what + e.cause, "silent for 5 ms"));
	err_set(&e, ERR_WRONG, "short");
	cr_assert(eq(int, e.cause, 0));
}

Test(err, a_story_that_is_cut_has_no_cause_of_its_own)
{
	struct err e = {0};
	char typed[sizeof(e.what) + 10];

	memset(typed, 'x', sizeof(typed) - 1);
	typed[sizeof(typed) - 1] = '\0';
	err_sys(&e, ERR_LISTEN, EADDRINUSE, "%s", typed);
	cr_assert(eq(int, e.cause, 0));
}
