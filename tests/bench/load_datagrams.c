/* load_datagrams: load.c's like for UDP and Unix datagram sockets. It compares every byte that
 * comes back, and counts what was lost.
 *
 * Each peer is a connected socket with a window of slots, and each slot sends a message, waits for
 * its echo, and sends the next. What is not back within a time is lost and its slot goes on; a late
 * echo is known by its number. The sockets have room for all that can be on its way (a Unix socket,
 * for net.unix.max_dgram_qlen messages). The result is one line of key=value on stdout; what went
 * wrong is told once, on stderr. */

#include <sys/epoll.h>
#include <unistd.h>

#include "figures.h"

enum {
	EVENTS_MAX = 256,
	NUMBER_BYTES = 8, /* a message begins with its number */
	MESSAGE_BYTES_MAX = 65507,
	IN_BYTES = 65536,
	WINDOW_MAX = 4096,
	KERNEL_BYTES = 2048, /* what a datagram takes of a socket's room beside its own bytes */
};

struct options {
	struct target target;
	uint64_t peers, window, opening_max, bytes, count, warm;
	double seconds, limit_seconds, lost_seconds;
	uint64_t server_pid; /* 0: its processor time is not asked for */
	bool announce, may_lose;
};

enum slot_state { SLOT_FREE, SLOT_UNSENT, SLOT_SENT };

/* Slot k of a window of w sends the messages k, k + w, k + 2w... */
struct slot {
	uint64_t number, began_ns;
	uint64_t missing; /* lost, and not come late either */
	enum slot_state state;
};

enum peer_state { PEER_WARMING, PEER_WAITING, PEER_RUNNING, PEER_OVER };

struct peer {
	int fd; /* -1: never opened, or lost */
	enum peer_state state;
	bool wants_write; /* slots are unsent, the kernel having no room */
	uint64_t index;
	uint64_t left; /* messages still to begin */
	uint64_t busy; /* slots that are not free */
	struct slot *slots;
};

struct load {
	const struct options *opt;
	struct peer *peers;
	struct slot *slots;
	uint64_t opened, opening; /* begun, but not yet warm */
	uint64_t pending;         /* peers that this phase still waits for */
	uint64_t stop_ns, deadline_ns, look_ns;
	uint64_t errors, mismatches, lost, late;
	struct histogram round_trips;
	unsigned char *pattern, out[MESSAGE_BYTES_MAX], in[IN_BYTES];
	int epoll;
};

/* ---- what goes wrong ---- */

static void peer_rest(struct load *l, struct peer *p, enum peer_state state)
{
	if (p->state == PEER_WARMING)
		l->opening--;
	if (p->state == PEER_WARMING || p->state == PEER_RUNNING)
		l->pending--;
	p->state = state;
}

static void peer_end(struct load *l, struct peer *p)
{
	peer_rest(l, p, PEER_OVER);
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

static void peer_fail(struct load *l, struct peer *p, const char *what)
{
	if (l->errors++ == 0)
		fprintf(stderr, "load: peer %" PRIu64 ": %s: %s\n", p->index + 1, what,
			strerror(errno));
	peer_end(l, p);
}

static void peer_mismatch(struct load *l, struct peer *p, const char *what, uint64_t which)
{
	if (l->mismatches++ == 0)
		fprintf(stderr, "load: peer %" PRIu64 ": %s %" PRIu64 "\n", p->index + 1, what,
			which);
	peer_end(l, p);
}

/* ---- sending ---- */

static bool peer_watch(struct load *l, struct peer *p, int operation)
{
	struct epoll_event event = {.data.ptr = p};

	event.events = EPOLLET | (p->wants_write ? EPOLLIN | EPOLLOUT : EPOLLIN);
	if (epoll_ctl(l->epoll, operation, p->fd, &event) == 0)
		return true;
	peer_fail(l, p, "epoll_ctl");
	return false;
}

/* False: not sent, for the peer has come to its end or the kernel has no room. */
static bool slot_send(struct load *l, struct peer *p, struct slot *s)
{
	size_t rest = l->opt->bytes - NUMBER_BYTES;

	memcpy(l->out, &s->number, NUMBER_BYTES);
	memcpy(l->out + NUMBER_BYTES, message(l->pattern, p->index, s->number), rest);
	s->began_ns = now_ns();
	if (send(p->fd, l->out, l->opt->bytes, MSG_NOSIGNAL) >= 0) {
		s->state = SLOT_SENT;
		return true;
	}
	if (errno != EAGAIN && errno != EINTR)
		peer_fail(l, p, "send");
	return false;
}

static void slot_begin(struct load *l, struct peer *p, struct slot *s)
{
	p->left--;
	p->busy++;
	s->number += l->opt->window;
	s->state = SLOT_UNSENT;
	if (p->wants_write || slot_send(l, p, s) || p->state == PEER_OVER)
		return;
	p->wants_write = true;
	peer_watch(l, p, EPOLL_CTL_MOD);
}

static void peer_send(struct load *l, struct peer *p)
{
	for (uint64_t i = 0; i < l->opt->window; i++)
		if (p->slots[i].state == SLOT_UNSENT && !slot_send(l, p, &p->slots[i]))
			return;
	p->wants_write = false;
	peer_watch(l, p, EPOLL_CTL_MOD);
}

/* A phase begins: so many slots begin to send. */
static void peer_begin(struct load *l, struct peer *p, enum peer_state state, uint64_t slots)
{
	p->state = state;
	if (p->left == 0)
		peer_rest(l, p, PEER_WAITING);
	for (uint64_t i = 0; i < slots && p->left > 0 && p->state == state; i++)
		slot_begin(l, p, &p->slots[i]);
}

/* ---- what comes back ---- */

/* The slot has its echo, or waits for it no more. */
static void slot_over(struct load *l, struct peer *p, struct slot *s, uint64_t now)
{
	s->state = SLOT_FREE;
	p->busy--;
	if (p->left > 0 && !(p->state == PEER_RUNNING && now >= l->stop_ns))
		slot_begin(l, p, s);
	else if (p->busy == 0)
		peer_rest(l, p, PEER_WAITING);
}

static void peer_compared(struct load *l, struct peer *p, uint64_t number)
{
	struct slot *s = &p->slots[number % l->opt->window];
	uint64_t now = now_ns();

	if (s->state == SLOT_SENT && number == s->number) {
		if (p->state == PEER_RUNNING)
			histogram_add(&l->round_trips, now - s->began_ns);
		slot_over(l, p, s, now);
	} else if (number <= s->number && s->missing > 0) {
		s->missing--;
		l->late++;
	} else {
		peer_mismatch(l, p, "what nobody sent, or twice: message", number);
	}
}

static void peer_compare(struct load *l, struct peer *p, size_t n)
{
	const unsigned char *expected, *rest = l->in + NUMBER_BYTES;
	uint64_t number;

	if (n != l->opt->bytes) {
		peer_mismatch(l, p, "an echo of another length:", n);
		return;
	}
	memcpy(&number, l->in, NUMBER_BYTES);
	expected = message(l->pattern, p->index, number);
	if (memcmp(expected, rest, n - NUMBER_BYTES) != 0)
		peer_mismatch(l, p, "the echo differs at byte",
			NUMBER_BYTES + first_difference(expected, rest) + 1);
	else
		peer_compared(l, p, number);
}

/* At most a window is on its way, and what is late. With one slot that is one call an echo. Nothing
 * may be left: epoll tells of what comes once. */
static void peer_receive(struct load *l, struct peer *p)
{
	uint64_t late = l->late;

	for (uint64_t i = 0; i < l->opt->window + l->late - late && p->fd >= 0; i++) {
		ssize_t n = recv(p->fd, l->in, IN_BYTES, MSG_DONTWAIT);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			peer_fail(l, p, "recv");
		if (n < 0)
			return;
		peer_compare(l, p, (size_t)n);
	}
}

static void peer_event(struct load *l, struct peer *p, uint32_t events)
{
	if (p->fd >= 0 && events & ~(uint32_t)EPOLLOUT)
		peer_receive(l, p);
	if (p->fd >= 0 && events & EPOLLOUT)
		peer_send(l, p);
}

static void peer_look(struct load *l, struct peer *p, uint64_t now)
{
	uint64_t time = ns_of(l->opt->lost_seconds);

	for (uint64_t i = 0; i < l->opt->window && p->fd >= 0 && p->busy > 0; i++) {
		struct slot *s = &p->slots[i];

		if (s->state != SLOT_SENT || now - s->began_ns < time)
			continue;
		if (l->lost++ == 0)
			fprintf(stderr, "load: peer %" PRIu64 ": message %" PRIu64 " is lost\n",
				p->index + 1, s->number);
		s->missing++;
		slot_over(l, p, s, now);
	}
}

static void load_look(struct load *l, uint64_t now)
{
	if (now < l->look_ns)
		return;
	l->look_ns = now + ns_of(l->opt->lost_seconds / 20);
	for (uint64_t i = 0; i < l->opened; i++)
		peer_look(l, &l->peers[i], now);
}

/* Handles what is ready, waiting a while for it. Returns false once there is no more time. */
static bool load_turn(struct load *l)
{
	struct epoll_event events[EVENTS_MAX];
	uint64_t now = now_ns(), until = l->look_ns < l->deadline_ns ? l->look_ns : l->deadline_ns;
	int n;

	if (now >= l->deadline_ns)
		return false;
	n = epoll_wait(
		l->epoll, events, EVENTS_MAX, until > now ? (int)((until - now) / 1000000) + 1 : 0);
	for (int i = 0; i < n; i++)
		peer_event(l, events[i].data.ptr, events[i].events);
	load_look(l, now_ns());
	return true;
}

/* ---- from beginning to end ---- */

/* More than net.core.rmem_max is root's to have. */
static void peer_enlarge(const struct load *l, const struct peer *p)
{
	uint64_t wanted = l->opt->window * (l->opt->bytes + KERNEL_BYTES) * 2 + (256 << 10);
	int bytes = wanted > INT32_MAX / 2 ? INT32_MAX / 2 : (int)wanted;

	if (setsockopt(p->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

static void peer_open(struct load *l, struct peer *p)
{
	const struct target *at = &l->opt->target;
	const struct sockaddr nameless = {.sa_family = at->room.ss_family};
	bool local = nameless.sa_family == AF_UNIX;

	p->state = PEER_WARMING;
	l->opening++;
	p->fd = socket(nameless.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd >= 0)
		peer_enlarge(l, p);
	/* A Unix socket has no name to be answered at until it asks for one (unix(7), autobind). */
	if (p->fd < 0) {
		peer_fail(l, p, "socket");
	} else if (local && bind(p->fd, &nameless, sizeof(nameless.sa_family)) < 0) {
		peer_fail(l, p, "bind");
	} else if (connect(p->fd, (const struct sockaddr *)&at->room, at->len) < 0) {
		peer_fail(l, p, "connect");
	} else if (peer_watch(l, p, EPOLL_CTL_ADD)) {
		p->left = l->opt->warm;
		peer_begin(l, p, PEER_WARMING, 1);
	}
}

static bool load_wait(struct load *l, const char *doing)
{
	if (load_turn(l))
		return true;
	fprintf(stderr, "load: %g s were not enough: %" PRIu64 " of %" PRIu64 " peers %s\n",
		l->opt->limit_seconds, l->pending, l->opt->peers, doing);
	l->errors += l->pending;
	return false;
}

static bool load_open(struct load *l)
{
	l->pending = l->opt->peers;
	while (l->pending > 0) {
		while (l->opening < l->opt->opening_max && l->opened < l->opt->peers)
			peer_open(l, &l->peers[l->opened++]);
		if (l->pending > 0 && !load_wait(l, "were not warm"))
			return false;
	}
	return true;
}

static void load_talk(struct load *l)
{
	for (uint64_t i = 0; i < l->opt->peers; i++) {
		struct peer *p = &l->peers[i];

		if (p->state != PEER_WAITING)
			continue;
		l->pending++;
		p->left = l->opt->count ? l->opt->count : UINT64_MAX;
		peer_begin(l, p, PEER_RUNNING, l->opt->window);
	}
	while (l->pending > 0)
		if (!load_wait(l, "still waited for an echo"))
			return;
}

static uint64_t lost_here(const struct load *l)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < l->opened; i++)
		sum += socket_drops(l->peers[i].fd);
	return sum;
}

static void load_report(const struct load *l, uint64_t open_ns, uint64_t run_ns, double server_us)
{
	figures_print(&l->round_trips, run_ns);
	printf(" errors=%" PRIu64 " mismatches=%" PRIu64 " lost=%" PRIu64 " late=%" PRIu64
	       " lost_here=%" PRIu64 " open_s=%.3f",
		l->errors, l->mismatches, l->lost, l->late, lost_here(l), (double)open_ns / 1e9);
	if (server_us >= 0 && l->round_trips.count > 0)
		printf(" server_us_per_message=%.3f", server_us / (double)l->round_trips.count);
	printf("\n");
}

static void load_measure(struct load *l)
{
	uint64_t pid = l->opt->server_pid, before = 0, after = 0;
	uint64_t began = now_ns(), open_ns, started, run_ns;
	double server_us = -1;
	bool counted;

	l->deadline_ns = began + ns_of(l->opt->limit_seconds);
	if (!load_open(l)) {
		load_report(l, now_ns() - began, 0, server_us);
		return;
	}
	open_ns = now_ns() - began;
	if (l->opt->announce)
		fprintf(stderr, "load: all peers are warm\n");
	counted = pid && tree_add_ns(pid, &before);
	started = now_ns();
	l->stop_ns = l->opt->count ? UINT64_MAX : started + ns_of(l->opt->seconds);
	load_talk(l);
	run_ns = now_ns() - started;
	if (counted && tree_add_ns(pid, &after) && after >= before)
		server_us = (double)(after - before) / 1e3;
	load_report(l, open_ns, run_ns, server_us);
}

static _Noreturn void usage(void)
{
	fprintf(stderr,
		"usage: load_datagrams -H HOST -p PORT | -U PATH -c PEERS -s MESSAGE_BYTES "
		"-d SECONDS|-n MESSAGES\n"
		"  -H HOST   UDP: numeric IPv4 or IPv6 address (127.0.0.1)\n"
		"  -U PATH   or: a Unix datagram socket; @NAME: an abstract one\n"
		"  -c N      peers, each with a socket of its own (1)\n"
		"  -W N      messages that each has on their way (1)\n"
		"  -o N      peers that are being warmed at once (200)\n"
		"  -s N      bytes of a message, at least 8 (64)\n"
		"  -d S      talk for S seconds (1)\n"
		"  -n N      or: send N messages from each peer\n"
		"  -w N      first N messages from each, one by one, compared but not counted (0)\n"
		"  -l S      what is not back after S seconds is lost (1)\n"
		"  -L        that something is lost is no failure\n"
		"  -t S      give up, as an error, after S seconds in all (60)\n"
		"  -P PID    also report the processor time of this server and its children\n"
		"  -r        say on stderr when all peers are warm\n");
	exit(2);
}

static void parse(struct options *o, int argc, char **argv)
{
	const char *host = "127.0.0.1", *path = NULL;
	uint64_t port = 0;
	int letter;

	while ((letter = getopt(argc, argv, "H:p:U:c:W:o:s:d:n:w:l:Lt:P:r")) != -1) {
		switch (letter) {
		case 'H': host = optarg; break;
		case 'p': port = whole(optarg, 65535); break;
		case 'U': path = optarg; break;
		case 'c': o->peers = whole(optarg, 1000000); break;
		case 'W': o->window = whole(optarg, WINDOW_MAX); break;
		case 'o': o->opening_max = whole(optarg, 1000000); break;
		case 's': o->bytes = whole(optarg, MESSAGE_BYTES_MAX); break;
		case 'd': o->seconds = duration(optarg); break;
		case 'n': o->count = whole(optarg, 1000000000); break;
		case 'w': o->warm = whole(optarg, 1000000000); break;
		case 'l': o->lost_seconds = duration(optarg); break;
		case 'L': o->may_lose = true; break;
		case 't': o->limit_seconds = duration(optarg); break;
		case 'P': o->server_pid = whole(optarg, INT32_MAX); break;
		case 'r': o->announce = true; break;
		default: usage();
		}
	}
	if (optind < argc || (port == 0) == (path == NULL) || o->peers == 0 || o->window == 0 ||
		o->opening_max == 0 || o->bytes < NUMBER_BYTES)
		usage();
	if (path)
		target_unix(&o->target, path);
	else
		target_inet(&o->target, host, (uint16_t)port);
}

static struct load *load_new(const struct options *o)
{
	struct load *l = calloc(1, sizeof(*l));
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	raise_descriptors();
	if (l) {
		l->opt = o;
		l->epoll = epoll;
		l->peers = calloc(o->peers, sizeof(*l->peers));
		l->slots = calloc(o->peers * o->window, sizeof(*l->slots));
		l->pattern = make_pattern(o->bytes);
	}
	if (!l || !l->peers || !l->slots || !l->pattern || epoll < 0) {
		perror("load");
		exit(1);
	}
	for (uint64_t i = 0; i < o->peers; i++) {
		struct slot *slots = &l->slots[i * o->window];

		l->peers[i] = (struct peer){.fd = -1, .index = i, .slots = slots};
		/* One window before the first. */
		for (uint64_t k = 0; k < o->window; k++)
			slots[k].number = k - o->window;
	}
	return l;
}

int main(int argc, char **argv)
{
	struct options o = {.peers = 1,
		.window = 1,
		.opening_max = 200,
		.bytes = 64,
		.seconds = 1,
		.limit_seconds = 60,
		.lost_seconds = 1};
	struct load *l;
	bool good;

	parse(&o, argc, argv);
	l = load_new(&o);
	load_measure(l);
	good = l->errors == 0 && l->mismatches == 0 && (l->lost == 0 || o.may_lose);
	free(l->peers);
	free(l->slots);
	free(l->pattern);
	free(l);
	return good ? 0 : 1;
}
