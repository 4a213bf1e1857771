/* A server's own certificate: made when it is needed, thrown away or kept. Clients know it by its
 * pin. */
#include "transport/tls_state.h"

#ifdef TLS_IS_BUILT_IN

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "os/sys_file.h"

#define OWN_FILE "sockx-tls.pem"

enum {
	OWN_PATH_MAX = 4096,
	OWN_DAYS = 3650, /* one that is kept is to outlast what it serves */
	DAY_S = 24 * 60 * 60,
};

/* ---- making it ---- */

/* What may stand in a list of names, where a comma would begin another. */
static bool own_is_plain(const char *name)
{
	return *name && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789.-_:") == strlen(name);
}

static bool own_is_address(const char *name)
{
	struct in6_addr unused;

	return inet_pton(AF_INET, name, &unused) == 1 || inet_pton(AF_INET6, name, &unused) == 1;
}

/* "IP:127.0.0.1,DNS:localhost" (x509v3_config(5)). */
static int own_list_names(const char *const *names, size_t count, struct buf *out)
{
	for (size_t i = 0; i < count; i++)
		if (own_is_plain(names[i]) &&
			buf_printf(out, "%s%s:%s", out->len ? "," : "",
				own_is_address(names[i]) ? "IP" : "DNS", names[i]) < 0)
			return -1;
	return buf_add(out, (struct span){(const uint8_t *)"", 1});
}

static bool own_extend(const struct tls_library *lib, X509 *cert, int nid, const char *value)
{
	X509V3_CTX about;
	X509_EXTENSION *made;
	bool done;

	lib->X509V3_set_ctx(&about, cert, cert, NULL, NULL, 0);
	about.db = NULL; /* X509V3_set_ctx_nodb */
	made = lib->X509V3_EXT_conf_nid(NULL, &about, nid, value);
	done = made && lib->X509_add_ext(cert, made, -1) == 1;
	lib->X509_EXTENSION_free(made);
	return done;
}

static bool own_fill(const struct tls_library *lib, X509 *cert, EVP_PKEY *key, const char *names)
{
	X509_NAME *subject = lib->X509_get_subject_name(cert);
	uint64_t serial = 0;

	return lib->RAND_bytes((unsigned char *)&serial, sizeof(serial)) == 1 &&
	       lib->X509_set_version(cert, X509_VERSION_3) == 1 &&
	       lib->ASN1_INTEGER_set_uint64(lib->X509_get_serialNumber(cert), serial >> 1) == 1 &&
	       lib->X509_gmtime_adj(lib->X509_getm_notBefore(cert), -DAY_S) &&
	       lib->X509_gmtime_adj(lib->X509_getm_notAfter(cert), (long)OWN_DAYS * DAY_S) &&
	       lib->X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
		       (const unsigned char *)"sockx-tls", -1, -1, 0) == 1 &&
	       lib->X509_set_issuer_name(cert, subject) == 1 &&
	       lib->X509_set_pubkey(cert, key) == 1 &&
	       own_extend(lib, cert, NID_subject_alt_name, names) &&
	       own_extend(lib, cert, NID_basic_constraints, "critical,CA:FALSE") &&
	       lib->X509_sign(cert, key, lib->EVP_sha256()) > 0;
}

static int own_cannot_make(const struct tls_library *lib, struct err *err)
{
	const char *why = lib->ERR_reason_error_string(lib->ERR_peek_last_error());

	return err_set(err, ERR_RUNTIME, "cannot make a certificate: %s", why ? why : "no memory");
}

static int own_make(
	struct tls *tls, const char *names, X509 **cert, EVP_PKEY **key, struct err *err)
{
	const struct tls_library *lib = &tls->lib;

	lib->ERR_clear_error();
	*key = lib->EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	*cert = lib->X509_new();
	if (*key && *cert && own_fill(lib, *cert, *key, names))
		return 0;
	return own_cannot_make(lib, err);
}

/* ---- keeping it ---- */

/* Both as PEM. */
static int own_write_out(const struct tls_library *lib, X509 *cert, EVP_PKEY *key, struct buf *out)
{
	BIO *memory = lib->BIO_new(lib->BIO_s_mem());
	BUF_MEM *made = NULL;
	int rc = -1;

	if (memory && lib->PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL) == 1 &&
		lib->PEM_write_bio_X509(memory, cert) == 1) {
		lib->BIO_ctrl(memory, BIO_C_GET_BUF_MEM_PTR, 0, (void *)&made);
		rc = buf_add(out, (struct span){(const uint8_t *)made->data, made->length});
	}
	lib->BIO_free(memory);
	return rc;
}

static int own_save(struct tls *tls, const char *path, struct span bytes, struct err *err)
{
	int fd = sys_openat(tls->to, AT_FDCWD, path,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	ssize_t written;

	if (fd < 0) {
		err_sys(err, ERR_USAGE, errno, "cannot keep the certificate in %s",
			quoted(path).text);
		return err_hint(err, "name a directory that is there and that you may write to");
	}
	written = sys_write(tls->to, fd, bytes.data, bytes.len);
	sys_close(tls->to, fd);
	if (written == (ssize_t)bytes.len)
		return 0;
	sys_unlinkat(tls->to, AT_FDCWD, path);
	return err_set(
		err, ERR_RUNTIME, "cannot write all of the certificate to %s", quoted(path).text);
}

/* ---- using it ---- */

static int own_use(struct tls *tls, X509 *cert, EVP_PKEY *key, struct err *err)
{
	if (tls->lib.SSL_CTX_use_certificate(tls->ctx, cert) != 1)
		return own_cannot_make(&tls->lib, err);
	return tls_use_key(tls, key, OWN_FILE, err);
}

static int own_make_and_use(struct tls *tls, const char *path, const char *names, struct err *err)
{
	const struct tls_library *lib = &tls->lib;
	X509 *cert = NULL;
	EVP_PKEY *key = NULL;
	struct buf pem = {0};
	int rc = own_make(tls, names, &cert, &key, err);

	if (rc == 0 && path) {
		rc = own_write_out(lib, cert, key, &pem);
		rc = rc < 0 ? own_cannot_make(lib, err) : own_save(tls, path, buf_span(&pem), err);
	}
	if (rc == 0)
		rc = own_use(tls, cert, key, err);
	buf_free(&pem);
	lib->X509_free(cert);
	lib->EVP_PKEY_free(key);
	return rc;
}

int tls_own_use(struct tls *tls, const char *const *names, size_t count, struct err *err)
{
	const char *directory = tls->conf->keep;
	struct buf list = {0};
	struct stat there;
	char path[OWN_PATH_MAX];
	int rc;

	if (directory && snprintf(path, sizeof(path), "%s/" OWN_FILE, directory) >= OWN_PATH_MAX) {
		err_set(err, ERR_USAGE, "%s is too long a path", quoted(directory).text);
		return err_hint(err, "name a directory with a shorter one");
	}
	if (directory && sys_lstatat(AT_FDCWD, path, &there) == 0)
		return tls_files_use(tls, path, NULL, err);
	if (own_list_names(names, count, &list) < 0)
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	rc = own_make_and_use(
		tls, directory ? path : NULL, (const char *)buf_span(&list).data, err);
	buf_free(&list);
	return rc;
}

#endif
