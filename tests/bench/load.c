/* load: an echo load generator that compares every byte that comes back. TCP, and Unix stream and
 * seqpacket sockets; load_datagrams.c is the like for datagrams.
 *
 * Each connection sends a message, waits for all of it, compares it, and sends the next. One thread
 * and one epoll, so that beside a server on the same machine it is one peer among
 * two. The result is one line of key=value on stdout; what went wrong is told once, on stderr. */

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <unistd.h>

#include "figures.h"

enum {
	EVENTS_MAX = 256,
	SCRATCH_BYTES = 256 * 1024,
	MESSAGE_BYTES_MAX = 64 * 1024 * 1024,
};

struct options {
	struct target target;
	bool whole_messages; /* SOCK_SEQPACKET: what one send was given, one recv returns */
	uint64_t connections, idle, opening_max, bytes, count, warm;
	double seconds, limit_seconds;
	uint64_t server_pid; /* 0: its processor time is not asked for */
	bool announce;
};

enum conn_state { CONN_CONNECTING, CONN_WARMING, CONN_WAITING, CONN_RUNNING, CONN_OVER };

struct conn {
	int fd; /* -1: never opened, or lost */
	enum conn_state state;
	bool idle, wants_write;
	uint64_t index, sequence, left; /* left: messages still to send after this one */
	size_t sent, received;
	uint64_t began_ns;
};

struct load {
	const struct options *opt;
	struct conn *conns;
	uint64_t total, opened;
	uint64_t opening; /* begun, but not yet connected and warm */
	uint64_t pending; /* connections that this phase still waits for */
	uint64_t stop_ns, deadline_ns;
	uint64_t errors, mismatches;
	struct histogram round_trips;
	unsigned char *pattern, *scratch;
	int epoll;
};

static const unsigned char *conn_message(const struct load *l, const struct conn *c)
{
	return message(l->pattern, c->index, c->sequence);
}

static void conn_end(struct load *l, struct conn *c)
{
	if (c->state == CONN_CONNECTING || c->state == CONN_WARMING)
		l->opening--;
	if (c->state != CONN_WAITING && c->state != CONN_OVER)
		l->pending--;
	c->state = CONN_OVER;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static void conn_blame(const struct conn *c)
{
	fprintf(stderr, "load: %sconnection %" PRIu64 ": ", c->idle ? "idle " : "", c->index + 1);
	if (c->sequence)
		fprintf(stderr, "message %" PRIu64 ": ", c->sequence);
}

static void conn_fail(struct load *l, struct conn *c, const char *what, int error)
{
	if (l->errors++ == 0) {
		conn_blame(c);
		fprintf(stderr, error ? "%s: %s\n" : "%s\n", what, strerror(error));
	}
	conn_end(l, c);
}

static void conn_mismatch(struct load *l, struct conn *c, const char *what, size_t at)
{
	if (l->mismatches++ == 0) {
		conn_blame(c);
		fprintf(stderr, "%s at byte %zu\n", what, at);
	}
	conn_end(l, c);
}

static bool conn_watch(struct load *l, struct conn *c, int operation, bool write)
{
	struct epoll_event event = {.data.ptr = c};

	event.events = EPOLLET | (write ? EPOLLIN | EPOLLOUT : EPOLLIN);
	c->wants_write = write;
	if (epoll_ctl(l->epoll, operation, c->fd, &event) == 0)
		return true;
	conn_fail(l, c, "epoll_ctl", errno);
	return false;
}

static void conn_send(struct load *l, struct conn *c)
{
	size_t left = l->opt->bytes - c->sent;
	ssize_t n = send(c->fd, conn_message(l, c) + c->sent, left, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		conn_fail(l, c, "send", errno);
		return;
	}
	if (n > 0)
		c->sent += (size_t)n;
	if (c->wants_write != (c->sent < l->opt->bytes))
		conn_watch(l, c, EPOLL_CTL_MOD, !c->wants_write);
}

static void conn_next(struct load *l, struct conn *c, uint64_t now)
{
	c->sequence++;
	c->left--;
	c->sent = c->received = 0;
	c->began_ns = now;
	conn_send(l, c);
}

static void conn_wait(struct load *l, struct conn *c)
{
	if (c->state == CONN_WARMING)
		l->opening--;
	c->state = CONN_WAITING;
	l->pending--;
}

static void conn_echoed(struct load *l, struct conn *c)
{
	uint64_t now = now_ns();

	if (c->state == CONN_RUNNING)
		histogram_add(&l->round_trips, now - c->began_ns);
	if (c->left == 0 || (c->state == CONN_RUNNING && now >= l->stop_ns))
		conn_wait(l, c);
	else
		conn_next(l, c, now);
}

static void conn_compare(struct load *l, struct conn *c, size_t n)
{
	const unsigned char *expected = conn_message(l, c) + c->received;

	/* What was not sent yet cannot be an echo; after a whole message, nothing can. */
	if (c->received + n > c->sent) {
		conn_mismatch(l, c, "more came back than was sent", c->sent);
		return;
	}
	if (memcmp(expected, l->scratch, n) != 0) {
		n = first_difference(expected, l->scratch);
		conn_mismatch(l, c, "the echo differs", c->received + n);
		return;
	}
	c->received += n;
	if (l->opt->whole_messages && n != l->opt->bytes)
		conn_mismatch(l, c, "the echo came in parts, cut", n);
	else if (c->received == l->opt->bytes)
		conn_echoed(l, c);
}

/* Until the message is there or no more has come: epoll tells of what comes once. */
static void conn_receive(struct load *l, struct conn *c)
{
	do {
		ssize_t n = recv(c->fd, l->scratch, SCRATCH_BYTES, 0);

		if (n > 0)
			conn_compare(l, c, (size_t)n);
		else if (n == 0)
			conn_fail(l, c, "the server ended the connection", 0);
		else if (errno == EAGAIN)
			return;
		else if (errno != EINTR)
			conn_fail(l, c, "recv", errno);
	} while (c->fd >= 0 && c->received > 0);
}

/* Connecting to a Unix socket whose backlog is full cannot be waited for by epoll (connect(2),
 * EAGAIN): the call itself waits, for as long as all may take. */
static int conn_connect_unix(const struct load *l, int fd)
{
	const double limit = l->opt->limit_seconds;
	const struct timeval time = {.tv_sec = (time_t)limit,
		.tv_usec = (suseconds_t)((limit - (double)(time_t)limit) * 1e6)};

	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)) < 0 ||
		connect(fd, (const struct sockaddr *)&l->opt->target.room, l->opt->target.len) < 0)
		return -1;
	return fcntl(fd, F_SETFL, O_NONBLOCK);
}

static int conn_connect_inet(const struct load *l, int fd)
{
	const int one = 1;

	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ||
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&l->opt->target.room, l->opt->target.len) < 0 &&
		errno != EINPROGRESS)
		return -1;
	return 0;
}

static void conn_open(struct load *l, struct conn *c)
{
	sa_family_t family = l->opt->target.room.ss_family;
	int type = l->opt->whole_messages ? SOCK_SEQPACKET : SOCK_STREAM;

	c->state = CONN_CONNECTING;
	l->opening++;
	c->fd = socket(family, type | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		conn_fail(l, c, "socket", errno);
	else if ((family == AF_UNIX ? conn_connect_unix : conn_connect_inet)(l, c->fd) < 0)
		conn_fail(l, c, "connect", errno);
	else
		conn_watch(l, c, EPOLL_CTL_ADD, true);
}

static void conn_connected(struct load *l, struct conn *c)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error) {
		conn_fail(l, c, "connect", error);
		return;
	}
	if (!conn_watch(l, c, EPOLL_CTL_MOD, false))
		return;
	c->state = CONN_WARMING;
	c->left = c->idle ? 0 : l->opt->warm;
	if (c->left == 0)
		conn_wait(l, c);
	else
		conn_next(l, c, now_ns());
}

static void conn_event(struct load *l, struct conn *c, uint32_t events)
{
	if (c->fd < 0)
		return;
	if (c->state == CONN_CONNECTING) {
		conn_connected(l, c);
		return;
	}
	if (events & EPOLLOUT)
		conn_send(l, c);
	if (c->fd >= 0 && events & ~(uint32_t)EPOLLOUT)
		conn_receive(l, c);
}

/* Handles what is ready, waiting for it until a time. Returns false once that time has come. */
static bool load_turn(struct load *l, uint64_t until_ns)
{
	struct epoll_event events[EVENTS_MAX];
	uint64_t now = now_ns();
	int n;

	if (now >= until_ns)
		return false;
	n = epoll_wait(l->epoll, events, EVENTS_MAX, (int)((until_ns - now) / 1000000) + 1);
	for (int i = 0; i < n; i++)
		conn_event(l, events[i].data.ptr, events[i].events);
	return true;
}

static void load_late(struct load *l, const char *doing)
{
	fprintf(stderr, "load: %g s were not enough: %" PRIu64 " of %" PRIu64 " connections %s\n",
		l->opt->limit_seconds, l->pending, l->total, doing);
	l->errors += l->pending;
}

static bool load_open(struct load *l)
{
	l->pending = l->total;
	while (l->pending > 0) {
		while (l->opening < l->opt->opening_max && l->opened < l->total)
			conn_open(l, &l->conns[l->opened++]);
		if (l->pending > 0 && !load_turn(l, l->deadline_ns)) {
			load_late(l, "were not open and warm");
			return false;
		}
	}
	return true;
}

static void load_talk(struct load *l)
{
	for (uint64_t i = 0; i < l->total; i++) {
		struct conn *c = &l->conns[i];

		if (c->idle || c->state != CONN_WAITING)
			continue;
		c->state = CONN_RUNNING;
		c->left = l->opt->count ? l->opt->count : UINT64_MAX;
		l->pending++;
		conn_next(l, c, now_ns());
	}
	while (l->pending > 0) {
		if (!load_turn(l, l->deadline_ns)) {
			load_late(l, "still waited for an echo");
			return;
		}
	}
}

static void load_watch_idle(struct load *l)
{
	while (load_turn(l, l->stop_ns))
		;
}

static void load_report(const struct load *l, uint64_t open_ns, uint64_t run_ns, double server_us)
{
	figures_print(&l->round_trips, run_ns);
	printf(" errors=%" PRIu64 " mismatches=%" PRIu64 " open_s=%.3f", l->errors, l->mismatches,
		(double)open_ns / 1e9);
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
		fprintf(stderr, "load: all connections are open\n");
	counted = pid && tree_add_ns(pid, &before);
	started = now_ns();
	l->stop_ns = l->opt->count ? UINT64_MAX : started + ns_of(l->opt->seconds);
	if (l->opt->connections > 0)
		load_talk(l);
	else
		load_watch_idle(l);
	run_ns = now_ns() - started;
	if (counted && tree_add_ns(pid, &after) && after >= before)
		server_us = (double)(after - before) / 1e3;
	load_report(l, open_ns, run_ns, server_us);
}

static _Noreturn void usage(void)
{
	fprintf(stderr,
		"usage: load -H HOST -p PORT | -U PATH -c CONNECTIONS -s MESSAGE_BYTES "
		"-d SECONDS|-n MESSAGES\n"
		"  -H HOST   numeric IPv4 or IPv6 address (127.0.0.1)\n"
		"  -U PATH   or: a Unix socket; @NAME: an abstract one\n"
		"  -Q        that is a seqpacket socket: every echo must come whole\n"
		"  -c N      connections that talk (1)\n"
		"  -i N      more connections that stay silent, opened first (0)\n"
		"  -o N      connections that are being opened at once (200)\n"
		"  -s N      bytes of a message (64)\n"
		"  -d S      talk for S seconds (1)\n"
		"  -n N      or: send N messages on each connection\n"
		"  -w N      first N messages on each, compared but not counted (0)\n"
		"  -t S      give up, as an error, after S seconds in all (60)\n"
		"  -P PID    also report the processor time of this server and its children\n"
		"  -r        say on stderr when all connections are open\n");
	exit(2);
}

static void parse(struct options *o, int argc, char **argv)
{
	const char *host = "127.0.0.1", *path = NULL;
	uint64_t port = 0;
	int letter;

	while ((letter = getopt(argc, argv, "H:p:U:Qc:i:o:s:d:n:w:t:P:r")) != -1) {
		switch (letter) {
		case 'H': host = optarg; break;
		case 'p': port = whole(optarg, 65535); break;
		case 'U': path = optarg; break;
		case 'Q': o->whole_messages = true; break;
		case 'c': o->connections = whole(optarg, 1000000); break;
		case 'i': o->idle = whole(optarg, 1000000); break;
		case 'o': o->opening_max = whole(optarg, 1000000); break;
		case 's': o->bytes = whole(optarg, MESSAGE_BYTES_MAX); break;
		case 'd': o->seconds = duration(optarg); break;
		case 'n': o->count = whole(optarg, 1000000000); break;
		case 'w': o->warm = whole(optarg, 1000000000); break;
		case 't': o->limit_seconds = duration(optarg); break;
		case 'P': o->server_pid = whole(optarg, INT32_MAX); break;
		case 'r': o->announce = true; break;
		default: usage();
		}
	}
	if (optind < argc || (port == 0) == (path == NULL) || o->bytes == 0 ||
		o->opening_max == 0 || o->connections + o->idle == 0)
		usage();
	if (o->connections == 0 && o->count)
		usage();
	if (o->whole_messages && (!path || o->bytes > SCRATCH_BYTES))
		usage();
	if (path)
		target_unix(&o->target, path);
	else
		target_inet(&o->target, host, (uint16_t)port);
}

static void load_init(struct load *l, const struct options *o)
{
	raise_descriptors();
	*l = (struct load){.opt = o, .total = o->connections + o->idle};
	l->conns = calloc(l->total, sizeof(*l->conns));
	l->pattern = make_pattern(o->bytes);
	l->scratch = malloc(SCRATCH_BYTES);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!l->conns || !l->pattern || !l->scratch || l->epoll < 0) {
		perror("load");
		exit(1);
	}
	for (uint64_t i = 0; i < l->total; i++) {
		l->conns[i].fd = -1;
		l->conns[i].idle = i < o->idle;
		l->conns[i].index = i;
	}
}

int main(int argc, char **argv)
{
	/* Opening more at once would overrun short accept queues, and a lost SYN costs a second. */
	struct options o = {.connections = 1,
		.opening_max = 200,
		.bytes = 64,
		.seconds = 1,
		.limit_seconds = 60};
	struct load *l = malloc(sizeof(*l));
	bool good;

	parse(&o, argc, argv);
	if (!l) {
		perror("load");
		return 1;
	}
	load_init(l, &o);
	load_measure(l);
	good = l->errors == 0 && l->mismatches == 0;
	free(l->conns);
	free(l->pattern);
	free(l->scratch);
	free(l);
	return good ? 0 : 1;
}
