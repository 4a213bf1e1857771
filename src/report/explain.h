#ifndef SOCKX_REPORT_EXPLAIN_H
#define SOCKX_REPORT_EXPLAIN_H

#include "report/trace.h"

/*
 * What --explain adds to a trace: one plain sentence or two where an idea appears for the first
 * time, with the page they come from; why a call failed, from facts; and at the end of each
 * connection and of the run, what there was.
 */

/* What this machine says of itself; os/facts.h has them. Each appends to out, or leaves it as it is
 * where nothing is known. Returns 0, or -1 when memory is out. */
struct explain_facts {
	/* Who has bound such a socket to the port of that address: "process 12 (nginx)". */
	int (*holder)(struct buf *out, int type, const struct addr *at);
	/* The addresses of its interfaces, with ", " between them. */
	int (*addresses)(struct buf *out);
};

/* When an idea appears. 0, "" and NULL are any. Texts stand in place: pointers to them would be
 * relocated at each start. */
struct explain_idea {
	char event[24];  /* with a message of that name, and not with a call */
	char detail[40]; /* ... whose detail begins so */
	char name[12];   /* with this call, whether or not it is about a socket */
	enum call_kind kind;
	int family, type;  /* of the socket */
	int level, option; /* setsockopt, getsockopt */
	int error;         /* this errno; 0: it succeeded; without name and kind: whether or not */
	int result;        /* RESULT_... */
	int before, after; /* the TCP state, inferred or not; after: it was another before */
	int when;          /* what else has to hold: explain_idea_holds */
	char text[264];    /* whole sentences */
	char page[32];     /* the manual page or RFC they come from; "": none has it */
};

/* What a call returned, if it matters: nothing, or something; not both. */
enum { RESULT_ZERO = 1, RESULT_SOME };

enum { EXPLAIN_IDEAS_MAX = 160 };

/* All of them; and how many. */
extern const struct explain_idea explain_ideas[];
extern const size_t explain_idea_count;

/* Whether that holds which its row says beyond what can be compared. */
bool explain_idea_holds(
	const struct explain_idea *i, const struct call *call, const struct trace_socket *socket);

struct explain {
	const struct explain_facts *facts;
	bool beside_text; /* trace_text shows the calls: say how its lines are read */
	bool told[EXPLAIN_IDEAS_MAX];
	uint64_t calls;
};

/* Its arg is a struct explain, with facts filled in and the rest zero. */
extern const struct trace_form trace_explain;

#endif
