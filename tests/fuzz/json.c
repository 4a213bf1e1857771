/* The JSON writer, against a reader of RFC 8259 that stands here: one object on one line, which may
 * be shown on a terminal, and whose strings are those that were written. */
#include "fuzz.h"

#include "base/json.h"
#include "base/utf8.h"

/* Strings that were written, and read: each with a NUL behind it, and U+FFFD for what is invalid.
 */
struct said {
	struct buf written, read;
};

/* ---- reading ---- */

static void take(struct span *text, const char *expected)
{
	HOLDS(span_starts_with(*text, span_of(expected)));
	*text = span_from(*text, strlen(expected));
}

static void put_code(struct buf *out, uint32_t code)
{
	const uint8_t bytes[] = {(uint8_t)(code >> 16), (uint8_t)(code >> 8), (uint8_t)code};

	HOLDS(buf_add(out, (struct span){bytes, sizeof(bytes)}) == 0);
}

static uint32_t take_hex(struct span *text)
{
	char digits[5] = {0}, *end;
	unsigned long code;

	HOLDS(text->len >= 4);
	memcpy(digits, text->data, 4);
	HOLDS(strspn(digits, "0123456789abcdefABCDEF") == 4);
	code = strtoul(digits, &end, 16);
	*text = span_from(*text, 4);
	return (uint32_t)code;
}

/* Behind a backslash. */
static uint32_t take_escape(struct span *text)
{
	static const char named[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char what = (char)choose(text);
	const char *name = strchr(named, what);
	uint32_t code, low;

	HOLDS(what);
	if (name)
		return (uint8_t)meant[name - named];
	HOLDS(what == 'u');
	code = take_hex(text);
	HOLDS(code < 0xdc00 || code > 0xdfff);
	if (code < 0xd800 || code > 0xdbff)
		return code;
	take(text, "\\u");
	low = take_hex(text);
	HOLDS(low >= 0xdc00 && low <= 0xdfff);
	return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
}

static void take_string(struct span *text, struct buf *out)
{
	uint32_t code;
	int len;

	take(text, "\"");
	while (text->len && *text->data != '"') {
		len = utf8_decode(*text, &code);
		HOLDS(len > 0 && !utf8_is_hidden(code));
		*text = span_from(*text, (size_t)len);
		if (code == '\\')
			code = take_escape(text);
		if (out)
			put_code(out, code);
	}
	take(text, "\"");
	if (out)
		put_code(out, UINT32_MAX);
}

static void take_digits(struct span *text)
{
	HOLDS(text->len && *text->data >= '0' && *text->data <= '9');
	while (text->len && *text->data >= '0' && *text->data <= '9')
		*text = span_from(*text, 1);
}

static void take_number(struct span *text)
{
	if (*text->data == '-')
		take(text, "-");
	HOLDS(text->len > 1 && (*text->data != '0' || text->data[1] < '0' || text->data[1] > '9'));
	take_digits(text);
	if (!span_starts_with(*text, span_of(".")))
		return;
	take(text, ".");
	take_digits(text);
}

static void take_object(struct span *text, struct said *said, int depth);

static void take_list(struct span *text, struct said *said, int depth)
{
	take(text, "[");
	while (!span_starts_with(*text, span_of("]"))) {
		take_object(text, said, depth - 1);
		if (span_starts_with(*text, span_of("]")))
			break;
		take(text, ",");
		HOLDS(!span_starts_with(*text, span_of("]")));
	}
	take(text, "]");
}

static void take_value(struct span *text, struct said *said, int depth)
{
	HOLDS(text->len);
	switch (*text->data) {
	case '"': take_string(text, &said->read); break;
	case 't': take(text, "true"); break;
	case 'f': take(text, "false"); break;
	case 'n': take(text, "null"); break;
	case '[': take_list(text, said, depth); break;
	default: take_number(text);
	}
}

static void take_object(struct span *text, struct said *said, int depth)
{
	HOLDS(depth >= 0);
	take(text, "{");
	while (!span_starts_with(*text, span_of("}"))) {
		take_string(text, NULL);
		take(text, ":");
		take_value(text, said, depth);
		if (span_starts_with(*text, span_of("}")))
			break;
		take(text, ",");
		HOLDS(!span_starts_with(*text, span_of("}")));
	}
	take(text, "}");
}

/* ---- writing ---- */

static void expect_string(struct said *said, struct span value)
{
	uint32_t code;

	while (value.len) {
		const int len = utf8_decode(value, &code);

		put_code(&said->written, len > 0 ? code : 0xfffd);
		value = span_from(value, len > 0 ? (size_t)len : 1);
	}
	put_code(&said->written, UINT32_MAX);
}

static struct span take_bytes(struct span *input)
{
	const size_t want = choose(input);
	const struct span bytes = {input->data, want < input->len ? want : input->len};

	*input = span_from(*input, bytes.len);
	return bytes;
}

static uint64_t take_bits(struct span *input)
{
	uint64_t bits = 0;

	for (int i = 0; i < 8; i++)
		bits = bits << 8 | choose(input);
	return bits;
}

static void write_member(struct json *j, struct span *input, struct said *said)
{
	struct span value;
	uint64_t bits;
	double number;

	switch (choose(input) % 4) {
	case 0:
		value = take_bytes(input);
		expect_string(said, value);
		json_str(j, "text", value);
		break;
	case 1: json_int(j, "int", (int64_t)take_bits(input)); break;
	case 2:
		bits = take_bits(input);
		memcpy(&number, &bits, sizeof(number));
		json_num(j, "num", number);
		break;
	default: json_bool(j, "bool", choose(input) & 1);
	}
}

static void write_members(struct json *j, struct span *input, struct said *said, int depth)
{
	uint8_t what;

	while (input->len && (what = choose(input)) % 8 != 7) {
		if (what % 8 != 6 || !depth) {
			write_member(j, input, said);
			continue;
		}
		json_list_open(j, "list");
		while (input->len && choose(input) % 4) {
			json_item_open(j);
			write_members(j, input, said, depth - 1);
			json_item_close(j);
		}
		json_list_close(j);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { DEEPEST = 3 };
	struct span input = {data, size}, text;
	struct json j = {0};
	struct said said = {0};

	json_open(&j);
	write_members(&j, &input, &said, DEEPEST);
	json_close(&j);
	HOLDS(!j.failed);
	text = buf_span(&j.out);
	take_object(&text, &said, DEEPEST);
	HOLDS(span_equal(text, span_of("\n")));
	HOLDS(span_equal(buf_span(&said.written), buf_span(&said.read)));
	buf_free(&said.written);
	buf_free(&said.read);
	buf_free(&j.out);
	return 0;
}
