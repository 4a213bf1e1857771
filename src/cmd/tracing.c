#include "cmd/tracing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "os/capture_file.h"
#include "os/facts.h"
#include "report/explain.h"
#include "report/trace_mermaid.h"
#include "report/trace_pcap.h"

struct tracing {
	struct trace trace;
	struct explain explain;
	struct trace_mermaid mermaid;
	struct trace_pcap pcap;
	struct capture_file file;
};

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

/* trace_pcap.write */
static void tracing_write(void *arg, struct span blocks)
{
	capture_file_add(arg, blocks);
}

/* trace_pcap.lacks */
static void tracing_lacks(void *arg, const char *why, bool lost)
{
	struct capture_file *f = arg;

	if (lost)
		capture_file_fail(f, why);
	else
		report(f->to, &(struct report){
				      .kind = REPORT_NOT_CAPTURED, .path = f->path, .reason = why});
}

static int tracing_begin_pcap(
	struct tracing *t, struct reporter *to, const char *path, struct err *err)
{
	if (strcmp(path, "-") == 0) {
		err_set(err, ERR_USAGE, "'--pcap -': standard output is for data");
		return err_hint(err, "name a file; or, in bash, '--pcap >(tshark -r -)'");
	}
	if (capture_file_begin(&t->file, to, path, err) < 0)
		return -1;
	t->pcap = (struct trace_pcap){
		.write = tracing_write, .lacks = tracing_lacks, .arg = &t->file};
	trace_pcap_begin(&t->pcap, &t->trace, "sockx " SOCKX_VERSION);
	return 0;
}

static int tracing_begin_lines(
	struct tracing *t, const struct talk_conf *talk, const char *command, struct err *err)
{
	const bool as_diagram = talk->trace && strcmp(talk->trace, "mermaid") == 0;

	if (as_diagram) {
		if (tracing_begin_mermaid(t, talk, command, err) < 0)
			return -1;
	} else if (talk->trace || talk->explain) {
		trace_add(&t->trace, tracing_form(talk), NULL);
	}
	if (talk->explain) {
		t->explain.facts = &facts;
		t->explain.beside_text = !as_diagram && tracing_form(talk) == &trace_text;
		trace_add(&t->trace, &trace_explain, &t->explain);
	}
	return 0;
}

int tracing_begin(struct tracing **begun, struct reporter *to, const struct talk_conf *talk,
	const char *command, struct err *err)
{
	struct tracing *t;

	*begun = NULL;
	if (!talk->trace && !talk->explain && !talk->pcap)
		return 0;
	t = *begun = calloc(1, sizeof(*t));
	if (!t)
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	trace_begin(&t->trace, to);
	if (tracing_begin_lines(t, talk, command, err) < 0)
		return -1;
	return talk->pcap ? tracing_begin_pcap(t, to, talk->pcap, err) : 0;
}

int tracing_end(struct tracing *t, int rc, struct err *err)
{
	if (!t)
		return rc;
	trace_end(&t->trace);
	if (capture_file_end(&t->file) < 0 && rc == 0) {
		*err = (struct err){.kind = ERR_RUNTIME}; /* it has been reported */
		if (t->file.to->json) /* but its last line is an error or `done` */
			err_set(err, ERR_RUNTIME, "%s is not complete", quoted(t->file.path).text);
		rc = -1;
	}
	free(t);
	return rc;
}
