#ifndef SOCKX_TRANSPORT_TLS_H
#define SOCKX_TRANSPORT_TLS_H

#include "base/addr.h"
#include "core/step.h"

/*
 * TLS over any stream (RFC 8446, RFC 5246), by OpenSSL: a step that shakes hands, and the layer
 * that it leaves on the link. A peer is verified unless the caller says otherwise.
 */

struct reporter;
struct tls;

/* What was asked for; NULL: was not. The texts must live as long as what is made of it. */
struct tls_conf {
	const char *cert, *key;   /* files (PEM); without a key it is in cert */
	const char *key_password; /* a file whose first line it is */
	const char *ca;           /* a file: who may have signed the peer's certificate */
	const char *pin;          /* "sha256:HEX": replaces chain, name and dates */
	const char *alpn;         /* "h2,http/1.1": RFC 7301 */
	const char *name;         /* of the server, as its certificate has it */
	const char *keep;         /* a directory: a server's own certificate is kept in it */
	bool no_verify;
};

/* What a step needs: step_entry.conf. name is what a client expects its server's certificate to be
 * for, a host's name or address; NULL: it is a server's. */
struct tls_end {
	struct tls *tls;
	const char *name;
};

extern const struct step step_tls;

/* Open the library, read certificates and keys. Returns NULL with err: ERR_USAGE for what cannot be
 * meant or is not there, ERR_TLS for what does not fit or has expired. */
struct tls *tls_of_client(const struct tls_conf *conf, struct reporter *to, struct err *err);

/* The same for a server. Without conf->cert it makes a certificate of its own, for names[0..count):
 * names of hosts, and addresses. */
struct tls *tls_of_server(const struct tls_conf *conf, struct reporter *to,
	const char *const *names, size_t count, struct err *err);

/* Free it; NULL is nothing. No connection is left that uses it. */
void tls_free(struct tls *tls);

/* The pin of the certificate that it shows, as tls_conf.pin has it; "": it has none. */
const char *tls_own_pin(const struct tls *tls);

/* ---- what is typed (tls_typed.c) ---- */

enum { TLS_PIN_BYTES = 32, TLS_PIN_TEXT = 72, TLS_ALPN_MAX = 256 };

/* That a pin and a list can be read. Returns 0, or -1 with ERR_USAGE. What follows relies on it. */
int tls_conf_check(const struct tls_conf *conf, struct err *err);

/* Read "sha256:" and 64 hexadecimal digits. Returns 0, or -1. */
int tls_pin_read(const char *typed, uint8_t pin[TLS_PIN_BYTES]);

/* Write one so. */
void tls_pin_write(const uint8_t pin[TLS_PIN_BYTES], char text[TLS_PIN_TEXT]);

/* Read names with commas between them into the form they have on the wire (RFC 7301 section 3.1).
 * Returns its length, or 0 where a name is empty or longer than 255 bytes, or all are too long. */
size_t tls_alpn_read(const char *typed, uint8_t wire[TLS_ALPN_MAX]);

#endif
