#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mode/greet.h"
#include "script.h"

TestSuite(mode_greet, .timeout = 20);

enum { SETTLE_MS = 100000 }; /* a stalled machine does not reach it by itself */

/* A greeting server's run, for peers that follow scripts. */
struct stage {
	struct scene sc;
	struct mode_env env;
	struct greet_conf conf;
	struct mode_shared shared;
	struct greet_run run;
	struct lines told;
	struct reporter to;
};

static int begin(struct stage *st, const char *greeting, bool ask, struct err *err)
{
	st->conf = (struct greet_conf){greeting, ask};
	st->shared.settle_ms = SETTLE_MS;
	st->to = lines_reporter(&st->told);
	scene_begin_for(&st->sc, &mode_greet.on, &st->run);
	st->env = (struct mode_env){.loop = &st->sc.loop,
		.to = &st->to,
		.conf = &st->conf,
		.shared = &st->shared,
		.state = &st->run};
	return mode_greet.begin(&st->env, err);
}

static struct stage *stage(const char *greeting, bool ask)
{
	struct stage *st = calloc(1, sizeof(*st));
	struct err err = {0};

	cr_assert(eq(int, begin(st, greeting, ask, &err), 0), "%s", err.what);
	return st;
}

static void end(struct stage *st)
{
	scene_end(&st->sc);
	free(st);
}

/* What a peer gets, from its coming to its end. */
static void is_greeted(const char *greeting, bool ask, struct script peer, const char *expected)
{
	struct stage *st = stage(greeting, ask);

	scene_join(&st->sc, &peer);
	scene_play(&st->sc);
	cr_assert(eq(str, peer.outgoing, (char *)expected));
	cr_assert(not(peer.failed));
	cr_assert(eq(uint, peer.finished, 1));
	end(st);
}

Test(mode_greet, greets_at_once_where_nobody_is_named)
{
	is_greeted("Hello World! This is me", false, (struct script){0}, "Hello World! This is me");
	is_greeted("Hello", false, (struct script){.incoming = "what nobody reads"}, "Hello");
}

Test(mode_greet, waits_for_the_name_that_the_greeting_has)
{
	is_greeted("welcome {name}", false, (struct script){.incoming = "Ada\n"}, "welcome Ada");
	is_greeted("welcome {name}", false, (struct script){.incoming = "Ada\r\nmore\n"},
		"welcome Ada");
	is_greeted("{name}, {name}!", false, (struct script){.incoming = "Ada", .per_read = 1},
		"Ada, Ada!");
	is_greeted("welcome {name}", false, (struct script){0}, "welcome ");
}

Test(mode_greet, asked_to_it_waits_for_a_name_that_the_greeting_has_not)
{
	struct script silent = {.reads_nothing = true};
	struct stage *st = stage("hello", true);

	scene_join(&st->sc, &silent);
	scene_turn(&st->sc, 20);
	cr_assert(eq(str, silent.outgoing, ""));
	end(st);
	is_greeted("hello", true, (struct script){.incoming = "Ada"}, "hello");
}

Test(mode_greet, a_peer_that_ends_nothing_is_greeted_when_it_has_gone_quiet)
{
	struct script peer = {.incoming = "Ada", .stays = true};
	struct stage *st = stage("welcome {name}", false);

	scene_join(&st->sc, &peer);
	scene_turn(&st->sc, 20);
	cr_assert(eq(str, peer.outgoing, ""));
	scene_pass_ms(&st->sc, SETTLE_MS);
	cr_assert(eq(str, peer.outgoing, "welcome Ada"));
	cr_assert(eq(uint, peer.finished, 1));
	end(st);
}

static unsigned times_told(const struct stage *st, const char *text)
{
	unsigned times = 0;

	for (const char *at = st->told.text; (at = strstr(at, text)); at++)
		times++;
	return times;
}

Test(mode_greet, a_report_says_once_that_a_client_says_nothing)
{
	struct script silent = {.reads_nothing = true};
	struct stage *st = stage("welcome {name}", false);

	scene_join(&st->sc, &silent);
	scene_turn(&st->sc, 20);
	cr_assert(eq(uint, times_told(st, "waiting"), 0));
	scene_pass_ms(&st->sc, GREET_SILENT_MS);
	cr_assert(eq(uint, times_told(st, "1: waiting for a name\n"), 1));
	scene_pass_ms(&st->sc, 10 * GREET_SILENT_MS);
	cr_assert(eq(uint, times_told(st, "waiting"), 1));
	silent.reads_nothing = false;
	end(st);
}

Test(mode_greet, where_a_person_sees_nothing_no_time_is_set_for_it)
{
	struct script silent = {.reads_nothing = true};
	struct stage *st = stage("welcome {name}", false);

	st->to.level = LEVEL_READY;
	scene_join(&st->sc, &silent);
	scene_turn(&st->sc, 20);
	scene_pass_ms(&st->sc, 10 * GREET_SILENT_MS);
	cr_assert(eq(uint, times_told(st, "waiting"), 0));
	end(st);
}

Test(mode_greet, a_client_that_ends_without_a_name_was_not_waited_for)
{
	struct script peer = {0};
	struct stage *st = stage("welcome {name}", false);

	scene_join(&st->sc, &peer);
	scene_play(&st->sc);
	cr_assert(eq(str, peer.outgoing, "welcome "));
	cr_assert(eq(uint, times_told(st, "waiting"), 0));
	end(st);
}

Test(mode_greet, other_braces_are_text)
{
	is_greeted("{\"a\":{}} {x1} {Name} {name", false, (struct script){0},
		"{\"a\":{}} {x1} {Name} {name");
}

static void is_refused(const char *greeting, const char *quoted)
{
	struct stage *st = calloc(1, sizeof(*st));
	struct err err = {0};

	cr_assert(eq(int, begin(st, greeting, false, &err), -1));
	cr_assert(eq(int, err.kind, ERR_USAGE));
	cr_assert(strstr(err.what, quoted) != NULL, "%s", err.what);
	cr_assert(strstr(err.hint, "{name}, {peer} and {host}") != NULL);
	end(st);
}

Test(mode_greet, a_word_in_braces_that_means_nothing_is_a_mistake)
{
	is_refused("welcome {nmae}", "'{nmae}'");
	is_refused("{name} {peers}", "'{peers}'");
}

Test(mode_greet, fills_in_the_machine_and_the_peer)
{
	struct script peer = {0};
	struct stage *st = stage("{host}|{peer}|", false);

	snprintf(st->run.host, sizeof(st->run.host), "babbage");
	scene_join(&st->sc, &peer);
	scene_play(&st->sc);
	cr_assert(eq(str, peer.outgoing, "babbage|?|"));
	end(st);
}

Test(mode_greet, tells_the_operator_who_came_and_nothing_that_steers_a_terminal)
{
	struct script peer = {.incoming = "A\033[2J\n"};
	struct stage *st = stage("hi {name}", false);

	scene_join(&st->sc, &peer);
	scene_play(&st->sc);
	cr_assert(eq(str, peer.outgoing, "hi A\033[2J"));
	cr_assert(strstr(st->told.text, "is 'A\\x1b[2J'\n") != NULL, "%s", st->told.text);
	end(st);
}

Test(mode_greet, each_datagram_is_answered_and_nothing_ends)
{
	static const char *const names[] = {"Ada", "Bob\n", "", NULL};
	struct script peer = {
		.message_max = 1000, .connectionless = true, .messages = names, .stays = true};
	struct stage *st = stage("hi {name}", false);

	scene_join(&st->sc, &peer);
	scene_turn(&st->sc, 20);
	cr_assert(eq(str, peer.outgoing, "[hi Ada][hi Bob][hi ]"));
	cr_assert(eq(uint, peer.ended, 0));
	end(st);
}

Test(mode_greet, where_messages_are_whole_the_first_is_the_name)
{
	static const char *const names[] = {"Ada", "Bob", NULL};

	is_greeted("hi {name}", false, (struct script){.message_max = 1000, .messages = names},
		"[hi Ada]");
	is_greeted("hi", false, (struct script){.message_max = 1000, .messages = names}, "[hi]");
}

Test(mode_greet, a_name_past_its_bound_is_refused)
{
	char *name = calloc(1, FRAMER_MAX_BYTES + 10);
	struct script peer = {.incoming = name};
	struct stage *st = stage("hi {name}", false);

	memset(name, 'x', FRAMER_MAX_BYTES + 9);
	scene_join(&st->sc, &peer);
	scene_play(&st->sc);
	cr_assert(eq(str, peer.outgoing, "error: a line may have at most 65536 bytes\n"));
	cr_assert(eq(int, peer.why.kind, ERR_RUNTIME));
	end(st);
	free(name);
}
