
#include "base/unescape.h"
#include "check.h"

TestSuite(unescape, .timeout = 20);

static bool means(const char *text, const char *bytes, size_t len)
{
	struct buf out = {0};
	const int rc = unescape(text, &out);
	const bool same =
		rc == 0 && out.len == len && (!len || memcmp(buf_span(&out).data, bytes, len) == 0);

	buf_free(&out);
	return same;
}

Test(unescape, each_escape_is_one_byte)
{
	cr_expect(means("", "", 0));
	cr_expect(means("plain", "plain", 5));
	cr_expect(means("220 ok\\r\\n", "220 ok\r\n", 8));
	cr_expect(means("\\t\\0\\\\n", "\t\0\\n", 4));
	cr_expect(means("\\x00\\xfF\\x41b",
		"\0\xff"
		"Ab",
		4));
}

Test(unescape, what_stands_for_nothing_is_refused)
{
	static const char *const bad[] = {
		"\\", "a\\", "\\q", "\\x", "\\x1", "\\x1g", "\\xg1", "\\R"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct buf out = {0};

		cr_expect(eq(int, unescape(bad[i], &out), -1), "%s", bad[i]);
		buf_free(&out);
	}
}
