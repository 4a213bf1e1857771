#include "cmd/tracing.h"

#include <string.h>

#include "check.h"
#include "memory.h"
#include "report/trace.h"
#include "script.h"

TestSuite(tracing, .timeout = 20);

struct traced {
	struct lines lines;
	struct reporter to;
	struct tracing *tracing;
	struct err err;
	int rc;
};

/* A trace of one call, as it was asked for. */
static const char *shown(struct traced *t, const struct talk_conf *talk)
{
	*t = (struct traced){.to = lines_reporter(&t->lines)};
	t->to.json = talk->json;
	t->rc = tracing_begin(&t->tracing, &t->to, talk, "serve", &t->err);
	if (t->to.trace)
		trace_call(t->to.trace, &(struct call){.kind = CALL_SOCKET,
						.name = "socket",
						.fd = CALL_NO_FD,
						.family = AF_INET,
						.type = SOCK_STREAM,
						.rc = 5,
						.error_name = ""});
	t->rc = tracing_end(t->tracing, t->rc, &t->err);
	cr_expect(eq(ptr, t->to.trace, NULL));
	return t->lines.text;
}

/* What was asked for, and what is there of each form. */
static const struct {
	struct talk_conf talk;
	const char *has, *has_not;
} asked[] = {
	{{.trace = "text"}, "  - socket() = 5\n", "# "},
	{{.explain = true}, "# socket makes an endpoint", "\"event\""},
	{{.trace = "text", .explain = true}, "# socket makes an endpoint", "\"event\""},
	{{.trace = "json"}, "\"event\":\"call\"", "\"explained\""},
	{{.trace = "text", .json = true}, "\"event\":\"call\"", " = 5\n"},
	{{.explain = true, .json = true}, "\"event\":\"explained\"", "# "},
	{{.trace = "json", .explain = true}, "\"event\":\"explained\"", "# "},
	{{.trace = "mermaid"}, "participant S as sockx serve\n    Note over S: socket() = 5\n",
		"# "},
};

Test(tracing, each_form)
{
	static struct traced t;

	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
		const char *text = shown(&t, &asked[i].talk);

		cr_expect(eq(int, t.rc, 0));
		cr_expect(strstr(text, asked[i].has) != NULL, "%zu: %s", i, text);
		cr_expect(eq(ptr, strstr(text, asked[i].has_not), NULL), "%zu: %s", i, text);
	}
}

Test(tracing, sentences_stand_below_the_call_that_they_are_about)
{
	static struct traced t;
	const char *text = shown(&t, &(struct talk_conf){.explain = true});

	cr_assert(strstr(text, "socket() = 5\n") != NULL, "%s", text);
	cr_assert(strstr(text, "socket() = 5\n") < strstr(text, "# socket makes"), "%s", text);
}

Test(tracing, nothing_where_nothing_was_asked_for)
{
	static struct traced t;

	cr_assert(eq(str, (char *)shown(&t, &(struct talk_conf){0}), ""));
	cr_assert(eq(int, t.rc, 0));
}

Test(tracing, a_diagram_is_not_made_of_objects)
{
	static struct traced t;
	const char *text = shown(&t, &(struct talk_conf){.trace = "mermaid", .json = true});

	cr_assert(eq(int, t.rc, -1));
	cr_assert(eq(int, t.err.kind, ERR_USAGE));
	cr_assert(eq(str, t.err.what, "'--trace=mermaid' and '--json' cannot be combined"));
	cr_assert(eq(str, (char *)text, ""));
}

Test(tracing, without_memory_it_does_not_begin)
{
	static struct traced t;

	fail_allocation(1);
	shown(&t, &(struct talk_conf){.explain = true});
	cr_assert(fail_allocation(0));
	cr_assert(eq(int, t.rc, -1));
	cr_assert(eq(str, t.err.what, "cannot begin: out of memory"));
	cr_assert(eq(str, t.lines.text, ""));
}
