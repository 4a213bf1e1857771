/* Is the peer the one that is meant? Its chain, its dates and its name; or its public key alone. */
#include "transport/tls_state.h"

#ifdef TLS_IS_BUILT_IN

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "os/sys_file.h"

enum { NAME_MAX_BYTES = 256 };

int tls_pin_of(const struct tls_library *lib, X509 *cert, uint8_t pin[TLS_PIN_BYTES])
{
	unsigned char *der = NULL;
	int len = lib->i2d_X509_PUBKEY(lib->X509_get_X509_PUBKEY(cert), &der);
	size_t size = TLS_PIN_BYTES;
	int ok = 0;

	if (len <= 0)
		return -1;
	ok = lib->EVP_Q_digest(NULL, "SHA256", NULL, der, (size_t)len, pin, &size);
	lib->CRYPTO_free(der, __FILE__, __LINE__);
	return ok == 1 ? 0 : -1;
}

/* The connection whose peer is being verified. */
static struct tls_link *verify_whose(const struct tls *tls, X509_STORE_CTX *chain)
{
	const struct tls_library *lib = &tls->lib;
	SSL *ssl =
		lib->X509_STORE_CTX_get_ex_data(chain, lib->SSL_get_ex_data_X509_STORE_CTX_idx());

	return lib->SSL_get_ex_data(ssl, 0);
}

/* For messages, even where it is not accepted. */
static void verify_note_shown(const struct tls *tls, struct tls_link *t, X509_STORE_CTX *chain)
{
	X509 *cert = tls->lib.X509_STORE_CTX_get0_cert(chain);

	t->has_shown = cert && tls_pin_of(&tls->lib, cert, t->shown) == 0;
}

/* What it has in place of what was expected. Without memory the message does without. */
static void verify_note_refused(const struct tls *tls, struct tls_link *t, X509_STORE_CTX *chain)
{
	const struct tls_library *lib = &tls->lib;
	int error = lib->X509_STORE_CTX_get_error(chain);
	bool is_old = error == X509_V_ERR_CERT_HAS_EXPIRED;
	bool by_date = is_old || error == X509_V_ERR_CERT_NOT_YET_VALID;
	X509 *cert =
		by_date ? tls_outdated(lib, chain, error) : lib->X509_STORE_CTX_get0_cert(chain);
	struct tls_described d;
	const char *has;

	if (tls->conf->no_verify || tls->pinned ||
		(!by_date && error != X509_V_ERR_HOSTNAME_MISMATCH &&
			error != X509_V_ERR_IP_ADDRESS_MISMATCH))
		return;
	if (tls_describe(lib, cert, &d) == 0) {
		has = *d.names ? d.names : d.subject;
		if (by_date)
			has = is_old ? d.to : d.from;
		(void)buf_puts(&t->refused, has);
	}
	lib->ERR_clear_error(); /* that it cannot be read is not why it is refused */
}

static bool verify_pin(const struct tls *tls, const struct tls_link *t, X509_STORE_CTX *chain)
{
	bool same = t->has_shown && memcmp(t->shown, tls->pin, TLS_PIN_BYTES) == 0;

	tls->lib.X509_STORE_CTX_set_error(
		chain, same ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
	return same;
}

/* Whether an issuer is missing that another list of certificates may have. */
static bool verify_lacks_issuer(int error)
{
	switch (error) {
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: return true;
	default: return false;
	}
}

/* The same chain once more, with the certificates that there are now. */
static bool verify_again(const struct tls *tls, X509_STORE_CTX *chain)
{
	const struct tls_library *lib = &tls->lib;
	X509_STORE_CTX *again = lib->X509_STORE_CTX_new();
	bool good = false;

	if (again &&
		lib->X509_STORE_CTX_init(again, lib->SSL_CTX_get_cert_store(tls->ctx),
			lib->X509_STORE_CTX_get0_cert(chain),
			lib->X509_STORE_CTX_get0_untrusted(chain)) == 1 &&
		lib->X509_VERIFY_PARAM_set1(lib->X509_STORE_CTX_get0_param(again),
			lib->X509_STORE_CTX_get0_param(chain)) == 1) {
		good = lib->X509_verify_cert(again) == 1;
		lib->X509_STORE_CTX_set_error(chain, lib->X509_STORE_CTX_get_error(again));
		lib->X509_STORE_CTX_set0_verified_chain(
			chain, lib->X509_STORE_CTX_get1_chain(again));
	}
	lib->X509_STORE_CTX_free(again);
	return good;
}

/* The file that has all certificates of the system takes some 50 ms to read. Where there is a
 * directory with one file each, it is not needed. */
static bool verify_load_bundle(struct tls *tls)
{
	const struct tls_library *lib = &tls->lib;

	if (tls->bundle_tried || tls->conf->ca)
		return false;
	tls->bundle_tried = true;
	return lib->SSL_CTX_load_verify_file(tls->ctx, lib->X509_get_default_cert_file()) == 1;
}

static bool verify_server(struct tls *tls, struct tls_link *t, X509_STORE_CTX *chain)
{
	verify_note_shown(tls, t, chain);
	if (tls->pinned)
		return verify_pin(tls, t, chain);
	if (tls->lib.X509_verify_cert(chain) == 1)
		return true;
	return verify_lacks_issuer(tls->lib.X509_STORE_CTX_get_error(chain)) &&
	       verify_load_bundle(tls) && verify_again(tls, chain);
}

/* SSL_CTX_set_cert_verify_callback */
static int verify_chain(X509_STORE_CTX *chain, void *arg)
{
	struct tls *tls = arg;
	struct tls_link *t = verify_whose(tls, chain);
	bool good =
		tls->server ? tls->lib.X509_verify_cert(chain) == 1 : verify_server(tls, t, chain);

	if (!good)
		verify_note_refused(tls, t, chain);
	tls_explain_chain(t, chain, good);
	return good;
}

static int verify_use_file(struct tls *tls, const char *path, struct err *err)
{
	const struct tls_library *lib = &tls->lib;
	struct stat there;

	lib->ERR_clear_error();
	if (sys_stat(path, &there) < 0)
		err_sys(err, ERR_USAGE, errno, "cannot read certificates from %s",
			quoted(path).text);
	else if (lib->SSL_CTX_load_verify_file(tls->ctx, path) == 1)
		return 0;
	else
		err_set(err, ERR_USAGE, "cannot read certificates from %s: %s", quoted(path).text,
			lib->ERR_reason_error_string(lib->ERR_peek_error()));
	return err_hint(err, "it has to be a file with certificates (PEM)");
}

/* As OpenSSL's own programs: SSL_CERT_FILE and SSL_CERT_DIR, or where it was built to look. */
static int verify_use_system(struct tls *tls, struct err *err)
{
	const struct tls_library *lib = &tls->lib;
	const char *file = lib->secure_getenv(lib->X509_get_default_cert_file_env());
	const char *directory = lib->secure_getenv(lib->X509_get_default_cert_dir_env());

	if (file && verify_use_file(tls, file, err) < 0)
		return -1;
	tls->bundle_tried = file != NULL;
	if (directory || !file)
		(void)lib->SSL_CTX_load_verify_dir(
			tls->ctx, directory ? directory : lib->X509_get_default_cert_dir());
	return 0;
}

/* Clients are to show a certificate: who may have signed it. */
static int verify_ask_clients(struct tls *tls, struct err *err)
{
	const struct tls_library *lib = &tls->lib;
	STACK_OF(X509_NAME) * names;

	if (verify_use_file(tls, tls->conf->ca, err) < 0)
		return -1;
	names = lib->SSL_load_client_CA_file(tls->conf->ca);
	if (names)
		lib->SSL_CTX_set_client_CA_list(tls->ctx, names);
	lib->SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	lib->SSL_CTX_set_cert_verify_callback(tls->ctx, verify_chain, tls);
	return 0;
}

/* SSL_CTX_set_cert_cb: the server asks for our certificate. */
static int verify_on_asked(SSL *ssl, void *arg)
{
	const struct tls *tls = arg;
	struct tls_link *t = tls->lib.SSL_get_ex_data(ssl, 0);

	t->asked = true;
	return 1;
}

int tls_verify_begin(struct tls *tls, struct err *err)
{
	const struct tls_conf *conf = tls->conf;

	if (tls->server)
		return conf->ca ? verify_ask_clients(tls, err) : 0;
	tls->pinned = conf->pin && tls_pin_read(conf->pin, tls->pin) == 0;
	tls->lib.SSL_CTX_set_cert_verify_callback(tls->ctx, verify_chain, tls);
	tls->lib.SSL_CTX_set_cert_cb(tls->ctx, verify_on_asked, tls);
	if (!conf->no_verify)
		tls->lib.SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER, NULL);
	if (conf->pin)
		return 0;
	return conf->ca ? verify_use_file(tls, conf->ca, err) : verify_use_system(tls, err);
}

/* The name without what is said beside it: an address's zone, the dot at the end of a whole name.
 */
static void verify_plain_name(const char *name, char out[NAME_MAX_BYTES])
{
	size_t len = strcspn(name, "%");

	if (len >= NAME_MAX_BYTES)
		len = NAME_MAX_BYTES - 1;
	if (len > 1 && name[len - 1] == '.')
		len--;
	memcpy(out, name, len);
	out[len] = '\0';
}

/* A host's name (RFC 6125), or an address, which is never sent as the server's name (RFC 6066
 * section 3). */
int tls_verify_expect(struct tls_link *t)
{
	const struct tls_library *lib = &t->tls->lib;
	X509_VERIFY_PARAM *param = lib->SSL_get0_param(t->ssl);
	char name[NAME_MAX_BYTES];

	if (!t->name)
		return 0;
	verify_plain_name(t->name, name);
	if (lib->X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1)
		return 0;
	lib->X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (lib->X509_VERIFY_PARAM_set1_host(param, name, strlen(name)) != 1)
		return -1;
	return lib->SSL_ctrl(
		       t->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name) == 1
	               ? 0
	               : -1;
}

#endif
