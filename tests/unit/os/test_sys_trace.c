#include "os/sys_trace.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "os/sys_socket.h"
#include "report/trace.h"
#include "script.h"

/* What a trace is handed of a call, with real sockets. */

TestSuite(sys_trace, .timeout = 20);

/* The last call that was shown. */
struct seen {
	struct lines lines;
	struct reporter to;
	struct trace trace;
	struct call call;
	int count;
};

static void seen_call(
	struct trace *t, void *arg, const struct call *call, struct trace_socket *socket)
{
	struct seen *s = arg;

	(void)t;
	(void)socket;
	s->call = *call;
	s->count++;
}

static const struct trace_form form_seen = {.call = seen_call};

static void begin(struct seen *s)
{
	s->to = lines_reporter(&s->lines);
	trace_begin(&s->trace, &s->to);
	trace_add(&s->trace, &form_seen, s);
}

Test(sys_trace, a_message_may_have_no_part)
{
	static struct seen s;
	struct msghdr none = {0};
	int ends[2];

	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0));
	begin(&s);
	cr_assert(eq(long, sys_sendmsg(&s.to, ends[0], &none), 0));
	cr_expect(eq(str, s.call.name, "sendmsg"));
	cr_expect(eq(ptr, s.call.data.data, NULL));
	cr_assert(eq(long, sys_recvmsg(&s.to, ends[1], &none, 0), 0));
	cr_expect(eq(str, s.call.name, "recvmsg"));
	cr_expect(eq(ptr, s.call.data.data, NULL));
	cr_expect(eq(sz, s.call.asked, 0));
	cr_expect(eq(int, s.count, 2));
	trace_end(&s.trace);
	close(ends[0]);
	close(ends[1]);
}
