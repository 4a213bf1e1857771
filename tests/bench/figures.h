#ifndef SOCKX_TESTS_BENCH_FIGURES_H
#define SOCKX_TESTS_BENCH_FIGURES_H

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

/*
 * What the load generators share: time, percentiles, a server's processor time, the command line
 * and what to send. All of it is here, for each of them is one file that `cc` alone can build.
 */

/* Each program's own. */
static _Noreturn void usage(void);

/* ---- time ---- */

static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static inline uint64_t ns_of(double seconds)
{
	return (uint64_t)(seconds * 1e9);
}

/* ---- percentiles ---- */

/* Log-linear: 64 steps for every power of two, so a percentile is at most 1.6 % too high. */
enum { HIST_BITS = 6, HIST_STEPS = 1 << HIST_BITS, HIST_SLOTS = (65 - HIST_BITS) * HIST_STEPS };

struct histogram {
	uint64_t slot[HIST_SLOTS];
	uint64_t count, max;
};

static inline void histogram_add(struct histogram *h, uint64_t value)
{
	unsigned shift = 0;

	if (value >= HIST_STEPS)
		shift = 63 - (unsigned)__builtin_clzll(value) - HIST_BITS;
	h->slot[((uint64_t)shift << HIST_BITS) + (value >> shift)]++;
	h->count++;
	if (value > h->max)
		h->max = value;
}

static inline uint64_t histogram_slot_top(unsigned slot)
{
	unsigned shift = slot < 2 * HIST_STEPS ? 0 : slot / HIST_STEPS - 1;
	uint64_t step = slot - shift * HIST_STEPS;

	return ((step + 1) << shift) - 1;
}

static inline double histogram_us(const struct histogram *h, double share)
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

/* How many round trips there were in a time, and how long they took. */
static inline void figures_print(const struct histogram *h, uint64_t run_ns)
{
	double seconds = (double)run_ns / 1e9;

	printf("messages=%" PRIu64 " seconds=%.3f messages_per_s=%.0f", h->count, seconds,
		seconds > 0 ? (double)h->count / seconds : 0.0);
	printf(" p50_us=%.1f p90_us=%.1f p99_us=%.1f p999_us=%.1f max_us=%.1f",
		histogram_us(h, 0.5), histogram_us(h, 0.9), histogram_us(h, 0.99),
		histogram_us(h, 0.999), (double)h->max / 1e3);
}

/* ---- a server's processor time ---- */

static inline bool tree_add_ns(uint64_t pid, uint64_t *sum);

static inline bool task_add_ns(uint64_t pid, uint64_t task, uint64_t *sum)
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
static inline bool tree_add_ns(uint64_t pid, uint64_t *sum)
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

/* What came to a socket and found no room there. */
static inline uint64_t socket_drops(int fd)
{
	uint32_t figures[SK_MEMINFO_VARS] = {0};
	socklen_t len = sizeof(figures);

	getsockopt(fd, SOL_SOCKET, SO_MEMINFO, figures, &len);
	return figures[SK_MEMINFO_DROPS];
}

/* ---- the command line ---- */

static inline uint64_t whole(const char *text, uint64_t most)
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

static inline double duration(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value > 0 && value <= 86400)) {
		fprintf(stderr, "load: '%s' is not a number of seconds\n", text);
		usage();
	}
	return value;
}

/* Where a server is. */
struct target {
	struct sockaddr_storage room;
	socklen_t len;
};

static inline void target_inet(struct target *t, const char *host, uint16_t port)
{
	struct sockaddr_in *four = (struct sockaddr_in *)&t->room;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&t->room;

	if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		t->len = sizeof(*four);
	} else if (inet_pton(AF_INET6, host, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(port);
		t->len = sizeof(*six);
	} else {
		fprintf(stderr, "load: '%s' is not a numeric address\n", host);
		usage();
	}
}

/* An @ begins a name that is in no directory (unix(7), abstract). */
static inline void target_unix(struct target *t, const char *path)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&t->room;
	size_t len = strlen(path);

	if (len == 0 || len >= sizeof(un->sun_path)) {
		fprintf(stderr, "load: '%s' is no path of a socket\n", path);
		usage();
	}
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, len);
	if (path[0] == '@')
		un->sun_path[0] = '\0';
	t->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (path[0] != '@'));
}

static inline void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* ---- what to send ---- */

/* A prime, so that neighbours in connection or in sequence never share a message. */
enum { PATTERN_OFFSETS = 65521 };

/* A message is a window on random bytes: it costs nothing to make, and echoed to the wrong
 * connection or out of turn it does not compare. */
static inline const unsigned char *message(
	const unsigned char *pattern, uint64_t connection, uint64_t sequence)
{
	return pattern + (connection * 7919 + sequence * 104729) % PATTERN_OFFSETS;
}

/* What the messages of so many bytes are windows on, or NULL. */
static inline unsigned char *make_pattern(size_t message_bytes)
{
	size_t bytes = message_bytes + PATTERN_OFFSETS;
	unsigned char *pattern = malloc(bytes);
	/* xorshift64 from a fixed seed: every run sends the same. */
	uint64_t x = 0x9e3779b97f4a7c15;

	for (size_t i = 0; pattern && i < bytes; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		pattern[i] = (unsigned char)(x >> 32);
	}
	return pattern;
}

static inline size_t first_difference(const unsigned char *a, const unsigned char *b)
{
	size_t at = 0;

	while (a[at] == b[at])
		at++;
	return at;
}

#endif
