/* Clients of a TLS server on this machine, one after the other in each of some processes.
 *
 *     handshakes PORT AT_ONCE TOTAL
 *
 * Each connects, shakes hands (TLS 1.3 in full: no session is kept), ends its side by close_notify,
 * and reads until the server has ended its own. Prints the seconds that all took together, how many
 * failed, and the processor seconds of the clients. The certificate is not verified, for only the
 * server is measured.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct shared {
	atomic_int left, failed;
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double clients_cpu_s(void)
{
	struct rusage all;

	getrusage(RUSAGE_CHILDREN, &all);
	return (double)(all.ru_utime.tv_sec + all.ru_stime.tv_sec) +
	       (double)(all.ru_utime.tv_usec + all.ru_stime.tv_usec) / 1e6;
}

/* Returns whether all went in order, to both ends' close_notify. */
static bool shake_hands(SSL *ssl, int fd, const struct sockaddr_in *at)
{
	char rest[64];
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (const struct sockaddr *)at, sizeof(*at)) < 0 || SSL_set_fd(ssl, fd) != 1 ||
		SSL_connect(ssl) != 1 || SSL_version(ssl) != TLS1_3_VERSION ||
		SSL_shutdown(ssl) < 0)
		return false;
	return SSL_get_error(ssl, SSL_read(ssl, rest, sizeof(rest))) == SSL_ERROR_ZERO_RETURN;
}

static void be_clients(struct shared *s, const struct sockaddr_in *at)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	while (atomic_fetch_sub(&s->left, 1) > 0) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		SSL *ssl = ctx ? SSL_new(ctx) : NULL;

		if (fd < 0 || !ssl || !shake_hands(ssl, fd, at))
			atomic_fetch_add(&s->failed, 1);
		SSL_free(ssl);
		if (fd >= 0)
			close(fd);
	}
	SSL_CTX_free(ctx);
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct shared *s =
		mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double began_s = now_s();

	if (argc != 4 || s == MAP_FAILED) {
		fprintf(stderr, "handshakes PORT AT_ONCE TOTAL\n");
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
	printf("%.6f %d %.6f\n", now_s() - began_s, atomic_load(&s->failed), clients_cpu_s());
	return 0;
}
