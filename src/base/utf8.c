#include "base/utf8.h"

/* Unicode Table 3-7, well-formed UTF-8 byte sequences: only the second byte's range depends on the
 * lead. That is what keeps out overlong forms, surrogates, and all beyond U+10FFFF. */
struct utf8_form {
	uint8_t lead_from, lead_to;
	uint8_t second_from, second_to;
	uint8_t len;
};

static const struct utf8_form forms[] = {
	{0xc2, 0xdf, 0x80, 0xbf, 2},
	{0xe0, 0xe0, 0xa0, 0xbf, 3},
	{0xe1, 0xec, 0x80, 0xbf, 3},
	{0xed, 0xed, 0x80, 0x9f, 3},
	{0xee, 0xef, 0x80, 0xbf, 3},
	{0xf0, 0xf0, 0x90, 0xbf, 4},
	{0xf1, 0xf3, 0x80, 0xbf, 4},
	{0xf4, 0xf4, 0x80, 0x8f, 4},
};

static const struct utf8_form *form_of(uint8_t lead)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (lead >= forms[i].lead_from && lead <= forms[i].lead_to)
			return &forms[i];
	return NULL;
}

static bool may_follow(const struct utf8_form *form, size_t at, uint8_t byte)
{
	if (at == 1)
		return byte >= form->second_from && byte <= form->second_to;
	return byte >= 0x80 && byte <= 0xbf;
}

static int decode_form(const struct utf8_form *form, struct span in, uint32_t *code)
{
	uint32_t value = in.data[0] & (0x7fu >> form->len);

	for (size_t at = 1; at < form->len; at++) {
		if (at == in.len)
			return UTF8_SHORT;
		if (!may_follow(form, at, in.data[at]))
			return UTF8_INVALID;
		value = value << 6 | (in.data[at] & 0x3fu);
	}
	*code = value;
	return form->len;
}

int utf8_decode(struct span in, uint32_t *code)
{
	const struct utf8_form *form;

	if (in.len == 0)
		return UTF8_SHORT;
	if (in.data[0] < 0x80) {
		*code = in.data[0];
		return 1;
	}
	form = form_of(in.data[0]);
	return form ? decode_form(form, in, code) : UTF8_INVALID;
}

struct range {
	uint32_t from, to;
};

/* In ascending order. */
static const struct range hidden[] = {
	{0x0000, 0x001f},   /* C0 */
	{0x007f, 0x009f},   /* DEL, C1 */
	{0x061c, 0x061c},   /* Arabic letter mark (bidi, UAX #9) */
	{0x200b, 0x200b},   /* zero width space */
	{0x200e, 0x200f},   /* left-to-right and right-to-left mark (bidi) */
	{0x2028, 0x202e},   /* line and paragraph separator; bidi embeddings and overrides */
	{0x2060, 0x206f},   /* word joiner, invisible operators; bidi isolates; deprecated format */
	{0xfdd0, 0xfdef},   /* noncharacters */
	{0xfeff, 0xfeff},   /* byte order mark */
	{0xfff9, 0xfffb},   /* interlinear annotation */
	{0xe0000, 0xe007f}, /* tags: invisible text */
};

bool utf8_is_hidden(uint32_t code)
{
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]) && code >= hidden[i].from; i++)
		if (code <= hidden[i].to)
			return true;
	return (code & 0xfffe) == 0xfffe; /* the last two of each plane are noncharacters */
}
