#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tls_cert.h"
#include "tls_pair.h"

#ifdef TLS_IS_BUILT_IN

/* Which names a certificate is for: those that ncat's test-wildcard.c asks about, and some more. */
TestSuite(tls_names, .timeout = 60);

/* Names in a text with spaces between them; those of a certificate as in struct cert_words. */
struct named {
	const char *common;
	const char *dns;
	const char *asked; /* of a client that trusts it */
	const char *fits;  /* those it is accepted for */
};

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

	cert_write(&(struct cert_words){.common = n->common, .dns = n->dns}, path);
	while (cert_next_name(&asked, name))
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
