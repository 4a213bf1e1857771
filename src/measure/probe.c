#include "measure/probe.h"

#include <stdlib.h>

#include "measure/flight.h"

enum {
	NUMBER_BYTES = 8,
	/* A prime, so that neighbours in connection or in number never share a window. */
	WINDOWS = 65521,
};

int probe_init(struct probe *p, size_t size, bool alone)
{
	size_t bytes = size + WINDOWS;
	uint64_t x =
		0x9e3779b97f4a7c15; /* xorshift64 from a fixed seed: every run sends the same */

	*p = (struct probe){.size = size};
	if (alone)
		p->number = size < NUMBER_BYTES ? size : NUMBER_BYTES;
	p->pattern = malloc(bytes);
	p->room = malloc(size + 1);
	if (!p->pattern || !p->room) {
		probe_free(p);
		return -1;
	}
	for (size_t i = 0; i < bytes; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		p->pattern[i] = (uint8_t)(x >> 32);
	}
	return 0;
}

void probe_free(struct probe *p)
{
	free(p->pattern);
	free(p->room);
	p->pattern = p->room = NULL;
}

static const uint8_t *probe_window(const struct probe *p, uint64_t connection, uint64_t number)
{
	return p->pattern + (connection * 7919 + number * 104729) % WINDOWS;
}

/* The last bytes of the number, the most significant first. */
static void probe_put_number(const struct probe *p, uint64_t number)
{
	for (size_t i = p->number; i > 0; i--, number >>= 8)
		p->room[i - 1] = (uint8_t)number;
}

struct span probe_message(const struct probe *p, uint64_t connection, uint64_t number)
{
	const uint8_t *bytes = probe_window(p, connection, number);

	if (p->number == 0)
		return (struct span){bytes, p->size};
	probe_put_number(p, number);
	memcpy(p->room + p->number, bytes + p->number, p->size - p->number);
	return (struct span){p->room, p->size};
}

bool probe_number(const struct probe *p, struct span in, uint64_t next, uint64_t *number)
{
	uint64_t low = 0;

	if (in.len < p->number)
		return false;
	for (size_t i = 0; i < p->number; i++)
		low = low << 8 | in.data[i];
	return flight_number(next, low, (unsigned)p->number * 8, number);
}

bool probe_same(
	const struct probe *p, uint64_t connection, uint64_t number, size_t from, struct span in)
{
	/* Who asked probe_number has compared the number. */
	size_t known = from < p->number ? p->number - from : 0;

	if (in.len <= known)
		return true;
	return memcmp(probe_window(p, connection, number) + from + known, in.data + known,
		       in.len - known) == 0;
}

struct probe_mismatch probe_difference(
	const struct probe *p, uint64_t connection, uint64_t number, size_t from, struct span in)
{
	struct span expected = span_from(probe_message(p, connection, number), from);
	struct probe_mismatch d = {.at = 0};

	while (d.at < in.len && d.at < expected.len && expected.data[d.at] == in.data[d.at])
		d.at++;
	if (d.at < in.len && d.at < expected.len) {
		d.sent = expected.data[d.at];
		d.got = in.data[d.at];
	}
	d.at += from;
	return d;
}
