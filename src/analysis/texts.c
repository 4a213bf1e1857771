#include "analysis/texts.h"

#include <stdlib.h>

enum { PIECE_FIRST_BYTES = 1024, PIECE_MOST_BYTES = 256 * 1024 };

static struct texts_piece *new_piece(size_t size)
{
	struct texts_piece *piece;

	if (size > SIZE_MAX / 2)
		return NULL;
	piece = malloc(sizeof(*piece) + size);
	if (piece)
		*piece = (struct texts_piece){.size = size};
	return piece;
}

/* Twice as large as the last, so that few texts need little and many need few pieces. */
static struct texts_piece *next_piece(const struct texts *t, size_t wanted)
{
	size_t size = t->pieces ? 2 * t->pieces->size : PIECE_FIRST_BYTES;

	if (size > PIECE_MOST_BYTES)
		size = PIECE_MOST_BYTES;
	return new_piece(size > wanted ? size : wanted);
}

static bool has_room(const struct texts_piece *piece, size_t bytes)
{
	return piece && piece->size - piece->used >= bytes;
}

const uint8_t *texts_add(struct texts *t, struct span text)
{
	uint8_t *at;

	if (!has_room(t->pieces, text.len)) {
		struct texts_piece *piece = next_piece(t, text.len);

		if (!piece)
			return NULL;
		piece->next = t->pieces;
		t->pieces = piece;
		t->bytes += piece->size;
	}
	at = t->pieces->bytes + t->pieces->used;
	memcpy(at, text.data, text.len);
	t->pieces->used += text.len;
	return at;
}

void texts_take(struct texts *t, struct texts_piece *piece)
{
	struct texts_piece **behind = t->pieces ? &t->pieces->next : &t->pieces;

	piece->next = *behind;
	*behind = piece;
	piece->size = piece->used;
	t->bytes += piece->size;
}

bool texts_free_some(struct texts *t)
{
	enum { AT_ONCE_BYTES = 4 << 20 };

	for (size_t freed = 0; t->pieces && freed < AT_ONCE_BYTES;) {
		struct texts_piece *piece = t->pieces;

		t->pieces = piece->next;
		freed += piece->size;
		t->bytes -= piece->size;
		free(piece);
	}
	return t->pieces != NULL;
}

void texts_free(struct texts *t)
{
	while (texts_free_some(t))
		;
}

static int grow(struct texts_piece **piece, size_t need)
{
	size_t size = *piece ? (*piece)->size : PIECE_FIRST_BYTES;
	struct texts_piece *grown;

	if (need > SIZE_MAX / 4)
		return -1;
	while (size < need)
		size *= 2;
	grown = realloc(*piece, sizeof(*grown) + size);
	if (!grown)
		return -1;
	if (!*piece)
		*grown = (struct texts_piece){0};
	grown->size = size;
	*piece = grown;
	return 0;
}

int texts_piece_add(struct texts_piece **piece, struct span more)
{
	size_t used = *piece ? (*piece)->used : 0;

	if (more.len == 0)
		return 0;
	if (!has_room(*piece, more.len)) {
		if (more.len > SIZE_MAX - used || grow(piece, used + more.len) < 0)
			return -1;
	}
	memcpy((*piece)->bytes + used, more.data, more.len);
	(*piece)->used = used + more.len;
	return 0;
}
