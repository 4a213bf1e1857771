/* load: an echo load generator that compares every byte that comes back.
 *
 * Each connection sends a message, waits for all of it, compares it, and sends the next. One thread
 * and one level-triggered epoll, so that beside a server on the same machine it is one peer among
 * two. The result is one line of key=value on stdout; what went wrong is told once, on stderr. */

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	EVENTS_MAX = 256,
	SCRATCH_BYTES = 256 * 1024,
	MESSAGE_BYTES_MAX = 64 * 1024 * 1024,
	/* A prime, so that neighbours in connection or in sequence never share a message. */
	PATTERN_OFFSETS = 65521,
};

/* Log-linear: 64 steps for every power of two, so a percentile is at most 1.6 % too high. */
enum { HIST_BITS = 6, HIST_STEPS = 1 << HIST_BITS, HIST_SLOTS = (65 - HIST_BITS) * HIST_STEPS };

struct histogram {
	uint64_t slot[HIST_SLOTS];
	uint64_t count, max;
};

struct options {
	struct sockaddr_storage address;
	socklen_t address_len;
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
	uint64_t messages, errors, mismatches;
	struct histogram round_trips;
	unsigned char *pattern, *scratch;
	int epoll;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t ns_of(double seconds)
{
	return (uint64_t)(seconds * 1e9);
}

static void histogram_add(struct histogram *h, uint64_t value)
{
	unsigned shift = 0;

	if (value >= HIST_STEPS)
		shift = 63 - (unsigned)__builtin_clzll(value) - HIST_BITS;
	h->slot[((uint64_t)shift << HIST_BITS) + (value >> shift)]++;
	h->count++;
	if (value > h->max)
		h->max = value;
}

static uint64_t histogram_slot_top(unsigned slot)
{
	unsigned shift = slot < 2 * HIST_STEPS ? 0 : slot / HIST_STEPS - 1;
	uint64_t step = slot - shift * HIST_STEPS;

	return ((step + 1) << shift) - 1;
}

static double histogram_us(const struct histogram *h, double share)
{
	uint64_t wanted = (uint64_t)(share * (double)h->count);
	uint64_t seen = 0;

	for (unsigned i = 0; i < HIST_SLOTS; i++) {
		seen += h->slot[i];
		if (seen > wanted) {
			uint64_t top = histogram_slot_top(i);

			return (double)(top < h->max ? top : h->max) / 1e3;
		}
	}
	return (double)h->max / 1e3;
}

static bool tree_add_ns(uint64_t pid, uint64_t *sum);

static bool task_add_ns(uint64_t pid, uint64_t task, uint64_t *sum)
{
	char path[96];
	uint64_t ns, child;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%" PRIu64 "/task/%" PRIu64 "/schedstat", pid, task);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (fscanf(f, "%" SCNu64, &ns) == 1)
		*sum += ns;
	fclose(f);
	snprintf(path, sizeof(path), "/proc/%" PRIu64 "/task/%" PRIu64 "/children", pid, task);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (fscanf(f, "%" SCNu64, &child) == 1)
		tree_add_ns(child, sum);
	fclose(f);
	return true;
}

/* Adds the processor time of every thread of pid and of its descendants that live now. Both samples
 * are taken while all connections are open and silent, so a server with a process per connection is
 * counted whole and what forking them cost is left out, to its advantage. (The cutime of
 * /proc/PID/stat would need them to have ended and been waited for, and counts in ticks.) */
static bool tree_add_ns(uint64_t pid, uint64_t *sum)
{
	char path[64];
	struct dirent *entry;
	bool ok = true;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%" PRIu64 "/task", pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			ok = task_add_ns(pid, strtoull(entry->d_name, NULL, 10), sum) && ok;
	closedir(dir);
	return ok;
}

/* A message is a window on random bytes: it costs nothing to make, and echoed to the wrong
 * connection or out of turn it does not compare. */
static const unsigned char *conn_message(const struct load *l, const struct conn *c)
{
	return l->pattern + (c->index * 7919 + c->sequence * 104729) % PATTERN_OFFSETS;
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

	event.events = write ? EPOLLIN | EPOLLOUT : EPOLLIN;
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

	if (c->state == CONN_RUNNING) {
		histogram_add(&l->round_trips, now - c->began_ns);
		l->messages++;
	}
	if (c->left == 0 || (c->state == CONN_RUNNING && now >= l->stop_ns))
		conn_wait(l, c);
	else
		conn_next(l, c, now);
}

static size_t first_difference(const unsigned char *a, const unsigned char *b)
{
	size_t at = 0;

	while (a[at] == b[at])
		at++;
	return at;
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
	if (c->received == l->opt->bytes)
		conn_echoed(l, c);
}

static void conn_receive(struct load *l, struct conn *c)
{
	ssize_t n = recv(c->fd, l->scratch, SCRATCH_BYTES, 0);

	if (n > 0)
		conn_compare(l, c, (size_t)n);
	else if (n == 0)
		conn_fail(l, c, "the server ended the connection", 0);
	else if (errno != EAGAIN && errno != EINTR)
		conn_fail(l, c, "recv", errno);
}

static void conn_open(struct load *l, struct conn *c)
{
	const struct sockaddr *address = (const struct sockaddr *)&l->opt->address;
	int one = 1;

	c->state = CONN_CONNECTING;
	l->opening++;
	c->fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		conn_fail(l, c, "socket", errno);
		return;
	}
	if (setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0)
		conn_fail(l, c, "TCP_NODELAY", errno);
	else if (connect(c->fd, address, l->opt->address_len) < 0 && errno != EINPROGRESS)
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
	const struct histogram *h = &l->round_trips;
	double seconds = (double)run_ns / 1e9;

	printf("messages=%" PRIu64 " seconds=%.3f messages_per_s=%.0f", l->messages, seconds,
		seconds > 0 ? (double)l->messages / seconds : 0.0);
	printf(" p50_us=%.1f p90_us=%.1f p99_us=%.1f p999_us=%.1f max_us=%.1f",
		histogram_us(h, 0.5), histogram_us(h, 0.9), histogram_us(h, 0.99),
		histogram_us(h, 0.999), (double)h->max / 1e3);
	printf(" errors=%" PRIu64 " mismatches=%" PRIu64 " open_s=%.3f", l->errors, l->mismatches,
		(double)open_ns / 1e9);
	if (server_us >= 0 && l->messages > 0)
		printf(" server_us_per_message=%.3f", server_us / (double)l->messages);
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
		"usage: load -H HOST -p PORT -c CONNECTIONS -s MESSAGE_BYTES -d SECONDS|-n "
		"MESSAGES\n"
		"  -H HOST   numeric IPv4 or IPv6 address (127.0.0.1)\n"
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

static uint64_t whole(const char *text, uint64_t most)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || text[0] == '-' || value > most) {
		fprintf(stderr, "load: '%s' is not a number from 0 to %" PRIu64 "\n", text, most);
		usage();
	}
	return value;
}

static double duration(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value > 0 && value <= 86400)) {
		fprintf(stderr, "load: '%s' is not a number of seconds\n", text);
		usage();
	}
	return value;
}

static void resolve(struct options *o, const char *host, uint16_t port)
{
	struct sockaddr_in *four = (struct sockaddr_in *)&o->address;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&o->address;

	if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		o->address_len = sizeof(*four);
	} else if (inet_pton(AF_INET6, host, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(port);
		o->address_len = sizeof(*six);
	} else {
		fprintf(stderr, "load: '%s' is not a numeric address\n", host);
		usage();
	}
}

static void parse(struct options *o, int argc, char **argv)
{
	const char *host = "127.0.0.1";
	uint64_t port = 0;
	int letter;

	while ((letter = getopt(argc, argv, "H:p:c:i:o:s:d:n:w:t:P:r")) != -1) {
		switch (letter) {
		case 'H': host = optarg; break;
		case 'p': port = whole(optarg, 65535); break;
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
	if (optind < argc || port == 0 || o->bytes == 0 || o->opening_max == 0 ||
		o->connections + o->idle == 0)
		usage();
	if (o->connections == 0 && o->count)
		usage();
	resolve(o, host, (uint16_t)port);
}

static void load_fill_pattern(struct load *l, size_t bytes)
{
	/* xorshift64 from a fixed seed: every run sends the same. */
	uint64_t x = 0x9e3779b97f4a7c15;

	for (size_t i = 0; i < bytes; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		l->pattern[i] = (unsigned char)(x >> 32);
	}
}

static void load_init(struct load *l, const struct options *o)
{
	size_t pattern_bytes = o->bytes + PATTERN_OFFSETS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	*l = (struct load){.opt = o, .total = o->connections + o->idle};
	l->conns = calloc(l->total, sizeof(*l->conns));
	l->pattern = malloc(pattern_bytes);
	l->scratch = malloc(SCRATCH_BYTES);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!l->conns || !l->pattern || !l->scratch || l->epoll < 0) {
		perror("load");
		exit(1);
	}
	load_fill_pattern(l, pattern_bytes);
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
