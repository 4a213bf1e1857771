/* What all connections of a client or a server have of TLS, and the step that begins it. */
#include "transport/tls_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "os/sys_file.h"
#include "report/report.h"

#ifdef TLS_IS_BUILT_IN

/* ---- ALPN ---- */

static int tls_on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
	const unsigned char *offered, unsigned int offered_len, void *arg)
{
	const struct tls *tls = arg;
	unsigned char *chosen = NULL;

	(void)ssl;
	if (tls->lib.SSL_select_next_proto(&chosen, out_len, tls->alpn, (unsigned)tls->alpn_len,
		    offered, offered_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL; /* RFC 7301 section 3.2 */
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static int tls_set_alpn(struct tls *tls, struct err *err)
{
	if (!tls->conf->alpn)
		return 0;
	tls->alpn_len = tls_alpn_read(tls->conf->alpn, tls->alpn);
	if (tls->server)
		tls->lib.SSL_CTX_set_alpn_select_cb(tls->ctx, tls_on_alpn, tls);
	else if (tls->lib.SSL_CTX_set_alpn_protos(tls->ctx, tls->alpn, (unsigned)tls->alpn_len))
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	return 0;
}

/* ---- contexts ---- */

/* The library's defaults, and less: no renegotiation (RFC 5746), no compression (RFC 7457 section
 * 2.6), no tickets of ours: what a client does not read would turn its close into a reset. */
static int tls_set_defaults(struct tls *tls, struct err *err)
{
	const struct tls_library *lib = &tls->lib;

	tls->ctx =
		lib->SSL_CTX_new(tls->server ? lib->TLS_server_method() : lib->TLS_client_method());
	tls->room = malloc(TLS_ROOM_BYTES);
	if (!tls->ctx || !tls->room)
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	lib->SSL_CTX_ctrl(tls->ctx, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, NULL);
	lib->SSL_CTX_set_options(
		tls->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
	lib->SSL_CTX_ctrl(tls->ctx, SSL_CTRL_MODE, SSL_MODE_RELEASE_BUFFERS, NULL);
	lib->SSL_CTX_ctrl(tls->ctx, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, NULL);
	lib->SSL_CTX_set_num_tickets(tls->ctx, 0);
	return 0;
}

static struct tls *tls_new(const struct tls_conf *conf, struct reporter *to, bool server)
{
	struct tls *tls = calloc(1, sizeof(*tls));

	if (!tls)
		return NULL;
	tls->conf = conf;
	tls->to = to;
	tls->server = server;
	tls->keys_fd = -1;
	return tls;
}

static int tls_prepare(struct tls *tls, struct err *err)
{
	if (tls_conf_check(tls->conf, err) < 0 || tls_library_open(&tls->lib, err) < 0 ||
		tls_set_defaults(tls, err) < 0 || tls_set_alpn(tls, err) < 0 ||
		tls_verify_begin(tls, err) < 0)
		return -1;
	return tls_keys_begin(tls, err);
}

struct tls *tls_of_client(const struct tls_conf *conf, struct reporter *to, struct err *err)
{
	struct tls *tls = tls_new(conf, to, false);

	if (!tls) {
		err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
		return NULL;
	}
	if (tls_prepare(tls, err) == 0 &&
		(!conf->cert || tls_files_use(tls, conf->cert, conf->key, err) == 0))
		return tls;
	tls_free(tls);
	return NULL;
}

struct tls *tls_of_server(const struct tls_conf *conf, struct reporter *to,
	const char *const *names, size_t count, struct err *err)
{
	struct tls *tls = tls_new(conf, to, true);
	int rc;

	if (!tls) {
		err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
		return NULL;
	}
	rc = tls_prepare(tls, err);
	if (rc == 0)
		rc = conf->cert ? tls_files_use(tls, conf->cert, conf->key, err)
		                : tls_own_use(tls, names, count, err);
	if (rc == 0)
		return tls;
	tls_free(tls);
	return NULL;
}

void tls_free(struct tls *tls)
{
	if (!tls)
		return;
	if (tls->ctx)
		tls->lib.SSL_CTX_free(tls->ctx);
	if (tls->keys_fd >= 0)
		sys_close(tls->to, tls->keys_fd);
	free(tls->room);
	free(tls);
}

const char *tls_own_pin(const struct tls *tls)
{
	return tls->own_pin;
}

int tls_use_key(struct tls *tls, EVP_PKEY *key, const char *name, struct err *err)
{
	const struct tls_library *lib = &tls->lib;
	uint8_t pin[TLS_PIN_BYTES];

	if (lib->SSL_CTX_use_PrivateKey(tls->ctx, key) != 1 ||
		lib->SSL_CTX_check_private_key(tls->ctx) != 1) {
		err_set(err, ERR_TLS, "the key in %s does not belong to the certificate",
			quoted(name).text);
		return err_hint(err, "give the key that it was made with");
	}
	if (tls_pin_of(lib, lib->SSL_CTX_get0_certificate(tls->ctx), pin) < 0)
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	tls_pin_write(pin, tls->own_pin);
	return 0;
}

/* ---- the step ---- */

static enum io tls_go(struct opening *o)
{
	const struct tls_end *end = o->conf;
	struct addr at;
	enum io verdict;

	if (!o->state) {
		o->link->error = opening_give_back(o);
		if (o->link->error)
			return IO_FAIL;
		at = conn_address(o->conn);
		o->state = tls_over(end->tls, o->link, &at, end->name);
		if (!o->state) {
			o->link->error = ENOMEM;
			return IO_FAIL;
		}
	}
	verdict = tls_shake_hands(o->link, o->room, CONN_READ_BYTES);
	if (verdict == IO_DONE) {
		tls_explain_agreed(o->state);
		tls_tell(o->state, end->tls->server ? conn_id(o->conn) : 0);
	}
	return verdict;
}

#else

static int tls_refuse(struct err *err)
{
	err_set(err, ERR_USAGE, "no TLS: this program was built without it");
	return err_hint(err, "install OpenSSL's headers (Debian: libssl-dev) and build it again");
}

struct tls *tls_of_client(const struct tls_conf *conf, struct reporter *to, struct err *err)
{
	(void)conf;
	(void)to;
	tls_refuse(err);
	return NULL;
}

struct tls *tls_of_server(const struct tls_conf *conf, struct reporter *to,
	const char *const *names, size_t count, struct err *err)
{
	(void)names;
	(void)count;
	return tls_of_client(conf, to, err);
}

void tls_free(struct tls *tls)
{
	(void)tls;
}

const char *tls_own_pin(const struct tls *tls)
{
	(void)tls;
	return "";
}

static enum io tls_go(struct opening *o)
{
	(void)o;
	return IO_FAIL;
}

#endif

const struct step step_tls = {.name = "tls", .go = tls_go, .late = FACT_TLS_PLAIN_PEER};
