/* How sockx serve tells that it is ready. */
#include "cmd/serve.h"

const struct opt serve_ready_options[] = {
	{.name = "ready",
		.kind = OPT_TEXT,
		OPT_FIELD(struct serve_ready_conf, to),
		.arg = "FD|PATH",
		.completes = COMPLETES_FILE,
		.help = "once clients are accepted, write HOST PORT, or the path of the Unix "
			"socket, to this descriptor, FIFO or new file"},
};
const size_t serve_ready_option_count =
	sizeof(serve_ready_options) / sizeof(serve_ready_options[0]);

/* The address that clients on this machine can use: of every address, the loopback one; IPv4 where
 * there are both. */
static struct addr serve_ready_address(const struct server *s)
{
	struct addr at = s->listeners[0].at;

	if (at.sa.sa_family == AF_UNIX || !addr_is_any(&at))
		return at;
	for (size_t i = 1; i < s->listening; i++)
		if (at.sa.sa_family != AF_INET && s->listeners[i].at.sa.sa_family == AF_INET &&
			addr_is_any(&s->listeners[i].at))
			at = s->listeners[i].at;
	return addr_loopback(addr_host(&at).sa.sa_family, addr_port(&at));
}

int serve_ready_prepare(struct serve_run *run, struct err *err)
{
	return ready_prepare(&run->ready, run->to, run->conf->ready.to, err);
}

static void serve_ready_on_failed(void *arg, const struct err *why)
{
	serve_fail(arg, "--ready", why);
}

int serve_ready_begin(struct serve_run *run)
{
	if (notify_begin(&run->notify, run->to, &run->loop) < 0)
		return -1;
	return ready_begin(&run->ready, &run->loop, serve_ready_on_failed, run);
}

void serve_ready_stopping(struct serve_run *run)
{
	notify_say(&run->notify, "STOPPING=1");
}

void serve_ready_end(struct serve_run *run)
{
	ready_end(&run->ready);
	notify_end(&run->notify);
}

int serve_ready_tell(void *arg, struct err *err)
{
	struct serve_run *run = arg;
	const struct addr at = serve_ready_address(&run->server);

	if (ready_tell(&run->ready, addr_words(&at).text, err) < 0)
		return -1;
	notify_say(&run->notify, "READY=1");
	return 0;
}
