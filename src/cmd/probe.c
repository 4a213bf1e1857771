/* connect --zero, of one address. */
#include "cmd/probe.h"

#include <unistd.h>

#include "os/write_out.h"

const struct opt probe_options[] = {
	{.name = "zero",
		.letter = 'z',
		.kind = OPT_FLAG,
		OPT_FIELD(struct probe_conf, zero),
		.help = "only see whether a server is there: status 0 if it is, 7 if refused, 5 if "
			"silent; after \"--\", a program to become if it is"},
	{.name = "probe",
		.kind = OPT_TEXT,
		OPT_FIELD(struct probe_conf, text),
		.arg = "TEXT",
		.help = "with -z over datagrams, send TEXT and not an empty datagram"},
};
const size_t probe_option_count = sizeof(probe_options) / sizeof(probe_options[0]);

struct probe_command {
	struct client client;
	const struct probe_conf *conf;
	struct timer silence;
	struct err why;       /* this attempt has failed */
	bool sends, answered; /* over datagrams */
};

/* What the connection would be used for. */
static int probe_check_alone(
	const struct opt_set *set, const struct opt_args *args, struct err *err)
{
	static const char *const own[] = {
		"mode", "max-answer", "idle-timeout", "progress", "hexdump"};
	const struct opt_modes *unused;
	const char *stray = opts_stray(set, args, "", &unused);

	for (size_t i = 0; !stray && i < sizeof(own) / sizeof(own[0]); i++)
		stray = opts_given(set, args, own[i]);
	if (!stray)
		return 0;
	err_set(err, ERR_USAGE, "'--zero' and '%s' cannot be combined", stray);
	return err_hint(err, "-z transfers nothing: leave out one of them");
}

int probe_check(const struct probe_conf *conf, const struct opt_set *set,
	const struct opt_args *args, struct err *err)
{
	if (!conf->zero && !conf->text)
		return 0;
	if (!conf->zero) {
		err_set(err, ERR_USAGE, "'--probe' is only for use with '--zero'");
		return err_hint(err, "to send a text and see the answer: leave it out, and write "
				     "printf TEXT | sockx connect -u HOST PORT");
	}
	if (args->dashes && !args->program_count) {
		err_set(err, ERR_USAGE, "'--zero' needs a program after '--'");
		return err_hint(
			err, "leave out '--', or name it: sockx connect -z HOST PORT -- true");
	}
	return probe_check_alone(set, args, err);
}

int probe_check_text(const struct probe_conf *conf, const struct transport *via, struct err *err)
{
	if (!conf->text || via->connectionless)
		return 0;
	err_set(err, ERR_USAGE, "'--probe' is for datagrams");
	return err_hint(err, "leave it out: a stream is open once it is connected");
}

/* ---- the attempt ---- */

static void probe_on_silence(struct timer *t)
{
	struct probe_command *p = container_of(t, struct probe_command, silence);

	if (!p->client.net)
		return;
	err_set(&p->why, ERR_TIMEOUT, "%s: no answer within %jd ms", p->client.dial.typed,
		(intmax_t)p->client.dial.where.timeout_ms);
	err_hint(&p->why, "a server may be there all the same: few answer an empty datagram; "
			  "--probe TEXT sends one that this server answers");
	conn_abort(p->client.net);
}

/* Datagrams: only an answer shows that a server is there. */
static void probe_ask(struct probe_command *p, struct conn *c)
{
	int64_t left_ms = dial_time_left_ms(&p->client.dial);

	if (left_ms)
		timer_set_in(&p->client.loop, &p->silence, left_ms);
	conn_write(c, span_of(p->conf->text ? p->conf->text : ""));
}

static void probe_open(struct conn *c)
{
	struct probe_command *p = conn_ctx(c);

	if (p->sends)
		probe_ask(p, c);
	else
		conn_fail(c); /* nothing was sent: it ends by a reset at once */
}

static void probe_data(struct conn *c, struct span in)
{
	struct probe_command *p = conn_ctx(c);

	(void)in;
	p->answered = true;
	conn_abort(c);
}

static void probe_over(struct client *client, const struct err *why)
{
	struct probe_command *p = container_of(client, struct probe_command, client);

	timer_clear(&client->loop, &p->silence);
	if (p->why.kind)
		why = &p->why;
	if (p->sends && !p->answered && why) {
		client_try_again(client, why);
		return;
	}
	if (p->sends && p->answered)
		retry_succeeded(&client->retry);
	client_stop(client);
}

static const struct handler probing = {.open = probe_open, .data = probe_data};

/* ---- the run ---- */

/* NULL: neither an answer nor a refusal nor silence decided it. */
static const char *probe_state(const struct probe_command *p, const struct err *why)
{
	enum err_kind kind = why ? why->kind : ERR_NONE;

	if (kind == ERR_TIMEOUT && p->client.retry.refusal.kind)
		kind = p->client.retry.refusal.kind; /* as long as it was tried */
	if (kind == ERR_NONE)
		return "open";
	return kind == ERR_TIMEOUT ? "silent" : kind == ERR_REFUSED ? "refused" : NULL;
}

/* For scripts: what was found, in the words of a scan. why is NULL if it is open. Returns 0, or -1
 * with err. */
static int probe_tell(const struct probe_command *p, const struct err *why, struct err *err)
{
	const struct client *c = &p->client;
	const struct addr_shown path = addr_words(&c->where.path);
	const bool is_path = c->where.path.len;
	const struct report found = {.kind = REPORT_PORT,
		.address = c->dial.typed,
		.host = is_path ? NULL : c->dial.where.target.host,
		.port = is_path ? 0 : c->dial.where.target.port,
		.path = is_path ? path.text : NULL,
		.transport = c->where.via->name,
		.state = probe_state(p, why),
		.duration_ms = {true, (uint64_t)(c->loop.now_ms - c->began_ms)}};
	struct buf line = {0};
	int rc = 0;

	if (!found.state)
		return 0;
	if (report_object(&found, &line) < 0)
		rc = err_set(err, ERR_RUNTIME, "out of memory");
	else
		rc = write_out(c->to, STDOUT_FILENO, buf_span(&line), "standard output", err);
	buf_free(&line);
	return rc;
}

static int probe_go(struct probe_command *p, struct err *err)
{
	int rc = client_run(&p->client, err);
	const struct err why = *err;

	if (p->client.to->json && probe_tell(p, rc < 0 ? &why : NULL, err) < 0)
		rc = -1;
	return rc;
}

static int probe_read(struct probe_command *p, const struct opt_args *args, struct err *err)
{
	const struct transport *via;

	if (client_aim(&p->client, "connect -z", args, err) < 0)
		return -1;
	via = p->client.where.via;
	if (probe_check_text(p->conf, via, err) < 0)
		return -1;
	/* A Unix socket of datagrams can only be connected to while a server has it. */
	p->sends = via->connectionless && (p->conf->text || via->kind != SOCKET_UNIX);
	p->client.unproven = p->sends;
	return 0;
}

int probe_aim(const struct client_conf *client, const struct probe_conf *conf,
	const struct opt_args *args, struct err *err)
{
	struct probe_command p = {.client = {.conf = client}, .conf = conf};

	return probe_read(&p, args, err);
}

int probe_run(struct reporter *to, const struct client_conf *client, const struct probe_conf *conf,
	const struct opt_args *args, struct err *err)
{
	struct probe_command p = {.conf = conf};
	int rc = -1;

	if (client_init(&p.client, to, client, &probing, &p, err) < 0)
		return -1;
	p.client.over = probe_over;
	if (timer_init(&p.client.loop, &p.silence, probe_on_silence) < 0)
		err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	else if (probe_read(&p, args, err) == 0)
		rc = probe_go(&p, err);
	timer_free(&p.client.loop, &p.silence);
	client_free(&p.client);
	return rc;
}
