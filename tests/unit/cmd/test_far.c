#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cmd/far.h"
#include "memory.h"
#include "script.h"
#include "words.h"

/* The addresses that a mode connects to, and TLS with them. */
TestSuite(far, .timeout = 20);

static void refused(const char *const *words, const char *what, const char *hint)
{
	struct reporter to = silent_reporter();
	static struct outcome o;

	run_with(words, "", &to, &o);
	cr_expect(eq(int, o.rc, -1));
	cr_expect(eq(int, (int)o.err.kind, ERR_USAGE));
	cr_expect(eq(str, o.err.what, (char *)what));
	cr_expect(eq(str, o.err.hint, (char *)hint));
}

Test(far, what_is_said_about_tls_needs_a_target_that_has_it)
{
	const char *what = "'--to-tls-...' is for a target with TLS, and there is none";
	const char *hint = "write it as --to tls://HOST:PORT";

	refused(WORDS("serve", "-m", "relay", "--to", "127.0.0.1:9", "--to-tls-no-verify"), what,
		hint);
	refused(WORDS("serve", "-m", "relay", "--to", "127.0.0.1:9", "--to-tls-name", "x"), what,
		hint);
}

Test(far, what_tls_is_to_be_verified_by_must_be_there)
{
	struct reporter to = silent_reporter();
	static struct outcome o;

	run_with(WORDS("serve", "-m", "relay", "-H", "127.0.0.1", "-p", "0", "--to",
			 "tls://127.0.0.1:9", "--to-tls-ca", "/nowhere/ca"),
		"", &to, &o);
	cr_assert(eq(int, o.rc, -1));
	cr_assert(eq(int, (int)o.err.kind, ERR_USAGE));
	cr_assert(strstr(o.err.what, "cannot read certificates from '/nowhere/ca'") != NULL, "%s",
		o.err.what);
}

Test(far, each_allocation_to_begin_tls_with_the_targets_may_fail)
{
	const struct mode_shared shared = {
		.to = {.items = {"tls://one:1", "plain:2", "tls://two:3"}, .count = 3},
		.to_tls_no_verify = true};
	struct reporter to = silent_reporter();
	bool reached = true;
	unsigned nth = 1;

	for (; reached; nth++) {
		struct far far = {0};
		struct err err = {0};
		int rc;

		fail_allocation(nth);
		rc = far_begin(&far, &shared, &to, &err);
		reached = fail_allocation(0);
		cr_assert(eq(int, rc, reached ? -1 : 0), "allocation %u", nth);
		if (reached)
			cr_assert(eq(str, err.what, "cannot begin: out of memory"), "%u", nth);
		far_end(&far);
	}
	cr_assert(gt(uint, nth, 4));
}
