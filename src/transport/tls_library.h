#ifndef SOCKX_TRANSPORT_TLS_LIBRARY_H
#define SOCKX_TRANSPORT_TLS_LIBRARY_H

/*
 * OpenSSL 3, opened when TLS is first wanted, so that a run without TLS does not pay for it and a
 * machine without the library is served all the same. Its headers give the types; none of its
 * functions is linked.
 */

#include <stddef.h>

#include "base/err.h"

/* SOCKX_NO_TLS: for builds that cannot open a library, such as static ones. */
#if !defined(SOCKX_NO_TLS) && defined(__has_include)
#if __has_include(<openssl/ssl.h>)
#define TLS_IS_BUILT_IN 1
#endif
#endif

#ifdef TLS_IS_BUILT_IN

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

/* clang-format off */
#define TLS_FUNCTIONS(F) \
	F(TLS_client_method) F(TLS_server_method) F(SSL_CTX_check_private_key) F(SSL_CTX_ctrl) \
	F(SSL_CTX_free) F(SSL_CTX_get0_certificate) F(SSL_CTX_get_cert_store) \
	F(SSL_CTX_load_verify_dir) F(SSL_CTX_load_verify_file) F(SSL_CTX_new) \
	F(SSL_CTX_set_alpn_protos) F(SSL_CTX_set_alpn_select_cb) F(SSL_CTX_set_cert_cb) \
	F(SSL_CTX_set_cert_verify_callback) F(SSL_CTX_set_client_CA_list) \
	F(SSL_CTX_set_keylog_callback) F(SSL_CTX_set_num_tickets) F(SSL_CTX_set_options) \
	F(SSL_CTX_set_verify) F(SSL_CTX_use_PrivateKey) F(SSL_CTX_use_certificate) \
	F(SSL_CTX_use_certificate_chain_file) F(SSL_load_client_CA_file) F(SSL_CIPHER_get_name) \
	F(SSL_CIPHER_find) 	F(SSL_ctrl) F(SSL_do_handshake) F(SSL_free) F(SSL_get0_alpn_selected) F(SSL_get0_param) \
	F(SSL_get1_peer_certificate) F(SSL_get_current_cipher) F(SSL_get_error) F(SSL_get_ex_data) \
	F(SSL_get_ex_data_X509_STORE_CTX_idx) F(SSL_get_verify_result) F(SSL_get_version) \
	F(SSL_new) F(SSL_pending) F(SSL_read_ex) F(SSL_select_next_proto) F(SSL_set_accept_state) \
	F(SSL_set_bio) F(SSL_set_connect_state) F(SSL_set_ex_data) F(SSL_set_msg_callback) \
	F(SSL_shutdown) F(SSL_version) F(SSL_write_ex) F(BIO_ctrl) F(BIO_free) F(BIO_new) \
	F(BIO_new_file) F(BIO_read) F(BIO_s_mem) F(BIO_set_flags) F(BUF_MEM_new) \
	F(ERR_clear_error) F(ERR_peek_error) F(ERR_peek_last_error) F(ERR_reason_error_string) \
	F(X509_STORE_CTX_free) F(X509_STORE_CTX_get0_cert) F(X509_STORE_CTX_get0_param) \
	F(X509_STORE_CTX_get0_untrusted) F(X509_STORE_CTX_get0_chain) F(X509_STORE_CTX_get1_chain) \
	F(X509_STORE_CTX_get_current_cert) F(X509_STORE_CTX_set0_verified_chain) \
	F(X509_STORE_CTX_get_error) F(X509_STORE_CTX_get_ex_data) F(X509_STORE_CTX_init) \
	F(X509_STORE_CTX_new) F(X509_STORE_CTX_set_error) F(X509_VERIFY_PARAM_set1) \
	F(X509_VERIFY_PARAM_set1_host) F(X509_VERIFY_PARAM_set1_ip_asc) \
	F(X509_VERIFY_PARAM_set_hostflags) F(X509V3_EXT_conf_nid) F(X509V3_set_ctx) \
	F(X509_EXTENSION_free) F(X509_NAME_add_entry_by_txt) F(X509_NAME_print_ex) F(X509_add_ext) \
	F(X509_cmp_current_time) F(X509_free) F(X509_get0_notAfter) F(X509_get0_notBefore) \
	F(X509_get_X509_PUBKEY) F(X509_get_default_cert_dir) F(X509_get_default_cert_dir_env) \
	F(X509_get_default_cert_file) F(X509_get_default_cert_file_env) F(X509_get_ext_d2i) \
	F(X509_get_issuer_name) F(X509_get_serialNumber) F(X509_get_subject_name) \
	F(X509_getm_notAfter) F(X509_getm_notBefore) F(X509_gmtime_adj) F(X509_new) \
	F(X509_set_issuer_name) F(X509_set_pubkey) F(X509_set_version) F(X509_sign) \
	F(X509_verify_cert) F(X509_verify_cert_error_string) F(i2d_X509_PUBKEY) \
	F(GENERAL_NAMES_free) F(ASN1_INTEGER_set_uint64) F(ASN1_STRING_get0_data) \
	F(ASN1_STRING_length) F(ASN1_TIME_print_ex) F(OPENSSL_sk_num) F(OPENSSL_sk_value) \
	F(EVP_PKEY_Q_keygen) F(EVP_PKEY_free) F(EVP_Q_digest) F(EVP_sha256) F(RAND_bytes) \
	F(PEM_read_bio_PrivateKey) F(PEM_write_bio_PrivateKey) F(PEM_write_bio_X509) \
	F(CRYPTO_free) F(secure_getenv)
/* clang-format on */

#define TLS_MEMBER(name) __typeof__(&(name)) name; /* NOLINT: each is a member's name */
/* Only functions come after the handle. */
struct tls_library {
	void *handle;
	TLS_FUNCTIONS(TLS_MEMBER)
};
#undef TLS_MEMBER

/* Open it, with all that we use of it. lib is all zero before. Returns 0, or -1 with err
 * (ERR_USAGE). It stays open until the process ends: what it registers to be called then may not
 * be unloaded. */
int tls_library_open(struct tls_library *lib, struct err *err);

/* One function of the library that is open, for a callback that has no struct tls_library: its
 * address is put in *out, a pointer of size bytes. Returns 0, or -1. */
int tls_library_find(const char *name, void *out, size_t size);

#endif
#endif
