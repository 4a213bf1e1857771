#include "analysis/analysis.h"

#include <stdlib.h>
#include <uniwbrk.h>

#include "analysis/fold.h"
#include "analysis/scanned.h"
#include "base/utf8.h"

/* What is being added: a segment's bytes begin at from, after those that are held. */
struct reading {
	const uint8_t *at, *end, *from;
	struct scanned scanned;
};

/* ---- the segment so far ---- */

static size_t held_len(const struct segment_so_far *s)
{
	return s->held ? s->held->used - s->held_from : 0;
}

static size_t segment_len(const struct segment_so_far *s, const struct reading *r)
{
	return held_len(s) + (size_t)(r->at - r->from);
}

/* Keep n more bytes of the segment, for what they lie in ends. */
static int hold(struct analysis *a, struct reading *r, size_t n)
{
	if (texts_piece_add(&a->segment.held, (struct span){r->from, n}) < 0)
		return -1;
	r->from += n;
	return 0;
}

/* Forget the first len bytes. What little memory there is stays, for the next one. */
static void drop(struct segment_so_far *s, struct reading *r, size_t len)
{
	enum { KEPT_BYTES = 4096 };
	size_t held = held_len(s);

	if (len < held) {
		s->held_from += len;
		return;
	}
	r->from += len - held;
	s->held_from = 0;
	if (s->held && s->held->size > KEPT_BYTES) {
		free(s->held);
		s->held = NULL;
	} else if (s->held) {
		s->held->used = 0;
	}
}

/* The first len bytes are a word. */
static int count_word(struct analysis *a, struct reading *r, size_t len, bool ascii)
{
	struct segment_so_far *s = &a->segment;
	struct tally_word word = {.text = {r->from, len}, .ascii = ascii, .hash = s->hash};
	struct span behind;

	if (held_len(s) > 0 && len > held_len(s) && hold(a, r, len - held_len(s)) < 0)
		return -1;
	if (held_len(s) > 0) {
		word.text.data = s->held->bytes + s->held_from;
		word.lies_in = len > FOLD_MAX_BYTES ? &s->held : NULL;
	}
	behind = (struct span){word.text.data + len, held_len(s) - len};
	if (tally_add(&a->tally, &word) < 0)
		return -1;
	a->counts.words++;
	if (!word.lies_in || s->held) {
		drop(s, r, len);
		return 0;
	}
	s->held_from = 0;
	return texts_piece_add(&s->held, behind);
}

/* The first len bytes are a segment; what is after them, if anything, begins with the mark. */
static int end_segment(struct analysis *a, struct reading *r, size_t len)
{
	struct segment_so_far *s = &a->segment;
	struct segment_part first = s->part[0];
	int failed = 0;

	s->part[0] = s->part[1];
	s->part[1] = (struct segment_part){0};
	if (first.is_word)
		failed = count_word(a, r, len, !first.beyond_ascii);
	else
		drop(s, r, len);
	s->hash = s->behind;
	s->joined = s->behind = (struct tally_hash){0};
	return failed;
}

/* The mark that waited belongs to the segment. */
static void join_mark(struct segment_so_far *s)
{
	s->part[0].is_word |= s->part[1].is_word;
	s->part[0].beyond_ascii |= s->part[1].beyond_ascii;
	s->part[1] = (struct segment_part){0};
	if (s->joined.bytes > 0)
		s->hash = s->joined;
	s->joined = s->behind = (struct tally_hash){0};
}

/* What a code point's step says of the segments before it; r->at is where it begins. */
static int take_step(struct analysis *a, struct reading *r, enum segment_step step)
{
	struct segment_so_far *s = &a->segment;

	switch (step) {
	case SEGMENT_HERE: return end_segment(a, r, segment_len(s, r));
	case SEGMENT_MAYBE: s->mark = segment_len(s, r); return 0;
	case SEGMENT_JOINED: join_mark(s); return 0;
	case SEGMENT_THERE: return end_segment(a, r, s->mark);
	case SEGMENT_BOTH:
		if (end_segment(a, r, s->mark) < 0)
			return -1;
		return end_segment(a, r, segment_len(s, r));
	case SEGMENT_ON:
	default: return 0;
	}
}

/* ---- code points ---- */

/* One code point, or what stands for one. */
struct letter {
	uint32_t code;
	unsigned word_break;
};

static struct letter letter_of(const struct analysis *a, uint32_t code)
{
	return (struct letter){code,
		code < 128 ? a->ascii.word_break[code] : (unsigned)uc_wordbreak_property(code)};
}

/* Nothing joins it, as nothing joins the end of a line. */
static struct letter letter_invalid(void)
{
	return (struct letter){UINT32_MAX, WBP_NEWLINE};
}

/* Whether it pays to scan what comes: some of it, at least, is ASCII. */
static bool worth_scanning(const struct analysis *a, const struct reading *r)
{
	uint64_t next;

	if (!a->ascii.regular || a->short_len > 0 || r->end - r->at < 2 * (ptrdiff_t)sizeof(next))
		return false;
	memcpy(&next, r->at, sizeof(next));
	return (next & 0x8080808080808080) == 0;
}

/* The code point at r->at. Returns 1 if it was taken; 0 if not: it begins a segment, and scanning
 * pays there; -1 when memory is out. */
static int add_letter(struct analysis *a, struct reading *r, struct letter l)
{
	enum segment_step step = segmenter_step(&a->segmenter, l.word_break, l.code);
	struct segment_part *part;

	if (step != SEGMENT_ON && take_step(a, r, step) < 0)
		return -1;
	if ((step == SEGMENT_HERE || step == SEGMENT_BOTH) && l.code < 128 &&
		worth_scanning(a, r)) {
		a->segmenter = (struct segmenter){0};
		return 0;
	}
	part = &a->segment.part[a->segmenter.wanted != 0];
	part->beyond_ascii |= l.code >= 128;
	if (!part->is_word)
		part->is_word =
			l.code < 128 ? a->ascii.makes_word[l.code] : segment_makes_word(l.code);
	a->counts.length++;
	return 1;
}

static int add_invalid(struct analysis *a, struct reading *r)
{
	a->counts.invalid++;
	return add_letter(a, r, letter_invalid());
}

static bool follows(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

/* utf8_decode, with the usual cases at hand. */
static int decode(const struct reading *r, uint32_t *code)
{
	const uint8_t *at = r->at;
	uint32_t three;

	if (at[0] < 0x80) {
		*code = at[0];
		return 1;
	}
	if (r->end - at >= 3 && at[0] >= 0xc2 && at[0] < 0xf0 && follows(at[1])) {
		if (at[0] < 0xe0) {
			*code = (at[0] & 0x1fu) << 6 | (at[1] & 0x3fu);
			return 2;
		}
		three = (at[0] & 0xfu) << 12 | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu);
		if (follows(at[2]) && three >= 0x800 && (three < 0xd800 || three > 0xdfff)) {
			*code = three;
			return 3;
		}
	}
	return utf8_decode((struct span){at, (size_t)(r->end - at)}, code);
}

/* Keep what the text is cut in. */
static void keep_short(struct analysis *a, struct reading *r)
{
	a->short_len = (uint8_t)(r->end - r->at);
	memcpy(a->short_of, r->at, a->short_len);
	r->end = r->at;
}

/* The next code point, if all of it is there. */
static int read_one(struct analysis *a, struct reading *r)
{
	uint32_t code;
	int len = decode(r, &code), taken;

	if (len == UTF8_SHORT) {
		keep_short(a, r);
		return 0;
	}
	taken = len == UTF8_INVALID ? add_invalid(a, r) : add_letter(a, r, letter_of(a, code));
	if (taken > 0)
		r->at += len == UTF8_INVALID ? 1 : len;
	return taken < 0 ? -1 : 0;
}

/* The next of bytes that come from before; they go to what is held, and not r->at but their number
 * tells where they are. Returns how many were read; 0: too few; -1 when memory is out. */
static int read_kept(struct analysis *a, struct reading *r, bool last)
{
	uint32_t code;
	int len = utf8_decode((struct span){a->short_of, a->short_len}, &code), taken;

	if (len == UTF8_SHORT && !last)
		return 0;
	if (len <= 0)
		taken = add_invalid(a, r);
	else
		taken = add_letter(a, r, letter_of(a, code));
	len = len <= 0 ? 1 : len;
	if (taken < 0 ||
		texts_piece_add(&a->segment.held, (struct span){a->short_of, (size_t)len}) < 0)
		return -1;
	a->short_len = (uint8_t)(a->short_len - len);
	memmove(a->short_of, a->short_of + len, a->short_len);
	return len;
}

/* Complete what the text was cut in. */
static int complete(struct analysis *a, struct reading *r)
{
	while (a->short_len > 0 && r->at < r->end) {
		int len;

		a->short_of[a->short_len++] = *r->at++;
		r->from = r->at;
		do
			len = read_kept(a, r, false);
		while (len > 0 && a->short_len > 0);
		if (len < 0)
			return -1;
	}
	return 0;
}

/* ---- plain ASCII ---- */

/* A segment begins at r->at: go to the beginning of the last one in the ASCII that comes. */
static int read_ascii(struct analysis *a, struct reading *r)
{
	if (tally_prepare(&a->tally) < 0)
		return -1;
	while (worth_scanning(a, r)) {
		struct ascii_found *scan = &r->scanned.scan;

		ascii_scan(&a->ascii, (struct span){r->at, (size_t)(r->end - r->at)},
			a->tally.exact, scan);
		if (scanned_count(&r->scanned, &a->ascii, &a->tally, r->at, &a->counts.words) < 0)
			return -1;
		r->at += scan->whole;
		a->counts.length += scan->whole;
		r->from = r->at;
		if (scan->whole == 0 || scan->len < ASCII_SCAN_BYTES)
			return 0;
	}
	return 0;
}

/* ---- all of it ---- */

void analysis_init(struct analysis *a, const struct hash_key *key, bool exact)
{
	*a = (struct analysis){0};
	ascii_init(&a->ascii);
	tally_init(&a->tally, key, exact);
}

void analysis_free(struct analysis *a)
{
	while (analysis_free_some(a))
		;
}

bool analysis_free_some(struct analysis *a)
{
	if (tally_free_some(&a->tally))
		return true;
	free(a->segment.held);
	*a = (struct analysis){0};
	return false;
}

size_t analysis_memory(const struct analysis *a)
{
	const struct texts_piece *held = a->segment.held;

	return tally_memory(&a->tally) + (held ? sizeof(*held) + held->size : 0);
}

/* Hash what is held of a long segment now, so that its end is not the time to hash all of it;
 * whichever way it is decided whether a mark that waits belongs to it. */
static void hash_held(struct analysis *a)
{
	enum { LONG_BYTES = 4096 };
	struct segment_so_far *s = &a->segment;
	size_t len = held_len(s);
	const uint8_t *text;

	if (len <= LONG_BYTES)
		return;
	text = s->held->bytes + s->held_from;
	if (!a->segmenter.wanted) {
		tally_hash_on(&a->tally, &s->hash, text, len);
		return;
	}
	tally_hash_on(&a->tally, &s->hash, text, s->mark);
	if (s->joined.bytes == 0)
		s->joined = s->hash;
	tally_hash_on(&a->tally, &s->joined, text, len);
	tally_hash_on(&a->tally, &s->behind, text + s->mark, len - s->mark);
}

int analysis_add(struct analysis *a, struct span in)
{
	struct reading r = {.at = in.data, .end = in.data + in.len, .from = in.data};

	if (in.len == 0)
		return 0;
	a->counts.bytes += in.len;
	if (complete(a, &r) < 0)
		return -1;
	while (r.at < r.end) {
		if (!a->segmenter.some && read_ascii(a, &r) < 0)
			return -1;
		do
			if (read_one(a, &r) < 0)
				return -1;
		while (r.at < r.end && a->segmenter.some);
	}
	if (hold(a, &r, (size_t)(r.end - r.from)) < 0)
		return -1;
	hash_held(a);
	return 0;
}

int analysis_end(struct analysis *a)
{
	struct segment_so_far *s = &a->segment;
	struct reading r = {.at = a->short_of, .end = a->short_of, .from = a->short_of};

	while (a->short_len > 0)
		if (read_kept(a, &r, true) < 0)
			return -1;
	if (a->segmenter.wanted && end_segment(a, &r, s->mark) < 0)
		return -1;
	a->segmenter = (struct segmenter){0};
	return end_segment(a, &r, segment_len(s, &r));
}

struct counts analysis_counts(const struct analysis *a)
{
	struct counts counts = a->counts;

	counts.unique = a->tally.distinct;
	return counts;
}

int analysis_report(const struct analysis *a, struct analysis_cursor *cursor, struct buf *out,
	size_t about_bytes)
{
	size_t enough = out->len + about_bytes;
	struct counts counts = analysis_counts(a);
	struct tally_line line;

	if (!cursor->begun && counts_put(&counts, out) < 0)
		return -1;
	cursor->begun = true;
	for (uint32_t next = cursor->entry; tally_next(&a->tally, &next, &line);) {
		if (out->len >= enough)
			return ANALYSIS_MORE;
		if (counts_put_word(line.text, line.count, &cursor->cut, out, about_bytes) < 0)
			return -1;
		if (cursor->cut == 0)
			cursor->entry = next;
		else
			next = cursor->entry;
	}
	return ANALYSIS_DONE;
}
