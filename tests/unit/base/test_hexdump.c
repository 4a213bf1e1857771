#include <stdio.h>
#include <string.h>

#include "base/hexdump.h"
#include "check.h"

TestSuite(hexdump, .timeout = 20);

struct row {
	char text[HEXDUMP_ROW_MAX + 1];
};

static struct row row_of(uint64_t offset, const char *bytes, size_t len)
{
	struct row row;
	size_t made = hexdump_row(row.text, offset, (struct span){(const uint8_t *)bytes, len});

	cr_assert(le(sz, made, HEXDUMP_ROW_MAX));
	row.text[made] = '\0';
	return row;
}

Test(hexdump, a_row_has_offset_hex_and_text)
{
	cr_expect(eq(str, row_of(0, "hello, world\n\0\x7f\xff", 16).text,
		"00000000  68 65 6c 6c 6f 2c 20 77  6f 72 6c 64 0a 00 7f ff  |hello, "
		"world....|\n"));
	cr_expect(eq(str, row_of(16, "~ ", 2).text,
		"00000010  7e 20                                             |~ |\n"));
	cr_expect(eq(str, row_of(0x20, "123456789", 9).text,
		"00000020  31 32 33 34 35 36 37 38  39                       |123456789|\n"));
}

Test(hexdump, a_large_offset_has_its_digits)
{
	cr_expect(eq(str, row_of(0x1234567890, "a", 1).text,
		"1234567890  61                                                |a|\n"));
	cr_expect(eq(str, row_of(UINT64_MAX, "0123456789abcdef", 16).text,
		"ffffffffffffffff  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  "
		"|0123456789abcdef|\n"));
}

Test(hexdump, no_bytes_are_an_empty_message)
{
	cr_expect(eq(str, row_of(0, NULL, 0).text, "00000000  (empty message)\n"));
	cr_expect(eq(str, row_of(UINT64_MAX, NULL, 0).text, "ffffffffffffffff  (empty message)\n"));
}

Test(hexdump, every_byte_is_printable_ascii)
{
	for (int i = 0; i < 256; i++) {
		const char byte = (char)i;
		struct row row = row_of(0, &byte, 1);
		char hex[4];

		snprintf(hex, sizeof(hex), "%02x ", (unsigned)i);
		cr_expect(strncmp(row.text + 10, hex, 3) == 0, "%s", row.text);
		for (const char *at = row.text; *at != '\n'; at++)
			cr_expect(*at >= ' ' && *at <= '~', "%d", i);
	}
}
