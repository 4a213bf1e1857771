/* Clients of an echo server on this machine, one after the other in each of some processes.
 *
 *     clients PORT AT_ONCE TOTAL
 *
 * Each connects, sends 64 bytes, half-closes, and reads to the end. Prints the seconds that all
 * took together, and how many did not get back what they had sent.
 */
#include <string.h>

#include "crowd.h"

enum { MESSAGE_BYTES = 64 };

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

static void be_clients(struct crowd *crowd, const struct sockaddr_in *at)
{
	while (atomic_fetch_sub(&crowd->left, 1) > 0) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (fd < 0 || !exchange(fd, at))
			atomic_fetch_add(&crowd->failed, 1);
		if (fd >= 0)
			close(fd);
	}
}

int main(int argc, char **argv)
{
	const int rc = crowd_run(argc, argv, be_clients);

	if (rc == 0)
		printf("\n");
	return rc;
}
