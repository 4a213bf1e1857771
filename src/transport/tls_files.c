/* Certificates and keys from files. */
#include "transport/tls_state.h"

#ifdef TLS_IS_BUILT_IN

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "os/password.h"
#include "os/sys_file.h"

/* Where the password of a key comes from: a file, or the terminal. */
struct files_password {
	const struct tls *tls;
	const char *prompt;
	bool asked; /* the key is encrypted */
	bool lacks; /* ... and there is no password */
};

static int files_read_password(const struct tls *tls, char *out, int size)
{
	int fd = sys_openat(tls->to, AT_FDCWD, tls->conf->key_password, O_RDONLY | O_CLOEXEC, 0);
	ssize_t len = fd < 0 ? -1 : sys_read(tls->to, fd, out, (size_t)size);

	if (fd >= 0)
		sys_close(tls->to, fd);
	if (len < 0)
		return -1;
	for (int i = 0; i < (int)len; i++)
		if (out[i] == '\n' || out[i] == '\r')
			return i;
	return (int)len;
}

/* pem_password_cb */
static int files_on_password(char *out, int size, int writing, void *arg)
{
	struct files_password *password = arg;
	int len = -1;

	(void)writing;
	if (password->lacks)
		return -1; /* the library tries other forms of key: it was given up once */
	password->asked = true;
	if (password->tls->conf->key_password)
		len = files_read_password(password->tls, out, size);
	else if (size > 0)
		len = password_ask(password->tls->to, password->prompt, out, (size_t)size);
	password->lacks = len < 0;
	return len;
}

static EVP_PKEY *files_read_key(struct tls *tls, const char *path, BIO *file, struct err *err)
{
	const struct tls_library *lib = &tls->lib;
	char prompt[256];
	struct files_password password = {.tls = tls, .prompt = prompt};
	EVP_PKEY *key;

	snprintf(prompt, sizeof(prompt), "Password of the key %s: ", quoted(path).text);
	key = lib->PEM_read_bio_PrivateKey(file, NULL, files_on_password, &password);
	if (key)
		return key;
	if (password.lacks && !tls->conf->key_password) {
		err_set(err, ERR_USAGE, "the key in %s is encrypted", quoted(path).text);
		err_fact(err, FACT_TLS_KEY_PASSWORD, NULL);
	} else if (password.lacks) {
		err_sys(err, ERR_USAGE, errno, "cannot read the password in %s",
			quoted(tls->conf->key_password).text);
		err_hint(err, "it has to be the first line of a file");
	} else if (password.asked) {
		err_set(err, ERR_TLS, "the password of the key in %s is another",
			quoted(path).text);
		err_fact(err, FACT_TLS_KEY_PASSWORD, NULL);
	} else {
		err_set(err, ERR_USAGE, "there is no key in %s", quoted(path).text);
		err_hint(err, "it has to be a private key (PEM)");
	}
	return NULL;
}

static int files_cannot_open(const char *what, const char *path, struct err *err)
{
	err_sys(err, ERR_USAGE, errno, "cannot read the %s %s", what, quoted(path).text);
	return err_hint(err, "check its name and its permissions");
}

static int files_use_key(struct tls *tls, const char *path, struct err *err)
{
	const struct tls_library *lib = &tls->lib;
	BIO *file = lib->BIO_new_file(path, "r");
	EVP_PKEY *key = NULL;
	int rc = -1;

	if (!file)
		return files_cannot_open("key", path, err);
	key = files_read_key(tls, path, file, err);
	lib->BIO_free(file);
	if (key)
		rc = tls_use_key(tls, key, path, err);
	lib->EVP_PKEY_free(key);
	return rc;
}

/* Whether the library refuses it for its strength (SECLEVEL 2), though it has been read. */
static bool files_are_weak(int reason)
{
	return reason == SSL_R_EE_KEY_TOO_SMALL || reason == SSL_R_CA_KEY_TOO_SMALL ||
	       reason == SSL_R_CA_MD_TOO_WEAK;
}

/* The file has the certificate, and those that lead to one that peers know. */
static int files_use_certificate(struct tls *tls, const char *path, struct err *err)
{
	const struct tls_library *lib = &tls->lib;
	struct stat there;

	lib->ERR_clear_error();
	if (sys_stat(path, &there) < 0)
		return files_cannot_open("certificate", path, err);
	if (lib->SSL_CTX_use_certificate_chain_file(tls->ctx, path) == 1)
		return 0;
	err_set(err, ERR_USAGE, "there is no certificate that can be used in %s: %s",
		quoted(path).text, lib->ERR_reason_error_string(lib->ERR_peek_error()));
	if (files_are_weak(ERR_GET_REASON(lib->ERR_peek_error())))
		return err_hint(err,
			"make one with a stronger key and signature: P-256, or RSA of 2048 bits, "
			"and SHA-256");
	return err_hint(
		err, "it has to begin with the certificate (PEM); others of its chain follow");
}

/* A peer would refuse it. */
static int files_check_dates(const struct tls *tls, const char *path, struct err *err)
{
	const struct tls_library *lib = &tls->lib;
	X509 *cert = lib->SSL_CTX_get0_certificate(tls->ctx);
	bool is_old = lib->X509_cmp_current_time(lib->X509_get0_notAfter(cert)) < 0;
	bool is_new = lib->X509_cmp_current_time(lib->X509_get0_notBefore(cert)) > 0;

	if (!is_old && !is_new)
		return 0;
	err_set(err, ERR_TLS, "the certificate %s %s", quoted(path).text,
		is_old ? "has expired" : "is not valid yet");
	return err_hint(
		err, "every peer that looks would refuse it; `openssl x509 -dates` shows them");
}

int tls_files_use(struct tls *tls, const char *cert, const char *key, struct err *err)
{
	if (files_use_certificate(tls, cert, err) < 0 || files_check_dates(tls, cert, err) < 0)
		return -1;
	return files_use_key(tls, key ? key : cert, err);
}

#endif
