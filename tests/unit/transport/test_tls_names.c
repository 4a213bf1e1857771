#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tls_pair.h"

#ifdef TLS_IS_BUILT_IN

/* Which names a certificate is for: those that ncat's test-wildcard.c asks about, and some more. */
TestSuite(tls_names, .timeout = 60);

/* Names in a text with spaces between them. '!' in a certificate's is a NUL byte. */
struct named {
	const char *common; /* the subject's, commonName */
	const char *dns;    /* the alternative ones */
	const char *asked;  /* of a client that trusts it */
	const char *fits;   /* those it is accepted for */
};

/* The next name at *text, which has none left: false. */
static bool next_name(const char **text, char name[64])
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

static void add_common(const struct tls_library *lib, X509_NAME *subject, const char *text)
{
	char name[64];

	while (next_name(&text, name)) {
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
static void add_dns(const struct tls_library *lib, X509 *cert, const char *text)
{
	struct buf items = {0}, der = {0};
	X509_EXTENSION *made;
	char name[64];
	size_t all = 0;

	while (next_name(&text, name)) {
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

static X509 *make_cert(const struct tls_library *lib, const struct named *n, EVP_PKEY *key)
{
	X509 *cert = lib->X509_new();

	lib->X509_set_version(cert, X509_VERSION_3);
	lib->X509_gmtime_adj(lib->X509_getm_notBefore(cert), -60);
	lib->X509_gmtime_adj(lib->X509_getm_notAfter(cert), 600);
	add_common(lib, lib->X509_get_subject_name(cert), n->common);
	lib->X509_set_issuer_name(cert, lib->X509_get_subject_name(cert));
	lib->X509_set_pubkey(cert, key);
	add_dns(lib, cert, n->dns);
	cr_assert(gt(int, lib->X509_sign(cert, key, lib->EVP_sha256()), 0));
	return cert;
}

/* Both, in a file of its own. */
static void write_cert(const struct named *n, char path[])
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
	cert = make_cert(&lib, n, key);
	file = lib.BIO_new_file(path, "w");
	cr_assert(eq(int, lib.PEM_write_bio_X509(file, cert), 1));
	cr_assert(eq(int, lib.PEM_write_bio_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1));
	lib.BIO_free(file);
	lib.X509_free(cert);
	lib.EVP_PKEY_free(key);
}

static bool is_accepted(const char *path, const char *name)
{
	struct tls_pair p = {.server.conf.cert = path, .client.conf = {.ca = path}, .name = name};
	bool done;

	pair_begin(&p);
	pair_join(&p);
	done = pair_shake(&p);
	if (!done)
		cr_expect(strstr(link_story(&p.client.link)->what, "is not for '") != NULL, "%s",
			link_story(&p.client.link)->what);
	pair_close(&p);
	return done;
}

static void try_cert(const struct named *n)
{
	char path[] = "/tmp/sockx-names-XXXXXX", name[64], fits[256] = "";
	size_t len = 0;
	const char *asked = n->asked;

	write_cert(n, path);
	while (next_name(&asked, name))
		if (is_accepted(path, name))
			len += (size_t)snprintf(
				fits + len, sizeof(fits) - len, "%s%s", len ? " " : "", name);
	unlink(path);
	cr_expect(eq(str, fits, (char *)n->fits), "commonName %s, dNSName %s", n->common, n->dns);
}

#define HOSTS "a.test www.a.test far.www.a.test www.other.test other.co.test"

/* By itself, in either place. */
static const struct {
	const char *name, *fits;
} alone[] = {
	{"", ""},
	{"a.test", "a.test"},
	{"www.a.test", "www.a.test"},
	{"*.a.test", "www.a.test"},
	{"w*.a.test", ""},
	{"*w.a.test", ""},
	{"www.*.test", ""},
	{"*.test", ""},
	{"*.test.", ""},
	{"*.*.test", ""},
	{"a.test!evil.test", ""},
};

Test(tls_names, one_name_of_either_kind)
{
	for (size_t i = 0; i < sizeof(alone) / sizeof(*alone); i++) {
		try_cert(&(struct named){alone[i].name, "", HOSTS, alone[i].fits});
		try_cert(&(struct named){"", alone[i].name, HOSTS, alone[i].fits});
	}
}

Test(tls_names, the_subject_is_not_asked_where_there_are_alternative_names)
{
	try_cert(&(struct named){"a.test", "other.co.test", HOSTS, "other.co.test"});
	try_cert(&(struct named){"a.test", "b.test", HOSTS, ""});
	try_cert(&(struct named){"", "a.test other.co.test b.test", HOSTS, "a.test other.co.test"});
}

/* ncat asks the most specific of the subject's names alone. */
Test(tls_names, each_name_of_a_subject_counts)
{
	const char *hosts = "a.test in.b.test in.c.test in.d.test in.in.e.test in.in.f.test";

	try_cert(&(struct named){"a.test *.b.test in.c.test *.in.e.test", "", hosts,
		"a.test in.b.test in.c.test in.in.e.test"});
	try_cert(&(struct named){"*.in.e.test in.c.test *.b.test a.test", "", hosts,
		"a.test in.b.test in.c.test in.in.e.test"});
}

/* ncat refuses it, but it is what was asked for. */
Test(tls_names, a_name_that_is_asked_for_with_stars_is_one_name)
{
	try_cert(&(struct named){"", "*.*.test", "*.*.test a.b.test", "*.*.test"});
}

/* ncat compares an address with the subject's name. */
Test(tls_names, an_address_is_no_name)
{
	try_cert(&(struct named){"127.0.0.1", "", "127.0.0.1", ""});
	try_cert(&(struct named){"", "127.0.0.1", "127.0.0.1", ""});
}

Test(tls_names, capitals_and_a_dot_at_the_end_are_the_same_name)
{
	try_cert(&(struct named){"", "A.Test", "a.test A.TEST a.test.", "a.test A.TEST a.test."});
}

#endif
