#include <malloc.h>
#include <stdlib.h>

#include "analysis/texts.h"
#include "check.h"
#include "memory.h"

Test(texts, each_stays_where_it_is)
{
	enum { TEXTS = 5000 };
	static const uint8_t *at[TEXTS];
	struct texts t = {0};
	uint8_t text[300];

	for (size_t i = 0; i < TEXTS; i++) {
		memset(text, (int)i, sizeof(text));
		at[i] = texts_add(&t, (struct span){text, i % sizeof(text)});
		cr_assert(at[i] != NULL);
	}
	for (size_t i = 0; i < TEXTS; i++)
		for (size_t j = 0; j < i % sizeof(text); j++)
			cr_assert(eq(u8, at[i][j], (uint8_t)i));
	texts_free(&t);
	cr_assert(eq(ptr, t.pieces, NULL));
}

Test(texts, many_need_few_pieces_and_few_need_little)
{
	struct texts t = {0};
	size_t pieces = 0, bytes = 0;

	texts_add(&t, span_of("word"));
	cr_assert(le(sz, t.pieces->size, 1024));
	for (size_t i = 0; i < 1000000; i++)
		texts_add(&t, span_of("another word"));
	for (const struct texts_piece *p = t.pieces; p; p = p->next) {
		pieces++;
		bytes += p->size;
	}
	cr_assert(lt(sz, pieces, 64));
	cr_assert(lt(sz, bytes, 12000000 + 300000));
	texts_free(&t);
}

Test(texts, one_larger_than_any_piece_gets_its_own)
{
	struct texts t = {0};
	uint8_t *text = malloc(1 << 20);
	const uint8_t *at;

	memset(text, 'x', 1 << 20);
	texts_add(&t, span_of("before"));
	at = texts_add(&t, (struct span){text, 1 << 20});
	cr_assert(eq(int, memcmp(at, text, 1 << 20), 0));
	free(text);
	texts_free(&t);
}

Test(texts, a_piece_grows_byte_by_byte_and_is_handed_over_as_it_is)
{
	struct texts t = {0};
	struct texts_piece *piece = NULL, *first;
	const uint8_t *bytes;

	cr_assert(eq(int, texts_piece_add(&piece, (struct span){NULL, 0}), 0));
	cr_assert(eq(ptr, piece, NULL));
	for (unsigned i = 0; i < 5000; i++)
		cr_assert(eq(int,
			texts_piece_add(&piece, (struct span){(uint8_t[]){(uint8_t)i}, 1}), 0));
	cr_assert(eq(sz, piece->used, 5000));
	bytes = piece->bytes;
	for (unsigned i = 0; i < 5000; i++)
		cr_assert(eq(u8, bytes[i], (uint8_t)i));
	texts_take(&t, piece);
	cr_assert(eq(ptr, t.pieces, piece), "into none");
	first = piece;
	texts_add(&t, span_of("behind"));
	cr_assert(eq(u8, bytes[4999], (uint8_t)4999));
	piece = NULL;
	texts_piece_add(&piece, span_of("second"));
	texts_take(&t, piece);
	cr_assert(ne(ptr, t.pieces, piece), "what is being filled stays the first");
	cr_assert(eq(ptr, t.pieces->next, piece));
	cr_assert(eq(ptr, piece->next, first));
	texts_add(&t, span_of("more"));
	cr_assert(eq(int, memcmp(piece->bytes, "second", 6), 0));
	texts_free(&t);
}

Test(texts, an_impossible_size_is_refused)
{
	struct texts t = {0};
	struct texts_piece *piece = NULL;

	cr_assert(eq(ptr, (void *)texts_add(&t, (struct span){(uint8_t *)"", SIZE_MAX}), NULL));
	texts_piece_add(&piece, span_of("abc"));
	cr_assert(eq(int, texts_piece_add(&piece, (struct span){(uint8_t *)"", SIZE_MAX}), -1));
	cr_assert(eq(sz, piece->used, 3));
	free(piece);
	texts_free(&t);
}

Test(texts, without_memory_nothing_is_added)
{
	struct texts t = {0};
	struct texts_piece *piece = NULL;
	struct rlimit before;
	const uint8_t *at;
	int failed;

	before = allow_no_more_memory();
	hoard_memory();
	at = texts_add(&t, span_of("word"));
	failed = texts_piece_add(&piece, span_of("word"));
	release_memory();
	allow_memory(&before);
	cr_assert(eq(ptr, (void *)at, NULL));
	cr_assert(eq(int, failed, -1));
	cr_assert(eq(ptr, piece, NULL));
	cr_assert(eq(ptr, t.pieces, NULL));
}
