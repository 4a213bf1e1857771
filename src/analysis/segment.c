#include "analysis/segment.h"

#include <unictype.h>
#include <uniwbrk.h>

#define CLASS(name) (1u << WBP_##name)

enum {
	NEWLINES = CLASS(CR) | CLASS(LF) | CLASS(NEWLINE),
	IGNORED = CLASS(EXTEND) | CLASS(FORMAT) | CLASS(ZWJ), /* by WB4 */
	LETTERS = CLASS(ALETTER) | CLASS(HL),
	LETTER_MARKS = CLASS(MIDLETTER) | CLASS(MIDNUMLET) | CLASS(SQ),
	NUMBER_MARKS = CLASS(MIDNUM) | CLASS(MIDNUMLET) | CLASS(SQ),
};

/* The rules that need no more than the two: WB5, WB7a, WB8, WB9, WB10, WB13, WB13a, WB13b. */
static const uint32_t joins[32] = {
	[WBP_ALETTER] = LETTERS | CLASS(NUMERIC) | CLASS(EXTENDNUMLET),
	[WBP_HL] = LETTERS | CLASS(NUMERIC) | CLASS(EXTENDNUMLET) | CLASS(SQ),
	[WBP_NUMERIC] = LETTERS | CLASS(NUMERIC) | CLASS(EXTENDNUMLET),
	[WBP_KATAKANA] = CLASS(KATAKANA) | CLASS(EXTENDNUMLET),
	[WBP_EXTENDNUMLET] = LETTERS | CLASS(NUMERIC) | CLASS(KATAKANA) | CLASS(EXTENDNUMLET),
};

static bool among(unsigned class, uint32_t classes)
{
	return (classes >> class & 1) != 0;
}

/* The classes that would make a mark part of the word before it: WB6, WB7b, WB12. */
static uint32_t wanted_behind(unsigned left, unsigned mark)
{
	if (among(left, LETTERS) && among(mark, LETTER_MARKS))
		return LETTERS;
	if (left == WBP_HL && mark == WBP_DQ)
		return CLASS(HL);
	if (left == WBP_NUMERIC && among(mark, NUMBER_MARKS))
		return CLASS(NUMERIC);
	return 0;
}

bool segment_mark_joins(unsigned before, unsigned mark, unsigned behind)
{
	return among(behind, wanted_behind(before, mark));
}

static void go_on(struct segmenter *s, unsigned class)
{
	s->last = (uint8_t) class;
	if (among(class, IGNORED))
		return;
	s->hebrew_quote = s->left == WBP_HL && class == WBP_SQ;
	s->odd = class == WBP_RI && !s->odd;
	s->left = (uint8_t) class;
}

static enum segment_step begin(struct segmenter *s, unsigned class, enum segment_step step)
{
	*s = (struct segmenter){.some = true,
		.last = (uint8_t) class,
		.left = (uint8_t) class,
		.odd = class == WBP_RI};
	return step;
}

/* In the order of the rules, WB3 to WB4 and those that joins[] does not hold. */
static bool belongs(const struct segmenter *s, unsigned class, uint32_t code)
{
	if (among(s->last, NEWLINES) || among(class, NEWLINES))
		return s->last == WBP_CR && class == WBP_LF;
	if (s->last == WBP_ZWJ && uc_is_property_extended_pictographic(code))
		return true;
	if (s->last == WBP_WSS && class == WBP_WSS)
		return true;
	return among(class, IGNORED) || (s->hebrew_quote && among(class, LETTERS)) ||
	       (s->left == WBP_RI && class == WBP_RI && s->odd);
}

/* A mark waits for what is after it. */
static enum segment_step decide(struct segmenter *s, unsigned class, uint32_t code)
{
	uint32_t wanted = s->wanted;

	if (among(class, IGNORED)) {
		go_on(s, class);
		return SEGMENT_ON;
	}
	s->wanted = 0;
	if (!among(class, wanted) && !belongs(s, class, code))
		return begin(s, class, SEGMENT_BOTH);
	go_on(s, class);
	return among(class, wanted) ? SEGMENT_JOINED : SEGMENT_THERE;
}

enum segment_step segmenter_step(struct segmenter *s, unsigned word_break, uint32_t code)
{
	uint32_t wanted;

	if (!s->some)
		return begin(s, word_break, SEGMENT_ON);
	if (s->wanted)
		return decide(s, word_break, code);
	if (among(word_break, joins[s->left]) || belongs(s, word_break, code)) {
		go_on(s, word_break);
		return SEGMENT_ON;
	}
	wanted = wanted_behind(s->left, word_break);
	if (!wanted)
		return begin(s, word_break, SEGMENT_HERE);
	go_on(s, word_break);
	s->wanted = wanted;
	return SEGMENT_MAYBE;
}

bool segment_makes_word(uint32_t code)
{
	return uc_is_general_category_withtable(code, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N);
}
