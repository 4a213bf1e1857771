#include "core/scan.h"

#include <errno.h>
#include <stdlib.h>

#include "os/sys_socket.h"

/* Ports that one turn of the loop begins with: then timers and signals have their chance. */
enum { SCAN_TURN_PORTS = 256 };

/* The probe of one port. */
struct scan_slot {
	struct watch watch;
	struct timer limit;
	struct scan *of;
	struct link links[2]; /* of IPv4 and IPv6: a refused socket is kept for the next port */
	struct addr at;
	size_t number, host, address; /* of the port, of its host, and which address of that */
	uint16_t port;
	bool silent; /* an earlier address was */
};

/* ---- places ---- */

static struct scan_place scan_first_place(const struct scan *s)
{
	return (struct scan_place){.port = s->ranges[0].first};
}

static void scan_step(const struct scan *s, struct scan_place *at)
{
	if (at->port != s->ranges[at->range].last) {
		at->port++;
		return;
	}
	if (++at->range == s->range_count) {
		at->range = 0;
		at->host++;
	}
	at->port = s->ranges[at->range].first;
}

/* ---- verdicts ---- */

static void scan_end(struct scan *s)
{
	if (s->is_over)
		return;
	s->is_over = true;
	s->over(s, s->why.kind ? &s->why : NULL);
}

static void scan_review(struct scan *s)
{
	while (!s->is_over && !s->held && s->shown < s->begun && s->verdicts[s->shown]) {
		const struct scan_place at = s->show;
		enum scan_verdict verdict = (enum scan_verdict)s->verdicts[s->shown++];

		scan_step(s, &s->show);
		s->held = s->told(s, &at, verdict) < 0;
	}
	if (s->is_over)
		return;
	if (s->why.kind || s->shown == s->total)
		scan_end(s);
	else if (!s->held && s->free_count && s->begun < s->total && !s->turn.place)
		timer_set_in(s->loop, &s->turn, 0);
}

void scan_go_on(struct scan *s)
{
	s->held = false;
	scan_review(s);
}

static struct link *scan_link(struct scan_slot *slot)
{
	return &slot->links[slot->at.sa.sa_family == AF_INET6];
}

static void scan_close(struct link *link)
{
	if (link->fd >= 0)
		link_close(link);
	link->fd = -1;
}

/* Nothing is to be left of a connection: see transport.reset. */
static void scan_reset(struct link *link)
{
	if (link->via->reset)
		link->via->reset(link);
	else
		link_close(link);
	link->fd = -1;
}

static void scan_decide(struct scan_slot *slot, enum scan_verdict verdict)
{
	struct scan *s = slot->of;

	if (verdict == SCAN_REFUSED && slot->silent)
		verdict = SCAN_SILENT;
	s->verdicts[slot->number] = (uint8_t)verdict;
	s->free_slots[s->free_count++] = (size_t)(slot - s->slots);
}

static void scan_fail(struct scan_slot *slot, int error)
{
	struct scan *s = slot->of;
	const struct err *story = link_story(scan_link(slot));

	if (s->why.kind)
		return;
	if (story) {
		s->why = *story;
		return;
	}
	err_sys(&s->why, ERR_RUNTIME, error, "cannot probe %s", addr_text(&slot->at).text);
	err_note_shortage(&s->why);
}

/* ---- one address ---- */

/* What an errno of connect, send or recv says. */
static enum scan_verdict scan_judge(struct scan_slot *slot, int error)
{
	switch (error) {
	case EAGAIN:
	case EALREADY:
	case EINPROGRESS: return SCAN_PENDING;
	case ETIMEDOUT: return SCAN_SILENT;
	default: break;
	}
	if (err_is_shortage(error) || error == EADDRNOTAVAIL)
		scan_fail(slot, error);
	return SCAN_REFUSED;
}

/* It is connected; but on loopback, a socket that connects to a free port may be given that very
 * port, and meet itself. */
static enum scan_verdict scan_connected(struct scan_slot *slot)
{
	struct link *link = scan_link(slot);
	struct addr own = {.len = sizeof(own.room)};
	bool itself = sys_getsockname(link->to, link->fd, &own.sa, &own.len) == 0 &&
	              addr_equal(&own, &slot->at);

	scan_reset(link);
	return itself ? SCAN_REFUSED : SCAN_OPEN;
}

static enum scan_verdict scan_connect(struct scan_slot *slot)
{
	struct link *link = scan_link(slot);

	if (sys_connect(link->to, link->fd, &slot->at.sa, slot->at.len) == 0 || errno == EISCONN)
		return scan_connected(slot);
	return scan_judge(slot, errno);
}

static enum scan_verdict scan_hear(struct scan_slot *slot)
{
	struct link *link = scan_link(slot);
	uint8_t first;

	if (sys_recv(link->to, link->fd, &first, sizeof(first), 0) >= 0)
		return SCAN_OPEN;
	return scan_judge(slot, errno);
}

static enum scan_verdict scan_send(struct scan_slot *slot)
{
	struct link *link = scan_link(slot);

	if (sys_send(link->to, link->fd, slot->of->text.data, slot->of->text.len) < 0 &&
		errno != EAGAIN)
		return scan_judge(slot, errno);
	return scan_hear(slot);
}

/* With a new socket. */
static enum scan_verdict scan_open(struct scan_slot *slot)
{
	struct scan *s = slot->of;
	struct link *link = scan_link(slot);
	bool source_failed;
	enum io verdict;

	*link = link_of(s->via, s->to);
	verdict = s->via->connect(link, &slot->at, &s->from, &source_failed);
	if (verdict == IO_FAIL) {
		enum scan_verdict judged = scan_judge(slot, link->error);

		if (source_failed || link_story(link))
			scan_fail(slot, link->error);
		link_forget(link);
		link->fd = -1;
		return judged;
	}
	if (s->via->connectionless)
		return scan_send(slot);
	return verdict == IO_DONE ? scan_connected(slot) : scan_connect(slot);
}

static enum scan_verdict scan_look(struct scan_slot *slot)
{
	return slot->of->via->connectionless ? scan_hear(slot) : scan_connect(slot);
}

static enum scan_verdict scan_ask(struct scan_slot *slot)
{
	enum scan_verdict verdict;

	if (scan_link(slot)->fd < 0)
		return scan_open(slot);
	verdict = scan_connect(slot);
	return verdict == SCAN_PENDING ? scan_connect(slot) : verdict;
}

/* ---- one port ---- */

/* The answer is still to come. Returns whether that can be waited for. */
static bool scan_wait(struct scan_slot *slot)
{
	struct scan *s = slot->of;
	uint32_t wanted = s->via->connectionless ? EPOLLIN : EPOLLOUT;

	slot->watch.fd = scan_link(slot)->fd;
	if (loop_watch(s->loop, &slot->watch, wanted) < 0) {
		scan_fail(slot, errno);
		return false;
	}
	if (s->timeout_ms > 0)
		timer_set_in(s->loop, &slot->limit, s->timeout_ms);
	return true;
}

/* The next address of the host; false: that was the last. */
static bool scan_aim(struct scan_slot *slot)
{
	const struct resolved *host = &slot->of->hosts[slot->host];

	if (slot->address == host->count)
		return false;
	slot->at = host->at[slot->address++];
	addr_set_port(&slot->at, slot->port);
	return true;
}

static void scan_probe(struct scan_slot *slot)
{
	enum scan_verdict verdict = SCAN_REFUSED;

	while (verdict != SCAN_OPEN && !slot->of->why.kind && scan_aim(slot)) {
		verdict = scan_ask(slot);
		if (verdict == SCAN_PENDING && scan_wait(slot))
			return;
		if (verdict != SCAN_REFUSED || slot->of->via->connectionless)
			scan_close(scan_link(slot));
		slot->silent = slot->silent || verdict == SCAN_SILENT;
	}
	scan_decide(slot, verdict);
}

/* The wait is over. */
static void scan_conclude(struct scan_slot *slot, enum scan_verdict verdict)
{
	struct scan *s = slot->of;

	loop_unwatch(s->loop, &slot->watch);
	timer_clear(s->loop, &slot->limit);
	slot->silent = slot->silent || verdict == SCAN_SILENT;
	if (verdict != SCAN_REFUSED || s->via->connectionless)
		scan_close(scan_link(slot));
	if (verdict == SCAN_OPEN)
		scan_decide(slot, verdict);
	else
		scan_probe(slot);
	scan_review(s);
}

static void scan_on_ready(struct watch *w, uint32_t events)
{
	struct scan_slot *slot = container_of(w, struct scan_slot, watch);
	enum scan_verdict verdict = scan_look(slot);

	(void)events;
	if (verdict != SCAN_PENDING)
		scan_conclude(slot, verdict);
}

static void scan_on_limit(struct timer *t)
{
	scan_conclude(container_of(t, struct scan_slot, limit), SCAN_SILENT);
}

/* ---- the whole ---- */

static void scan_begin_next(struct scan *s)
{
	struct scan_slot *slot = &s->slots[s->free_slots[--s->free_count]];

	slot->number = s->begun++;
	slot->host = s->next.host;
	slot->port = s->next.port;
	slot->address = 0;
	slot->silent = false;
	scan_step(s, &s->next);
	scan_probe(slot);
}

static void scan_on_turn(struct timer *t)
{
	struct scan *s = container_of(t, struct scan, turn);

	for (size_t i = 0; i < SCAN_TURN_PORTS; i++)
		if (s->free_count && s->begun < s->total && !s->why.kind)
			scan_begin_next(s);
	scan_review(s);
}

static int scan_make_slots(struct scan *s)
{
	if (s->at_once > s->total)
		s->at_once = s->total;
	s->slots = calloc(s->at_once + 1, sizeof(*s->slots));
	s->free_slots = calloc(s->at_once + 1, sizeof(*s->free_slots));
	if (!s->slots || !s->free_slots)
		return -1;
	for (size_t i = 0; i < s->at_once; i++) {
		struct scan_slot *slot = &s->slots[i];

		*slot = (struct scan_slot){.of = s,
			.watch = {.fd = -1, .ready = scan_on_ready},
			.links = {{.fd = -1}, {.fd = -1}}};
		s->free_slots[s->free_count++] = i;
		if (timer_init(s->loop, &slot->limit, scan_on_limit) < 0)
			return -1;
	}
	return 0;
}

int scan_begin(struct scan *s)
{
	size_t ports = 0;

	for (size_t i = 0; i < s->range_count; i++)
		ports += (size_t)(s->ranges[i].last - s->ranges[i].first) + 1;
	s->total = ports * s->host_count;
	s->next = s->show = scan_first_place(s);
	s->verdicts = calloc(s->total + 1, 1); /* never of 0 bytes */
	if (!s->verdicts || scan_make_slots(s) < 0 ||
		timer_init(s->loop, &s->turn, scan_on_turn) < 0)
		return -1;
	timer_set_in(s->loop, &s->turn, 0);
	return 0;
}

void scan_free(struct scan *s)
{
	s->is_over = true;
	for (size_t i = 0; s->slots && i < s->at_once; i++) {
		if (!s->slots[i].of)
			break;
		loop_unwatch(s->loop, &s->slots[i].watch);
		timer_free(s->loop, &s->slots[i].limit);
		scan_close(&s->slots[i].links[0]);
		scan_close(&s->slots[i].links[1]);
	}
	if (s->loop)
		timer_free(s->loop, &s->turn);
	free(s->slots);
	free(s->free_slots);
	free(s->verdicts);
}
