#include "cmd/secure.h"

#include <string.h>
#include "base/escape.h"
#include "os/sys_process.h"

const struct opt secure_options[] = {
	{.name = "tls-cert",
		.kind = OPT_TEXT,
		OPT_FIELD(struct tls_conf, cert),
		.arg = "FILE",
		.completes = COMPLETES_FILE,
		.help = "show the peer this certificate (PEM), followed by those of its chain"},
	{.name = "tls-key",
		.kind = OPT_TEXT,
		OPT_FIELD(struct tls_conf, key),
		.arg = "FILE",
		.completes = COMPLETES_FILE,
		.help = "its key (default: in the same file)"},
	{.name = "tls-key-password",
		.kind = OPT_TEXT,
		OPT_FIELD(struct tls_conf, key_password),
		.arg = "FILE",
		.completes = COMPLETES_FILE,
		.help = "the first line of FILE decrypts the key"},
	{.name = "tls-ca",
		.kind = OPT_TEXT,
		OPT_FIELD(struct tls_conf, ca),
		.arg = "FILE",
		.completes = COMPLETES_FILE,
		.help = "trust the certificates in FILE (PEM), and no others; with serve, require "
			"one that they have signed of each client"},
	{.name = "tls-alpn",
		.kind = OPT_TEXT,
		OPT_FIELD(struct tls_conf, alpn),
		.arg = "LIST",
		.help = "the protocols that are spoken inside, best first, as in h2,http/1.1"},
};
const size_t secure_option_count = sizeof(secure_options) / sizeof(secure_options[0]);

const struct opt secure_client_options[] = {
	{.name = "tls-name",
		.kind = OPT_TEXT,
		OPT_FIELD(struct tls_conf, name),
		.arg = "NAME",
		.completes = COMPLETES_HOST,
		.help = "expect a certificate for this name or address (default: the host)"},
	{.name = "tls-pin",
		.kind = OPT_TEXT,
		OPT_FIELD(struct tls_conf, pin),
		.arg = "sha256:HEX",
		.help = "expect this key; its certificate's name and issuer do not matter"},
	{.name = "tls-no-verify",
		.kind = OPT_FLAG,
		OPT_FIELD(struct tls_conf, no_verify),
		.help = "accept any certificate: a machine in between can read and change all"},
};
const size_t secure_client_option_count =
	sizeof(secure_client_options) / sizeof(secure_client_options[0]);

const struct opt secure_server_options[] = {
	{.name = "tls-keep",
		.kind = OPT_TEXT,
		OPT_FIELD(struct tls_conf, keep),
		.arg = "DIR",
		.completes = COMPLETES_FILE,
		.help = "keep the certificate that is made without --tls-cert in DIR, and use it "
			"again"},
};
const size_t secure_server_option_count =
	sizeof(secure_server_options) / sizeof(secure_server_options[0]);

/* The first option that was given and is about TLS. */
static const char *secure_given(const struct tls_conf *conf)
{
	const struct {
		const void *given;
		const char *name;
	} all[] = {
		{conf->cert, "--tls-cert"},
		{conf->key, "--tls-key"},
		{conf->key_password, "--tls-key-password"},
		{conf->ca, "--tls-ca"},
		{conf->alpn, "--tls-alpn"},
		{conf->name, "--tls-name"},
		{conf->pin, "--tls-pin"},
		{conf->no_verify ? conf : NULL, "--tls-no-verify"},
		{conf->keep, "--tls-keep"},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].given)
			return all[i].name;
	return NULL;
}

static int secure_exclude(struct err *err, const char *one, const char *other, const char *hint)
{
	err_set(err, ERR_USAGE, "'%s' and '%s' cannot both be given", one, other);
	return err_hint(err, "%s", hint);
}

int secure_check(const struct tls_conf *conf, const struct where *where, struct err *err)
{
	const char *given = secure_given(conf);

	if (!where->tls && given) {
		err_set(err, ERR_USAGE, "'%s' is for TLS, which was not asked for", given);
		return err_hint(err, "add --tls, or leave it out; with --to tls://...: --to-%s",
			given + strlen("--"));
	}
	if (conf->key && !conf->cert) {
		err_set(err, ERR_USAGE, "'--tls-key' is the key of a certificate");
		return err_hint(err, "name it as well: --tls-cert FILE");
	}
	if (conf->key_password && !conf->cert) {
		err_set(err, ERR_USAGE, "'--tls-key-password' is for a key");
		return err_hint(err, "name it as well: --tls-cert FILE --tls-key FILE");
	}
	if (conf->keep && conf->cert)
		return secure_exclude(err, "--tls-keep", "--tls-cert",
			"the first keeps a certificate that is made, the second names one that is "
			"there");
	if (conf->no_verify && conf->pin)
		return secure_exclude(err, "--tls-no-verify", "--tls-pin",
			"a pin is enough: nothing else is verified with it");
	if (conf->no_verify && conf->ca)
		return secure_exclude(err, "--tls-no-verify", "--tls-ca", "give one of them");
	if (conf->pin && conf->ca)
		return secure_exclude(err, "--tls-pin", "--tls-ca",
			"a pin is enough: nothing else is verified with it");
	return tls_conf_check(conf, err);
}

int secure_check_mode(
	const struct mode *mode, const void *of_mode, const struct where *where, struct err *err)
{
	const char *bars = where->tls && mode->bars_layers ? mode->bars_layers(of_mode) : NULL;

	if (!bars)
		return 0;
	err_set(err, ERR_USAGE, "'--tls' and '%s' cannot both be given", bars);
	return err_hint(err, "the socket itself carries what is encrypted");
}

const char *secure_name(const struct tls_conf *conf, const char *host)
{
	if (conf->name)
		return conf->name;
	return host[0] ? host : "localhost";
}

static void secure_take(struct secure *s, const char *name)
{
	s->end = (struct tls_end){.tls = s->tls, .name = name};
	s->steps[0] = (struct step_entry){&step_tls, &s->end};
}

int secure_begin(struct secure *s, const struct tls_conf *conf, const struct where *where,
	struct reporter *to, struct err *err)
{
	if (!where->tls)
		return 0;
	s->tls = tls_of_client(conf, to, err);
	if (!s->tls)
		return -1;
	secure_take(s, secure_name(conf, where->at.host));
	return 0;
}

int secure_begin_server(struct secure *s, const struct tls_conf *conf, const struct where *where,
	const struct opt_list *hosts, struct reporter *to, struct err *err)
{
	const char *names[OPT_LIST_MAX + 5] = {"localhost", "127.0.0.1", "::1"};
	char machine[256];
	size_t count = 3;

	if (!where->tls)
		return 0;
	sys_host_name(machine, sizeof(machine));
	names[count++] = machine;
	if (where->at.host[0])
		names[count++] = where->at.host;
	for (size_t i = 0; i < hosts->count; i++)
		names[count++] = hosts->items[i];
	s->tls = tls_of_server(conf, to, names, count, err);
	if (!s->tls)
		return -1;
	secure_take(s, NULL);
	return 0;
}

void secure_end(struct secure *s)
{
	tls_free(s->tls);
	*s = (struct secure){0};
}
