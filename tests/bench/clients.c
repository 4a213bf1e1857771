/* Clients of an echo server on this machine, one after the other in each of some processes.
 *
 *     clients PORT AT_ONCE TOTAL
 *
 * Each connects, sends 64 bytes, half-closes, and reads to the end. Prints the seconds that all
 * took together, and how many did not get back what they had sent.
 */
#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGE_BYTES = 64 };

struct shared {
	atomic_int left, failed;
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Returns whether all came back, in order. */
static int exchange(int fd, const struct sockaddr_in *at)
{
	char sent[MESSAGE_BYTES], got[MESSAGE_BYTES + 1];
	size_t len = 0;
	ssize_t n = 0;

	memset(sent, 'x', sizeof(sent));
	if (connect(fd, (const struct sockaddr *)at, sizeof(*at)) < 0 ||
		send(fd, sent, sizeof(sent), MSG_NOSIGNAL) < MESSAGE_BYTES ||
		shutdown(fd, SHUT_WR) < 0)
		return 0;
	while (len < sizeof(got) && (n = recv(fd, got + len, sizeof(got) - len, 0)) > 0)
		len += (size_t)n;
	return n == 0 && len == sizeof(sent) && memcmp(sent, got, sizeof(sent)) == 0;
}

static void be_clients(struct shared *s, const struct sockaddr_in *at)
{
	while (atomic_fetch_sub(&s->left, 1) > 0) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (fd < 0 || !exchange(fd, at))
			atomic_fetch_add(&s->failed, 1);
		if (fd >= 0)
			close(fd);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct shared *s =
		mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double began_s = now_s();

	if (argc != 4 || s == MAP_FAILED) {
		fprintf(stderr, "clients PORT AT_ONCE TOTAL\n");
		return 2;
	}
	at.sin_port = htons((uint16_t)strtol(argv[1], NULL, 10));
	atomic_init(&s->left, (int)strtol(argv[3], NULL, 10));
	for (long i = strtol(argv[2], NULL, 10); i > 0; i--) {
		if (fork() == 0) {
			be_clients(s, &at);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	printf("%.6f %d\n", now_s() - began_s, atomic_load(&s->failed));
	return 0;
}
