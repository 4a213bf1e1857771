#include "tty/history.h"

#include <stdlib.h>

struct span history_line(const struct history *h, size_t back)
{
	const struct history_entry *line =
		&h->lines[(h->oldest + h->count - back) % HISTORY_MAX_LINES];

	return (struct span){line->text, line->len};
}

static void history_drop_oldest(struct history *h)
{
	struct history_entry *line = &h->lines[h->oldest];

	h->bytes -= line->len;
	free(line->text);
	*line = (struct history_entry){0};
	h->oldest = (h->oldest + 1) % HISTORY_MAX_LINES;
	h->count--;
}

static bool history_is_last(const struct history *h, struct span line)
{
	struct span last;

	if (h->count == 0)
		return false;
	last = history_line(h, 1);
	return last.len == line.len && memcmp(last.data, line.data, line.len) == 0;
}

void history_add(struct history *h, struct span line)
{
	uint8_t *copy;

	if (line.len == 0 || line.len > HISTORY_MAX_BYTES || history_is_last(h, line))
		return;
	copy = malloc(line.len);
	if (!copy)
		return;
	memcpy(copy, line.data, line.len);
	while (h->count == HISTORY_MAX_LINES || h->bytes + line.len > HISTORY_MAX_BYTES)
		history_drop_oldest(h);
	h->lines[(h->oldest + h->count) % HISTORY_MAX_LINES] =
		(struct history_entry){copy, line.len};
	h->count++;
	h->bytes += line.len;
}

void history_free(struct history *h)
{
	while (h->count)
		history_drop_oldest(h);
}
