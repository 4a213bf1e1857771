/* What was checked of a peer, and why it was not accepted, for those who learn: remarks of a trace
 * (report/trace.h). The error says the same in short; here is what it means. */
#include "transport/tls_state.h"

#ifdef TLS_IS_BUILT_IN

#include <string.h>

#include "report/trace.h"

static bool explain_is_wanted(const struct tls_link *t)
{
	return trace_takes_remarks(t->below.to->trace);
}

/* rc: how making it went. */
static void explain_say(const struct tls_link *t, struct buf *text, int rc)
{
	if (rc < 0)
		t->below.to->dropped++;
	else
		trace_remark(t->below.to->trace, t->below.fd, buf_span(text));
	buf_free(text);
}

static const char *explain_trusted(const struct tls *tls)
{
	return tls->conf->ca ? "the certificates that were given" : "the system's certificates";
}

/* ---- accepted ---- */

/* The name of the authority at the end of a chain; "" where there is none but the peer's own. */
static void explain_authority(
	const struct tls_library *lib, X509_STORE_CTX *chain, char text[TLS_TEXT_MAX])
{
	const OPENSSL_STACK *certs = (const OPENSSL_STACK *)lib->X509_STORE_CTX_get0_chain(chain);
	int count = certs ? lib->OPENSSL_sk_num(certs) : 0;
	struct tls_described last;

	text[0] = '\0';
	if (count > 1 && tls_describe(lib, lib->OPENSSL_sk_value(certs, count - 1), &last) == 0)
		memcpy(text, last.subject, TLS_TEXT_MAX);
}

static int explain_accepted(const struct tls_link *t, X509_STORE_CTX *chain,
	const struct tls_described *d, struct buf *text)
{
	const struct tls *tls = t->tls;
	char authority[TLS_TEXT_MAX];

	if (tls->pinned)
		return buf_printf(text,
			"Checked: the key has the pin that was given, %s. With a pin, chain, dates "
			"and name do not matter.",
			d->pin);
	explain_authority(&tls->lib, chain, authority);
	if (*authority ? buf_printf(text,
				 "Checked: the certificate of %s leads to the authority %s, which "
				 "is one of %s",
				 d->subject, authority, explain_trusted(tls)) < 0
		       : buf_printf(text, "Checked: the certificate of %s itself is one of %s",
				 d->subject, explain_trusted(tls)) < 0)
		return -1;
	if (buf_printf(text, "; today is within its dates, %s to %s", d->from, d->to) < 0)
		return -1;
	if (t->name && buf_printf(text, "; and it is for %s, which was asked for", t->name) < 0)
		return -1;
	return buf_puts(text, ".");
}

/* ---- not accepted ---- */

static int explain_dates(
	const struct tls_link *t, X509_STORE_CTX *chain, int error, struct buf *text)
{
	const struct tls_library *lib = &t->tls->lib;
	struct tls_described d;

	if (tls_describe(lib, tls_outdated(lib, chain, error), &d) < 0)
		return -1;
	if (error == X509_V_ERR_CERT_HAS_EXPIRED)
		return buf_printf(text,
			"the certificate of %s expired on %s. Its issuer vouches for it no longer: "
			"the peer needs a new one, unless the clock of this machine is wrong.",
			d.subject, d.to);
	return buf_printf(text,
		"the certificate of %s is valid from %s on, which is still to come: most often "
		"the clock of one of the two machines is wrong.",
		d.subject, d.from);
}

static int explain_name(const struct tls_link *t, const struct tls_described *d, struct buf *text)
{
	return buf_printf(text,
		"the certificate is for %s, and not for %s, which was asked for. It may be "
		"genuine, and of another server; or this one is reached by a name that its "
		"certificate does not have.",
		*d->names ? d->names : "no name at all", t->name ? t->name : "the name");
}

static int explain_issuer(const struct tls_link *t, const struct tls_described *d, struct buf *text)
{
	return buf_printf(text,
		"the certificate of %s is signed by %s, and that leads to none of %s. Anyone can "
		"found an authority of any name, so its signature proves nothing here. Or the "
		"peer did not send the certificates in between.",
		d->subject, d->issuer, explain_trusted(t->tls));
}

static int explain_why(const struct tls_link *t, X509_STORE_CTX *chain,
	const struct tls_described *d, struct buf *text)
{
	const struct tls_library *lib = &t->tls->lib;
	int error = lib->X509_STORE_CTX_get_error(chain);

	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID: return explain_dates(t, chain, error, text);
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH: return explain_name(t, d, text);
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return buf_printf(text,
			"the certificate of %s is signed by itself. Anyone can make one with any "
			"name in it: only those that know its key already, by its pin, can tell "
			"that it is the right one.",
			d->subject);
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: return explain_issuer(t, d, text);
	case X509_V_ERR_APPLICATION_VERIFICATION:
		return buf_printf(text,
			"its key has the pin %s, and not the one that was given. The peer has got "
			"another key since, or another program answers in its place.",
			d->pin);
	default:
		return buf_printf(text, "of the certificate of %s the library says: %s.",
			d->subject, lib->X509_verify_cert_error_string(error));
	}
}

static int explain_verdict(const struct tls_link *t, X509_STORE_CTX *chain, bool good,
	const struct tls_described *d, struct buf *text)
{
	if (t->tls->conf->no_verify)
		return buf_puts(text,
			"Not checked, as was asked for: any program on the way could have shown a "
			"certificate of its own, to read and change everything.");
	if (good)
		return explain_accepted(t, chain, d, text);
	return buf_puts(text, "Not accepted: ") < 0 ? -1 : explain_why(t, chain, d, text);
}

void tls_explain_chain(struct tls_link *t, X509_STORE_CTX *chain, bool good)
{
	const struct tls_library *lib = &t->tls->lib;
	X509 *cert = lib->X509_STORE_CTX_get0_cert(chain);
	struct tls_described d;
	struct buf text = {0};

	if (!cert || !explain_is_wanted(t) || tls_describe(lib, cert, &d) < 0)
		return;
	explain_say(t, &text, explain_verdict(t, chain, good, &d, &text));
}

/* ---- the rest ---- */

void tls_explain_agreed(struct tls_link *t)
{
	const struct tls_library *lib = &t->tls->lib;
	struct buf text = {0};

	if (!explain_is_wanted(t))
		return;
	explain_say(t, &text,
		buf_printf(&text,
			"The handshake is done: %s with the cipher %s. What follows is encrypted, "
			"and what is changed on the way is noticed.",
			lib->SSL_get_version(t->ssl),
			lib->SSL_CIPHER_get_name(lib->SSL_get_current_cipher(t->ssl))));
}

void tls_explain_cut(struct tls_link *t)
{
	struct buf text = {0};

	if (!explain_is_wanted(t))
		return;
	explain_say(t, &text,
		buf_puts(&text,
			"The end came from TCP alone, without TLS's own (close_notify). Any "
			"machine on the way can make such an end, so more may have been to come."));
}

#endif
