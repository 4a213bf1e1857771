#include "base/timestamp.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"

TestSuite(timestamp, .timeout = 20);

/* The seconds since 1970 that a text tells. */
static time_t seconds_of(const char *text)
{
	struct tm utc = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);

	cr_assert(rest != NULL, "%s", text);
	cr_assert(eq(sz, strlen(rest), strlen(".123Z")), "%s", text);
	cr_assert(eq(chr, rest[0], '.'), "%s", text);
	cr_assert(eq(sz, strspn(rest + 1, "0123456789"), 3), "%s", text);
	cr_assert(eq(chr, rest[4], 'Z'), "%s", text);
	return timegm(&utc);
}

Test(timestamp, it_is_now_in_utc_whatever_the_time_zone)
{
	struct timespec before, after;
	struct timestamp at;

	setenv("TZ", "UTC-5", 1);
	tzset();
	clock_gettime(CLOCK_REALTIME, &before);
	at = timestamp_now();
	clock_gettime(CLOCK_REALTIME, &after);
	cr_assert(ge(long, seconds_of(at.text), before.tv_sec), "%s", at.text);
	cr_assert(le(long, seconds_of(at.text), after.tv_sec), "%s", at.text);
}
