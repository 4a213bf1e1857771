#include <stdint.h>

#include "base/amount.h"
#include "check.h"

TestSuite(amount, .timeout = 20);

static const struct {
	uint64_t bytes;
	const char *text;
} sizes[] = {
	{0, "0 B"},
	{1, "1 B"},
	{1023, "1023 B"},
	{1024, "1.00 KiB"},
	{1536, "1.50 KiB"},
	{10234, "9.99 KiB"},
	{10236, "10.0 KiB"},
	{102348, "99.9 KiB"},
	{102400, "100 KiB"},
	{1047551, "1023 KiB"},
	{1048576, "1.00 MiB"},
	{UINT64_C(5) << 30, "5.00 GiB"},
	{UINT64_MAX, "16.0 EiB"},
};

Test(amount, bytes_have_three_digits_and_a_unit)
{
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		cr_expect(eq(str, amount_bytes(sizes[i].bytes).text, (char *)sizes[i].text));
}

Test(amount, a_rate_is_bytes_a_second)
{
	cr_expect(eq(str, amount_rate(5242880, 1240).text, "4.03 MiB/s"));
	cr_expect(eq(str, amount_rate(5, 10).text, "500 B/s"));
	cr_expect(eq(str, amount_rate(0, 10).text, "0 B/s"));
	cr_expect(eq(str, amount_rate(UINT64_MAX, 1).text, "16000 EiB/s"));
}

static const struct {
	uint64_t ms;
	const char *text, *clock;
} times[] = {
	{0, "0 ms", "0:00"},
	{7, "7 ms", "0:00"},
	{999, "999 ms", "0:00"},
	{1000, "1.00 s", "0:01"},
	{1240, "1.24 s", "0:01"},
	{9994, "9.99 s", "0:09"},
	{9996, "10.0 s", "0:09"},
	{59949, "59.9 s", "0:59"},
	{59950, "1 min 0 s", "0:59"},
	{125000, "2 min 5 s", "2:05"},
	{3599499, "59 min 59 s", "59:59"},
	{3599500, "1 h 0 min", "59:59"},
	{3723000, "1 h 2 min", "1:02:03"},
};

Test(amount, a_time_is_read_at_a_glance)
{
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		cr_expect(eq(str, amount_time(times[i].ms).text, (char *)times[i].text));
		cr_expect(eq(str, amount_clock(times[i].ms).text, (char *)times[i].clock));
	}
}

Test(amount, the_longest_texts_fit)
{
	cr_expect(eq(str, amount_clock(UINT64_MAX).text, "5124095576030:25:51"));
	cr_expect(eq(str, amount_time(UINT64_MAX - 500).text, "5124095576030 h 25 min"));
}
