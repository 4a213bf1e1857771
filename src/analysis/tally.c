#include "analysis/tally.h"

#include <stdlib.h>

#include "analysis/fold.h"

enum {
	ENTRIES_MAX = 1 << 30,
	SIP_BYTES = 256,
};

/* A word, or a spelling of one, to be looked for or kept. */
struct name {
	struct span text;
	struct block block; /* if it has no more than BLOCK_BYTES: the key */
	uint32_t tag;
	uint8_t role;
	bool folds;                    /* see tally_entry */
	const struct tally_word *word; /* which it is the text of, or NULL */
};

void tally_init(struct tally *t, const struct hash_key *key, bool exact)
{
	*t = (struct tally){.key = *key, .mix = mix_of(key), .exact = exact};
}

bool tally_free_some(struct tally *t)
{
	enum { AT_ONCE = 128 }; /* chunks: 4 MiB */

	/* Those that came last go first: what is at the heap's end goes back to the system at once,
	 * and not all of it in one go at the end. */
	for (int i = 0; i < AT_ONCE && t->chunk_count > 0; i++)
		free(t->chunks[--t->chunk_count]);
	if (t->chunk_count > 0 || texts_free_some(&t->texts) || index_free_some(&t->names) ||
		index_free_some(&t->strong))
		return true;
	free(t->chunks);
	*t = (struct tally){0};
	return false;
}

size_t tally_memory(const struct tally *t)
{
	return (size_t)t->chunk_count * TALLY_CHUNK * sizeof(struct tally_entry) +
	       t->chunk_max * sizeof(void *) + t->texts.bytes + index_memory(&t->names) +
	       index_memory(&t->strong);
}

int tally_prepare(struct tally *t)
{
	return t->names.now.slots ? 0 : index_reserve(&t->names);
}

static struct block lower_block(struct block b)
{
	return (struct block){{fold_ascii_8(b.half[0]), fold_ascii_8(b.half[1])}};
}

void tally_hash_on(const struct tally *t, struct tally_hash *hash, const uint8_t *text, size_t len)
{
	while (len - hash->bytes > BLOCK_BYTES) {
		struct block b = block_at(text + hash->bytes, BLOCK_BYTES);

		hash->text = mix_next(&t->mix, hash->text, b);
		hash->lower = mix_next(&t->mix, hash->lower, lower_block(b));
		hash->bytes += BLOCK_BYTES;
	}
}

static uint32_t tag_of(uint64_t hash)
{
	return (uint32_t)(hash >> 32);
}

static void set_tag(const struct tally *t, struct name *n)
{
	struct tally_hash hash = n->word ? n->word->hash : (struct tally_hash){0};
	size_t len = n->text.len;
	struct block last;

	if (len <= BLOCK_BYTES) {
		n->tag = tag_of(mix_block(&t->mix, n->block));
		return;
	}
	tally_hash_on(t, &hash, n->text.data, len);
	last = block_at(n->text.data + hash.bytes, len - hash.bytes);
	if (n->folds)
		n->tag = tag_of(mix_last(&t->mix, hash.lower, lower_block(last), len));
	else
		n->tag = tag_of(mix_last(&t->mix, hash.text, last, len));
}

/* SipHash over the key, piece by piece, each after the hash of those before. */
static uint32_t strong_tag(const struct tally *t, struct span text, bool folds)
{
	uint64_t room[1 + SIP_BYTES / sizeof(uint64_t)] = {0};

	for (size_t n; text.len > 0; text = span_from(text, n)) {
		n = text.len < SIP_BYTES ? text.len : SIP_BYTES;
		memcpy(room + 1, text.data, n);
		for (size_t i = 1; folds && i < sizeof(room) / sizeof(room[0]); i++)
			room[i] = fold_ascii_8(room[i]);
		room[0] = hash_siphash(
			&t->key, (struct span){(const uint8_t *)room, sizeof(room[0]) + n});
	}
	return tag_of(room[0]);
}

static struct span text_of(const struct tally_entry *e)
{
	if (e->len <= BLOCK_BYTES)
		return (struct span){(const uint8_t *)e->block.half, e->len};
	return (struct span){e->text, e->len};
}

static bool is_of(const struct tally_entry *e, const struct name *n)
{
	if (e->len != n->text.len || !(e->roles & n->role))
		return false;
	if (e->len <= BLOCK_BYTES)
		return memcmp(&e->block, &n->block, sizeof(n->block)) == 0;
	if (n->folds)
		return fold_ascii_equal(e->text, n->text.data, e->len);
	return memcmp(e->text, n->text.data, e->len) == 0;
}

static uint32_t find_in(
	const struct tally *t, const struct index *x, const struct name *n, uint32_t tag)
{
	struct index_probe probe = {.tag = tag};
	uint32_t found;

	do
		found = index_next(x, &probe);
	while (found != INDEX_NONE && !is_of(tally_at(t, found), n));
	return found;
}

static struct span key_text(const struct name *n)
{
	if (n->text.len <= BLOCK_BYTES)
		return (struct span){(const uint8_t *)n->block.half, n->text.len};
	return n->text;
}

static uint32_t find(const struct tally *t, const struct name *n)
{
	uint32_t found = find_in(t, &t->names, n, n->tag);

	if (found == INDEX_NONE && t->strong.count > 0)
		found = find_in(t, &t->strong, n, strong_tag(t, key_text(n), n->folds));
	return found;
}

/* ---- what is new ---- */

static int put_strong(struct tally *t, uint32_t number)
{
	const struct tally_entry *e = tally_at(t, number);

	if (index_reserve(&t->strong) < 0)
		return -1;
	return index_put(&t->strong, strong_tag(t, text_of(e), e->folds), number) ? 0 : -1;
}

static int move_some(struct tally *t, struct index *x, int slots)
{
	for (int i = 0; i < slots && index_is_growing(x); i++) {
		uint32_t lost = index_move_one(x);

		if (lost != INDEX_NONE && put_strong(t, lost) < 0)
			return -1;
	}
	return 0;
}

int tally_settle(struct tally *t, int slots)
{
	return move_some(t, &t->names, slots) < 0 || move_some(t, &t->strong, slots) < 0 ? -1 : 0;
}

static int put(struct tally *t, uint32_t tag, uint32_t number)
{
	if (index_reserve(&t->names) < 0)
		return -1;
	if (!index_put(&t->names, tag, number) && put_strong(t, number) < 0)
		return -1;
	return tally_settle(t, INDEX_MOVED_EACH);
}

/* One more chunk. Only the list of chunks ever moves. */
static int add_chunk(struct tally *t)
{
	uint32_t max = t->chunk_max ? 2 * t->chunk_max : 4;

	if (t->chunk_count == t->chunk_max) {
		struct tally_entry **grown = realloc(t->chunks, max * sizeof(struct tally_entry *));

		if (!grown)
			return -1;
		t->chunks = grown;
		t->chunk_max = max;
	}
	t->chunks[t->chunk_count] = malloc(TALLY_CHUNK * sizeof(**t->chunks));
	if (!t->chunks[t->chunk_count])
		return -1;
	t->chunk_count++;
	return 0;
}

static struct tally_entry *new_entry(struct tally *t)
{
	if (t->entries >= ENTRIES_MAX)
		return NULL;
	if (t->entries == t->chunk_count * TALLY_CHUNK && add_chunk(t) < 0)
		return NULL;
	return tally_at(t, t->entries);
}

/* A long text that came in a piece of its own is not copied. */
static const uint8_t *keep_text(struct tally *t, const struct name *n)
{
	struct texts_piece **piece = n->word ? n->word->lies_in : NULL;

	if (!piece || n->text.len < (*piece)->used / 2)
		return texts_add(&t->texts, n->text);
	texts_take(&t->texts, *piece);
	*piece = NULL;
	return n->text.data;
}

static uint16_t upper_bits(const struct name *n)
{
	struct block spelled = block_at(n->text.data, n->text.len);
	const uint8_t *one = (const uint8_t *)&spelled, *other = (const uint8_t *)&n->block;
	unsigned bits = 0;

	for (unsigned i = 0; i < n->text.len; i++)
		bits |= (unsigned)(one[i] != other[i]) << i;
	return (uint16_t)bits;
}

/* A new entry. Returns its number, or INDEX_NONE when memory is out. */
static uint32_t keep(struct tally *t, const struct name *n)
{
	struct tally_entry *e = new_entry(t);

	if (!e || n->text.len > UINT32_MAX)
		return INDEX_NONE;
	*e = (struct tally_entry){
		.len = (uint32_t)n->text.len, .roles = n->role, .folds = n->folds};
	if (n->text.len <= BLOCK_BYTES) {
		e->block = n->block;
		e->upper = upper_bits(n);
	} else {
		e->text = keep_text(t, n);
		if (!e->text)
			return INDEX_NONE;
	}
	if (put(t, n->tag, t->entries) < 0)
		return INDEX_NONE;
	t->distinct += (n->role & TALLY_KEY) != 0;
	return t->entries++;
}

/* ---- counting ---- */

/* The key's entry, new if need be. */
static uint32_t find_or_keep(struct tally *t, const struct name *n)
{
	uint32_t found = find(t, n);

	return found == INDEX_NONE ? keep(t, n) : found;
}

static int count(struct tally *t, uint32_t number)
{
	if (number == INDEX_NONE)
		return -1;
	tally_at(t, number)->count++;
	return 0;
}

static struct name name_of(
	const struct tally *t, const struct tally_word *w, struct span text, uint8_t role)
{
	struct name n = {.text = text, .role = role, .word = w};

	if (text.len <= BLOCK_BYTES)
		n.block = block_at(text.data, text.len);
	n.folds = !t->exact && (w ? w->ascii : fold_is_ascii(text));
	if (n.folds && text.len <= BLOCK_BYTES)
		n.block = lower_block(n.block);
	set_tag(t, &n);
	return n;
}

/* A spelling that is new, and its key. Returns the key's entry, or INDEX_NONE when memory is out.
 */
static uint32_t learn(struct tally *t, struct name *spelling, struct span key_text)
{
	struct name key = name_of(t, NULL, key_text, TALLY_KEY);
	uint32_t number = find(t, &key), spelled;
	bool is_new = number == INDEX_NONE;

	if (key_text.len == spelling->text.len &&
		memcmp(key_text.data, spelling->text.data, key_text.len) == 0) {
		spelling->role = TALLY_KEY | TALLY_SPELLING;
		if (is_new)
			return keep(t, spelling);
		tally_at(t, number)->roles |= TALLY_SPELLING;
		return number;
	}
	if (is_new)
		number = keep(t, &key);
	if (number == INDEX_NONE)
		return INDEX_NONE;
	spelled = keep(t, spelling);
	if (spelled == INDEX_NONE)
		return INDEX_NONE;
	tally_at(t, spelled)->key = number;
	tally_at(t, number)->shown_as |= is_new;
	return number;
}

static int add_spelled(struct tally *t, const struct tally_word *word)
{
	struct name spelling = name_of(t, word, word->text, TALLY_SPELLING);
	uint32_t number = find(t, &spelling);
	struct fold f;

	if (number != INDEX_NONE) {
		const struct tally_entry *e = tally_at(t, number);

		return count(t, e->roles & TALLY_KEY ? number : (uint32_t)e->key);
	}
	if (fold_word(&f, word->text) < 0)
		return -1;
	number = learn(t, &spelling, f.key);
	fold_end(&f);
	return count(t, number);
}

/* A short word that was counted before under this spelling. */
static bool add_again(struct tally *t, const struct tally_word *word)
{
	struct block key = block_at(word->text.data, word->text.len);
	struct tally_entry *guess;

	if (word->ascii && !t->exact)
		key = lower_block(key);
	guess = tally_guess(t, tally_tag(t, key));
	if (!tally_is(guess, key, (uint32_t)word->text.len))
		return false;
	if (!t->exact && !word->ascii) {
		if (!(guess->roles & TALLY_SPELLING))
			return false;
		if (!(guess->roles & TALLY_KEY))
			guess = tally_at(t, (uint32_t)guess->key);
	}
	guess->count++;
	return true;
}

int tally_add(struct tally *t, const struct tally_word *word)
{
	struct name n;

	if (tally_prepare(t) < 0)
		return -1;
	if (word->text.len <= BLOCK_BYTES && add_again(t, word))
		return 0;
	if (!t->exact && !word->ascii && word->text.len <= FOLD_MAX_BYTES)
		return add_spelled(t, word);
	n = name_of(t, word, word->text, TALLY_KEY);
	return count(t, find_or_keep(t, &n));
}

int tally_add_block(struct tally *t, struct block key, uint32_t len, const uint8_t *spelling)
{
	struct name n = {.text = {spelling, len}, .block = key, .role = TALLY_KEY};

	n.folds = !t->exact;
	set_tag(t, &n);
	return count(t, find_or_keep(t, &n));
}

/* ---- telling ---- */

bool tally_next(const struct tally *t, uint32_t *at, struct tally_line *line)
{
	const struct tally_entry *e, *shown;

	while (*at < t->entries && !(tally_at(t, *at)->roles & TALLY_KEY))
		++*at;
	if (*at == t->entries)
		return false;
	e = tally_at(t, *at);
	shown = e->shown_as ? tally_at(t, *at + 1) : e;
	++*at;
	line->count = e->count;
	line->text = text_of(shown);
	if (shown->upper) {
		memcpy(line->room, line->text.data, line->text.len);
		for (unsigned i = 0; i < line->text.len; i++)
			if (shown->upper >> i & 1)
				line->room[i] ^= 'a' ^ 'A';
		line->text.data = line->room;
	}
	return true;
}
