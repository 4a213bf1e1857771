#include <string.h>

#include "check.h"
#include "cmd/secure.h"

/* What may be said of TLS together. */
TestSuite(secure, .timeout = 20);

#define PIN "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void refused(struct tls_conf conf, bool tls, const char *says, const char *hints)
{
	const struct where where = {.tls = tls};
	struct err err = {0};

	cr_expect(eq(int, secure_check(&conf, &where, &err), -1), "%s", says);
	cr_expect(eq(int, (int)err.kind, ERR_USAGE));
	cr_expect(eq(str, err.what, says));
	cr_expect(strstr(err.hint, hints) != NULL, "%s: %s", says, err.hint);
}

static void fine(struct tls_conf conf, bool tls)
{
	const struct where where = {.tls = tls};
	struct err err = {0};

	cr_expect(eq(int, secure_check(&conf, &where, &err), 0), "%s", err.what);
}

Test(secure, each_option_of_tls_wants_tls)
{
	const struct {
		struct tls_conf conf;
		const char *says;
	} each[] = {
		{{.cert = "f"}, "'--tls-cert' is for TLS, which was not asked for"},
		{{.key = "f"}, "'--tls-key' is for TLS, which was not asked for"},
		{{.key_password = "f"}, "'--tls-key-password' is for TLS, which was not asked for"},
		{{.ca = "f"}, "'--tls-ca' is for TLS, which was not asked for"},
		{{.alpn = "h2"}, "'--tls-alpn' is for TLS, which was not asked for"},
		{{.name = "n"}, "'--tls-name' is for TLS, which was not asked for"},
		{{.pin = PIN}, "'--tls-pin' is for TLS, which was not asked for"},
		{{.no_verify = true}, "'--tls-no-verify' is for TLS, which was not asked for"},
		{{.keep = "d"}, "'--tls-keep' is for TLS, which was not asked for"},
	};

	for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++)
		refused(each[i].conf, false, each[i].says, "--tls");
	cr_expect(eq(sz, sizeof(each) / sizeof(each[0]),
			  secure_option_count + secure_client_option_count +
				  secure_server_option_count),
		"each option is here");
}

Test(secure, a_key_wants_its_certificate)
{
	refused((struct tls_conf){.key = "f"}, true, "'--tls-key' is the key of a certificate",
		"--tls-cert FILE");
	refused((struct tls_conf){.key_password = "f"}, true, "'--tls-key-password' is for a key",
		"--tls-cert FILE --tls-key FILE");
}

Test(secure, what_contradicts_another_is_refused)
{
	refused((struct tls_conf){.keep = "d", .cert = "f"}, true,
		"'--tls-keep' and '--tls-cert' cannot both be given", "is made");
	refused((struct tls_conf){.no_verify = true, .pin = PIN}, true,
		"'--tls-no-verify' and '--tls-pin' cannot both be given", "a pin is enough");
	refused((struct tls_conf){.no_verify = true, .ca = "f"}, true,
		"'--tls-no-verify' and '--tls-ca' cannot both be given", "one of them");
	refused((struct tls_conf){.pin = PIN, .ca = "f"}, true,
		"'--tls-pin' and '--tls-ca' cannot both be given", "a pin is enough");
}

Test(secure, a_value_that_cannot_be_read_is_refused)
{
	refused((struct tls_conf){.pin = "sha256:12"}, true, "'sha256:12' is not a pin",
		"64 hexadecimal digits");
	refused((struct tls_conf){.alpn = "h2,,x"}, true, "'h2,,x' is not a list of protocols",
		"h2,http/1.1");
}

Test(secure, a_name_that_cannot_be_sent_is_refused)
{
	char name[257];

	refused((struct tls_conf){.name = ""}, true, "'' is not a name that a certificate can have",
		"a host's name");
	memset(name, 'a', 256);
	name[256] = '\0';
	{
		const struct where where = {.tls = true};
		const struct tls_conf conf = {.name = name};
		struct err err = {0};

		cr_expect(eq(int, secure_check(&conf, &where, &err), -1));
		cr_expect(eq(int, (int)err.kind, ERR_USAGE));
	}
	name[255] = '\0';
	fine((struct tls_conf){.name = name}, true);
}

Test(secure, all_else_may_be_said)
{
	fine((struct tls_conf){0}, false);
	fine((struct tls_conf){0}, true);
	fine((struct tls_conf){.cert = "c",
		     .key = "k",
		     .key_password = "p",
		     .ca = "f",
		     .alpn = "h2,http/1.1",
		     .name = "n"},
		true);
	fine((struct tls_conf){.pin = PIN, .name = "n", .cert = "c"}, true);
	fine((struct tls_conf){.keep = "d", .ca = "f"}, true);
	fine((struct tls_conf){.no_verify = true, .name = "n"}, true);
}

static const char *bars(const void *conf)
{
	return conf;
}

Test(secure, a_mode_may_bar_it)
{
	const struct mode free_one = {.name = "free"},
			  barring = {.name = "bars", .bars_layers = bars};
	const struct where plain = {0}, tls = {.tls = true};
	struct err err = {0};

	cr_expect(eq(int, secure_check_mode(&free_one, "--fd", &tls, &err), 0));
	cr_expect(eq(int, secure_check_mode(&barring, "--fd", &plain, &err), 0));
	cr_expect(eq(int, secure_check_mode(&barring, NULL, &tls, &err), 0));
	cr_expect(eq(int, secure_check_mode(&barring, "--fd", &tls, &err), -1));
	cr_expect(eq(int, (int)err.kind, ERR_USAGE));
	cr_expect(eq(str, err.what, "'--tls' and '--fd' cannot both be given"));
	cr_expect(err.hint[0] != '\0');
}
