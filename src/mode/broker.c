/* broker: what one client sends goes to all others, who wait for none. */
#include <string.h>

#include "mode/members.h"
#include "mode/mode.h"
#include "report/report.h"

struct broker_conf {
	const char *slow; /* what becomes of a member that does not read: "close" or "drop" */
};

struct broker_peer {
	struct member member;
	uint64_t missed; /* reads of others, or messages, that it did not get */
	uint64_t told;   /* ... when this was reported last */
};

struct broker_run {
	struct reporter *to;
	struct members members;
	bool drops;  /* --slow drop */
	bool counts; /* there are only so many clients */
};

static bool broker_slow_choice(size_t i, struct opt_choice *out)
{
	static const struct opt_choice choices[] = {{"close", "its connection is reset"},
		{"drop", "it misses what it has no room for"}};

	if (i >= sizeof(choices) / sizeof(choices[0]))
		return false;
	*out = choices[i];
	return true;
}

static const struct opt broker_options[] = {
	{.name = "slow",
		.kind = OPT_CHOICE,
		OPT_FIELD(struct broker_conf, slow),
		.arg = "WHAT",
		.fallback = "close",
		.choice = broker_slow_choice,
		.help = "what becomes of a client for which 1 MiB waits, as it does not read"},
};

/* ---- one that does not read ---- */

static void broker_tell_missed(struct broker_run *run, struct broker_peer *p)
{
	const struct addr peer = conn_address(p->member.conn);

	p->told = p->missed;
	report(run->to, &(struct report){.kind = REPORT_MISSED,
				.conn = conn_id(p->member.conn),
				.at = &peer,
				.count = p->missed});
}

/* A slow member must not become a flood of lines: its 1st, 2nd, 4th, 8th... loss is reported, and
 * at its end how many there were. */
static void broker_drop(struct broker_run *run, struct broker_peer *p)
{
	p->missed++;
	if (!(p->missed & (p->missed - 1)))
		broker_tell_missed(run, p);
}

static bool broker_has_room(const struct member *m, struct span out)
{
	return conn_queued(m->conn) + out.len <= MEMBERS_BEHIND_MAX_BYTES;
}

/* ---- members ---- */

/* One that said its end and has closed since hears nothing any more: that is how it leaves, and
 * nothing is lost. Its socket knows after the first that was sent in vain. */
static bool broker_has_left(struct conn *c)
{
	return conn_peer_ended(c) && !conn_queued(c) && conn_take_error(c);
}

static void broker_pass_to(struct broker_run *run, struct member *m, struct span out)
{
	if (broker_has_left(m->conn))
		conn_abort(m->conn);
	else if (broker_has_room(m, out))
		(void)conn_write(m->conn, out); /* it may say stop: the bound is ours */
	else if (run->drops)
		broker_drop(run, container_of(m, struct broker_peer, member));
	else
		conn_expel(m->conn, "it does not read what others send");
}

static void broker_open(struct conn *c)
{
	struct broker_run *run = conn_ctx(c);
	struct broker_peer *p = conn_peer(c);

	members_join(&run->members, &p->member, c);
}

static void broker_data(struct conn *c, struct span in)
{
	struct broker_run *run = conn_ctx(c);
	const struct broker_peer *from = conn_peer(c);
	struct member *m = NULL;

	while ((m = members_next_hearer(&run->members, m, &from->member)))
		broker_pass_to(run, m, in);
}

/* Where there are only so many clients, it is over for all once none of them has more to say. */
static void broker_end_if_all_said(struct broker_run *run)
{
	struct member *m = NULL;

	if (!run->counts)
		return;
	while ((m = members_next(&run->members, m)))
		if (!conn_peer_ended(m->conn))
			return;
	while ((m = members_next(&run->members, m)))
		conn_finish(m->conn);
}

/* It says no more, and still hears. */
static void broker_eof(struct conn *c)
{
	broker_end_if_all_said(conn_ctx(c));
}

/* It had ended, and has closed: it leaves. */
static void broker_hung_up(struct conn *c)
{
	conn_abort(c);
}

static void broker_closed(struct conn *c, const struct err *why)
{
	struct broker_run *run = conn_ctx(c);
	struct broker_peer *p = conn_peer(c);

	(void)why; /* the owner of the connection judges it */
	if (p->missed > p->told)
		broker_tell_missed(run, p);
	members_leave(&run->members, &p->member);
	broker_end_if_all_said(run);
}

static int broker_begin(struct mode_env *env, struct err *err)
{
	struct broker_run *run = env->state;
	const struct broker_conf *conf = env->conf;

	(void)err; /* it needs nothing that may lack */
	run->to = env->to;
	run->counts = env->vouches;
	run->drops = strcmp(conf->slow, "drop") == 0;
	members_init(&run->members);
	return 0;
}

const struct mode mode_broker = {
	.name = "broker",
	.summary = "pass what each client sends on to all others",
	.on = {.open = broker_open,
		.data = broker_data,
		.hung_up = broker_hung_up,
		.eof = broker_eof,
		.closed = broker_closed,
		.peer_size = sizeof(struct broker_peer),
		.read_max = MEMBERS_TURN_BYTES},
	.options = broker_options,
	.option_count = sizeof(broker_options) / sizeof(broker_options[0]),
	.conf_size = sizeof(struct broker_conf),
	.state_size = sizeof(struct broker_run),
	.no_datagrams = "they do not tell who comes and goes",
	.begin = broker_begin,
};
