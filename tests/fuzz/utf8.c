/* UTF-8, code point by code point, against libunistring. */
#include "fuzz.h"

#include <unistr.h>

#include "base/utf8.h"

/* Whether some bytes make a whole code point of these, which libunistring takes for the beginning
 * of one even where only what follows would be wrong. */
static bool can_be_completed(struct span beginning)
{
	static const uint8_t next[] = {0x80, 0xbf};
	ucs4_t code;

	for (size_t i = 0; i < sizeof(next); i++) {
		uint8_t whole[UTF8_MAX_BYTES] = {0x80, 0x80, 0x80, 0x80};

		if (beginning.len < sizeof(whole))
			whole[beginning.len] = next[i];
		memcpy(whole, beginning.data, beginning.len);
		for (size_t len = beginning.len + 1; len <= sizeof(whole); len++)
			if (u8_mbtoucr(&code, whole, len) == (int)len)
				return true;
	}
	return false;
}

static int expected_of(struct span in, ucs4_t *code)
{
	const int theirs = u8_mbtoucr(code, in.data, in.len);

	if (theirs > 0)
		return theirs;
	return theirs == -2 && can_be_completed(in) ? UTF8_SHORT : UTF8_INVALID;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = exact_copy((struct span){data, size});
	struct span left = {copy, size};
	uint32_t code = 0;
	ucs4_t expected = 0;

	HOLDS(utf8_decode((struct span){0}, &code) == UTF8_SHORT);
	while (left.len) {
		const int len = utf8_decode(left, &code);

		HOLDS(len == expected_of(left, &expected));
		HOLDS(len <= 0 || code == expected);
		if (len > 0 && code < ' ')
			HOLDS(utf8_is_hidden(code));
		left = span_from(left, len > 0 ? (size_t)len : 1);
	}
	free(copy);
	return 0;
}
