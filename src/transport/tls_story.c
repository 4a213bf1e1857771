/* Why TLS failed, in words: what was expected, and what came. */
#include "transport/tls_state.h"

#ifdef TLS_IS_BUILT_IN

#include <errno.h>
#include <string.h>

#include <stdio.h>

#include "base/escape.h"

/* A reason of the library's, in words, with what it tells. */
struct story_row {
	int reason;
	uint16_t fact;
	char words[68]; /* in place: pointers would be relocated at each start */
};

static const struct story_row stories[] = {
	{SSL_R_WRONG_VERSION_NUMBER, FACT_TLS_PLAIN_PEER, "what came is not TLS"},
	{SSL_R_WRONG_SSL_VERSION, FACT_TLS_PLAIN_PEER, "what came is not TLS"},
	{SSL_R_HTTP_REQUEST, FACT_TLS_PLAIN_PEER, "what came is HTTP without TLS"},
	{SSL_R_HTTPS_PROXY_REQUEST, FACT_TLS_PLAIN_PEER, "what came is HTTP without TLS"},
	{SSL_R_UNEXPECTED_MESSAGE, FACT_TLS_PLAIN_PEER, "what came does not belong there"},
	{SSL_R_UNSUPPORTED_PROTOCOL, FACT_NONE,
		"no version of TLS in common (1.2 and 1.3 are spoken here)"},
	{SSL_R_NO_SHARED_CIPHER, FACT_NONE, "no cipher in common"},
	{SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, FACT_NONE,
		"no certificate came, and one is required"},
	{SSL_R_NO_APPLICATION_PROTOCOL, FACT_TLS_ALPN, "no protocol in common (ALPN)"},
};

/* The alerts of RFC 8446 section 6, as a peer that refuses sends them. */
static const struct story_row alerts[] = {
	{10, FACT_NONE, "unexpected message"},
	{20, FACT_NONE, "a record that is not intact"},
	{22, FACT_NONE, "a record that is too long"},
	{40, FACT_NONE, "no version, cipher or key in common"},
	{42, FACT_NONE, "our certificate is not valid"},
	{43, FACT_NONE, "our certificate is of a kind that it does not know"},
	{44, FACT_NONE, "our certificate was revoked"},
	{45, FACT_NONE, "our certificate has expired"},
	{46, FACT_TLS_PEER_DISTRUSTS, "our certificate was not accepted"},
	{47, FACT_NONE, "something that it does not understand"},
	{48, FACT_TLS_PEER_DISTRUSTS, "it does not know who signed our certificate"},
	{49, FACT_NONE, "access denied"},
	{50, FACT_NONE, "a message that it cannot read"},
	{51, FACT_NONE, "a signature that is not right"},
	{70, FACT_NONE, "it does not speak this version of TLS"},
	{71, FACT_NONE, "it wants stronger ciphers"},
	{80, FACT_NONE, "an error of its own"},
	{86, FACT_NONE, "a version lower than need be"},
	{90, FACT_NONE, "it gave up"},
	{109, FACT_NONE, "an extension is missing"},
	{110, FACT_NONE, "an extension that it did not ask for"},
	{112, FACT_TLS_NAME, "it has no certificate for that name"},
	{116, FACT_TLS_NEEDS_CERTIFICATE, "it requires a certificate of us"},
	{120, FACT_TLS_ALPN, "no protocol in common (ALPN)"},
};

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static const struct story_row *story_find(const struct story_row *rows, size_t count, int reason)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].reason == reason)
			return &rows[i];
	return NULL;
}

static void story_begin(
	const struct tls_link *t, enum err_kind kind, struct err *why, const char *words)
{
	err_set(why, kind, "TLS with %s: %s", addr_text(&t->at).text, words);
	err_cause(why, words);
}

static enum io story_end(struct link *link, struct err *why)
{
	struct tls_link *t = link->held;

	t->broken = true;
	return link_fail_with(link, why);
}

/* ---- certificates ---- */

static enum fact story_certificate_fact(long result)
{
	switch (result) {
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: return FACT_TLS_UNTRUSTED;
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID: return FACT_TLS_DATES;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH: return FACT_TLS_NAME;
	default: return FACT_NONE;
	}
}

static void story_of_certificate(const struct tls_link *t, struct err *why)
{
	long result = t->tls->lib.SSL_get_verify_result(t->ssl);
	const struct span has = buf_span(&t->refused);
	char pin[TLS_PIN_TEXT] = "", words[384];
	enum fact fact = story_certificate_fact(result);

	if (t->has_shown)
		tls_pin_write(t->shown, pin);
	if (result == X509_V_ERR_APPLICATION_VERIFICATION) {
		snprintf(words, sizeof(words), "its pin is another: %s", pin);
		fact = FACT_TLS_PIN;
	} else if (fact == FACT_TLS_NAME && t->name) {
		snprintf(words, sizeof(words), "its certificate is not for %s%s%s",
			quoted(t->name).text, has.len ? ": it is for " : "",
			has.len ? quoted_span(has).text : "");
	} else if (fact == FACT_TLS_DATES && has.len) {
		snprintf(words, sizeof(words), "its certificate is not accepted: %s (%.*s)",
			t->tls->lib.X509_verify_cert_error_string(result), (int)has.len,
			(const char *)has.data);
	} else {
		snprintf(words, sizeof(words), "its certificate is not accepted: %s%s%s",
			t->tls->lib.X509_verify_cert_error_string(result),
			fact == FACT_TLS_UNTRUSTED && *pin ? ", " : "",
			fact == FACT_TLS_UNTRUSTED ? pin : "");
	}
	story_begin(t, ERR_TLS, why, words);
	err_fact(why, fact, &t->at);
}

/* ---- what the library says ---- */

/* TLS 1.2 has no alert of its own for a certificate that was wanted and did not come (RFC 5246
 * section 7.4.6). */
static int story_alert(const struct tls_link *t, int alert)
{
	bool lacks = t->asked && !t->tls->conf->cert;

	return alert == SSL_AD_HANDSHAKE_FAILURE && lacks ? SSL_AD_CERTIFICATE_REQUIRED : alert;
}

static void story_of_library(const struct tls_link *t, struct err *why)
{
	const struct tls_library *lib = &t->tls->lib;
	unsigned long error = lib->ERR_peek_error();
	int reason = ERR_GET_REASON(error);
	bool is_alert = reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256;
	const struct story_row *row =
		is_alert ? story_find(alerts, COUNT(alerts),
				   story_alert(t, reason - SSL_AD_REASON_OFFSET))
			 : story_find(stories, COUNT(stories), reason);
	const char *own = lib->ERR_reason_error_string(error);
	char words[256];

	if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
		story_of_certificate(t, why);
		return;
	}
	snprintf(words, sizeof(words), "%s%s", is_alert ? "the peer refuses: " : "",
		row   ? row->words
		: own ? own
		      : "the connection broke");
	story_begin(t, ERR_TLS, why, words);
	err_fact(why, row ? (enum fact)row->fact : FACT_NONE, &t->at);
}

/* Whether the peer did it, not the network or a lack of ours. */
static bool story_is_the_peers(int error)
{
	return !error || error == ECONNABORTED || error == ECONNRESET || error == EPIPE;
}

/* The library says nothing to a client that does not speak TLS. One that knows the form of an alert
 * (protocol_version: RFC 8446 section 6) can hint at it; not where records of ours still wait, or
 * cannot be written. */
static void story_answer_plain_client(struct tls_link *t, const struct err *why)
{
	static const uint8_t alert[] = {0x15, 3, 1, 0, 2, 2, 70};
	size_t taken;

	if (t->tls->server && why->fact == FACT_TLS_PLAIN_PEER && !t->mute && !t->out.len)
		(void)t->below.via->write(&t->below, (struct span){alert, sizeof(alert)}, &taken);
}

/* The library lacks memory, as we might: that is no failure of TLS. */
static bool story_lacks_memory(const struct tls_link *t)
{
	return ERR_GET_REASON(t->tls->lib.ERR_peek_error()) == ERR_R_MALLOC_FAILURE;
}

static enum io story_end_without_memory(struct link *link)
{
	struct tls_link *t = link->held;

	t->broken = true;
	link->error = ENOMEM;
	return IO_FAIL;
}

enum io tls_fail_handshake(struct link *link, int error)
{
	struct tls_link *t = link->held;
	struct err why = {0};

	if (link_story(link))
		return IO_FAIL;
	if (!error && story_lacks_memory(t))
		return story_end_without_memory(link);
	if (!error && t->tls->lib.ERR_peek_error()) {
		story_of_library(t, &why);
		story_answer_plain_client(t, &why);
	} else if (!story_is_the_peers(error)) {
		link->error = error;
		return IO_FAIL;
	} else {
		story_begin(t, ERR_TLS, &why,
			error == ECONNABORTED || !error
				? "the peer ended the connection during the handshake"
				: "the peer reset the connection during the handshake");
		err_fact(&why, FACT_TLS_PLAIN_PEER, &t->at);
	}
	return story_end(link, &why);
}

enum io tls_fail(struct link *link)
{
	const struct tls_link *t = link->held;
	struct err why = {0};

	if (link_story(link))
		return IO_FAIL;
	if (story_lacks_memory(t))
		return story_end_without_memory(link);
	story_of_library(t, &why);
	return story_end(link, &why);
}

enum io tls_fail_cut(struct link *link)
{
	struct tls_link *t = link->held;
	struct err why = {0};

	tls_explain_cut(t);
	story_begin(t, ERR_LOST, &why,
		"the peer ended without saying so (close_notify): what came may be cut short");
	err_hint(&why,
		"many programs end so, Python's and ncat among them: only the length of what "
		"came can tell");
	link->cut = true;
	return link_fail_with(link, &why);
}

#endif
