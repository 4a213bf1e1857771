#include "analysis/scanned.h"

/* The first n bytes of a block. */
static inline struct block cut_block(const uint8_t *at, size_t n)
{
	static const uint8_t kept[2 * BLOCK_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct block b = block_at(at, BLOCK_BYTES);
	struct block mask = block_at(kept + BLOCK_BYTES - n, BLOCK_BYTES);

	return (struct block){{b.half[0] & mask.half[0], b.half[1] & mask.half[1]}};
}

static bool has_letter(const struct ascii *a, struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (a->makes_word[text.data[i]])
			return true;
	return false;
}

/* A word that is new, or long; or low lines only. Returns how many words that is, or -1. */
static int count_other(
	const struct ascii *a, struct tally *t, const struct scanned_word *w, const uint8_t *text)
{
	struct tally_word word = {.text = {text + w->start, w->len}, .ascii = true};
	int failed;

	if (word.text.data[0] == '_' && !has_letter(a, word.text))
		return 0;
	if (w->len <= BLOCK_BYTES)
		failed = tally_add_block(t, w->key, w->len, word.text.data);
	else
		failed = tally_add(t, &word);
	return failed ? -1 : 1;
}

static int count_group(struct scanned *s, const struct ascii *a, struct tally *t,
	const uint8_t *text, uint64_t *words)
{
	size_t grouped = s->grouped;
	uint64_t counted = 0;

	if (tally_settle(t, SCANNED_GROUP) < 0)
		return -1;
	for (size_t i = 0; i < grouped; i++)
		s->group[i].guess = tally_guess(t, s->group[i].tag);
	for (size_t i = 0; i < grouped; i++) {
		const struct scanned_word *w = &s->group[i];
		int other;

		if (tally_again(w->guess, w->key, w->len)) {
			counted++;
			continue;
		}
		other = count_other(a, t, w, text);
		if (other < 0)
			return -1;
		counted += (uint64_t)other;
	}
	*words += counted;
	s->grouped = 0;
	return 0;
}

static inline void add_word(struct scanned *s, const struct tally *t, size_t start, size_t end)
{
	size_t len = end - start;
	struct block key = cut_block(s->scan.keys + start, len < BLOCK_BYTES ? len : BLOCK_BYTES);
	uint32_t tag = tally_tag(t, key);

	tally_expect(t, tag);
	s->group[s->grouped++] = (struct scanned_word){
		.key = key, .tag = tag, .start = (uint16_t)start, .len = (uint16_t)len};
}

static inline size_t take_bit(uint64_t *bits)
{
	size_t at = (size_t)__builtin_ctzll(*bits);

	*bits &= *bits - 1;
	return at;
}

int scanned_count(struct scanned *s, const struct ascii *a, struct tally *t, const uint8_t *text,
	uint64_t *words)
{
	uint64_t within = 0; /* 1: a word goes on from the block before */
	size_t start = 0;

	for (size_t base = 0; base <= s->scan.whole; base += 64) {
		uint64_t bits = s->scan.words[base / 64], edges = bits ^ (bits << 1 | within);

		if (within && edges)
			add_word(s, t, start, base + take_bit(&edges));
		while (edges) {
			start = base + take_bit(&edges);
			if (edges)
				add_word(s, t, start, base + take_bit(&edges));
		}
		within = bits >> 63;
		if (s->grouped > SCANNED_FULL && count_group(s, a, t, text, words) < 0)
			return -1;
	}
	return count_group(s, a, t, text, words);
}
