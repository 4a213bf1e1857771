#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

/* Clients of a server on this machine: some processes, in each of which they come one after the
 * other until all have been. */

#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct crowd {
	atomic_int left, failed;
};

static inline double crowd_now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The arguments are PORT AT_ONCE TOTAL. be_clients takes clients from crowd.left until there are
 * none, in a process of its own, and counts those that failed. Prints the seconds that all took,
 * and how many failed, without a newline. Returns 0, or 2 if called wrongly. */
static inline int crowd_run(int argc, char **argv,
	void (*be_clients)(struct crowd *crowd, const struct sockaddr_in *at))
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct crowd *c =
		mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const double began_s = crowd_now_s();

	if (argc != 4 || c == MAP_FAILED) {
		fprintf(stderr, "%s PORT AT_ONCE TOTAL\n", argv[0]);
		return 2;
	}
	at.sin_port = htons((uint16_t)strtol(argv[1], NULL, 10));
	atomic_init(&c->left, (int)strtol(argv[3], NULL, 10));
	for (long i = strtol(argv[2], NULL, 10); i > 0; i--) {
		if (fork() == 0) {
			be_clients(c, &at);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	printf("%.6f %d", crowd_now_s() - began_s, atomic_load(&c->failed));
	return 0;
}

#endif
