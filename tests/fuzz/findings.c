/* The reader of reports: what it takes for one is written again to the byte, and the beginning of
 * it is the beginning of one. */
#include "fuzz.h"

#include "analysis/findings.h"

static void write_all(const struct findings *f, struct buf *out, size_t about_bytes)
{
	struct findings_cursor cursor = {0};
	int more;

	do {
		more = findings_text(f, &cursor, out, about_bytes);
		HOLDS(more >= 0);
	} while (more);
}

static void is_written_again(const struct findings *f, struct span text, size_t about_bytes)
{
	struct buf out = {0};

	write_all(f, &out, about_bytes);
	HOLDS(span_equal(buf_span(&out), text));
	buf_free(&out);
}

static void can_be_shown(struct findings *f, enum findings_order order, size_t top)
{
	struct json j = {0};
	struct buf out = {0};

	HOLDS(findings_sort(f, order) == 0);
	for (size_t i = 1; i < f->len && order == FINDINGS_BY_COUNT; i++)
		HOLDS(f->list[i - 1].count >= f->list[i].count);
	findings_cut(f, top);
	HOLDS(f->len <= top);
	json_open(&j);
	findings_json(f, &j);
	json_close(&j);
	HOLDS(!j.failed);
	buf_free(&j.out);
	write_all(f, &out, 64);
	buf_free(&out);
}

static void is_begun_by(struct span text, size_t len)
{
	struct span beginning = {text.data, len};
	const char *wrong;
	struct findings f;

	HOLDS(findings_read(&f, beginning, &wrong) == (len ? FINDINGS_CUT : FINDINGS_NONE));
	HOLDS(!f.list && !wrong);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = {data, size}, text;
	const uint8_t way = choose(&input);
	const char *wrong;
	struct findings f;
	int verdict;

	text = (struct span){exact_copy(input), input.len};
	verdict = findings_read(&f, text, &wrong);
	HOLDS(verdict >= 0);
	HOLDS((verdict == FINDINGS_WRONG) == (wrong != NULL));
	if (verdict == FINDINGS_READ) {
		is_written_again(&f, text, (size_t)way + 1);
		is_begun_by(text, way * text.len / 256);
		can_be_shown(&f, (enum findings_order)(way % 3), way / 3);
		findings_free(&f);
	}
	free((void *)(uintptr_t)text.data);
	return 0;
}
