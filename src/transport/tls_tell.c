/* What a handshake agreed on, and who the peer is: for those that ask for detail. */
#include "transport/tls_state.h"

#ifdef TLS_IS_BUILT_IN

#include <arpa/inet.h>
#include <string.h>

#include "report/report.h"

/* What the library writes to memory, as a text that is cut where it is too long. */
static void tell_take(const struct tls_library *lib, BIO *memory, char text[TLS_TEXT_MAX])
{
	int len = lib->BIO_read(memory, text, TLS_TEXT_MAX - 1);

	text[len > 0 ? len : 0] = '\0';
	lib->BIO_ctrl(memory, BIO_CTRL_RESET, 0, NULL);
}

static void tell_name(
	const struct tls_library *lib, BIO *memory, const X509_NAME *name, char text[TLS_TEXT_MAX])
{
	lib->X509_NAME_print_ex(
		memory, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
	tell_take(lib, memory, text);
}

static void tell_date(
	const struct tls_library *lib, BIO *memory, const ASN1_TIME *date, char text[TLS_TEXT_MAX])
{
	lib->ASN1_TIME_print_ex(memory, date, ASN1_DTFLGS_ISO8601);
	tell_take(lib, memory, text);
}

/* Add one of several. A NUL byte in it is no end of it. */
static void tell_add(char text[TLS_TEXT_MAX], const char *name, size_t len)
{
	size_t used = strlen(text), more = used ? strlen(", ") : 0;

	if (used + more + len >= TLS_TEXT_MAX)
		return;
	memcpy(text + used, ", ", more);
	for (size_t i = 0; i < len; i++)
		text[used + more + i] = (char)(name[i] ? name[i] : '?');
	text[used + more + len] = '\0';
}

/* A host's name, or an address (RFC 5280 section 4.2.1.6); others are not for servers. */
static void tell_add_name(
	const struct tls_library *lib, const GENERAL_NAME *name, char text[TLS_TEXT_MAX])
{
	const ASN1_STRING *value = name->type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
	char address[INET6_ADDRSTRLEN];
	const unsigned char *bytes;
	size_t len;

	if (name->type != GEN_DNS && name->type != GEN_IPADD)
		return;
	bytes = lib->ASN1_STRING_get0_data(value);
	len = (size_t)lib->ASN1_STRING_length(value);
	if (name->type == GEN_DNS)
		tell_add(text, (const char *)bytes, len);
	else if ((len == sizeof(struct in_addr) || len == sizeof(struct in6_addr)) &&
		 inet_ntop(len == sizeof(struct in_addr) ? AF_INET : AF_INET6, bytes, address,
			 sizeof(address)))
		tell_add(text, address, strlen(address));
}

static void tell_names(const struct tls_library *lib, X509 *cert, char text[TLS_TEXT_MAX])
{
	GENERAL_NAMES *names = lib->X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	int count = names ? lib->OPENSSL_sk_num((const OPENSSL_STACK *)names) : 0;

	text[0] = '\0';
	for (int i = 0; i < count; i++)
		tell_add_name(lib, lib->OPENSSL_sk_value((const OPENSSL_STACK *)names, i), text);
	if (names)
		lib->GENERAL_NAMES_free(names);
}

/* What was verified, or why it was not. */
static const char *tell_verdict(const struct tls_link *t, long result)
{
	const struct tls *tls = t->tls;

	if (tls->conf->no_verify)
		return "not verified";
	if (tls->pinned)
		return "verified by its pin";
	if (result != X509_V_OK)
		return tls->lib.X509_verify_cert_error_string(result);
	return tls->conf->ca ? "verified by the given certificates"
	                     : "verified by the system's certificates";
}

int tls_describe(const struct tls_library *lib, X509 *cert, struct tls_described *d)
{
	BIO *memory = lib->BIO_new(lib->BIO_s_mem());
	uint8_t pin[TLS_PIN_BYTES];

	*d = (struct tls_described){0};
	if (!memory)
		return -1;
	tell_name(lib, memory, lib->X509_get_subject_name(cert), d->subject);
	tell_name(lib, memory, lib->X509_get_issuer_name(cert), d->issuer);
	tell_date(lib, memory, lib->X509_get0_notBefore(cert), d->from);
	tell_date(lib, memory, lib->X509_get0_notAfter(cert), d->to);
	tell_names(lib, cert, d->names);
	if (tls_pin_of(lib, cert, pin) == 0)
		tls_pin_write(pin, d->pin);
	lib->BIO_free(memory);
	return 0;
}

X509 *tls_outdated(const struct tls_library *lib, X509_STORE_CTX *chain, int error)
{
	X509 *own = lib->X509_STORE_CTX_get0_cert(chain),
	     *other = lib->X509_STORE_CTX_get_current_cert(chain);
	bool own_is_bad = error == X509_V_ERR_CERT_HAS_EXPIRED
	                          ? lib->X509_cmp_current_time(lib->X509_get0_notAfter(own)) < 0
	                          : lib->X509_cmp_current_time(lib->X509_get0_notBefore(own)) > 0;

	return own_is_bad || !other ? own : other;
}

static void tell_certificate(const struct tls_link *t, uint64_t conn, X509 *cert)
{
	const struct tls_library *lib = &t->tls->lib;
	struct tls_described d;

	if (tls_describe(lib, cert, &d) < 0)
		return;
	report(t->below.to,
		&(struct report){.kind = conn ? REPORT_CERTIFICATE_OF : REPORT_CERTIFICATE,
			.conn = conn,
			.at = &t->at,
			.subject = d.subject,
			.issuer = d.issuer,
			.names = *d.names ? d.names : NULL,
			.valid_from = d.from,
			.valid_to = d.to,
			.pin = d.pin,
			.reason = tell_verdict(t, lib->SSL_get_verify_result(t->ssl))});
}

static void tell_agreed(const struct tls_link *t, uint64_t conn)
{
	const struct tls_library *lib = &t->tls->lib;
	const unsigned char *chosen = NULL;
	unsigned int len = 0;
	char alpn[TLS_ALPN_MAX] = "";

	lib->SSL_get0_alpn_selected(t->ssl, &chosen, &len);
	if (len && len < sizeof(alpn)) {
		memcpy(alpn, chosen, len);
		alpn[len] = '\0';
	}
	report(t->below.to,
		&(struct report){.kind = conn ? REPORT_SECURED_CLIENT : REPORT_SECURED,
			.conn = conn,
			.at = &t->at,
			.tls = lib->SSL_get_version(t->ssl),
			.cipher = lib->SSL_CIPHER_get_name(lib->SSL_get_current_cipher(t->ssl)),
			.alpn = *alpn ? alpn : NULL});
}

void tls_tell(struct tls_link *t, uint64_t conn)
{
	const struct tls_library *lib = &t->tls->lib;
	X509 *cert;

	if (!t->tls->server && t->tls->conf->no_verify)
		report(t->below.to, &(struct report){.kind = REPORT_NOT_VERIFIED, .at = &t->at});
	if (!report_shown(t->below.to, REPORT_SECURED))
		return;
	tell_agreed(t, conn);
	cert = lib->SSL_get1_peer_certificate(t->ssl);
	if (cert)
		tell_certificate(t, conn, cert);
	lib->X509_free(cert);
}

#endif
