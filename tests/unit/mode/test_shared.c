#include <string.h>

#include "check.h"
#include "script.h"
#include "words.h"

TestSuite(mode_shared, .timeout = 20);

static void is_refused(const char *const *words, const char *what)
{
	struct reporter to = silent_reporter();
	static struct outcome o;

	run_with(words, "", &to, &o);
	cr_expect(eq(int, o.rc, -1));
	cr_expect(eq(int, o.err.kind, ERR_USAGE));
	cr_expect(strstr(o.err.what, what) != NULL, "%s", o.err.what);
	cr_expect(ne(int, o.err.hint[0], '\0'));
}

Test(mode_shared, line_ends_that_contradict_each_other_or_the_mode_are_refused)
{
	is_refused(WORDS("connect", "--crlf", "--eol", "lf", "127.0.0.1", "1"),
		"'--crlf' contradicts '--eol lf'");
	is_refused(WORDS("connect", "-m", "chat", "--crlf", "--eol", "none", "127.0.0.1", "1"),
		"'--crlf' contradicts '--eol none'");
	is_refused(WORDS("connect", "--eol", "none", "127.0.0.1", "1"),
		"'--eol none' is for mode chat, not for mode pipe");
	is_refused(WORDS("serve", "--eol", "none", "-p", "0"),
		"'--eol none' is for mode chat, not for mode pipe");
	is_refused(WORDS("serve", "-m", "echo", "--crlf", "-p", "0"), "belongs to mode");
}
