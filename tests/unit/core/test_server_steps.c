#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "os/timer.h"
#include "house.h"

/* Clients that are connected and not open yet, over real sockets. */
TestSuite(server_steps, .timeout = 20);

enum { STUCK = 500, ROUNDS = 200 };

/* A client that says "in" is let in; any other has to say more. */
static enum io ask_for_password(struct opening *o)
{
	size_t got = 0;
	enum io verdict = opening_read(o, 2, &got);

	if (verdict == IO_DONE)
		return got == 2 && memcmp(o->room, "in", 2) == 0 ? IO_DONE : IO_FAIL;
	return verdict;
}

static const struct step step_password = {.name = "password", .go = ask_for_password};

static void prepare_steps(struct stand *s, size_t max_conns, uint64_t exit_after)
{
	prepare(s, "echo");
	s->house.to.level = LEVEL_PEOPLE;
	s->house.server.conf.steps[0].step = &step_password;
	s->house.server.conf.max_conns = max_conns;
	s->house.server.conf.exit_after = exit_after;
	open_house(&s->house);
}

Test(server_steps, one_that_does_not_do_its_part_holds_up_no_other_and_uses_up_no_one_shot_server)
{
	static struct peer stuck, wrong, honest;
	struct stand s;

	prepare_steps(&s, 1, 1);
	visit(&stuck, &s.house);
	TURN_UNTIL(&s.loop, s.house.server.clients.opening_now == 1);
	visit(&wrong, &s.house);
	peer_say(&wrong, "out");
	TURN_UNTIL(&s.loop, sees_the_end(&wrong));
	cr_assert(eq(uint, s.house.ended, 0));
	visit(&honest, &s.house);
	peer_say(&honest, "inhello");
	TURN_UNTIL(&s.loop, hears(&honest, "hello"));
	peer_finish(&honest);
	TURN_UNTIL(&s.loop, s.house.ended == 1);
	cr_assert(not(s.house.failed));
	cr_assert(strstr(s.house.lines.text, "2: ") != NULL);
	cr_assert(strstr(s.house.lines.text, " is not served: ") != NULL);
	peer_leave(&stuck);
	peer_leave(&wrong);
	peer_leave(&honest);
	clear_away(&s);
}

Test(server_steps, one_that_does_not_do_its_part_is_sent_away_in_time)
{
	static struct peer stuck;
	struct stand s;

	prepare_steps(&s, 1, 0);
	visit(&stuck, &s.house);
	TURN_UNTIL(&s.loop, s.house.server.clients.opening_now == 1);
	s.loop.now_ms += SERVER_OPENING_MS;
	timers_run(&s.loop);
	TURN_UNTIL(&s.loop, sees_the_end(&stuck));
	cr_assert(strstr(s.house.lines.text, "not open within 10000 ms (password)") != NULL);
	peer_leave(&stuck);
	clear_away(&s);
}

Test(server_steps, of_two_that_are_ready_for_one_place_one_is_served)
{
	static struct peer one, two;
	struct stand s;

	prepare_steps(&s, 1, 1);
	visit(&one, &s.house);
	visit(&two, &s.house);
	TURN_UNTIL(&s.loop, s.house.server.clients.opening_now == 2);
	peer_say(&one, "in");
	TURN_UNTIL(&s.loop, s.house.server.clients.opening_now == 1);
	peer_say(&two, "in");
	TURN_UNTIL(&s.loop, sees_the_end(&two));
	cr_assert(strstr(s.house.lines.text, "no place is left for it") != NULL);
	peer_leave(&one);
	TURN_UNTIL(&s.loop, s.house.ended == 1);
	peer_leave(&two);
	clear_away(&s);
}

Test(server_steps, stopped_it_does_not_wait_for_those_that_are_opening)
{
	static struct peer stuck;
	struct stand s;

	prepare_steps(&s, 10, 0);
	visit(&stuck, &s.house);
	TURN_UNTIL(&s.loop, s.house.server.clients.opening_now == 1);
	server_stop(&s.house.server, "test", ERR_LOST);
	turn_for_ms(&s.loop, 20);
	cr_assert(eq(uint, s.house.ended, 1));
	cr_assert(not(s.house.failed));
	peer_leave(&stuck);
	clear_away(&s);
}

static int64_t cpu_us(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * INT64_C(1000000) +
	       use.ru_utime.tv_usec + use.ru_stime.tv_usec;
}

Test(server_steps, five_hundred_that_are_stuck_cost_nothing_and_delay_none)
{
	static struct peer honest;
	struct peer *stuck = calloc(STUCK, sizeof(*stuck));
	unsigned turns = 0;
	int64_t before_us;
	struct stand s;

	cr_assert(ne(ptr, stuck, NULL));
	prepare_steps(&s, 1000, 0);
	for (size_t i = 0; i < STUCK; i++) {
		visit(&stuck[i], &s.house);
		if (i % 50 == 0)
			turn_for_ms(&s.loop, 0);
	}
	TURN_UNTIL(&s.loop, s.house.server.clients.opening_now == STUCK);
	before_us = cpu_us();
	cr_assert(le(uint, turn_for_ms(&s.loop, 1000), 2), "none of them wakes the loop");
	cr_assert(lt(i64, cpu_us() - before_us, 10000), "under 1 %% of a processor");
	visit(&honest, &s.house);
	peer_say(&honest, "in");
	for (size_t i = 0; i < ROUNDS; i++) {
		peer_say(&honest, "x");
		for (; honest.heard_len <= i; peer_hear(&honest))
			turns += turn_for_ms(&s.loop, 0);
	}
	cr_assert(le(uint, turns, 3 * ROUNDS), "it is served as if it were alone");
	peer_leave(&honest);
	for (size_t i = 0; i < STUCK; i++)
		peer_leave(&stuck[i]);
	free(stuck);
	clear_away(&s);
}
