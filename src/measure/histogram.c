#include "measure/histogram.h"

static unsigned histogram_slot_of(uint64_t value)
{
	unsigned shift = 0;

	if (value >= HISTOGRAM_STEPS)
		shift = 63 - (unsigned)__builtin_clzll(value) - HISTOGRAM_BITS;
	return (shift << HISTOGRAM_BITS) + (unsigned)(value >> shift);
}

/* The greatest value of a slot. */
static uint64_t histogram_top_of(unsigned slot)
{
	unsigned shift = slot < 2 * HISTOGRAM_STEPS ? 0 : slot / HISTOGRAM_STEPS - 1;
	uint64_t step = slot - shift * HISTOGRAM_STEPS;

	return ((step + 1) << shift) - 1; /* of the last slot: 2^64 - 1, for it wraps */
}

void histogram_add(struct histogram *h, uint64_t value)
{
	h->slots[histogram_slot_of(value)]++;
	if (h->count++ == 0 || value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
	h->sum += value;
}

uint64_t histogram_permille(const struct histogram *h, unsigned permille)
{
	/* ceil(count * permille / 1000), without the product. */
	uint64_t wanted = h->count / 1000 * permille + (h->count % 1000 * permille + 999) / 1000;
	uint64_t seen = 0;

	for (unsigned i = 0; i < HISTOGRAM_SLOTS && h->count; i++) {
		seen += h->slots[i];
		if (seen && seen >= wanted)
			return histogram_top_of(i) < h->max ? histogram_top_of(i) : h->max;
	}
	return 0;
}

uint64_t histogram_mean(const struct histogram *h)
{
	return h->count ? h->sum / h->count : 0;
}

uint64_t histogram_between(const struct histogram *h, uint64_t from, uint64_t to)
{
	uint64_t sum = 0, least = 0;

	for (unsigned i = 0; i < HISTOGRAM_SLOTS; i++) {
		if (least >= from && least < to)
			sum += h->slots[i];
		least = histogram_top_of(i) + 1;
	}
	return sum;
}
