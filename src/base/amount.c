#include "base/amount.h"

#include <inttypes.h>
#include <stdio.h>

/* Three digits, so that 9.995 is 10.0 and 999.5 is 1000. */
static void amount_three(char *out, size_t size, double value, const char *unit)
{
	int places = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;

	snprintf(out, size, "%.*f %s", places, value, unit);
}

/* As three digits of a unit with a prefix: after is "" or "/s". */
static struct amount_shown amount_of(double bytes, const char *after)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	enum { LAST = sizeof(units) / sizeof(units[0]) - 1 };
	struct amount_shown shown = {0};
	char unit[8];
	size_t i = 0;

	for (; bytes >= 1023.5 && i < LAST; i++)
		bytes /= 1024;
	snprintf(unit, sizeof(unit), "%s%s", units[i], after);
	if (i == 0)
		snprintf(shown.text, sizeof(shown.text), "%.0f %s", bytes, unit);
	else
		amount_three(shown.text, sizeof(shown.text), bytes, unit);
	return shown;
}

struct amount_shown amount_bytes(uint64_t bytes)
{
	return amount_of((double)bytes, "");
}

struct amount_shown amount_rate(uint64_t bytes, uint64_t ms)
{
	return amount_of((double)bytes * 1000 / (double)ms, "/s");
}

struct amount_shown amount_time(uint64_t ms)
{
	struct amount_shown shown;
	uint64_t seconds = (ms + 500) / 1000;

	if (ms < 1000)
		snprintf(shown.text, sizeof(shown.text), "%" PRIu64 " ms", ms);
	else if (ms < 59950)
		amount_three(shown.text, sizeof(shown.text), (double)ms / 1000, "s");
	else if (seconds < 3600)
		snprintf(shown.text, sizeof(shown.text), "%" PRIu64 " min %" PRIu64 " s",
			seconds / 60, seconds % 60);
	else
		snprintf(shown.text, sizeof(shown.text), "%" PRIu64 " h %" PRIu64 " min",
			seconds / 3600, seconds / 60 % 60);
	return shown;
}

struct amount_shown amount_clock(uint64_t ms)
{
	struct amount_shown shown;
	uint64_t seconds = ms / 1000;

	if (seconds < 3600)
		snprintf(shown.text, sizeof(shown.text), "%" PRIu64 ":%02" PRIu64, seconds / 60,
			seconds % 60);
	else
		snprintf(shown.text, sizeof(shown.text), "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64,
			seconds / 3600, seconds / 60 % 60, seconds % 60);
	return shown;
}
