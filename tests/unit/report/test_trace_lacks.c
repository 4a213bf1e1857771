#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>

#include "calls.h"
#include "check.h"
#include "held_clock.h"
#include "memory.h"
#include "report/explain.h"
#include "report/trace_mermaid.h"
#include "sanitized.h"
#include "script.h"

/* Each allocation fails in turn, wherever a line has to grow: it is shown whole, or dropped and
 * counted. */

TestSuite(trace_lacks, .timeout = 60);

enum { FILLER_MAX = 300, FD = 5 };

struct lacking {
	struct lines lines;
	struct reporter to;
	struct trace trace;
	struct explain explain;
	struct trace_mermaid mermaid;
};

static int some_holder(struct buf *out, int type, const struct addr *at)
{
	(void)type;
	(void)at;
	return buf_puts(out, "process 12");
}

static int some_addresses(struct buf *out)
{
	return buf_puts(out, "127.0.0.1");
}

static const struct explain_facts facts = {some_holder, some_addresses};

/* ---- the forms ---- */

static void in_text(struct lacking *t)
{
	trace_add(&t->trace, &trace_text, NULL);
}

static void in_colour(struct lacking *t)
{
	t->to.colour = true;
	in_text(t);
}

static void in_objects(struct lacking *t)
{
	t->to.json = true;
	trace_add(&t->trace, &trace_json, NULL);
}

static void in_mermaid(struct lacking *t)
{
	trace_mermaid_begin(&t->mermaid, &t->trace, "sockx test");
}

static void in_sentences(struct lacking *t)
{
	t->explain.facts = &facts;
	trace_add(&t->trace, &trace_explain, &t->explain);
}

static void (*const forms[])(struct lacking *) = {
	in_text, in_colour, in_objects, in_mermaid, in_sentences};

/* ---- what is shown ---- */

static void a_call(struct lacking *t, const char *filler)
{
	struct call call = call_of_option(FD, 0, 0, filler, TCP_CLOSE_WAIT);

	trace_call(&t->trace, &call);
}

static void a_failure(struct lacking *t, const char *filler)
{
	struct call call = call_failed(call_of_recv(FD, "", TCP_CLOSE), ECONNRESET, "ECONNRESET");

	call.args = filler;
	trace_call(&t->trace, &call);
}

static void a_message(struct lacking *t, const char *filler)
{
	trace_happened(
		&t->trace, &(struct trace_event){.fd = FD, .name = "alert", .detail = filler});
}

static void a_remark(struct lacking *t, const char *filler)
{
	trace_remark(&t->trace, FD, span_of(filler));
}

static void a_report(struct lacking *t, const char *filler)
{
	report(&t->to, &(struct report){.kind = REPORT_LISTENING,
			       .address = filler,
			       .transport = "tcp",
			       .mode = "echo"});
}

static void (*const shows[])(struct lacking *, const char *) = {
	a_call, a_failure, a_message, a_remark, a_report};

/* A connection that is known, and the allocations that one step makes from then on. */
static bool shown(struct lacking *t, size_t form, size_t show, const char *filler, unsigned nth)
{
	const struct addr peer = addr_loopback(AF_INET, 7000);
	struct call made = call_of_socket(FD, AF_INET, SOCK_STREAM),
		    connected = call_at(CALL_CONNECT, "connect", FD, &peer, TCP_ESTABLISHED);
	bool failed;

	t->to = lines_reporter(&t->lines);
	trace_begin(&t->trace, &t->to);
	forms[form](t);
	trace_call(&t->trace, &made);
	trace_call(&t->trace, &connected);
	t->lines.len = 0;
	t->lines.text[0] = '\0';
	fail_allocation(nth);
	shows[show](t, filler);
	failed = fail_allocation(0);
	trace_end(&t->trace);
	return failed;
}

/* Counted, or told already. */
static bool dropped(const struct lacking *t)
{
	return t->to.dropped || strstr(t->lines.text, "lines dropped: 1");
}

static void each_allocation(size_t form, size_t show, const char *filler)
{
	static struct lacking whole, t;

	shown(&whole, form, show, filler, 0);
	for (unsigned nth = 1; shown(&t, form, show, filler, nth); nth++)
		if (!dropped(&t))
			cr_assert(eq(str, t.lines.text, whole.lines.text));
	cr_assert(not(dropped(&t)));
}

Test(trace_lacks, memory)
{
	char filler[FILLER_MAX + 1];

	clock_hold_at(1000);
	for (size_t len = 1; len < FILLER_MAX; len += SANITIZED_STEP) {
		for (size_t i = 0; i < len; i++)
			filler[i] = i % 7 == 6 ? ' ' : 'x';
		filler[len] = '\0';
		for (size_t form = 0; form < sizeof(forms) / sizeof(*forms); form++)
			for (size_t show = 0; show < sizeof(shows) / sizeof(*shows); show++)
				each_allocation(form, show, filler);
	}
	clock_release();
}
