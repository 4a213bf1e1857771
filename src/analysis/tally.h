#ifndef SOCKX_ANALYSIS_TALLY_H
#define SOCKX_ANALYSIS_TALLY_H

#include "analysis/index.h"
#include "analysis/mix.h"
#include "analysis/texts.h"

/*
 * The distinct words of a text, in order of first appearance, with counts.
 *
 * A word that is counted again costs one search. Words of up to 16 bytes lie within their entry;
 * of ASCII words it holds the key, and which of its letters were met in the upper case. For other
 * words each spelling that was met is kept beside the key, so that none is folded twice.
 *
 * Memory: 32 bytes an entry and 16 to 32 in the index, and the text of what is longer than 16
 * bytes. Nothing moves as the table grows, and growing is done in small steps (index.h).
 */

enum tally_role {
	TALLY_KEY = 1,      /* a distinct word, by its key */
	TALLY_SPELLING = 2, /* a spelling (not of ASCII) of a word */
};

struct tally_entry {
	union {
		struct block block;  /* a word of up to BLOCK_BYTES, filled up with zeros */
		const uint8_t *text; /* a longer one: in texts */
	};
	union {
		uint64_t count; /* TALLY_KEY: so often the word was met */
		uint64_t key;   /* TALLY_SPELLING only: the word's entry */
	};
	uint32_t len;      /* of the text, in bytes */
	uint16_t upper;    /* of a block: its letters that were met in the upper case, as bits */
	uint8_t roles;     /* tally_role */
	bool folds : 1;    /* the text is ASCII of any case, and its key the lower case */
	bool shown_as : 1; /* the next entry is the word as it was first met */
};

/* Entries in a chunk: 32 KiB. */
enum { TALLY_CHUNK = 1024 };

struct tally {
	struct hash_key key;
	struct mix mix;
	bool exact;
	struct index names;  /* entries by their mix */
	struct index strong; /* those whose chain was too long there: by their SipHash */
	struct tally_entry **chunks;
	uint32_t chunk_count, chunk_max; /* chunk_max: so many have room in the list */
	uint32_t entries;
	uint64_t distinct; /* those with TALLY_KEY */
	struct texts texts;
};

/* An empty one; nothing is allocated yet. The key is random, see hash_key_random; exact: only what
 * is equal byte for byte is the same word. */
void tally_init(struct tally *t, const struct hash_key *key, bool exact);

/* Give back some of the memory, a few milliseconds' work at most: t can then only be freed. Returns
 * whether there is more; after the last, t is all zero. */
bool tally_free_some(struct tally *t);

/* The bytes allocated, also while it is being freed. */
size_t tally_memory(const struct tally *t);

/* The hashes of a long word as far as it has come, both of its text and of its lower case: all zero
 * at first. */
struct tally_hash {
	size_t bytes; /* hashed already */
	uint64_t text, lower;
};

/* Go on with the text's first len bytes; more than BLOCK_BYTES of them are left for tally_add. */
void tally_hash_on(const struct tally *t, struct tally_hash *hash, const uint8_t *text, size_t len);

/* A word to count. */
struct tally_word {
	struct span text;
	bool ascii;                   /* all of it is */
	struct tally_hash hash;       /* of some of its beginning; zero will do */
	struct texts_piece **lies_in; /* NULL, or the piece that the text lies in: it is taken over,
	                               * and NULL put there, if that spares a copy */
};

/* Count a word of valid UTF-8, not empty. Returns 0, or -1 when memory is out (or the word has
 * 4 GiB, or there are 2^30 of them): then t can only be freed. */
int tally_add(struct tally *t, const struct tally_word *word);

/* The same for ASCII of at most BLOCK_BYTES: its key (where t is exact, the word itself) as a
 * block, and where it is spelled. */
int tally_add_block(struct tally *t, struct block key, uint32_t len, const uint8_t *spelling);

static inline struct tally_entry *tally_at(const struct tally *t, uint32_t number)
{
	return &t->chunks[number / TALLY_CHUNK][number % TALLY_CHUNK];
}

/* One distinct word, as it was first met. */
struct tally_line {
	struct span text; /* valid until the next call with this line, or until t changes */
	uint64_t count;
	uint8_t room[BLOCK_BYTES];
};

/* The next distinct word, in order of first appearance; *at is 0 at first. False: there is none. */
bool tally_next(const struct tally *t, uint32_t *at, struct tally_line *line);

/*
 * The same in three steps, for many words at a time: what each of them needs of memory is asked for
 * before it is waited for. tally_prepare comes first, once.
 */
int tally_prepare(struct tally *t);

/* While the table grows, few words are guessed: go on with that by so many slots. Returns as
 * tally_add. */
int tally_settle(struct tally *t, int slots);

/* First: the tag of a key. */
static inline uint32_t tally_tag(const struct tally *t, struct block key)
{
	return (uint32_t)(mix_block(&t->mix, key) >> 32);
}

static inline void tally_expect(const struct tally *t, uint32_t tag)
{
	index_expect(&t->names, tag);
}

/* Then the entry that the word probably has, if it is quickly found, or else NULL. */
static inline struct tally_entry *tally_guess(const struct tally *t, uint32_t tag)
{
	uint32_t number = index_guess(&t->names, tag);
	struct tally_entry *e = number == INDEX_NONE ? NULL : tally_at(t, number);

	__builtin_prefetch(e);
	return e;
}

static inline bool tally_is(const struct tally_entry *guess, struct block key, uint32_t len)
{
	return guess && guess->block.half[0] == key.half[0] &&
	       guess->block.half[1] == key.half[1] && guess->len == len;
}

/* At last: count the word once more, if that is its entry. */
static inline bool tally_again(struct tally_entry *guess, struct block key, uint32_t len)
{
	if (!tally_is(guess, key, len))
		return false;
	guess->count++;
	return true;
}

#endif
