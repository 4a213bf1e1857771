#ifndef SOCKX_TRANSPORT_TLS_STATE_H
#define SOCKX_TRANSPORT_TLS_STATE_H

#include "base/buf.h"
#include "transport/tls.h"
#include "transport/tls_library.h"

#ifdef TLS_IS_BUILT_IN

/* What the files of TLS share. Everybody else: transport/tls.h. */

enum { TLS_ROOM_BYTES = 96 * 1024 };

struct tls {
	struct tls_library lib;
	struct reporter *to;
	const struct tls_conf *conf;
	bool server;
	bool pinned;
	bool bundle_tried; /* the system's file of certificates has been read, if there is one */
	uint8_t pin[TLS_PIN_BYTES]; /* the peer's, as conf has it */
	uint8_t alpn[TLS_ALPN_MAX];
	size_t alpn_len;
	char own_pin[TLS_PIN_TEXT];
	SSL_CTX *ctx;
	uint8_t *room; /* TLS_ROOM_BYTES, for records that are being made */
	int keys_fd;   /* SSLKEYLOGFILE; -1: none */
};

/* The layer on a link. */
struct tls_link {
	struct link below;
	struct tls *tls;
	SSL *ssl;
	BIO *reads, *writes;          /* memory: what it is fed, and what it makes; ssl owns them */
	struct buf in;                /* read below, and not yet used */
	struct buf out;               /* records that the link below has not taken */
	struct addr at;               /* the peer, for messages */
	const char *name;             /* what its certificate is to be for, or NULL */
	uint8_t shown[TLS_PIN_BYTES]; /* the pin of the peer's certificate ... */
	bool has_shown;               /* ... once there was one */
	struct buf refused; /* what it is for, or its date, if that is why it is refused */
	bool asked;         /* it wanted our certificate */
	bool peer_ended;    /* its close_notify came */
	bool settled;       /* ... and it had all that we sent by then */
	bool below_ended;   /* its end was read: without a close_notify it is cut short */
	bool below_left;    /* the last read of it may have left something */
	bool mute;          /* a write below failed: nothing more can be sent */
	bool sent_end;      /* our close_notify is written, or in out */
	bool broken;        /* the library can do no more */
};

/* ---- tls_link.c ---- */

/* Put the layer over link. Returns it, or NULL when memory is out: then nothing has changed. */
struct tls_link *tls_over(
	struct tls *tls, struct link *link, const struct addr *at, const char *name);

/* Go on with the handshake: room is for reads. IO_AGAIN: wait for what the link wants. */
enum io tls_shake_hands(struct link *link, uint8_t *room, size_t size);

/* ---- tls_story.c: why something failed ---- */

/* The handshake failed by what the library says, or for the link below ended (error 0) or failed.
 * Returns IO_FAIL, with the link's story. */
enum io tls_fail_handshake(struct link *link, int error);

/* A read or write failed by what the library says. */
enum io tls_fail(struct link *link);

/* The peer's end came without a close_notify. */
enum io tls_fail_cut(struct link *link);

/* ---- tls_verify.c ---- */

/* Let a context verify its peers as its conf says. Returns 0, or -1 with err. */
int tls_verify_begin(struct tls *tls, struct err *err);

/* What this connection's peer is to be verified by. Returns 0, or -1 when memory is out. */
int tls_verify_expect(struct tls_link *t);

/* The SHA-256 of a certificate's public key (RFC 7469 section 2.4). Returns 0, or -1. */
int tls_pin_of(const struct tls_library *lib, X509 *cert, uint8_t pin[TLS_PIN_BYTES]);

/* ---- tls_keys.c ---- */

/* Log keys, if the environment says so. Returns 0, or -1 with err. */
int tls_keys_begin(struct tls *tls, struct err *err);

/* ---- tls_files.c ---- */

/* Use the certificate in one file and the key in another; NULL: it is in the first. Returns 0, or
 * -1 with err. */
int tls_files_use(struct tls *tls, const char *cert, const char *key, struct err *err);

/* ---- tls_own.c ---- */

/* Give it a certificate of its own for those names: made, or kept in conf->keep. Returns 0, or -1
 * with err. */
int tls_own_use(struct tls *tls, const char *const *names, size_t count, struct err *err);

/* ---- tls.c ---- */

/* Use a key for the certificate that is used already; name says where it is from. Returns 0, or -1
 * with err. */
int tls_use_key(struct tls *tls, EVP_PKEY *key, const char *name, struct err *err);

/* ---- tls_trace.c ---- */

/* Show its messages, where there is a trace. */
void tls_trace_begin(struct tls_link *t);

/* ---- tls_explain.c: remarks of a trace; nothing without those ---- */

/* The peer's chain has been verified, or not: what was checked, and why it failed. */
void tls_explain_chain(struct tls_link *t, X509_STORE_CTX *chain, bool good);

/* The handshake is over: what was agreed on. */
void tls_explain_agreed(struct tls_link *t);

/* The peer's end came without a close_notify. */
void tls_explain_cut(struct tls_link *t);

/* ---- tls_tell.c ---- */

/* A certificate in words: any bytes may be in them, but for NUL. Too long ones are cut. */
enum { TLS_TEXT_MAX = 512 };
struct tls_described {
	char subject[TLS_TEXT_MAX], issuer[TLS_TEXT_MAX];
	char names[TLS_TEXT_MAX]; /* hosts and addresses, ", " between them; "": none */
	char from[TLS_TEXT_MAX], to[TLS_TEXT_MAX];
	char pin[TLS_PIN_TEXT];
};

/* Returns 0, or -1 when memory is out. */
int tls_describe(const struct tls_library *lib, X509 *cert, struct tls_described *d);

/* The certificate of a chain that is out of its dates, with the error that says so: the peer's, or
 * of an authority. */
X509 *tls_outdated(const struct tls_library *lib, X509_STORE_CTX *chain, int error);

/* The handshake is over: report what was agreed on. conn: of a server's client; 0: a client's. */
void tls_tell(struct tls_link *t, uint64_t conn);

#endif
#endif
