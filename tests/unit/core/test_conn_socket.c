#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "core/conn_state.h"
#include "peer.h"
#include "script.h"

/* What a program that serves a connection needs of its socket. */
TestSuite(conn_socket, .timeout = 20);

/* Only its descriptor matters. */
static struct conn conn_over(struct reporter *to, int fd)
{
	return (struct conn){.link = {.fd = fd, .to = to}};
}

Test(conn_socket, its_own_address)
{
	struct reporter to = silent_reporter();
	struct addr at, found;
	struct conn c = conn_over(&to, bound_socket(AF_INET, 10, &at));

	found = conn_local_address(&c);
	cr_expect(addr_equal(&found, &at), "%s", addr_text(&found).text);
	close(c.link.fd);
	cr_expect(eq(int, (int)conn_local_address(&c).len, 0), "it is closed");
	c.link.fd = -1;
	cr_expect(eq(int, (int)conn_local_address(&c).len, 0), "there is none");
}

Test(conn_socket, the_process_at_the_other_end)
{
	struct reporter to = silent_reporter();
	struct conn c;
	struct ucred who;
	int ends[2];

	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0));
	c = conn_over(&to, ends[0]);
	cr_expect(eq(int, conn_credentials(&c, &who), 0));
	cr_expect(eq(int, who.pid, getpid()));
	close(ends[0]);
	close(ends[1]);
	cr_expect(eq(int, conn_credentials(&c, &who), -1));
}

Test(conn_socket, bytes_that_have_come_and_were_not_read)
{
	struct reporter to = silent_reporter();
	struct conn c;
	int ends[2];

	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0));
	c = conn_over(&to, ends[0]);
	cr_expect(eq(sz, conn_unread_bytes(&c), 0));
	cr_assert(eq(int, (int)write(ends[1], "hello", 5), 5));
	cr_expect(eq(sz, conn_unread_bytes(&c), 5));
	close(ends[0]);
	close(ends[1]);
	cr_expect(eq(sz, conn_unread_bytes(&c), 0), "it is closed");
}

Test(conn_socket, a_copy_waits)
{
	struct reporter to = silent_reporter();
	struct conn c;
	int ends[2], copy;

	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0));
	c = conn_over(&to, ends[0]);
	copy = conn_copy_socket(&c);
	cr_assert(ge(int, copy, 0));
	cr_expect(ne(int, copy, ends[0]));
	cr_expect(eq(int, fcntl(copy, F_GETFL) & O_NONBLOCK, 0));
	close(copy);
	close(ends[0]);
	close(ends[1]);
}

Test(conn_socket, a_copy_that_cannot_be_had_leaves_nothing)
{
	struct reporter to = silent_reporter();
	struct conn c = conn_over(&to, open("/", O_PATH | O_CLOEXEC)); /* ioctl fails (EBADF) */
	unsigned before = open_descriptors();

	cr_assert(ge(int, c.link.fd, 0));
	errno = 0;
	cr_expect(eq(int, conn_copy_socket(&c), -1));
	cr_expect(eq(int, errno, EBADF));
	cr_expect(eq(uint, open_descriptors(), before));
	close(c.link.fd);
	errno = 0;
	cr_expect(eq(int, conn_copy_socket(&c), -1));
	cr_expect(eq(int, errno, EBADF));
}

/* A look finds the error that no call has taken yet. */
static void look(struct conn *c)
{
	conn_look_for_loss(c);
}

static const struct handler looks = {.open = look};

Test(conn_socket, a_look_for_an_error_that_waits)
{
	struct script lost = {.stays = true, .pending_error = ECONNRESET}, fine = {.incoming = ""};
	struct scene sc;

	scene_begin(&sc, &looks);
	scene_join(&sc, &lost);
	scene_join(&sc, &fine);
	scene_play(&sc);
	cr_expect(lost.failed);
	cr_expect(not(fine.failed));
	scene_end(&sc);
}

Test(conn_socket, a_transport_that_keeps_no_error)
{
	static const struct transport row = {.name = "none"};
	struct conn c = {.link = {.via = &row}};

	cr_assert(eq(int, conn_take_error(&c), 0));
}
