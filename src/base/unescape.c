#include "base/unescape.h"

#include <string.h>

static int unescape_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* What follows a backslash: the byte it stands for, or -1. *text moves past it. */
static int unescape_one(const char **text)
{
	static const char letters[] = "rnt0\\", bytes[] = "\r\n\t\0\\";
	const char *at = **text ? strchr(letters, **text) : NULL;
	int high, low;

	if (at) {
		(*text)++;
		return bytes[at - letters];
	}
	if (**text != 'x' || (high = unescape_digit((*text)[1])) < 0 ||
		(low = unescape_digit((*text)[2])) < 0)
		return -1;
	*text += 3;
	return high * 16 + low;
}

int unescape(const char *text, struct buf *out)
{
	while (*text) {
		uint8_t byte = (uint8_t)*text++;

		if (byte == '\\') {
			const int stands_for = unescape_one(&text);

			if (stands_for < 0)
				return -1;
			byte = (uint8_t)stands_for;
		}
		if (buf_add(out, (struct span){&byte, 1}) < 0)
			return -2;
	}
	return 0;
}
