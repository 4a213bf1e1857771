#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "peer.h"
#include "script.h"
#include "words.h"

/* Commands while a name server takes its time (tests/unit/names.c): what they make of its answer,
 * and that they do not wait for it for ever. */
TestSuite(look_ups, .timeout = 20);

static struct outcome o;

static void run(const char *const *words)
{
	struct reporter to = silent_reporter();

	run_with(words, "", &to, &o);
}

static void fails(const char *const *words, enum err_kind kind, const char *what)
{
	run(words);
	cr_expect(eq(int, o.rc, -1));
	cr_expect(eq(int, (int)o.err.kind, (int)kind), "%s", o.err.what);
	cr_expect(strstr(o.err.what, what) != NULL, "%s", o.err.what);
}

/* A port where something listens, which the caller closes. */
static int listen_at(char port[8])
{
	struct addr at;
	int fd = bound_socket(AF_INET, 10, &at);

	snprintf(port, 8, "%u", addr_port(&at));
	return fd;
}

Test(look_ups, a_scan_looks_its_hosts_up_one_after_the_other)
{
	char port[8], ports[20], said[100];
	int fd = listen_at(port);

	snprintf(ports, sizeof(ports), "%s-%s", port, port);
	snprintf(said, sizeof(said), "after2ms.127.0.0.1 %s\n127.0.0.1 %s\nafter1ms.127.0.0.1 %s\n",
		port, port, port);
	run(WORDS("connect", "-z", "after2ms.127.0.0.1,127.0.0.1,after1ms.127.0.0.1", ports));
	cr_assert(eq(int, o.rc, 0), "%s", o.err.what);
	cr_assert(eq(str, o.said, said));
	close(fd);
}

Test(look_ups, a_scan_ends_with_a_name_that_is_not_there)
{
	fails(WORDS("connect", "-z", "127.0.0.1,after1ms.unknown", "22,80"), ERR_NAME,
		"'after1ms.unknown'");
	fails(WORDS("connect", "-z", "-n", "127.0.0.1,name", "22,80"), ERR_USAGE, "'name'");
	fails(WORDS("connect", "-z", "-4", "after1ms.127.0.0.1,::1", "22,80"), ERR_USAGE, "'::1'");
}

Test(look_ups, a_scan_does_not_wait_for_ever)
{
	fails(WORDS("connect", "-z", "-w", "5ms", "after50ms.127.0.0.1", "22,80"), ERR_TIMEOUT,
		"cannot look up 'after50ms.127.0.0.1' within 5 ms");
}

Test(look_ups, neither_does_a_client)
{
	fails(WORDS("connect", "-w", "5ms", "after50ms.127.0.0.1", "9"), ERR_TIMEOUT,
		"after50ms.127.0.0.1");
}

/* ---- serve ---- */

static void serves_at(const char *host, const char *other)
{
	struct lines kept;
	struct reporter to = lines_reporter(&kept);

	to.level = LEVEL_READY;
	run_with(WORDS("serve", "-m", "echo", "-H", host, "-H", other, "-p", "0", "--max-time",
			 "200ms"),
		"", &to, &o);
	cr_expect(eq(int, o.rc, 0), "%s", o.err.what);
	cr_expect(strstr(kept.text, "listening on 127.0.0.1:") == kept.text, "%s", kept.text);
	cr_expect(strstr(kept.text, "listening on 127.0.0.2:") != NULL, "%s", kept.text);
}

Test(look_ups, a_server_listens_in_the_order_typed_whichever_answer_comes_first)
{
	serves_at("after5ms.127.0.0.1", "after1ms.127.0.0.2");
	serves_at("127.0.0.1", "after1ms.127.0.0.2");
}

Test(look_ups, a_server_does_not_begin_with_a_name_that_is_not_there)
{
	fails(WORDS("serve", "-m", "echo", "-H", "after1ms.unknown", "-H", "after9ms.127.0.0.1",
		      "-p", "0"),
		ERR_NAME, "'after1ms.unknown'");
}

Test(look_ups, an_address_that_cannot_be_listened_on_is_told_after_the_look_up)
{
	char port[8];
	int fd = listen_at(port);

	fails(WORDS("serve", "-m", "echo", "-H", "after1ms.127.0.0.1", "-p", port), ERR_LISTEN,
		"127.0.0.1:");
	close(fd);
}
