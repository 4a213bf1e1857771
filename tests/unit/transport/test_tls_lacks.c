#include <dlfcn.h>
#include <stdlib.h>

#include "sanitized.h"
#include "tls_pair.h"

#ifdef TLS_IS_BUILT_IN

/* The library lacks memory: each of its own allocations fails in turn. */
TestSuite(tls_lacks, .timeout = 60);

/* Sanitizers make it five times as slow: of the many allocations they see fewer. */
enum { STEP = SANITIZED_MEMORY ? 5 : 1 };

/* How many allocations are still to come, the failing one included; 0: none is to fail. */
static unsigned to_come;
static bool has_failed;

static bool is_to_fail(void)
{
	if (!to_come || --to_come)
		return false;
	has_failed = true;
	return true;
}

static void *lib_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return is_to_fail() ? NULL : malloc(size);
}

static void *lib_realloc(void *block, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return is_to_fail() ? NULL : realloc(block, size);
}

static void lib_free(void *block, const char *file, int line)
{
	(void)file;
	(void)line;
	free(block);
}

static void take_over_memory(void)
{
	typedef int set_function(void *(*)(size_t, const char *, int),
		void *(*)(void *, size_t, const char *, int), void (*)(void *, const char *, int));
	void *library = dlopen("libcrypto.so.3", RTLD_NOW);
	void *found = dlsym(library, "CRYPTO_set_mem_functions");
	set_function *set;

	cr_assert(found != NULL);
	memcpy(&set, &found, sizeof(set));
	cr_assert(eq(int, set(lib_malloc, lib_realloc, lib_free), 1));
}

static bool none_failed(void)
{
	to_come = 0;
	return !has_failed;
}

static void fail_in_library(unsigned nth)
{
	to_come = nth;
	has_failed = false;
}

/* ---- what all connections share ---- */

static char nowhere[] = "/nowhere";

Test(tls_lacks, a_client_begins_or_says_that_it_cannot)
{
	const struct tls_conf conf = {.alpn = "h2,http/1.1"};
	struct reporter to = silent_reporter();
	unsigned nth = 0, failures = 0;
	bool all_there = false;

	setenv("SSL_CERT_DIR", nowhere, 1);
	unsetenv("SSL_CERT_FILE");
	take_over_memory();
	tls_free(tls_of_client(&conf, &to, &(struct err){0}));
	while (!all_there) {
		struct err err = {0};
		struct tls *tls;

		fail_in_library(++nth);
		tls = tls_of_client(&conf, &to, &err);
		all_there = none_failed();
		failures += !tls;
		if (!tls)
			cr_expect(eq(str, err.what, "cannot begin: out of memory"), "%u", nth);
		cr_expect(not(all_there && !tls), "with all memory: %s", err.what);
		tls_free(tls);
	}
	cr_expect(gt(uint, failures, 10));
}

/* Of some 3000 allocations the library makes do without most. */
Test(tls_lacks, a_server_makes_its_certificate_or_says_that_it_cannot)
{
	static const char *const names[] = {"localhost"};
	const struct tls_conf conf = {.alpn = "h2"};
	struct reporter to = silent_reporter();
	unsigned nth = 1, failures = 0;
	bool all_there = false;

	take_over_memory();
	tls_free(tls_of_server(&conf, &to, names, 1, &(struct err){0}));
	for (; !all_there; nth += 7 * STEP) {
		struct err err = {0};
		struct tls *tls;

		fail_in_library(nth);
		tls = tls_of_server(&conf, &to, names, 1, &err);
		all_there = none_failed();
		failures += !tls;
		if (!tls)
			cr_expect(eq(int, (int)err.kind, ERR_RUNTIME), "%u: %s", nth, err.what);
		if (!tls)
			cr_expect(strncmp(err.what, "cannot ", 7) == 0, "%u: %s", nth, err.what);
		cr_expect(not(all_there && !tls), "with all memory: %s", err.what);
		tls_free(tls);
	}
	cr_expect(gt(uint, failures, 10));
}

/* ---- connections ---- */

/* One of the two failed, and why is known: where the library says that it lacks memory, so do we.
 */
static void has_failed_for_a_reason(struct tls_pair *p, unsigned nth)
{
	const struct err *client = link_story(&p->client.link),
			 *server = link_story(&p->server.link);

	cr_expect(client || server || p->client.link.error || p->server.link.error, "%u", nth);
	cr_expect(not(client && strstr(client->what, "malloc")), "%u: %s", nth, client->what);
	cr_expect(not(server && strstr(server->what, "malloc")), "%u: %s", nth, server->what);
}

/* Both layers and their handshake. Returns whether the nth allocation was reached. */
static bool shake_hands_without(unsigned nth)
{
	const struct addr at = addr_loopback(AF_INET, 4433);
	struct tls_link *client, *server;
	struct tls_pair p = {0};
	bool shaken, reached;

	pair_begin(&p);
	fail_in_library(nth);
	client = tls_over(p.client.tls, &p.client.link, &at, "localhost");
	server = tls_over(p.server.tls, &p.server.link, &at, NULL);
	shaken = client && server && pair_shake(&p);
	reached = !none_failed();
	if (client && server && !shaken)
		has_failed_for_a_reason(&p, nth);
	if (shaken) {
		pair_send(&p.client, &p.server, span_of("hello"));
		cr_expect(eq(sz, p.server.heard.len, 5), "%u", nth);
	}
	cr_expect(shaken || reached);
	pair_close(&p);
	cr_expect(eq(uint, p.client.closed, client != NULL), "%u", nth);
	cr_expect(eq(uint, p.server.closed, server != NULL), "%u", nth);
	return reached;
}

Test(tls_lacks, a_handshake_is_done_or_fails_with_a_reason)
{
	enum { OF_THE_LAYERS = 50 };
	unsigned nth = 1;

	take_over_memory();
	shake_hands_without(0);
	while (shake_hands_without(nth))
		nth += nth < OF_THE_LAYERS ? 1 : 29 * STEP;
	cr_expect(gt(uint, nth, 200));
}

/* Bytes both ways, in writes of any length and reads of few bytes, while one side takes little.
 * Returns whether all came. */
static bool pass_bytes(struct tls_pair *p, const char *bytes, size_t len)
{
	size_t written = 0, read = 0, taken = 0, got = 0;
	uint8_t room[700];

	for (int i = 0; i < 200 && read < len; i++) {
		size_t piece = len - written < (size_t)i * 40 ? len - written : (size_t)i * 40;
		enum io verdict;

		if (pair_write(&p->server, (struct span){(const uint8_t *)bytes + written, piece},
			    &taken) == IO_FAIL)
			return false;
		written += taken;
		verdict = link_read(&p->client.link, room, sizeof(room), &got);
		if (verdict == IO_FAIL)
			return false;
		if (verdict == IO_DONE && memcmp(room, bytes + read, got) != 0)
			abort();
		read += verdict == IO_DONE ? got : 0;
	}
	return read == len;
}

Test(tls_lacks, bytes_arrive_or_their_loss_is_told)
{
	enum { LEN = 12000 };
	char *bytes = script_bytes(LEN);
	bool reached = true;
	unsigned nth = 1;

	take_over_memory();
	for (; reached; nth += STEP) {
		struct tls_pair p = {0};
		bool passed;

		pair_open(&p);
		p.server.moves.room = 2000;
		fail_in_library(nth);
		passed = pass_bytes(&p, bytes, LEN);
		reached = !none_failed();
		cr_expect(passed || reached);
		if (!passed)
			has_failed_for_a_reason(&p, nth);
		pair_close(&p);
	}
	cr_expect(gt(uint, nth, 10));
	free(bytes);
}

#endif
