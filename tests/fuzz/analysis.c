/* An analysis: where a text is cut does not matter, and its report is the slow one's, which asks
 * libunistring about each letter. */
#include "fuzz.h"

#include "../unit/analysis/oracle.h"
#include "analysis/analysis.h"

enum { TEXT_MAX = 512 }; /* the oracle is slow */

static struct buf report_of(struct analysis *a, size_t about_bytes)
{
	struct analysis_cursor cursor = {0};
	struct buf out = {0};
	int more;

	HOLDS(analysis_end(a) == 0);
	do {
		more = analysis_report(a, &cursor, &out, about_bytes);
		HOLDS(more >= 0);
	} while (more == ANALYSIS_MORE);
	analysis_free(a);
	return out;
}

/* In pieces of at most so many bytes, of which each next one is of another size. */
static struct buf in_pieces(struct span text, size_t most, bool exact)
{
	const struct hash_key key = {{most, 17}};
	struct analysis a;

	analysis_init(&a, &key, exact);
	for (size_t i = 0; text.len; i++) {
		const size_t want = 1 + i * 7 % most;
		const struct span part = {text.data, want < text.len ? want : text.len};
		uint8_t *copy = exact_copy(part);

		HOLDS(analysis_add(&a, (struct span){copy, part.len}) == 0);
		free(copy);
		text = span_from(text, part.len);
	}
	return report_of(&a, most);
}

static struct buf at_once(struct span text, bool exact)
{
	const struct hash_key key = {{1, 2}};
	struct analysis a;

	analysis_init(&a, &key, exact);
	HOLDS(analysis_add(&a, text) == 0);
	return report_of(&a, 4096);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {data, size};
	const uint8_t way = choose(&text);
	struct buf expected, whole, pieces;

	if (text.len > TEXT_MAX)
		text.len = TEXT_MAX;
	expected = oracle_report(text, way & 1);
	whole = at_once(text, way & 1);
	pieces = in_pieces(text, way / 2 % 64 + 1U, way & 1);
	HOLDS(span_equal(buf_span(&whole), buf_span(&expected)));
	HOLDS(span_equal(buf_span(&pieces), buf_span(&expected)));
	buf_free(&expected);
	buf_free(&whole);
	buf_free(&pieces);
	return 0;
}
