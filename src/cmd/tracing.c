#include "cmd/tracing.h"

#include <stdio.h>
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

/* All of standard error is then the diagram. */
static int tracing_begin_mermaid(
	struct tracing *t, const struct talk_conf *talk, const char *command, struct err *err)
{
	char we[32];

	if (talk->json) {
		err_set(err, ERR_USAGE, "'--trace=mermaid' and '--json' cannot be combined");
		return err_hint(err, "with --json each line is an object: use '--trace=json'");
	}
	snprintf(we, sizeof(we), "sockx %s", command);
	trace_mermaid_begin(&t->mermaid, &t->trace, we);
	return 0;
}

int tracing_begin(struct tracing *t, struct reporter *to, const struct talk_conf *talk,
	const char *command, struct err *err)
{
	const bool as_diagram = talk->trace && strcmp(talk->trace, "mermaid") == 0;

	if (!talk->trace && !talk->explain)
		return 0;
	trace_begin(&t->trace, to);
	if (!as_diagram)
		trace_add(&t->trace, tracing_form(talk), NULL);
	else if (tracing_begin_mermaid(t, talk, command, err) < 0)
		return -1;
	if (talk->explain) {
		t->explain.facts = &facts;
		t->explain.beside_text = !as_diagram && tracing_form(talk) == &trace_text;
		trace_add(&t->trace, &trace_explain, &t->explain);
	}
	return 0;
}

void tracing_end(struct tracing *t)
{
	if (t->trace.to)
		trace_end(&t->trace);
}
