#include "os/facts.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

TestSuite(facts, .timeout = 20);

static int bound(int family, int type, struct addr *at, bool listens)
{
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	at->len = sizeof(at->room);
	cr_assert(ge(int, fd, 0));
	*at = addr_loopback(family, 0);
	cr_assert(eq(int, bind(fd, &at->sa, at->len), 0));
	cr_assert(eq(int, getsockname(fd, &at->sa, &at->len), 0));
	if (listens)
		cr_assert(eq(int, listen(fd, 1), 0));
	return fd;
}

static const struct {
	int family, type;
} kinds[] = {{AF_INET, SOCK_STREAM}, {AF_INET6, SOCK_STREAM}, {AF_INET, SOCK_DGRAM},
	{AF_INET6, SOCK_DGRAM}};

Test(facts, the_process_that_holds_a_port_is_found)
{
	char wanted[64];

	snprintf(wanted, sizeof(wanted), "process %d (", (int)getpid());
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct buf out = {0};
		struct addr at, any;
		int fd = bound(kinds[i].family, kinds[i].type, &at, kinds[i].type == SOCK_STREAM);

		any = addr_any(kinds[i].family, addr_port(&at));
		cr_assert(eq(int, facts_holder(&out, kinds[i].type, &at), 0));
		cr_expect(eq(int,
			strncmp((const char *)buf_span(&out).data, wanted, strlen(wanted)), 0));
		buf_free(&out);
		cr_assert(eq(int, facts_holder(&out, kinds[i].type, &any), 0));
		cr_expect(gt(sz, out.len, 0), "all addresses are this one, too");
		buf_free(&out);
		close(fd);
		cr_assert(eq(int, facts_holder(&out, kinds[i].type, &at), 0));
		cr_expect(eq(sz, out.len, 0), "now there is none");
		buf_free(&out);
	}
}

Test(facts, a_stream_that_does_not_listen_holds_nothing)
{
	struct buf out = {0};
	struct addr at;
	int fd = bound(AF_INET, SOCK_STREAM, &at, false);

	cr_assert(eq(int, facts_holder(&out, SOCK_STREAM, &at), 0));
	cr_expect(eq(sz, out.len, 0));
	buf_free(&out);
	close(fd);
}

Test(facts, another_address_of_the_same_port_is_another)
{
	struct buf out = {0};
	struct addr at, other;
	int fd = bound(AF_INET, SOCK_STREAM, &at, true);

	cr_assert(eq(int, addr_from_numeric(&other, AF_INET, "127.0.0.2", addr_port(&at)), 0));
	cr_assert(eq(int, facts_holder(&out, SOCK_STREAM, &other), 0));
	cr_expect(eq(sz, out.len, 0));
	buf_free(&out);
	close(fd);
}

Test(facts, the_addresses_of_this_machine)
{
	struct buf out = {0};

	cr_assert(eq(int, facts_addresses(&out), 0));
	cr_assert(eq(int, buf_add(&out, (struct span){(const uint8_t *)"", 1}), 0));
	cr_expect(ne(ptr, strstr((const char *)buf_span(&out).data, "127.0.0.1"), NULL));
	buf_free(&out);
}
