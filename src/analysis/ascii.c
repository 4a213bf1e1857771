#include "analysis/ascii.h"

#include <uniwbrk.h>

#include "analysis/segment.h"

enum { LANES = sizeof(ascii_lanes), BLOCK = 64, MARKS = sizeof((struct ascii){0}.marks) / LANES };

static bool is_run(unsigned byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || byte == '_';
}

static bool is_mark(unsigned class)
{
	return class == WBP_MIDLETTER || class == WBP_MIDNUMLET || class == WBP_MIDNUM ||
	       class == WBP_SQ;
}

/* What a byte of a run must be, and what any other must not. */
static bool as_expected(unsigned byte, unsigned class, bool makes_word)
{
	if (byte == '_')
		return class == WBP_EXTENDNUMLET && !makes_word;
	if (byte >= '0' && byte <= '9')
		return class == WBP_NUMERIC && makes_word;
	if (is_run(byte))
		return class == WBP_ALETTER && makes_word;
	if (class == WBP_WSS)
		return byte == ' ' && !makes_word;
	return !makes_word && (is_mark(class) || class == WBP_OTHER || class == WBP_DQ ||
				      class == WBP_CR || class == WBP_LF || class == WBP_NEWLINE);
}

void ascii_init(struct ascii *a)
{
	size_t marks = 0;

	*a = (struct ascii){.regular = true};
	for (unsigned byte = 0; byte < 128; byte++) {
		unsigned class = (unsigned)uc_wordbreak_property(byte);

		a->word_break[byte] = (uint8_t) class;
		a->makes_word[byte] = segment_makes_word(byte);
		a->regular &= as_expected(byte, class, a->makes_word[byte]);
		if (!is_mark(class))
			continue;
		for (size_t i = marks; i < MARKS; i++)
			memset(a->marks[i], (int)byte, LANES);
		a->regular &= ++marks <= MARKS;
	}
	a->regular &= marks > 0;
}

/* What 64 bytes are, a bit each. */
struct kinds {
	uint64_t run, mark, beyond; /* beyond: not ASCII */
};

static ascii_lanes lower_case(ascii_lanes bytes)
{
	return bytes | ((bytes >= 'A') & (bytes <= 'Z') & ('a' ^ 'A'));
}

static ascii_lanes run_lanes(ascii_lanes lower)
{
	return ((lower >= 'a') & (lower <= 'z')) | ((lower >= '0') & (lower <= '9')) |
	       (lower == '_');
}

static ascii_lanes mark_lanes(const struct ascii *a, ascii_lanes bytes)
{
	ascii_lanes found = {0};

#pragma GCC unroll 8
	for (size_t i = 0; i < MARKS; i++) {
		ascii_lanes mark;

		memcpy(&mark, a->marks[i], LANES);
		found |= bytes == mark;
	}
	return found;
}

static struct kinds kinds_of(const struct ascii *a, const uint8_t *at, bool exact, uint8_t *keys)
{
	struct kinds k = {0};

	for (unsigned i = 0; i < BLOCK; i += LANES) {
		ascii_lanes bytes, lower;

		memcpy(&bytes, at + i, LANES);
		lower = lower_case(bytes);
		memcpy(keys + i, exact ? &bytes : &lower, LANES);
		k.run |= (uint64_t)ascii_bits(run_lanes(lower)) << i;
		k.mark |= (uint64_t)ascii_bits(mark_lanes(a, bytes)) << i;
		k.beyond |= (uint64_t)ascii_bits(bytes < 0) << i;
	}
	return k;
}

/* Which of these marks join what is around them. */
static uint64_t joined(const struct ascii *a, const uint8_t *at, uint64_t candidates)
{
	uint64_t joining = 0;

	for (; candidates; candidates &= candidates - 1) {
		const uint8_t *mark = at + __builtin_ctzll(candidates);

		if (segment_mark_joins(a->word_break[mark[-1]], a->word_break[mark[0]],
			    a->word_break[mark[1]]))
			joining |= candidates & -candidates;
	}
	return joining;
}

/* n bytes, filled up with zeros. */
static const uint8_t *pad(uint8_t padded[BLOCK], const uint8_t *at, size_t n)
{
	memset(padded, 0, BLOCK);
	memcpy(padded, at, n);
	return padded;
}

/* The runs and marks of the ASCII that in begins with, in out->words and marks_at. Returns how much
 * that is. */
static size_t look(const struct ascii *a, struct span in, bool exact, struct ascii_found *out,
	uint64_t marks_at[])
{
	size_t most = in.len < ASCII_SCAN_BYTES ? in.len : ASCII_SCAN_BYTES;

	for (size_t at = 0; at < most; at += BLOCK) {
		const uint8_t *block = in.data + at;
		uint8_t padded[BLOCK];
		struct kinds k;

		if (at + BLOCK > most)
			block = pad(padded, block, most - at);
		k = kinds_of(a, block, exact, out->keys + at);
		if (k.beyond) {
			k.run &= (k.beyond & -k.beyond) - 1;
			k.mark &= (k.beyond & -k.beyond) - 1;
			most = at + (size_t)__builtin_ctzll(k.beyond);
		}
		out->words[at / BLOCK] = k.run;
		marks_at[at / BLOCK] = k.mark;
	}
	return most;
}

static bool bit_at(const uint64_t bits[], size_t at)
{
	return (bits[at / BLOCK] >> at % BLOCK & 1) != 0;
}

/* Where the last segment begins, which what follows may belong to. */
static size_t last_segment(const struct ascii_found *s, struct span in, const uint64_t marks_at[])
{
	size_t at = s->len - 1;

	if (bit_at(marks_at, at) && !bit_at(s->words, at) && at > 0 && bit_at(s->words, at - 1))
		at--;
	if (bit_at(s->words, at)) {
		while (at > 0 && bit_at(s->words, at - 1))
			at--;
	} else if (in.data[at] == ' ') {
		while (at > 0 && in.data[at - 1] == ' ')
			at--;
	} else if (in.data[at] == '\n' && at > 0 && in.data[at - 1] == '\r') {
		at--;
	}
	return at;
}

static size_t blocks_in(size_t len)
{
	return (len + BLOCK - 1) / BLOCK;
}

static void join_marks(
	const struct ascii *a, struct span in, const uint64_t marks_at[], struct ascii_found *s)
{
	uint64_t before = 0;

	for (size_t i = 0, blocks = blocks_in(s->len); i < blocks; i++) {
		uint64_t runs = s->words[i], behind = i + 1 < blocks ? s->words[i + 1] : 0;
		uint64_t between =
			marks_at[i] & (runs << 1 | before >> 63) & (runs >> 1 | behind << 63);

		before = runs;
		if (between)
			s->words[i] |= joined(a, in.data + i * BLOCK, between);
	}
}

void ascii_scan(const struct ascii *a, struct span in, bool exact, struct ascii_found *out)
{
	uint64_t marks_at[ASCII_SCAN_BYTES / BLOCK] = {0};

	out->len = look(a, in, exact, out, marks_at);
	out->whole = 0;
	if (out->len == 0)
		return;
	join_marks(a, in, marks_at, out);
	out->whole = last_segment(out, in, marks_at);
	out->words[out->whole / BLOCK] &= ((uint64_t)1 << out->whole % BLOCK) - 1;
}
