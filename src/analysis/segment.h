#ifndef SOCKX_ANALYSIS_SEGMENT_H
#define SOCKX_ANALYSIS_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Where words begin and end: the word boundaries of UAX #29, for one code point at a time, with a
 * few bytes of state whatever the text. The Word_Break classes are the library's WBP_ numbers.
 *
 * Segments hold what one expects, and some more: Format characters (bidirectional controls among
 * them) belong to what they follow, and U+200D joins anything but a line's end to a pictograph,
 * which may be a letter (U+2139). So a segment may hold spaces in front of such a letter; it holds
 * no newline (WB3a, WB3b) unless it is nothing but one.
 *
 * u8_wordbreaks of libunistring 1.0 differs in one place: where a letter that is a
 * pictograph, too, stands after U+200D after a mark within a word, it breaks before the mark; WB6
 * does not.
 */

/* All zero: before the first code point of a segment. */
struct segmenter {
	bool some;         /* the segment has begun */
	uint8_t last;      /* class of the code point before this one */
	uint8_t left;      /* the same, what WB4 ignores left out */
	bool odd;          /* so many regional indicators stand before (WB15, WB16) */
	bool hebrew_quote; /* left is a single quote after a Hebrew letter (WB7, WB7a) */
	uint32_t wanted;   /* classes that will make the mark at the last SEGMENT_MAYBE part of the
	                    * word, as bits; 0: none waits */
};

/* What a code point means for the segment that it comes after. */
enum segment_step {
	SEGMENT_ON,    /* belongs to it */
	SEGMENT_HERE,  /* begins the next one */
	SEGMENT_MAYBE, /* is a mark that belongs to it if a letter or digit follows, else begins the
	                * next one: which, the step says that is the first of the three below */
	SEGMENT_JOINED, /* belongs to it, and so does the mark */
	SEGMENT_THERE,  /* the mark began the next one, and this belongs to that */
	SEGMENT_BOTH,   /* the mark began the next one, and this the one after that */
};

/* What comes next: a code point and its class. At the end of the text a mark that waits has begun
 * a segment of its own. */
enum segment_step segmenter_step(struct segmenter *s, unsigned word_break, uint32_t code);

/* Whether a mark joins what stands around it: WB6, WB7, WB11 and WB12, for classes of ASCII. */
bool segment_mark_joins(unsigned before, unsigned mark, unsigned behind);

/* Whether a segment that holds this code point is a word: a letter or number (general category L
 * or N). */
bool segment_makes_word(uint32_t code);

#endif
