#include <string.h>

#include "check.h"
#include "cmd/advice.h"

TestSuite(advice, .timeout = 20);

static struct err error_with(enum fact fact, const struct addr *at)
{
	struct err err = {0};

	err_set(&err, ERR_REFUSED, "it failed");
	err_fact(&err, fact, at);
	return err;
}

Test(advice, every_fact_says_something_and_only_once)
{
	const struct addr at = addr_loopback(AF_INET, 80);

	for (int fact = FACT_NONE + 1; fact < FACT_COUNT; fact++) {
		struct err err = error_with((enum fact)fact, &at);
		struct err again;

		advise(&err);
		cr_expect(err.hint[0] || strlen(err.what) > strlen("it failed"), "fact %d", fact);
		cr_expect(strncmp(err.what, "it failed", strlen("it failed")) == 0);
		cr_expect(strpbrk(err.hint, "{}") == NULL, "%s", err.hint);
		cr_expect(strstr(err.hint, " yet") == NULL, "%s", err.hint);
		cr_expect(eq(int, err.fact, FACT_NONE));
		again = err;
		advise(&again);
		cr_expect(eq(str, again.what, err.what));
		cr_expect(eq(str, again.hint, err.hint));
	}
}

Test(advice, no_fact_changes_nothing)
{
	struct err err = error_with(FACT_NONE, NULL);

	advise(&err);
	cr_assert(eq(str, err.what, "it failed"));
	cr_assert(eq(str, err.hint, ""));
}

Test(advice, what_is_known_of_the_address_is_filled_in)
{
	struct addr at = addr_loopback(AF_INET6, 4711);
	struct err err = error_with(FACT_PORT_TAKEN, &at);

	advise(&err);
	cr_assert(eq(str, err.hint,
		"another program has port 4711; choose another with -p, or -p 0 for a free one"));
	err = error_with(FACT_NO_UDP_SERVER, &at);
	advise(&err);
	cr_assert(eq(
		str, err.hint, "nothing listens there; to start a server: sockx serve -u -p 4711"));
	addr_from_path(&at, "at");
	err = error_with(FACT_NO_UNIX_SERVER, &at);
	advise(&err);
	cr_assert(eq(str, err.hint, "no server has it; to start one: sockx serve unix:at"));
}

Test(advice, the_server_we_suggest_is_of_the_mode_that_the_client_needs)
{
	struct addr at = addr_loopback(AF_INET, 4711);
	struct err err = error_with(FACT_NO_TCP_SERVER, &at);

	advise_client(&err, "echo");
	cr_assert(eq(str, err.hint,
		"nothing listens there; to start a server: sockx serve -p 4711 -m echo"));
	err = error_with(FACT_NO_ANSWER, NULL);
	advise_client(&err, "echo");
	cr_assert(
		eq(str, err.hint, "a firewall may drop what we send; to wait longer: -w DURATION"));
	addr_from_path(&at, "at");
	err = error_with(FACT_NO_UNIX_SERVER, &at);
	advise_client(&err, "greet");
	cr_assert(
		eq(str, err.hint, "no server has it; to start one: sockx serve unix:at -m greet"));
}

Test(advice, a_hint_that_is_there_is_kept)
{
	struct err err = error_with(FACT_IDLE_LIMIT, NULL);

	err_hint(&err, "look at the peer");
	advise(&err);
	cr_assert(eq(str, err.what, "it failed (--idle-timeout)"));
	cr_assert(eq(str, err.hint, "look at the peer"));
}

Test(advice, what_has_no_room_is_cut)
{
	struct err err = error_with(FACT_ANSWER_LIMIT, NULL);

	memset(err.what, 'x', sizeof(err.what) - 4);
	err.what[sizeof(err.what) - 4] = '\0';
	advise(&err);
	cr_assert(eq(sz, strlen(err.what), sizeof(err.what) - 1));
	cr_assert(eq(str, err.what + sizeof(err.what) - 5, "x (-"));
}
