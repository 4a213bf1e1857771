#include "analysis/index.h"

#include <stdlib.h>

enum {
	INDEX_BITS_MAX = 31,
	/* Memory is given back bit by bit, for the system takes its time over each page: 4 MiB. */
	SLOTS_GIVEN_BACK = 1 << 19,
};

static uint32_t tag_of(uint64_t slot)
{
	return (uint32_t)(slot >> 32);
}

static uint32_t number_of(uint64_t slot)
{
	return (uint32_t)slot - 1;
}

static size_t slots_in(const struct index_table *t)
{
	return ((size_t)1 << t->bits) + INDEX_PROBES_MAX;
}

/* Look on in a table, before its slot end: INDEX_NONE at its chain's end. */
static uint32_t next_in(const struct index_table *t, size_t end, struct index_probe *p)
{
	size_t place = index_place(t, p->tag) + p->seen;

	for (; p->seen < INDEX_PROBES_MAX && place < end && t->slots[place]; place++) {
		p->seen++;
		if (tag_of(t->slots[place]) == p->tag)
			return number_of(t->slots[place]);
	}
	return INDEX_NONE;
}

/* Whether a chain of the old table may go on in what has moved. */
static bool goes_on(const struct index *x, uint32_t tag)
{
	return index_place(&x->old, tag) + INDEX_PROBES_MAX > x->left;
}

uint32_t index_next(const struct index *x, struct index_probe *p)
{
	uint32_t found;

	if (!p->in_new && index_table_of(x, p->tag) == &x->old) {
		found = next_in(&x->old, x->left, p);
		if (found != INDEX_NONE || !goes_on(x, p->tag))
			return found;
		*p = (struct index_probe){.tag = p->tag, .in_new = true};
	}
	return x->now.slots ? next_in(&x->now, SIZE_MAX, p) : INDEX_NONE;
}

/* Put a slot where its tag says, or after that, before the slot end. Returns whether there was a
 * free one. */
static bool put_in(struct index_table *t, size_t end, uint64_t slot)
{
	size_t place = index_place(t, tag_of(slot)), beyond = place + INDEX_PROBES_MAX;

	for (; place < beyond && place < end; place++) {
		if (!t->slots[place]) {
			t->slots[place] = slot;
			return true;
		}
	}
	return false;
}

int index_reserve(struct index *x)
{
	struct index_table next = {.bits = x->now.slots ? x->now.bits + 1 : INDEX_FIRST_BITS};

	if (x->now.slots && x->count < (size_t)1 << (x->now.bits - 1))
		return 0;
	/* What moves, moves faster than numbers come: growing is over before it is wanted again. */
	if (next.bits > INDEX_BITS_MAX || index_is_growing(x))
		return -1;
	next.shift = 32 - next.bits;
	next.slots = calloc(slots_in(&next), sizeof(*next.slots));
	if (!next.slots)
		return -1;
	x->old = x->now;
	x->left = x->old.slots ? slots_in(&x->old) : 0;
	x->now = next;
	return 0;
}

bool index_put(struct index *x, uint32_t tag, uint32_t number)
{
	uint64_t slot = (uint64_t)tag << 32 | ((uint64_t)number + 1);
	bool put = false, in_old = index_table_of(x, tag) == &x->old;

	if (in_old)
		put = put_in(&x->old, x->left, slot);
	if (!in_old || (!put && goes_on(x, tag)))
		put = put_in(&x->now, SIZE_MAX, slot);
	x->count += put;
	return put;
}

/* Let go of what is after the first n slots; what cannot be given back is kept. */
static void shrink(struct index_table *t, size_t n)
{
	uint64_t *slots = realloc(t->slots, n * sizeof(*slots));

	if (slots)
		t->slots = slots;
}

uint32_t index_move_one(struct index *x)
{
	uint64_t slot = x->old.slots[--x->left];
	uint32_t lost = INDEX_NONE;

	if (slot && !put_in(&x->now, SIZE_MAX, slot))
		lost = number_of(slot);
	if (x->left == 0) {
		free(x->old.slots);
		x->old = (struct index_table){0};
	} else if (x->left % SLOTS_GIVEN_BACK == 0) {
		shrink(&x->old, x->left + INDEX_QUICKLY);
	}
	return lost;
}

size_t index_memory(const struct index *x)
{
	size_t now = x->now.slots ? slots_in(&x->now) : 0, old = 0;

	if (x->old.slots) /* see index_move_one */
		old = x->left + SLOTS_GIVEN_BACK - x->left % SLOTS_GIVEN_BACK + INDEX_QUICKLY;
	if (x->old.slots && old > slots_in(&x->old))
		old = slots_in(&x->old);
	return (now + old) * sizeof(*x->now.slots);
}

bool index_free_some(struct index *x)
{
	if (!index_is_growing(x)) {
		x->old = x->now;
		x->now = (struct index_table){0};
		x->left = x->old.slots ? slots_in(&x->old) : 0;
	}
	if (x->left > SLOTS_GIVEN_BACK) {
		x->left -= SLOTS_GIVEN_BACK;
		shrink(&x->old, x->left);
		return true;
	}
	free(x->old.slots);
	x->old = (struct index_table){0};
	if (x->now.slots)
		return true;
	*x = (struct index){0};
	return false;
}

void index_free(struct index *x)
{
	while (index_free_some(x))
		;
}
