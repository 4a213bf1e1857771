#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "directory.h"
#include "tls_pair.h"

#ifdef TLS_IS_BUILT_IN

/* The certificate that a server makes for itself, and where it is kept. */
TestSuite(tls_own, .timeout = 20, .init = directory_enter, .fini = directory_leave);

#define FILE_NAME "sockx-tls.pem"

static struct tls *serve(const char *keep, struct err *err)
{
	static const char *const names[] = {"localhost"};
	static struct reporter to;
	static struct tls_conf conf;

	to = silent_reporter();
	conf = (struct tls_conf){.keep = keep};
	*err = (struct err){0};
	return tls_of_server(&conf, &to, names, 1, err);
}

Test(tls_own, one_that_is_kept_is_used_again_and_is_for_us_alone)
{
	struct tls *first, *second;
	struct err err;

	first = serve(".", &err);
	cr_assert(ne(ptr, first, NULL), "%s", err.what);
	cr_assert(eq(uint, permissions_of(FILE_NAME), 0600));
	second = serve(".", &err);
	cr_assert(ne(ptr, second, NULL), "%s", err.what);
	cr_assert(eq(str, (char *)tls_own_pin(first), (char *)tls_own_pin(second)));
	tls_free(first);
	tls_free(second);
	unlink(FILE_NAME);
}

Test(tls_own, one_that_cannot_be_written_whole_leaves_no_file)
{
	const struct rlimit little = {100, RLIM_INFINITY};
	struct rlimit before;
	struct err err;
	struct tls *tls;

	signal(SIGXFSZ, SIG_IGN);
	cr_assert(eq(int, getrlimit(RLIMIT_FSIZE, &before), 0));
	cr_assert(eq(int, setrlimit(RLIMIT_FSIZE, &little), 0));
	tls = serve(".", &err);
	setrlimit(RLIMIT_FSIZE, &before);
	cr_assert(eq(ptr, tls, NULL));
	cr_assert(eq(int, (int)err.kind, ERR_RUNTIME));
	cr_assert(eq(str, err.what, "cannot write all of the certificate to './" FILE_NAME "'"));
	is_free(FILE_NAME);
}

Test(tls_own, a_directory_that_it_cannot_be_kept_in_is_a_usage_error)
{
	char *path = calloc(5000, 1);
	struct err err;

	cr_assert(eq(ptr, serve("nowhere", &err), NULL));
	cr_assert(eq(int, (int)err.kind, ERR_USAGE));
	cr_assert(eq(int, err.sys, ENOENT), "%s", err.what);
	memset(path, 'x', 4999);
	cr_assert(eq(ptr, serve(path, &err), NULL));
	cr_assert(eq(int, (int)err.kind, ERR_USAGE));
	cr_assert(strstr(err.what, " is too long a path") != NULL, "%s", err.what);
	free(path);
}

/* ---- the library refuses ---- */

static int not_used(SSL_CTX *ctx, X509 *cert)
{
	(void)ctx;
	(void)cert;
	return 0;
}

static EVP_PKEY *no_key(OSSL_LIB_CTX *library, const char *properties, const char *type, ...)
{
	(void)library;
	(void)properties;
	(void)type;
	return NULL;
}

Test(tls_own, one_that_the_library_does_not_make_or_use_is_an_error)
{
	static const char *const names[] = {"localhost"};
	struct err err;
	struct tls *tls = serve(NULL, &err);
	int (*use)(SSL_CTX *, X509 *) = tls->lib.SSL_CTX_use_certificate;

	tls->lib.SSL_CTX_use_certificate = not_used;
	cr_assert(eq(int, tls_own_use(tls, names, 1, &err), -1));
	cr_assert(eq(int, (int)err.kind, ERR_RUNTIME));
	cr_assert(eq(str, err.what, "cannot make a certificate: no memory"));
	tls->lib.SSL_CTX_use_certificate = use;
	tls->lib.EVP_PKEY_Q_keygen = no_key;
	err = (struct err){0};
	cr_assert(eq(int, tls_own_use(tls, names, 1, &err), -1));
	cr_assert(eq(int, (int)err.kind, ERR_RUNTIME));
	tls_free(tls);
}

#endif
