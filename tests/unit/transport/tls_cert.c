#include "tls_cert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "transport/tls_state.h"

#ifdef TLS_IS_BUILT_IN

bool cert_next_name(const char **text, char name[64])
{
	size_t len;

	*text += strspn(*text, " ");
	len = strcspn(*text, " ");
	cr_assert(lt(sz, len, 64));
	memcpy(name, *text, len);
	name[len] = '\0';
	*text += len;
	return len > 0;
}

static void cert_add_common(const struct tls_library *lib, X509_NAME *subject, const char *text)
{
	char name[64];

	while (cert_next_name(&text, name)) {
		int len = (int)strlen(name);

		for (char *c = name; *c; c++)
			if (*c == '!')
				*c = '\0';
		cr_assert(eq(int,
			lib->X509_NAME_add_entry_by_txt(
				subject, "CN", MBSTRING_ASC, (unsigned char *)name, len, -1, 0),
			1));
	}
}

/* As DER, for a name with a NUL in it could not be said otherwise: each is [2], its length, itself.
 */
static void cert_add_dns(const struct tls_library *lib, X509 *cert, const char *text)
{
	struct buf items = {0}, der = {0};
	X509_EXTENSION *made;
	char name[64];
	size_t all = 0;

	while (cert_next_name(&text, name)) {
		buf_printf(&items, "82%02zx", strlen(name));
		for (const char *c = name; *c; c++)
			buf_printf(&items, "%02x", *c == '!' ? 0 : *c);
		all += 2 + strlen(name);
	}
	if (all) {
		cr_assert(lt(sz, all, 128));
		buf_printf(&der, "DER:30%02zx%.*s%c", all, (int)items.len,
			(const char *)buf_span(&items).data, '\0');
		made = lib->X509V3_EXT_conf_nid(
			NULL, NULL, NID_subject_alt_name, (const char *)buf_span(&der).data);
		cr_assert(made != NULL);
		cr_assert(eq(int, lib->X509_add_ext(cert, made, -1), 1));
		lib->X509_EXTENSION_free(made);
	}
	buf_free(&items);
	buf_free(&der);
}

static void cert_add_purpose(const struct tls_library *lib, X509 *cert, const char *purpose)
{
	X509_EXTENSION *made = lib->X509V3_EXT_conf_nid(NULL, NULL, NID_ext_key_usage, purpose);

	cr_assert(made != NULL);
	cr_assert(eq(int, lib->X509_add_ext(cert, made, -1), 1));
	lib->X509_EXTENSION_free(made);
}

static X509 *cert_make(const struct tls_library *lib, const struct cert_words *n, EVP_PKEY *key)
{
	X509 *cert = lib->X509_new();

	lib->X509_set_version(cert, X509_VERSION_3);
	lib->X509_gmtime_adj(lib->X509_getm_notBefore(cert), -60);
	lib->X509_gmtime_adj(lib->X509_getm_notAfter(cert), 600);
	cert_add_common(lib, lib->X509_get_subject_name(cert), n->common);
	lib->X509_set_issuer_name(cert, lib->X509_get_subject_name(cert));
	lib->X509_set_pubkey(cert, key);
	cert_add_dns(lib, cert, n->dns);
	if (n->purpose)
		cert_add_purpose(lib, cert, n->purpose);
	cr_assert(gt(int, lib->X509_sign(cert, key, lib->EVP_sha256()), 0));
	return cert;
}

void cert_write(const struct cert_words *n, char path[])
{
	struct tls_library lib = {0};
	struct err err = {0};
	EVP_PKEY *key;
	X509 *cert;
	BIO *file;
	int fd = mkstemp(path);

	cr_assert(ge(int, fd, 0));
	close(fd);
	cr_assert(eq(int, tls_library_open(&lib, &err), 0), "%s", err.what);
	key = lib.EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	cert = cert_make(&lib, n, key);
	file = lib.BIO_new_file(path, "w");
	cr_assert(eq(int, lib.PEM_write_bio_X509(file, cert), 1));
	cr_assert(eq(int, lib.PEM_write_bio_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1));
	lib.BIO_free(file);
	lib.X509_free(cert);
	lib.EVP_PKEY_free(key);
}

#endif
