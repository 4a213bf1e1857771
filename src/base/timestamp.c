#include "base/timestamp.h"

#include <stdio.h>
#include <time.h>

struct timestamp timestamp_now(void)
{
	struct timestamp at;
	struct timespec now;
	struct tm utc;
	size_t used;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	used = strftime(at.text, sizeof(at.text), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(at.text + used, sizeof(at.text) - used, ".%03ldZ", now.tv_nsec / 1000000);
	return at;
}
