#include "analysis/fold.h"

#include <stdlib.h>
#include <unicase.h>
#include <uninorm.h>

/* Of ASCII that fits in the room. */
static void fold_short(struct fold *f, struct span word)
{
	uint64_t bytes[sizeof(f->room) / sizeof(uint64_t)];

	memcpy(bytes, word.data, word.len);
	for (size_t i = 0; i * sizeof(bytes[0]) < word.len; i++)
		bytes[i] = fold_ascii_8(bytes[i]);
	memcpy(f->room, bytes, word.len);
	f->key = (struct span){f->room, word.len};
}

int fold_word(struct fold *f, struct span word)
{
	size_t len = sizeof(f->room);
	bool ascii = fold_is_ascii(word);
	uint8_t *key;

	f->grown = NULL;
	if (ascii && word.len <= sizeof(f->room)) {
		fold_short(f, word);
		return 0;
	}
	if (!ascii && word.len > FOLD_MAX_BYTES) {
		f->key = word;
		return 0;
	}
	key = u8_casefold(word.data, word.len, NULL, UNINORM_NFC, f->room, &len);
	if (!key)
		return -1;
	f->key = (struct span){key, len};
	f->grown = key == f->room ? NULL : key;
	return 0;
}

void fold_end(struct fold *f)
{
	free(f->grown);
	f->grown = NULL;
}

bool fold_is_ascii(struct span text)
{
	uint64_t all = 0, some;

	for (; text.len >= sizeof(some); text = span_from(text, sizeof(some))) {
		memcpy(&some, text.data, sizeof(some));
		all |= some;
	}
	for (; text.len > 0; text = span_from(text, 1))
		all |= text.data[0];
	return (all & 0x8080808080808080) == 0;
}

bool fold_ascii_equal(const uint8_t *one, const uint8_t *other, size_t n)
{
	while (n > 0) {
		uint64_t a = 0, b = 0;
		size_t some = n < sizeof(a) ? n : sizeof(a);

		memcpy(&a, one, some);
		memcpy(&b, other, some);
		if (a != b && fold_ascii_8(a) != fold_ascii_8(b))
			return false;
		one += some;
		other += some;
		n -= some;
	}
	return true;
}
