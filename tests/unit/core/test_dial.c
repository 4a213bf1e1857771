#include <stdio.h>

#include "cmd/far.h"
#include "core/dial.h"
#include "house.h"
#include "transport/udp.h"

/* Connections that a run makes by itself: a client's, or a mode's. */
TestSuite(dial, .timeout = 20);

/* A caller, beside the house that it calls. */
struct caller {
	struct conn_owner owner;
	struct dial dial;
	struct target target;
	unsigned told;
	struct conn *made;
	struct err why;
	bool heard;
};

static void say_hello(struct conn *c)
{
	conn_write(c, span_of("hello"));
}

static void hear(struct conn *c, struct span in)
{
	struct caller *caller = conn_ctx(c);

	caller->heard = in.len == 5 && memcmp(in.data, "hello", 5) == 0;
	conn_close(c, 0);
}

static const struct handler talking = {.open = say_hello, .data = hear};

static void note(struct dial *d, struct conn *made, const struct err *why)
{
	struct caller *caller = d->arg;

	caller->told++;
	caller->made = made;
	if (why)
		caller->why = *why;
}

static void prepare_caller(struct caller *caller, struct stand *s)
{
	*caller = (struct caller){
		.owner = {.loop = &s->loop,
			.to = &s->house.to,
			.scratch = &s->house.scratch,
			.on = &talking,
			.ctx = caller},
	};
	caller->dial = (struct dial){.owner = &caller->owner, .done = note, .arg = caller};
	conn_owner_init(&caller->owner);
}

static const struct mode_shared nothing = {0};

/* Call the house by a target. */
static void call(struct caller *caller, struct stand *s, const char *scheme)
{
	struct err err;
	char word[64];

	prepare_caller(caller, s);
	snprintf(word, sizeof(word), "%s127.0.0.1:%u", scheme,
		addr_port(&s->house.server.listeners[0].at));
	cr_assert(eq(ptr, (void *)target_read(word, &caller->target), NULL));
	cr_assert(eq(int,
			  far_dial(&(struct far){0}, &nothing, true, 5000, &caller->dial,
				  &caller->target, &err),
			  0),
		"%s", err.what);
	cr_assert(eq(uint, caller->told, 0), "never within the call");
}

static void talk_by(const struct transport *via, const char *scheme, const char *report)
{
	struct caller caller;
	struct stand s;

	prepare(&s, "echo");
	s.house.server.conf.via = via;
	open_house(&s.house);
	call(&caller, &s, scheme);
	TURN_UNTIL(&s.loop, caller.heard);
	cr_assert(eq(uint, caller.told, 1));
	cr_assert(eq(u16, addr_port(&caller.dial.at), addr_port(&s.house.server.listeners[0].at)));
	cr_assert(strstr(s.house.lines.text, report) != NULL, "%s", s.house.lines.text);
	TURN_UNTIL(&s.loop, caller.owner.open_now == 0);
	conn_owner_free(&caller.owner);
	clear_away(&s);
}

Test(dial, a_target_says_how_to_travel)
{
	talk_by(&transport_tcp, "", "connected to 127.0.0.1:");
	talk_by(&transport_tcp, "tcp://", "connected to 127.0.0.1:");
	talk_by(&transport_udp, "udp://", "sending to 127.0.0.1:");
}

Test(dial, what_is_not_reached_is_told_as_clients_tell_it)
{
	struct caller caller;
	struct stand s;

	prepare(&s, "echo");
	open_house(&s.house);
	server_stop(&s.house.server, "test", ERR_LOST); /* nothing listens there any more */
	call(&caller, &s, "");
	TURN_UNTIL(&s.loop, caller.told);
	cr_assert(eq(ptr, (void *)caller.made, NULL));
	cr_assert(eq(int, caller.why.kind, ERR_REFUSED));
	cr_assert(strstr(caller.why.what, "Connection refused") != NULL, "%s", caller.why.what);
	conn_owner_free(&caller.owner);
	clear_away(&s);
}

Test(dial, one_that_is_given_up_tells_nothing_and_leaves_nothing)
{
	struct caller caller;
	struct stand s;

	prepare(&s, "echo");
	open_house(&s.house);
	call(&caller, &s, "");
	dial_stop(&caller.dial);
	turn_for_ms(&s.loop, 5);
	cr_assert(eq(uint, caller.told, 0));
	dial_stop(&caller.dial); /* nothing is under way any more */
	conn_owner_free(&caller.owner);
	clear_away(&s);
}

Test(dial, the_steps_have_what_is_left_of_the_time)
{
	struct caller caller;
	struct stand s;

	prepare(&s, "echo");
	open_house(&s.house);
	call(&caller, &s, "");
	TURN_UNTIL(&s.loop, caller.made);
	cr_assert(gt(i64, caller.owner.opening_ms, 0));
	cr_assert(le(i64, caller.owner.opening_ms, 5000));
	conn_owner_free(&caller.owner);
	turn_for_ms(&s.loop, 3);
	clear_away(&s);
}
