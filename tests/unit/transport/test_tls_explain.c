#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "report/trace.h"
#include "tls_cert.h"
#include "tls_pair.h"

#ifdef TLS_IS_BUILT_IN

/* What a trace remarks of TLS. */
TestSuite(tls_explain, .timeout = 60);

struct remarked {
	struct trace trace;
	char text[1024];
};

static void take_remark(struct trace *t, void *arg, const struct trace_socket *s, struct span text)
{
	struct remarked *n = arg;
	size_t used = strlen(n->text);

	(void)t;
	(void)s;
	snprintf(n->text + used, sizeof(n->text) - used, "%.*s\n", (int)text.len,
		(const char *)text.data);
}

static const struct trace_form remarks = {.remark = take_remark};

/* What the client remarks. */
static const char *remarked(struct tls_pair *p, bool shook)
{
	static struct remarked n;

	n.text[0] = '\0';
	pair_begin(p);
	trace_begin(&n.trace, &p->client.to);
	trace_add(&n.trace, &remarks, &n);
	pair_join(p);
	cr_assert(eq(int, pair_shake(p), shook));
	if (shook)
		tls_explain_agreed(pair_layer(&p->client));
	trace_end(&n.trace);
	return n.text;
}

#define REMARKS(text, words) \
	cr_expect(ne(ptr, strstr(text, words), NULL), "'%s' is not in '%s'", words, text)

Test(tls_explain, a_pin_that_is_right)
{
	struct tls_pair p = {0};
	const char *text = remarked(&p, true);

	REMARKS(text, "Checked: the key has the pin that was given, sha256:");
	REMARKS(text, "The handshake is done: TLSv1.3 with the cipher ");
	pair_close(&p);
}

Test(tls_explain, a_pin_that_is_another)
{
	struct tls_pair p = {
		.client.conf.pin =
			"sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"};
	const char *text = remarked(&p, false);

	REMARKS(text, "Not accepted: its key has the pin sha256:");
	pair_close(&p);
}

Test(tls_explain, what_is_not_verified)
{
	struct tls_pair p = {.client.conf.no_verify = true};
	const char *text = remarked(&p, true);

	REMARKS(text, "Not checked, as was asked for");
	pair_close(&p);
}

Test(tls_explain, an_end_without_its_own)
{
	struct tls_pair p = {0};
	static struct remarked n;

	pair_open(&p);
	trace_begin(&n.trace, &p.client.to);
	trace_add(&n.trace, &remarks, &n);
	p.client.moves.ends = true;
	pair_read(&p.client);
	REMARKS(n.text, "The end came from TCP alone");
	trace_end(&n.trace);
	pair_close(&p);
}

/* What a client that trusts a file remarks of a server that has the same, or another. */
static const char *remarked_of(
	const struct cert_words *server, const struct cert_words *trusted, bool shook)
{
	char path[] = "/tmp/sockx-explain-XXXXXX", other[] = "/tmp/sockx-explain-XXXXXX";
	struct tls_pair p = {.server.conf.cert = path,
		.client.conf.ca = trusted ? other : path,
		.name = "a.test"};
	const char *text;

	cert_write(server, path);
	if (trusted)
		cert_write(trusted, other);
	text = remarked(&p, shook);
	pair_close(&p);
	unlink(path);
	if (trusted)
		unlink(other);
	return text;
}

Test(tls_explain, a_certificate_that_is_trusted_itself)
{
	const char *text = remarked_of(&(struct cert_words){"a.test", "a.test", NULL}, NULL, true);

	REMARKS(text,
		"Checked: the certificate of CN=a.test itself is one of the certificates that were "
		"given; today is within its dates, ");
	REMARKS(text, "; and it is for a.test, which was asked for.");
}

/* What is wrong with a certificate, and what is said of it. */
static const struct {
	struct cert_words words;
	const char *said;
} wrong[] = {
	{{"b.test", "b.test", NULL},
		"the certificate is for b.test, and not for a.test, which was asked for."},
	{{"a.test", "a.test", "clientAuth"}, "of the certificate of CN=a.test the library says: "},
};

Test(tls_explain, a_certificate_that_is_trusted_and_wrong)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		REMARKS(remarked_of(&wrong[i].words, NULL, false), wrong[i].said);
}

Test(tls_explain, a_certificate_that_is_signed_by_itself)
{
	const struct cert_words words = {"a.test", "a.test", NULL},
				others = {"b.test", "b.test", NULL};

	REMARKS(remarked_of(&words, &others, false),
		"Not accepted: the certificate of CN=a.test is signed by itself.");
}

Test(tls_explain, without_memory_a_remark_is_dropped_and_counted)
{
	struct tls_pair p = {0};
	static struct remarked n;

	pair_open(&p);
	trace_begin(&n.trace, &p.client.to);
	trace_add(&n.trace, &remarks, &n);
	fail_allocation(1);
	tls_explain_cut(pair_layer(&p.client));
	fail_allocation(0);
	cr_expect(eq(str, n.text, ""));
	cr_expect(eq(u64, p.client.to.dropped, 1));
	trace_end(&n.trace);
	pair_close(&p);
}

#endif
