#include "base/text.h"

#include <stdio.h>
#include <string.h>

#include "base/span.h"
#include "base/utf8.h"

/* Read the digits at the front of text as a number of at most max. Returns what stands after
 * them, or NULL if there are none or the number is greater. */
static const char *read_digits(const char *text, unsigned base, uint64_t max, uint64_t *out)
{
	const char *at = text;
	uint64_t value = 0;

	for (; *at >= '0' && (unsigned)(*at - '0') < base; at++) {
		uint64_t digit = (uint64_t)(*at - '0');

		if (digit > max || value > (max - digit) / base)
			return NULL;
		value = value * base + digit;
	}
	if (at == text)
		return NULL;
	*out = value;
	return at;
}

static int read_number(const char *text, unsigned base, uint64_t max, uint64_t *out)
{
	const char *rest;
	uint64_t value;

	rest = read_digits(text, base, max, &value);
	if (!rest || *rest)
		return -1;
	*out = value;
	return 0;
}

int text_uint(const char *text, uint64_t max, uint64_t *out)
{
	return read_number(text, 10, max, out);
}

int text_octal(const char *text, uint64_t max, uint64_t *out)
{
	return read_number(text, 8, max, out);
}

/* A suffix and what it multiplies by. */
struct unit {
	const char *name;
	uint64_t factor;
};

/* Returns the factor, or 0 if name is no unit. */
static uint64_t unit_factor(const struct unit *units, const char *name)
{
	for (; units->name; units++)
		if (strcmp(units->name, name) == 0)
			return units->factor;
	return 0;
}

static const struct unit times_ms[] = {
	{"ms", 1},
	{"s", 1000},
	{"", 1000},
	{"m", 60000},
	{"h", 3600000},
	{NULL, 0},
};

static const struct unit times_us[] = {
	{"us", 1},
	{"ms", 1000},
	{"s", 1000000},
	{"", 1000000},
	{"m", 60000000},
	{"h", UINT64_C(3600000000)},
	{NULL, 0},
};

/* The fraction 0.DIGITS of unit, rounded up. Rounding up digit by digit, from the last to the
 * first, is exact, because ceil((m + x) / 10) = ceil((m + ceil(x)) / 10) for any whole number m. */
static uint64_t fraction_of(uint64_t unit, const char *digits, size_t count)
{
	uint64_t value = 0;

	while (count-- > 0)
		value = ((uint64_t)(digits[count] - '0') * unit + value + 9) / 10;
	return value;
}

/* How many digits text begins with. */
static size_t count_digits(const char *text)
{
	return strspn(text, "0123456789");
}

/* A time of at most max, in what the least of the units is. */
static int read_time(const char *text, const struct unit *units, uint64_t max, int64_t *out)
{
	const char *rest, *digits;
	uint64_t whole, unit, sum;
	size_t count = 0;

	rest = read_digits(text, 10, max, &whole);
	if (!rest)
		return -1;
	digits = rest + 1;
	if (*rest == '.') {
		count = count_digits(digits);
		rest = digits + count;
	}
	unit = unit_factor(units, rest);
	if (unit == 0 || rest == digits) /* a point with no digit after it */
		return -1;
	/* No overflow: a fraction is at most its unit, and that is below 2^32. */
	if (__builtin_mul_overflow(whole, unit, &sum) || sum > max)
		return -1;
	sum += fraction_of(unit, digits, count);
	if (sum > max)
		return -1;
	*out = (int64_t)sum;
	return 0;
}

int text_msec(const char *text, int64_t *out)
{
	return read_time(text, times_ms, TEXT_MSEC_MAX, out);
}

int text_usec(const char *text, int64_t *out)
{
	return read_time(text, times_us, (uint64_t)TEXT_MSEC_MAX * 1000, out);
}

static const struct unit sizes[] = {
	{"", 1},
	{"K", UINT64_C(1) << 10},
	{"k", UINT64_C(1) << 10},
	{"KiB", UINT64_C(1) << 10},
	{"kB", 1000},
	{"KB", 1000},
	{"M", UINT64_C(1) << 20},
	{"MiB", UINT64_C(1) << 20},
	{"MB", 1000000},
	{"G", UINT64_C(1) << 30},
	{"GiB", UINT64_C(1) << 30},
	{"GB", 1000000000},
	{NULL, 0},
};

int text_size(const char *text, uint64_t max, uint64_t *out)
{
	const char *rest;
	uint64_t count, unit, bytes;

	rest = read_digits(text, 10, max, &count);
	if (!rest)
		return -1;
	unit = unit_factor(sizes, rest);
	if (unit == 0 || __builtin_mul_overflow(count, unit, &bytes) || bytes > max)
		return -1;
	*out = bytes;
	return 0;
}

bool text_is_digits(const char *text)
{
	return *text && text[count_digits(text)] == '\0';
}

bool text_is_host(const char *text)
{
	struct span left = span_of(text);
	uint32_t code;

	if (!left.len)
		return false;
	while (left.len) {
		int len = utf8_decode(left, &code);

		if (len <= 0 || code == ' ' || utf8_is_hidden(code))
			return false;
		left = span_from(left, (size_t)len);
	}
	return true;
}

/* Returns NULL, or what is wrong, as endpoint_split does. */
static const char *copy_part(char *out, size_t size, const char *from, size_t len)
{
	if (len >= size)
		return "is too long";
	memcpy(out, from, len);
	out[len] = '\0';
	return NULL;
}

static const char *take_port(const char *port, struct endpoint *out)
{
	if (!*port)
		return "has no port after its colon";
	return copy_part(out->port, sizeof(out->port), port, strlen(port));
}

static const char *take_host(const char *host, size_t len, struct endpoint *out)
{
	return copy_part(out->host, sizeof(out->host), host, len);
}

/* host is what stands after the opening bracket. */
static const char *split_bracketed(const char *host, struct endpoint *out)
{
	const char *end = strchr(host, ']'), *wrong;

	if (!end)
		return "has no closing bracket";
	if (end == host)
		return "has no address between its brackets";
	if (end[1] && end[1] != ':')
		return "has something other than a port after its bracket";
	wrong = take_host(host, (size_t)(end - host), out);
	if (wrong || !end[1])
		return wrong;
	return take_port(end + 2, out);
}

static const char *split_at_colon(const char *text, const char *colon, struct endpoint *out)
{
	const char *wrong = take_host(text, (size_t)(colon - text), out);

	return wrong ? wrong : take_port(colon + 1, out);
}

const char *endpoint_split(const char *text, struct endpoint *out)
{
	const char *colon = strchr(text, ':');

	*out = (struct endpoint){0};
	if (!*text)
		return "is empty";
	if (*text == '[')
		return split_bracketed(text + 1, out);
	if (colon && !strchr(colon + 1, ':'))
		return split_at_colon(text, colon, out);
	out->digits = text[count_digits(text)] == '\0';
	return take_host(text, strlen(text), out);
}

void endpoint_join(char *out, size_t size, const char *host, const char *port)
{
	snprintf(out, size, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

/*
 * The distance is computed by rows, one a letter of one word, in which only the cells near the
 * diagonal count: each step away from it costs 1, so what is farther off than DISTANCE_MAX is out
 * of reach. Cell k of row i stands for the first i letters of one, i + k - DISTANCE_MAX of other.
 */
enum { DISTANCE_MAX = 8, DISTANCE_FAR = 9, BAND = 2 * DISTANCE_MAX + 1 };

struct band {
	unsigned cell[BAND + 1]; /* and one that is always far, so that k + 1 can be read */
};

static unsigned at_most(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static struct band far_band(void)
{
	struct band b;

	for (size_t k = 0; k <= BAND; k++)
		b.cell[k] = DISTANCE_FAR;
	return b;
}

/* Both words are swapped with each other in the two letters that end at i and j. */
static bool is_swap(const char *one, size_t i, const char *other, size_t j)
{
	return i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1];
}

/* Cell k of row i (letters i and j of the words, counting from 1), from the cells before it. */
static unsigned best_step(
	const char *one, size_t i, const char *other, size_t j, size_t k, const struct band rows[3])
{
	unsigned best;

	if (i == 0 || j == 0)
		return at_most((unsigned)(i + j), DISTANCE_FAR);
	best = rows[1].cell[k] + (one[i - 1] != other[j - 1]);
	best = at_most(best, rows[1].cell[k + 1] + 1);
	if (k > 0)
		best = at_most(best, rows[0].cell[k - 1] + 1);
	if (is_swap(one, i, other, j))
		best = at_most(best, rows[2].cell[k] + 1);
	return at_most(best, DISTANCE_FAR);
}

unsigned text_distance(const char *one, const char *other)
{
	size_t rows_len = strlen(one), cells_len = strlen(other);
	struct band rows[3] = {far_band(), far_band(), far_band()}; /* this one and the two above */

	if (rows_len > cells_len + DISTANCE_MAX || cells_len > rows_len + DISTANCE_MAX)
		return DISTANCE_FAR;
	for (size_t i = 0; i <= rows_len; i++) {
		rows[2] = rows[1];
		rows[1] = rows[0];
		rows[0] = far_band();
		for (size_t k = 0; k < BAND; k++)
			if (i + k >= DISTANCE_MAX && i + k - DISTANCE_MAX <= cells_len)
				rows[0].cell[k] =
					best_step(one, i, other, i + k - DISTANCE_MAX, k, rows);
	}
	return rows[0].cell[cells_len + DISTANCE_MAX - rows_len];
}

/* The only candidate that begins with typed, or NULL. */
static const char *only_completion(
	const char *typed, const char *(*next)(const void *arg, size_t i), const void *arg)
{
	const char *found = NULL, *candidate;

	for (size_t i = 0; (candidate = next(arg, i)); i++) {
		if (strncmp(candidate, typed, strlen(typed)) != 0)
			continue;
		if (found)
			return NULL;
		found = candidate;
	}
	return found;
}

/* The first of the nearest candidates, if it is near enough. */
static const char *nearest(
	const char *typed, const char *(*next)(const void *arg, size_t i), const void *arg)
{
	const char *found = NULL, *candidate;
	unsigned best = DISTANCE_FAR;

	for (size_t i = 0; (candidate = next(arg, i)); i++) {
		unsigned distance = text_distance(typed, candidate);

		if (distance < best && distance <= strlen(candidate) / 3) {
			best = distance;
			found = candidate;
		}
	}
	return found;
}

const char *text_suggest(
	const char *typed, const char *(*next)(const void *arg, size_t i), const void *arg)
{
	const char *completion;

	if (!*typed)
		return NULL;
	completion = only_completion(typed, next, arg);
	return completion ? completion : nearest(typed, next, arg);
}
