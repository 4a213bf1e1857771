#include <string.h>

#include "check.h"
#include "transport/tls.h"

TestSuite(tls_typed, .timeout = 20);

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

Test(tls_typed, a_pin_is_read_as_it_is_written)
{
	uint8_t pin[TLS_PIN_BYTES];
	char text[TLS_PIN_TEXT];

	cr_assert(eq(int, tls_pin_read("sha256:" HEX, pin), 0));
	cr_assert(eq(u8, pin[0], 0));
	cr_assert(eq(u8, pin[1], 0x11));
	cr_assert(eq(u8, pin[TLS_PIN_BYTES - 1], 0xff));
	tls_pin_write(pin, text);
	cr_assert(eq(str, text, "sha256:" HEX));
}

Test(tls_typed, capitals_are_digits_of_a_pin_too)
{
	uint8_t small[TLS_PIN_BYTES], large[TLS_PIN_BYTES];

	cr_assert(eq(int, tls_pin_read("sha256:" HEX, small), 0));
	cr_assert(eq(int,
		tls_pin_read("sha256:"
			     "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF",
			large),
		0));
	cr_assert(eq(int, memcmp(small, large, sizeof(small)), 0));
}

Test(tls_typed, anything_else_is_no_pin)
{
	static const char *const wrong[] = {"", "sha256", "sha256:", HEX, "SHA256:" HEX,
		"sha1:" HEX, "sha256:" HEX "0", "sha256:" HEX " ", " sha256:" HEX,
		"sha256:0" /* too short */,
		"sha256:g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
		"sha256:0x112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
		"sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeef/",
		"sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeef:",
		"sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeef`",
		"sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeef@",
		"sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeef\xc3"};
	uint8_t pin[TLS_PIN_BYTES];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect(eq(int, tls_pin_read(wrong[i], pin), -1), "%s", wrong[i]);
}

Test(tls_typed, a_list_of_protocols_is_read_into_what_is_sent)
{
	uint8_t wire[TLS_ALPN_MAX];

	cr_assert(eq(sz, tls_alpn_read("h2", wire), 3));
	cr_assert(eq(int, memcmp(wire, "\x02h2", 3), 0));
	cr_assert(eq(sz, tls_alpn_read("h2,http/1.1", wire), 12));
	cr_assert(eq(int, memcmp(wire, "\x02h2\x08http/1.1", 12), 0));
	cr_assert(eq(sz, tls_alpn_read(" ", wire), 2), "any byte but a comma");
}

Test(tls_typed, an_empty_name_makes_no_list_of_protocols)
{
	static const char *const wrong[] = {"", ",", "h2,", ",h2", "h2,,http/1.1"};
	uint8_t wire[TLS_ALPN_MAX];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect(eq(sz, tls_alpn_read(wrong[i], wire), 0), "%s", wrong[i]);
}

Test(tls_typed, protocols_may_be_as_long_as_there_is_room)
{
	char typed[300];
	uint8_t wire[TLS_ALPN_MAX];

	memset(typed, 'x', sizeof(typed));
	typed[255] = '\0';
	cr_assert(eq(sz, tls_alpn_read(typed, wire), 256));
	cr_assert(eq(u8, wire[0], 255));
	typed[255] = 'x';
	typed[256] = '\0';
	cr_assert(eq(sz, tls_alpn_read(typed, wire), 0), "a name of 256 bytes");
	typed[127] = ',';
	typed[255] = '\0';
	cr_assert(eq(sz, tls_alpn_read(typed, wire), 256), "all of the room");
	typed[255] = 'x';
	typed[256] = '\0';
	cr_assert(eq(sz, tls_alpn_read(typed, wire), 0), "one byte more");
}
