/* What users type about TLS, and how it is written: pins and lists of protocols. */
#include "transport/tls.h"

#include <stdio.h>
#include <string.h>

#include "base/escape.h"

#define PIN_SCHEME "sha256:"

enum { NAME_MAX_BYTES = 255 }; /* RFC 1035 section 2.3.4; no more can be sent (RFC 6066) */

static int pin_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int tls_pin_read(const char *typed, uint8_t pin[TLS_PIN_BYTES])
{
	const char *hex = typed + strlen(PIN_SCHEME);

	if (strncmp(typed, PIN_SCHEME, strlen(PIN_SCHEME)) != 0 ||
		strlen(hex) != (size_t)2 * TLS_PIN_BYTES)
		return -1;
	for (size_t i = 0; i < TLS_PIN_BYTES; i++) {
		int high = pin_digit(hex[2 * i]), low = pin_digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return -1;
		pin[i] = (uint8_t)(high * 16 + low);
	}
	return 0;
}

void tls_pin_write(const uint8_t pin[TLS_PIN_BYTES], char text[TLS_PIN_TEXT])
{
	int at = snprintf(text, TLS_PIN_TEXT, "%s", PIN_SCHEME);

	for (size_t i = 0; i < TLS_PIN_BYTES; i++)
		at += snprintf(text + at, (size_t)(TLS_PIN_TEXT - at), "%02x", pin[i]);
}

size_t tls_alpn_read(const char *typed, uint8_t wire[TLS_ALPN_MAX])
{
	size_t at = 0;

	for (;;) {
		size_t len = strcspn(typed, ",");

		if (!len || at + 1 + len > TLS_ALPN_MAX || len > UINT8_MAX)
			return 0;
		wire[at] = (uint8_t)len;
		memcpy(wire + at + 1, typed, len);
		at += 1 + len;
		if (!typed[len])
			return at;
		typed += len + 1;
	}
}

int tls_conf_check(const struct tls_conf *conf, struct err *err)
{
	uint8_t pin[TLS_PIN_BYTES], alpn[TLS_ALPN_MAX];

	if (conf->pin && tls_pin_read(conf->pin, pin) < 0) {
		err_set(err, ERR_USAGE, "%s is not a pin", quoted(conf->pin).text);
		return err_hint(err,
			"write sha256: and 64 hexadecimal digits, as the 'listening on' "
			"line has them");
	}
	if (conf->alpn && !tls_alpn_read(conf->alpn, alpn)) {
		err_set(err, ERR_USAGE, "%s is not a list of protocols", quoted(conf->alpn).text);
		return err_hint(err, "write names with commas between them, as in h2,http/1.1");
	}
	if (conf->name && (!strcspn(conf->name, "%") || strlen(conf->name) > NAME_MAX_BYTES)) {
		err_set(err, ERR_USAGE, "%s is not a name that a certificate can have",
			quoted(conf->name).text);
		return err_hint(err, "write a host's name or its address");
	}
	return 0;
}
