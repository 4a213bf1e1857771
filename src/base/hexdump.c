#include "base/hexdump.h"

#include <string.h>

enum {
	OFFSET_DIGITS = 8, /* at least */
	HEX_COLUMNS = 50,  /* two groups of eight, two spaces after each */
	GROUP_BYTES = 8,
};

static const char hexdump_digits[] = "0123456789abcdef";

static char *hexdump_offset(char *out, uint64_t offset)
{
	int digits = OFFSET_DIGITS;

	while (digits < 16 && offset >> (4 * digits))
		digits++;
	while (digits-- > 0)
		*out++ = hexdump_digits[offset >> (4 * digits) & 15];
	return out;
}

size_t hexdump_row(char out[HEXDUMP_ROW_MAX], uint64_t offset, struct span bytes)
{
	static const char empty[] = "  (empty message)\n";
	char *at = hexdump_offset(out, offset);
	uint8_t *text;

	if (!bytes.len) {
		memcpy(at, empty, sizeof(empty) - 1);
		return (size_t)(at - out) + sizeof(empty) - 1;
	}
	memset(at, ' ', 2 + HEX_COLUMNS);
	at += 2;
	text = (uint8_t *)at + HEX_COLUMNS;
	*text++ = '|';
	for (size_t i = 0; i < bytes.len; i++) {
		const uint8_t byte = bytes.data[i];

		at += i == GROUP_BYTES;
		at[0] = hexdump_digits[byte >> 4];
		at[1] = hexdump_digits[byte & 15];
		at += 3;
		*text++ = byte >= ' ' && byte <= '~' ? byte : '.';
	}
	*text++ = '|';
	*text++ = '\n';
	return (size_t)((char *)text - out);
}
