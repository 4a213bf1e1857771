#include <stdlib.h>

#include "report/trace.h"
#include "tls_pair.h"

#ifdef TLS_IS_BUILT_IN

/* What a trace shows of TLS. */
TestSuite(tls_trace, .timeout = 60);

/* One side, with a trace that notes each message. */
struct noted {
	struct trace trace;
	char text[1024];
};

static void note(
	struct trace *t, void *arg, const struct trace_event *event, const struct trace_socket *s)
{
	struct noted *n = arg;
	size_t used = strlen(n->text);

	(void)t;
	(void)s;
	snprintf(n->text + used, sizeof(n->text) - used, "%s%s%s%s ", event->sent ? ">" : "<",
		event->name, event->detail ? ":" : "", event->detail ? event->detail : "");
}

static const struct trace_form notes = {.event = note};

struct traced {
	struct tls_pair pair;
	struct noted client, server;
};

static void traced_begin(struct traced *t)
{
	pair_begin(&t->pair);
	trace_begin(&t->client.trace, &t->pair.client.to);
	trace_add(&t->client.trace, &notes, &t->client);
	trace_begin(&t->server.trace, &t->pair.server.to);
	trace_add(&t->server.trace, &notes, &t->server);
}

static void traced_end(struct traced *t)
{
	trace_end(&t->client.trace);
	trace_end(&t->server.trace);
	pair_close(&t->pair);
}

/* The messages of both sides, and whether they shook hands. */
static void traced_are(struct traced *t, bool shook, const char *client, const char *server)
{
	pair_join(&t->pair);
	cr_assert(eq(int, pair_shake(&t->pair), shook));
	if (shook) {
		pair_finish(&t->pair.client);
		pair_read(&t->pair.server);
	}
	cr_expect(eq(str, t->client.text, (char *)client));
	cr_expect(eq(str, t->server.text, (char *)server));
}

Test(tls_trace, messages_of_1_3)
{
	static struct traced t;

	traced_begin(&t);
	traced_are(&t, true,
		">ClientHello:TLS 1.3 or 1.2, for localhost <ServerHello:TLS 1.3, "
		"TLS_AES_256_GCM_SHA384 <ChangeCipherSpec <EncryptedExtensions <Certificate "
		"<CertificateVerify <Finished >ChangeCipherSpec >Finished "
		">alert:warning, close_notify ",
		"<ClientHello:TLS 1.3 or 1.2, for localhost >ServerHello:TLS 1.3, "
		"TLS_AES_256_GCM_SHA384 >ChangeCipherSpec >EncryptedExtensions >Certificate "
		">CertificateVerify >Finished <ChangeCipherSpec <Finished "
		"<alert:warning, close_notify ");
	traced_end(&t);
}

static void speak(struct tls_side *side, long version)
{
	side->tls->lib.SSL_CTX_ctrl(side->tls->ctx, SSL_CTRL_SET_MAX_PROTO_VERSION, version, NULL);
}

Test(tls_trace, messages_of_1_2)
{
	static struct traced t;

	traced_begin(&t);
	speak(&t.pair.client, TLS1_2_VERSION);
	traced_are(&t, true,
		">ClientHello:TLS 1.2, for localhost <ServerHello:TLS 1.2, "
		"ECDHE-ECDSA-AES256-GCM-SHA384 <Certificate <ServerKeyExchange <ServerHelloDone "
		">ClientKeyExchange >ChangeCipherSpec >Finished <ChangeCipherSpec <Finished "
		">alert:warning, close_notify ",
		"<ClientHello:TLS 1.2, for localhost >ServerHello:TLS 1.2, "
		"ECDHE-ECDSA-AES256-GCM-SHA384 >Certificate >ServerKeyExchange >ServerHelloDone "
		"<ClientKeyExchange <ChangeCipherSpec <Finished >ChangeCipherSpec >Finished "
		"<alert:warning, close_notify ");
	traced_end(&t);
}

Test(tls_trace, a_server_that_wants_another_group)
{
	static struct traced t;

	traced_begin(&t);
	cr_assert(eq(long,
		t.pair.server.tls->lib.SSL_CTX_ctrl(
			t.pair.server.tls->ctx, SSL_CTRL_SET_GROUPS_LIST, 0, (void *)"P-521"),
		1));
	pair_join(&t.pair);
	cr_assert(pair_shake(&t.pair));
	cr_expect(
		ne(ptr,
			strstr(t.client.text,
				">ClientHello:TLS 1.3 or 1.2, for localhost <HelloRetryRequest:TLS "
				"1.3, TLS_AES_256_GCM_SHA384 >ChangeCipherSpec "
				">ClientHello:TLS 1.3 or 1.2, for localhost "),
			NULL),
		"%s", t.client.text);
	traced_end(&t);
}

Test(tls_trace, an_alert_on_both_sides)
{
	static struct traced t;

	t.pair.client.conf.pin =
		"sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	traced_begin(&t);
	pair_join(&t.pair);
	cr_assert(not(pair_shake(&t.pair)));
	cr_expect(ne(ptr, strstr(t.client.text, "<Certificate >alert:fatal, "), NULL), "%s",
		t.client.text);
	cr_expect(ne(ptr, strstr(t.server.text, "<alert:fatal, "), NULL), "%s", t.server.text);
	traced_end(&t);
}

#endif
