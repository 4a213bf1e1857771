/* Clients of a TLS server on this machine, one after the other in each of some processes.
 *
 *     handshakes PORT AT_ONCE TOTAL
 *
 * Each connects, shakes hands (TLS 1.3 in full: no session is kept), ends its side by close_notify,
 * and reads until the server has ended its own. Prints the seconds that all took together, how many
 * failed, and the processor seconds of the clients. The certificate is not verified, for only the
 * server is measured.
 */
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <sys/resource.h>

#include "crowd.h"

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

static void be_clients(struct crowd *crowd, const struct sockaddr_in *at)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	while (atomic_fetch_sub(&crowd->left, 1) > 0) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		SSL *ssl = ctx ? SSL_new(ctx) : NULL;

		if (fd < 0 || !ssl || !shake_hands(ssl, fd, at))
			atomic_fetch_add(&crowd->failed, 1);
		SSL_free(ssl);
		if (fd >= 0)
			close(fd);
	}
	SSL_CTX_free(ctx);
}

int main(int argc, char **argv)
{
	const int rc = crowd_run(argc, argv, be_clients);

	if (rc == 0)
		printf(" %.6f\n", clients_cpu_s());
	return rc;
}
