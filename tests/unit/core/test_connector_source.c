#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "check.h"
#include "core/connector.h"
#include "os/timer.h"
#include "script.h"

/* A source that cannot be had yet. */
TestSuite(connector_source, .timeout = 20);

/* A transport that is kept from its source for so many tries, and says why. */
struct kept {
	struct transport row;
	unsigned tries, full, calls;
	bool untold; /* it does not say why */
};

static enum io dial_later(
	struct link *link, const struct addr *at, const struct dial_conf *conf, bool *source_failed)
{
	struct kept *k = container_of(link->via, struct kept, row);
	struct err why = {0};

	(void)at;
	(void)conf;
	k->calls++;
	link->error = EAGAIN;
	*source_failed = k->tries > 0;
	if (k->tries) {
		k->tries--;
		err_set(&why, ERR_RUNTIME, "it is kept from us");
		err_hint(&why, "look who has it");
		if (!k->untold)
			link_fail_with(link, &why);
		return IO_AGAIN;
	}
	if (k->full) {
		k->full--;
		return IO_AGAIN;
	}
	link->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return IO_DONE;
}

static int hang_up(struct link *link)
{
	close(link->fd);
	return 0;
}

static void no_advice(struct reporter *to, struct err *err, int error, const struct addr *at)
{
	(void)to;
	(void)err;
	(void)error;
	(void)at;
}

struct outcome {
	struct loop loop;
	struct reporter to;
	struct lines lines;
	struct kept kept;
	struct connector *c;
	unsigned descriptors, times;
	struct link link;
	struct err why;
};

static void on_done(void *arg, const struct connected *there, const struct err *why)
{
	struct outcome *o = arg;

	o->times++;
	if (there)
		o->link = there->link;
	else
		o->why = *why;
}

static void begin(struct outcome *o, unsigned tries, unsigned full, int64_t timeout_ms)
{
	struct connector_conf conf = {.typed = "there",
		.at = addr_loopback(AF_INET, 80),
		.from.source = addr_loopback(AF_INET, 0),
		.timeout_ms = timeout_ms};
	struct err err;

	*o = (struct outcome){.descriptors = open_descriptors(),
		.kept = {.row = {.name = "kept",
				 .connect = dial_later,
				 .close = hang_up,
				 .advise = no_advice},
			.tries = tries,
			.full = full}};
	conf.via = &o->kept.row;
	o->to = lines_reporter(&o->lines);
	cr_assert(eq(int, loop_init(&o->loop, &err), 0));
	o->c = connector_start(&o->loop, &o->to, &conf, on_done, o, &err);
	cr_assert(o->c != NULL, "%s", err.what);
}

/* Let time pass, as the timers see it. */
static void pass_ms(struct outcome *o, int64_t ms)
{
	struct loop *l = &o->loop;
	int64_t end_ms = l->now_ms + ms;

	while (l->timers_set && l->heap[1]->at_ms <= end_ms) {
		if (l->heap[1]->at_ms > l->now_ms)
			l->now_ms = l->heap[1]->at_ms;
		timers_run(l);
	}
	l->now_ms = end_ms;
}

static void end(struct outcome *o)
{
	if (o->link.via)
		link_close(&o->link);
	cr_assert(eq(u32, o->loop.timers_counted, 0));
	loop_free(&o->loop);
	cr_assert(eq(uint, open_descriptors(), o->descriptors));
}

Test(connector_source, it_is_tried_again_until_it_can_be_had)
{
	struct outcome o;

	begin(&o, 4, 0, 0);
	pass_ms(&o, 60);
	cr_assert(eq(uint, o.times, 0));
	cr_assert(eq(uint, o.kept.calls, 3));
	pass_ms(&o, 1000);
	cr_assert(eq(uint, o.times, 1));
	cr_assert(o.link.via != NULL);
	cr_assert(eq(str, o.lines.text, "trying 127.0.0.1:80\n"), "it is one attempt");
	end(&o);
}

Test(connector_source, it_is_given_up_after_2_s_with_its_story)
{
	struct outcome o;

	begin(&o, 100000, 0, 5000);
	pass_ms(&o, 1900);
	cr_assert(eq(uint, o.times, 0));
	pass_ms(&o, 200);
	cr_assert(eq(uint, o.times, 1));
	cr_assert(eq(int, o.why.kind, ERR_RUNTIME));
	cr_assert(eq(str, o.why.what, "it is kept from us"));
	cr_assert(eq(str, o.why.hint, "look who has it"));
	end(&o);
}

Test(connector_source, without_a_story_the_address_and_the_errno_are_reported)
{
	struct outcome o;

	begin(&o, 100000, 0, 0);
	o.kept.untold = true;
	pass_ms(&o, 2200);
	cr_assert(eq(int, o.why.kind, ERR_RUNTIME));
	cr_assert(eq(str, o.why.what,
		"cannot bind the source address 127.0.0.1:0: Resource temporarily unavailable"));
	end(&o);
}

Test(connector_source, at_the_deadline_its_story_is_reported_as_a_time_out)
{
	struct outcome o;

	begin(&o, 100000, 0, 200);
	pass_ms(&o, 210);
	cr_assert(eq(uint, o.times, 1));
	cr_assert(eq(int, o.why.kind, ERR_TIMEOUT));
	cr_assert(eq(str, o.why.what, "it is kept from us"));
	end(&o);
}

Test(connector_source, once_it_is_there_a_server_without_room_is_waited_for_as_ever)
{
	struct outcome o;

	begin(&o, 5, 100000, 5000);
	pass_ms(&o, 4900);
	cr_assert(eq(uint, o.times, 0));
	pass_ms(&o, 200);
	cr_assert(eq(int, o.why.kind, ERR_TIMEOUT));
	cr_assert(eq(str, o.why.what, "cannot connect to 'there' within 5000 ms"));
	end(&o);
}

Test(connector_source, it_may_be_cancelled_meanwhile)
{
	struct outcome o;

	begin(&o, 100000, 0, 0);
	pass_ms(&o, 100);
	connector_cancel(o.c);
	end(&o);
	cr_assert(eq(uint, o.times, 0));
}
