#ifndef SOCKX_ANALYSIS_INDEX_H
#define SOCKX_ANALYSIS_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Finds numbers (of entries that lie elsewhere) by a tag of 32 bits. All zero is an empty one.
 *
 * Open addressing with linear probing, about half full. A tag's upper bits are its place, so that
 * growing reads and writes memory in order and needs no hash again; and it is done in steps, some
 * slots for each number put, from the end to the beginning, so that none takes long. Meanwhile what
 * has its place before the last slot that is left is in the old table, and the rest in the new one.
 *
 * A search looks at INDEX_PROBES_MAX slots and no more; with random tags, a chain so
 * long is not to be expected in any table that fits in memory. What would need a longer one is
 * turned away. So many slots stand after the last place: no chain goes round.
 */
enum { INDEX_PROBES_MAX = 256, INDEX_QUICKLY = 8, INDEX_FIRST_BITS = 8 };

/* Move so many slots for each number put, and growing is over after a quarter of the numbers that
 * may come before it is wanted again; what has not moved gets at most five eighths full. */
enum { INDEX_MOVED_EACH = 8 };

struct index_table {
	uint64_t *slots; /* the tag above, the number plus 1 below; 0: free */
	unsigned bits;   /* there are 1 << bits places */
	unsigned shift;  /* 32 - bits */
};

struct index {
	struct index_table now, old; /* old: while growing */
	size_t left;  /* slots of old that are not in now; INDEX_QUICKLY more are there */
	size_t count; /* numbers put */
};

#define INDEX_NONE UINT32_MAX

/* One search. */
struct index_probe {
	uint32_t tag;
	uint32_t seen; /* slots looked at */
	bool in_new;   /* after the old table */
};

static inline size_t index_place(const struct index_table *t, uint32_t tag)
{
	return tag >> t->shift;
}

static inline bool index_is_growing(const struct index *x)
{
	return x->old.slots != NULL;
}

/* The table that a tag is looked for in first, and in nearly every case alone. */
static inline const struct index_table *index_table_of(const struct index *x, uint32_t tag)
{
	return index_is_growing(x) && index_place(&x->old, tag) < x->left ? &x->old : &x->now;
}

/* The next number that has the tag, which may be another's as well; INDEX_NONE: no more. Begin with
 * {.tag = tag}. */
uint32_t index_next(const struct index *x, struct index_probe *p);

/* The first such number, if it is found within INDEX_QUICKLY slots of the likely table; else
 * INDEX_NONE, which does not mean that there is none. Room was reserved before. */
static inline uint32_t index_guess(const struct index *x, uint32_t tag)
{
	const struct index_table *t = index_table_of(x, tag);
	const uint64_t *at = t->slots + index_place(t, tag), *end = at + INDEX_QUICKLY;
	/* Nearly every number is in one of the first two slots; which, no branch can foretell. */
	uint64_t slot = at[0] >> 32 == tag ? at[0] : at[1];

	for (at += 2; slot >> 32 != tag && slot && at < end; at++)
		slot = *at;
	return slot >> 32 == tag ? (uint32_t)slot - 1 : INDEX_NONE;
}

/* Have the processor fetch what index_guess will look at. */
static inline void index_expect(const struct index *x, uint32_t tag)
{
	const struct index_table *t = index_table_of(x, tag);

	__builtin_prefetch(t->slots + index_place(t, tag));
}

/* Make room for one more. Returns 0, or -1 when memory is out. */
int index_reserve(struct index *x);

/* Put a number below INDEX_NONE under a tag; there is room. Returns whether it was taken; if not,
 * its chain is too long. */
bool index_put(struct index *x, uint32_t tag, uint32_t number);

/* While growing: move one slot. Returns the number that found no place, its chain being too long,
 * or else INDEX_NONE. */
uint32_t index_move_one(struct index *x);

/* The bytes allocated; never less than there are. */
size_t index_memory(const struct index *x);

/* Give back some of the memory, a few milliseconds' work at most: x can then only be freed. Returns
 * whether there is more. */
bool index_free_some(struct index *x);

void index_free(struct index *x);

#endif
