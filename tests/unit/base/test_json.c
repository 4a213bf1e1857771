#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "check.h"

struct line {
	char text[1024];
};

static struct line take_line(struct json *j)
{
	struct line l = {""};
	struct span seen = buf_span(&j->out);

	cr_assert(not(j->failed));
	cr_assert(lt(sz, seen.len, sizeof(l.text)));
	memcpy(l.text, seen.data, seen.len);
	buf_free(&j->out);
	return l;
}

static struct line line_with_str(struct span value)
{
	struct json j;

	json_open(&j);
	json_str(&j, "k", value);
	json_close(&j);
	return take_line(&j);
}

static struct line line_with_num(double value)
{
	struct json j;

	json_open(&j);
	json_num(&j, "k", value);
	json_close(&j);
	return take_line(&j);
}

Test(json, an_event_says_which_version_of_the_format_it_has)
{
	struct json j;

	json_open(&j);
	json_event(&j, "port");
	json_close(&j);
	cr_assert(eq(str, take_line(&j).text, "{\"v\":1,\"event\":\"port\"}\n"));
}

Test(json, an_object_is_one_line_with_its_members_in_order)
{
	struct json j;

	json_open(&j);
	json_str(&j, "event", span_of("conn.open"));
	json_int(&j, "conn", 7);
	json_num(&j, "ms", 1.25);
	json_bool(&j, "ok", true);
	json_bool(&j, "lost", false);
	json_close(&j);
	cr_assert(eq(str, take_line(&j).text,
		"{\"event\":\"conn.open\",\"conn\":7,\"ms\":1.250,\"ok\":true,\"lost\":false}\n"));
}

Test(json, an_object_may_be_empty)
{
	struct json j;

	json_open(&j);
	json_close(&j);
	cr_assert(eq(str, take_line(&j).text, "{}\n"));
}

static void item(struct json *j, const char *name, int64_t count)
{
	json_item_open(j);
	json_str(j, "name", span_of(name));
	json_int(j, "count", count);
	json_item_close(j);
}

Test(json, a_member_may_be_a_list_of_objects)
{
	struct json j;

	json_open(&j);
	json_int(&j, "before", 1);
	json_list_open(&j, "list");
	item(&j, "a", 1);
	item(&j, "b", 2);
	json_list_close(&j);
	json_list_open(&j, "none");
	json_list_close(&j);
	json_bool(&j, "behind", true);
	json_close(&j);
	cr_assert(eq(str, take_line(&j).text,
		"{\"before\":1,\"list\":[{\"name\":\"a\",\"count\":1},{\"name\":\"b\",\"count\":2}]"
		","
		"\"none\":[],\"behind\":true}\n"));
}

Test(json, a_list_may_stand_first_and_its_objects_may_be_empty)
{
	struct json j;

	json_open(&j);
	json_list_open(&j, "list");
	json_item_open(&j);
	json_item_close(&j);
	json_item_open(&j);
	json_item_close(&j);
	json_list_close(&j);
	json_close(&j);
	cr_assert(eq(str, take_line(&j).text, "{\"list\":[{},{}]}\n"));
}

Test(json, a_writer_opened_again_starts_afresh)
{
	struct json j;

	memset(&j, 0xff, sizeof(j));
	json_open(&j);
	json_int(&j, "a", 1);
	json_close(&j);
	take_line(&j);
	json_open(&j);
	json_int(&j, "b", 2);
	json_close(&j);
	cr_assert(eq(str, take_line(&j).text, "{\"b\":2}\n"));
}

static const struct {
	const char *in;
	size_t len;
	const char *out;
} strings[] = {
#define STRING(in, out)                                     \
	{                                                   \
		in, sizeof(in) - 1, "{\"k\":\"" out "\"}\n" \
	}
	STRING("", ""),
	STRING("plain / text", "plain / text"),
	STRING("\"quoted\" \\ back", "\\\"quoted\\\" \\\\ back"),
	STRING("\b\f\n\r\t", "\\b\\f\\n\\r\\t"),
	STRING("a\0b", "a\\u0000b"),
	STRING("\x01\x0b\x1b\x1f", "\\u0001\\u000b\\u001b\\u001f"),
	STRING("~\x7f", "~\\u007f"),
	STRING("\xc2\x80\xc2\x9f\xc2\xa0", "\\u0080\\u009f\xc2\xa0"),
	STRING("\u061c\u200f\u2028\u2029\u202e\u2066\ufeff",
		"\\u061c\\u200f\\u2028\\u2029\\u202e\\u2066\\ufeff"),
	STRING("é世\xf0\x9f\x98\x80", "é世\xf0\x9f\x98\x80"),
	STRING("\U000E0041", "\\udb40\\udc41"),
	STRING("\xf0\x9f\xbf\xbe\xf4\x8f\xbf\xbf", "\\ud83f\\udffe\\udbff\\udfff"),
	STRING("a\xff\xfez", "a\ufffd\ufffdz"),
	STRING("\xe2\x82z", "\ufffd\ufffdz"),
	STRING("\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
	STRING("end \xf0\x9f\x98", "end \ufffd\ufffd\ufffd"),
	STRING("\xff", "\ufffd"),
};

Test(json, a_string_may_hold_any_bytes)
{
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		struct span in = {(const uint8_t *)strings[i].in, strings[i].len};

		cr_assert(
			eq(str, line_with_str(in).text, (char *)strings[i].out), "example %zu", i);
	}
	cr_assert(eq(str, line_with_str((struct span){NULL, 0}).text, "{\"k\":\"\"}\n"));
}

Test(json, no_byte_ever_breaks_the_line_or_its_string)
{
	for (unsigned byte = 0; byte < 256; byte++) {
		uint8_t in = (uint8_t)byte;
		struct line l = line_with_str((struct span){&in, 1});
		size_t len = strlen(l.text);

		cr_assert(strncmp(l.text, "{\"k\":\"", 6) == 0, "%02x", byte);
		cr_assert(strcmp(l.text + len - 3, "\"}\n") == 0, "%02x", byte);
		for (size_t i = 6; i < len - 3; i++)
			cr_assert(l.text[i] != 0x7f && (uint8_t)l.text[i] >= 0x20, "%02x", byte);
		if (byte == '"' || byte == '\\')
			cr_assert(l.text[6] == '\\' && len == 6 + 2 + 3, "%02x", byte);
	}
}

Test(json, integers_keep_every_digit)
{
	struct json j;

	json_open(&j);
	json_int(&j, "least", INT64_MIN);
	json_int(&j, "most", INT64_MAX);
	json_close(&j);
	cr_assert(eq(str, take_line(&j).text,
		"{\"least\":-9223372036854775808,\"most\":9223372036854775807}\n"));
}

Test(json, a_number_has_three_decimals_or_is_null)
{
	cr_assert(eq(str, line_with_num(0).text, "{\"k\":0.000}\n"));
	cr_assert(eq(str, line_with_num(0.0004).text, "{\"k\":0.000}\n"));
	cr_assert(eq(str, line_with_num(-12.3456).text, "{\"k\":-12.346}\n"));
	cr_assert(eq(str, line_with_num((double)NAN).text, "{\"k\":null}\n"));
	cr_assert(eq(str, line_with_num((double)INFINITY).text, "{\"k\":null}\n"));
	cr_assert(eq(str, line_with_num(-(double)INFINITY).text, "{\"k\":null}\n"));
}

Test(json, the_greatest_numbers_are_written_whole)
{
	struct line l = line_with_num(-DBL_MAX);

	cr_assert(eq(sz, strlen(l.text), strlen("{\"k\":-.000}\n") + 309));
	cr_assert(eq(str, l.text + strlen(l.text) - 6, ".000}\n"));
}

Test(json, a_failure_stays_and_nothing_more_is_written)
{
	struct json j;
	size_t before;

	json_open(&j);
	json_int(&j, "a", 1);
	before = j.out.len;
	j.failed = true;
	json_str(&j, "b", span_of("text"));
	json_int(&j, "c", 1);
	json_close(&j);
	cr_assert(j.failed);
	cr_assert(eq(sz, j.out.len, before));
	buf_free(&j.out);
}

Test(json, a_megabyte_of_text_comes_through_whole)
{
	enum { SIZE = 1 << 20 };
	uint8_t *big = malloc(SIZE);
	struct json j;

	memset(big, 'x', SIZE);
	big[SIZE - 1] = '\n';
	json_open(&j);
	json_str(&j, "k", (struct span){big, SIZE});
	json_close(&j);
	cr_assert(not(j.failed));
	cr_assert(eq(sz, j.out.len, strlen("{\"k\":\"\"}\n") + SIZE + 1));
	cr_assert(eq(int, memcmp(j.out.data + 6, big, SIZE - 1), 0));
	buf_free(&j.out);
	free(big);
}
