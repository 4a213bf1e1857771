#include "cmd/tracing.h"

#include <string.h>

#include "os/facts.h"

static const struct explain_facts facts = {.holder = facts_holder, .addresses = facts_addresses};

/* With --json every line of standard error is an object. */
static const struct trace_form *tracing_form(const struct talk_conf *talk)
{
	if (talk->json || (talk->trace && strcmp(talk->trace, "json") == 0))
		return &trace_json;
	return &trace_text;
}

void tracing_begin(struct tracing *t, struct reporter *to, const struct talk_conf *talk)
{
	*t = (struct tracing){0};
	if (!talk->trace && !talk->explain)
		return;
	trace_begin(&t->trace, to);
	trace_add(&t->trace, tracing_form(talk), NULL);
	if (!talk->explain)
		return;
	t->explain.facts = &facts;
	trace_add(&t->trace, &trace_explain, &t->explain);
}

void tracing_end(struct tracing *t)
{
	if (t->trace.to)
		trace_end(&t->trace);
}
