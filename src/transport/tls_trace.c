/* The messages of TLS, for a trace: each by its name, when it is made or read. */
#include "transport/tls_state.h"

#ifdef TLS_IS_BUILT_IN

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "report/trace.h"
#include "transport/tls_hello.h"

enum {
	HANDSHAKE_HEADER_BYTES = 4, /* RFC 8446 section 4: the type, and a length of three bytes */
	RANDOM_AT = HANDSHAKE_HEADER_BYTES + 2, /* in a ServerHello: after its version */
};

/* A number of the protocol, as its RFC names it. In place: pointers would be relocated at each
 * start. */
struct named {
	uint8_t number;
	char name[31];
};

/* RFC 8446 section B.3, RFC 5246 section 7.4, RFC 6066 section 8. */
static const struct named messages[] = {
	{0, "HelloRequest"},
	{1, "ClientHello"},
	{2, "ServerHello"},
	{4, "NewSessionTicket"},
	{5, "EndOfEarlyData"},
	{8, "EncryptedExtensions"},
	{11, "Certificate"},
	{12, "ServerKeyExchange"},
	{13, "CertificateRequest"},
	{14, "ServerHelloDone"},
	{15, "CertificateVerify"},
	{16, "ClientKeyExchange"},
	{20, "Finished"},
	{22, "CertificateStatus"},
	{24, "KeyUpdate"},
	{25, "CompressedCertificate"},
};

/* RFC 8446 section 6, RFC 5246 section 7.2. */
static const struct named alerts[] = {
	{0, "close_notify"},
	{10, "unexpected_message"},
	{20, "bad_record_mac"},
	{22, "record_overflow"},
	{40, "handshake_failure"},
	{42, "bad_certificate"},
	{43, "unsupported_certificate"},
	{44, "certificate_revoked"},
	{45, "certificate_expired"},
	{46, "certificate_unknown"},
	{47, "illegal_parameter"},
	{48, "unknown_ca"},
	{49, "access_denied"},
	{50, "decode_error"},
	{51, "decrypt_error"},
	{70, "protocol_version"},
	{71, "insufficient_security"},
	{80, "internal_error"},
	{86, "inappropriate_fallback"},
	{90, "user_canceled"},
	{100, "no_renegotiation"},
	{109, "missing_extension"},
	{110, "unsupported_extension"},
	{112, "unrecognized_name"},
	{113, "bad_certificate_status_response"},
	{115, "unknown_psk_identity"},
	{116, "certificate_required"},
	{120, "no_application_protocol"},
};

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* "?" where it has no name. */
static const char *trace_name(const struct named *rows, size_t count, uint8_t number)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].number == number)
			return rows[i].name;
	return "?";
}

/* A ServerHello that is none: its random is the SHA-256 of "HelloRetryRequest" (RFC 8446 section
 * 4.1.3). */
static bool trace_is_retry(struct span message)
{
	static const uint8_t begins[] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11};

	return message.data[0] == SSL3_MT_SERVER_HELLO &&
	       message.len >= RANDOM_AT + sizeof(begins) &&
	       memcmp(message.data + RANDOM_AT, begins, sizeof(begins)) == 0;
}

/* The versions that a client takes, or the one that a server has chosen. Returns 0, or -1. */
static int trace_add_versions(struct buf *out, const struct tls_hello *h)
{
	const char *between = "TLS ";

	for (size_t i = 0; i < h->version_count; i++) {
		const char *name = tls_hello_version(h->versions[i]);

		if (name && buf_printf(out, "%s%s", between, name) < 0)
			return -1;
		if (name)
			between = " or ";
	}
	return 0;
}

/* "TLS 1.3 or 1.2, for example.org" of a client, "TLS 1.3, TLS_AES_128_GCM_SHA256" of a server.
 * Returns 0, or -1. */
static int trace_add_hello(
	struct buf *out, const struct tls_library *lib, SSL *ssl, struct span message)
{
	struct tls_hello h;
	const SSL_CIPHER *cipher = NULL;

	if (tls_hello_read(message, &h) < 0)
		return 0;
	if (h.cipher) {
		const uint8_t number[] = {(uint8_t)(h.cipher >> 8), (uint8_t)h.cipher};

		cipher = lib->SSL_CIPHER_find(ssl, number);
	}
	if (trace_add_versions(out, &h) < 0 ||
		(cipher && buf_printf(out, ", %s", lib->SSL_CIPHER_get_name(cipher)) < 0) ||
		(h.name.len && (buf_puts(out, ", for ") < 0 || buf_add(out, h.name) < 0)))
		return -1;
	return 0;
}

static void trace_tell(const struct tls_link *t, struct trace_event event)
{
	event.fd = t->below.fd;
	trace_happened(t->below.to->trace, &event);
}

/* The library says nothing of one that comes, but for the header of its record, which comes here
 * too. */
static bool trace_is_change(int sent, int type, struct span bytes)
{
	if (type == SSL3_RT_HEADER)
		return !sent && bytes.data[0] == SSL3_RT_CHANGE_CIPHER_SPEC;
	return type == SSL3_RT_CHANGE_CIPHER_SPEC;
}

static void trace_tell_handshake(
	const struct tls_link *t, SSL *ssl, struct span message, struct trace_event event)
{
	struct buf detail = {0};

	event.name = trace_is_retry(message)
	                     ? "HelloRetryRequest"
	                     : trace_name(messages, COUNT(messages), message.data[0]);
	if (trace_add_hello(&detail, &t->tls->lib, ssl, message) == 0 && detail.len &&
		buf_add(&detail, (struct span){(const uint8_t *)"", 1}) == 0)
		event.detail = (const char *)buf_span(&detail).data;
	trace_tell(t, event);
	buf_free(&detail);
}

/* SSL_set_msg_callback */
static void trace_on_message(
	int sent, int version, int type, const void *data, size_t len, SSL *ssl, void *arg)
{
	const struct tls_link *t = arg;
	const struct span message = {data, len};
	struct trace_event event = {.sent = sent, .len = len};
	char text[48];

	(void)version;
	if (!t->below.to->trace || !len)
		return;
	if (trace_is_change(sent, type, message)) {
		event.name = "ChangeCipherSpec";
		event.len = 1;
	} else if (type == SSL3_RT_ALERT && len >= 2) {
		event.name = "alert";
		snprintf(text, sizeof(text), "%s, %s",
			message.data[0] == SSL3_AL_FATAL ? "fatal" : "warning",
			trace_name(alerts, COUNT(alerts), message.data[1]));
		event.detail = text;
	}
	if (type == SSL3_RT_HANDSHAKE)
		trace_tell_handshake(t, ssl, message, event);
	else if (event.name)
		trace_tell(t, event);
}

void tls_trace_begin(struct tls_link *t)
{
	const struct tls_library *lib = &t->tls->lib;

	if (!t->below.to->trace)
		return;
	lib->SSL_set_msg_callback(t->ssl, trace_on_message);
	lib->SSL_ctrl(t->ssl, SSL_CTRL_SET_MSG_CALLBACK_ARG, 0, t);
}

#endif
