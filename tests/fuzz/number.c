/* Numbers, sizes and times, against a plain reading of what text.h says; pins and lists of
 * protocols, which are written back. */
#include "fuzz.h"

#include <errno.h>
#include <strings.h>

#include "base/text.h"
#include "transport/tls.h"

enum { US_PER_MS = 1000 };

static const char digits[] = "0123456789";

static void is_as_libc_reads(const char *text, uint64_t max)
{
	const bool decimal = *text && text[strspn(text, digits)] == '\0';
	const bool octal = *text && text[strspn(text, "01234567")] == '\0';
	uint64_t value = 0;
	unsigned long long expected;
	int verdict = text_uint(text, max, &value);

	HOLDS(decimal == text_is_digits(text));
	errno = 0;
	expected = strtoull(text, NULL, 10);
	HOLDS((verdict == 0) == (decimal && errno == 0 && expected <= max));
	HOLDS(verdict < 0 || value == expected);
	verdict = text_octal(text, max, &value);
	errno = 0;
	expected = strtoull(text, NULL, 8);
	HOLDS((verdict == 0) == (octal && errno == 0 && expected <= max));
	HOLDS(verdict < 0 || value == expected);
}

/* 0: it is no unit. */
static uint64_t size_unit(const char *name)
{
	const char *letter = strchr("KMG", *name == 'k' ? 'K' : *name);
	const uint64_t power = letter && *name ? (uint64_t)(letter - "KMG") + 1 : 0;

	if (!*name)
		return 1;
	if (!letter || (*name == 'k' && strcmp(name, "k") != 0 && strcmp(name, "kB") != 0))
		return 0;
	if (!name[1] || strcmp(name + 1, "iB") == 0)
		return UINT64_C(1) << (10 * power);
	return strcmp(name + 1, "B") == 0 ? power == 1   ? 1000
	                                    : power == 2 ? 1000000
	                                                 : 1000000000
	                                  : 0;
}

static void is_the_size(const char *text, uint64_t max)
{
	const size_t count = strspn(text, digits);
	const uint64_t unit = size_unit(text + count);
	uint64_t bytes = 0;
	unsigned long long number;
	int verdict = text_size(text, max, &bytes);

	errno = 0;
	number = strtoull(text, NULL, 10);
	if (!count || !unit || errno || number > max / unit)
		HOLDS(verdict < 0);
	else
		HOLDS(verdict == 0 && bytes == number * unit);
}

static void are_one_time(const char *text)
{
	const size_t len = strlen(text);
	int64_t ms = -1, us = -1;
	const int as_ms = text_msec(text, &ms), as_us = text_usec(text, &us);

	if (as_us < 0) {
		HOLDS(as_ms < 0);
		return;
	}
	HOLDS(us >= 0 && us <= (int64_t)TEXT_MSEC_MAX * US_PER_MS);
	HOLDS((us == 0) == !text[strcspn(text, "123456789")]);
	if (len > 2 && strcmp(text + len - 2, "us") == 0) {
		HOLDS(as_ms < 0);
		return;
	}
	HOLDS(as_ms == 0);
	HOLDS(ms == (us + US_PER_MS - 1) / US_PER_MS);
}

/* What is read as a pin is written as it was, but for capitals. */
static void is_a_pin(const char *text)
{
	uint8_t *pin = malloc(TLS_PIN_BYTES); /* a sanitizer sees each byte too many */
	const size_t head = strlen("sha256:");
	const bool right = strncmp(text, "sha256:", head) == 0 && strlen(text) == head + 64 &&
	                   strspn(text + head, "0123456789abcdefABCDEF") == 64;
	char written[TLS_PIN_TEXT];

	HOLDS(pin);
	HOLDS((tls_pin_read(text, pin) == 0) == right);
	if (right) {
		tls_pin_write(pin, written);
		HOLDS(strcasecmp(text, written) == 0);
	}
	free(pin);
}

/* Each name has its length before it, where the text has a comma. */
static void are_protocols(const char *text)
{
	uint8_t *wire = malloc(TLS_ALPN_MAX);
	const size_t len = strlen(text);
	size_t used, at = 0;

	HOLDS(wire);
	used = tls_alpn_read(text, wire);
	HOLDS(used == 0 || used == len + 1);
	HOLDS(used || !len || len >= TLS_ALPN_MAX || *text == ',' || text[len - 1] == ',' ||
		strstr(text, ",,"));
	while (at < used) {
		const size_t name = wire[at];

		HOLDS(name > 0 && at + name < used);
		HOLDS(memcmp(wire + at + 1, text + at, name) == 0);
		HOLDS(text[at + name] == (at + name + 1 == used ? '\0' : ','));
		at += name + 1;
	}
	free(wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t most[] = {0, 9, 255, UINT16_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX};
	struct span input = {data, size};
	const uint64_t max = most[choose(&input) % (sizeof(most) / sizeof(*most))];
	char *text = text_of(input);

	is_as_libc_reads(text, max);
	is_the_size(text, max);
	are_one_time(text);
	is_a_pin(text);
	are_protocols(text);
	free(text);
	return 0;
}
