#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "check.h"

/* What no parser of numbers takes, whatever the unit. */
static const char *const no_numbers[] = {"", " ", "+1", "-1", "-0", " 1", "1 ", "1\n", "\t1",
	"0x10", "1e3", "1,5", "1_000", "abc", "1abc", "१", "1.", ".5", "1..5", "1.5.5", "1.-5",
	"--", "nan", "inf", "99999999999999999999999999999999999999999"};

static bool is_refused(int rc, uint64_t value)
{
	return rc == -1 && value == 4711; /* and what was there stays */
}

static uint64_t parsed(
	int (*parse)(const char *, uint64_t, uint64_t *), const char *text, uint64_t max)
{
	uint64_t value = 4711;

	cr_assert(parse(text, max, &value) == 0, "'%s' up to %ju is refused", text, (uintmax_t)max);
	return value;
}

static void refused(
	int (*parse)(const char *, uint64_t, uint64_t *), const char *text, uint64_t max)
{
	uint64_t value = 4711;
	int rc = parse(text, max, &value);

	cr_assert(is_refused(rc, value), "'%s' up to %ju gives %ju", text, (uintmax_t)max,
		(uintmax_t)value);
}

Test(text, a_port_takes_no_sign_no_blank_and_no_rest)
{
	for (size_t i = 0; i < sizeof(no_numbers) / sizeof(no_numbers[0]); i++)
		refused(text_uint, no_numbers[i], 65535);
}

Test(text, a_number_reaches_exactly_to_its_maximum)
{
	cr_assert(eq(u64, parsed(text_uint, "0", 0), 0));
	cr_assert(eq(u64, parsed(text_uint, "65535", 65535), 65535));
	cr_assert(eq(u64, parsed(text_uint, "0065535", 65535), 65535));
	cr_assert(eq(u64, parsed(text_uint, "18446744073709551615", UINT64_MAX), UINT64_MAX));
	cr_assert(eq(u64, parsed(text_uint, "7", 7), 7));
	refused(text_uint, "1", 0);
	refused(text_uint, "8", 7);
	refused(text_uint, "65536", 65535);
	refused(text_uint, "18446744073709551616", UINT64_MAX);
	refused(text_uint, "18446744073709551615", UINT64_MAX - 1);
	refused(text_uint, "184467440737095516150", UINT64_MAX);
}

Test(text, an_octal_number_has_octal_digits_only)
{
	cr_assert(eq(u64, parsed(text_octal, "0600", 07777), 0600));
	cr_assert(eq(u64, parsed(text_octal, "7777", 07777), 07777));
	cr_assert(eq(u64, parsed(text_octal, "1777777777777777777777", UINT64_MAX), UINT64_MAX));
	refused(text_octal, "10000", 07777);
	refused(text_octal, "8", 07777);
	refused(text_octal, "608", 07777);
	refused(text_octal, "0o600", 07777);
	refused(text_octal, "-600", 07777);
	refused(text_octal, "", 07777);
	refused(text_octal, "2000000000000000000000", UINT64_MAX);
}

static const struct {
	const char *text;
	int64_t msec;
} times[] = {
	{"0", 0},
	{"0s", 0},
	{"0.000ms", 0},
	{"0.0h", 0},
	{"500ms", 500},
	{"2s", 2000},
	{"2", 2000},
	{"1m", 60000},
	{"1h", 3600000},
	{"1.5s", 1500},
	{"0.25", 250},
	{"1.5m", 90000},
	{"0.5h", 1800000},
	{"007.50s", 7500},
	{"0.0001", 1},
	{"0.001", 1},
	{"0.0010000000000000000000000000000000000000001", 2},
	{"1.0000000000000000000000000000000000000000000", 1000},
	{"0.1ms", 1},
	{"1.9ms", 2},
	{"0.99999999999999999999999999999999h", 3600000},
	{"0.9999997222222222222222222222222222h", 3599999},
	{"0.9999997222222222222222222222222223h", 3600000},
	{"0.00000000000000000000000000000000000001h", 1},
	{"2000000000ms", 2000000000},
	{"2000000", 2000000000},
	{"1999999.9999", 2000000000},
	{"33333.33333333333333333333333m", 2000000000},
	{"555.5555h", 1999999800},
};

Test(text, a_time_is_exact_and_rounded_up)
{
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		int64_t msec = -1;
		int rc = text_msec(times[i].text, &msec);

		cr_assert(rc == 0 && msec == times[i].msec, "%s gives %d, %jd", times[i].text, rc,
			(intmax_t)msec);
	}
}

Test(text, what_is_no_time_is_refused)
{
	static const char *const no_times[] = {"s", "ms", "1 s", "1sec", "1S", "1M", "1H", "1d",
		"1us", "1ss", "1s ", "1.s", "1.ms", ".5s", "1m30s", "1.5.s", "2000000001ms",
		"2000000.001", "2000000.0000000000000001", "556h", "33333.34m", "2000001",
		"18446744073709551616ms", "18446744073709552"};

	for (size_t i = 0; i < sizeof(no_times) / sizeof(no_times[0]); i++) {
		int64_t msec = -1;

		cr_assert(text_msec(no_times[i], &msec) == -1 && msec == -1, "%s", no_times[i]);
	}
	for (size_t i = 0; i < sizeof(no_numbers) / sizeof(no_numbers[0]); i++) {
		int64_t msec = -1;

		cr_assert(text_msec(no_numbers[i], &msec) == -1 && msec == -1, "%s", no_numbers[i]);
	}
}

Test(text, a_time_in_microseconds_is_what_it_is_in_milliseconds_but_finer)
{
	static const struct {
		const char *text;
		int64_t usec;
	} fine[] = {{"100us", 100}, {"0.5ms", 500}, {"1.0001ms", 1001}, {"0.1us", 1}, {"0us", 0},
		{"1", 1000000}, {"2s", 2000000}, {"1.5m", 90000000}, {"1h", 3600000000},
		{"2000000", 2000000000000}, {"2000000000000us", 2000000000000},
		{"555.555555555h", 1999999999998}};
	int64_t usec = -1;

	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		int rc = text_usec(fine[i].text, &usec);

		cr_assert(rc == 0 && usec == fine[i].usec, "%s gives %d, %jd", fine[i].text, rc,
			(intmax_t)usec);
	}
}

Test(text, what_is_no_time_in_microseconds_is_refused)
{
	static const char *const no_times[] = {"us", "1 us", "1ns", "1u", "1.us", "-1us",
		"2000000000001us", "2000000.0000001", "556h", "18446744073709551615h",
		"5124095576030431h"};

	for (size_t i = 0; i < sizeof(no_times) / sizeof(no_times[0]); i++) {
		int64_t usec = -1;

		cr_assert(text_usec(no_times[i], &usec) == -1 && usec == -1, "%s", no_times[i]);
	}
}

Test(text, a_size_counts_in_1024_or_with_a_b_in_1000)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} sizes[] = {{"0", 0}, {"64", 64}, {"16K", 16384}, {"16k", 16384}, {"16KiB", 16384},
		{"16kB", 16000}, {"16KB", 16000}, {"4M", 4194304}, {"4MiB", 4194304},
		{"4MB", 4000000}, {"1G", 1073741824}, {"1GiB", 1073741824}, {"1GB", 1000000000},
		{"0G", 0}};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		cr_assert(eq(u64, parsed(text_size, sizes[i].text, UINT64_MAX), sizes[i].bytes),
			"%s", sizes[i].text);
}

Test(text, a_size_reaches_exactly_to_its_maximum_and_never_wraps)
{
	cr_assert(eq(u64, parsed(text_size, "64K", 65536), 65536));
	refused(text_size, "64K", 65535);
	refused(text_size, "65537", 65536);
	refused(text_size, "17179869184G", UINT64_MAX);
	refused(text_size, "18014398509481984K", UINT64_MAX);
	refused(text_size, "18446744073709551615G", UINT64_MAX);
	cr_assert(eq(u64, parsed(text_size, "17179869183G", UINT64_MAX),
		UINT64_C(17179869183) * 1073741824));
}

Test(text, what_is_no_size_is_refused)
{
	static const char *const no_sizes[] = {"K", "1 K", "1T", "1B", "1b", "1m", "1g", "1KK",
		"1Kb", "1kiB", "1Ki", "1K ", "1.5K", "-1K"};

	for (size_t i = 0; i < sizeof(no_sizes) / sizeof(no_sizes[0]); i++)
		refused(text_size, no_sizes[i], UINT64_MAX);
	for (size_t i = 0; i < sizeof(no_numbers) / sizeof(no_numbers[0]); i++)
		refused(text_size, no_numbers[i], UINT64_MAX);
}

Test(text, a_host_is_one_visible_word)
{
	static const char *const hosts[] = {"a", "localhost", "127.0.0.1", "::1", "fe80::1%eth0",
		"bücher.example", "a_b-c.d", "~", "!"};
	static const char *const others[] = {
		"", " ", "a b", " a", "a ", "a\tb", "a\n", "\x1b[0m", "a\x7f", "a\x01z", "\r"};

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		cr_assert(text_is_host(hosts[i]), "%s", hosts[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		cr_assert(not(text_is_host(others[i])), "example %zu", i);
}

Test(text, the_length_of_a_host_is_left_to_the_resolver)
{
	char name[301];

	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	cr_assert(text_is_host(name));
}

static const struct {
	const char *text, *host, *port;
	bool digits;
} endpoints[] = {
	{"host", "host", "", false},
	{"host:80", "host", "80", false},
	{"host:http", "host", "http", false},
	{":80", "", "80", false},
	{"80", "80", "", true},
	{"0", "0", "", true},
	{"80a", "80a", "", false},
	{"80:90", "80", "90", false},
	{"127.0.0.1", "127.0.0.1", "", false},
	{"127.0.0.1:0", "127.0.0.1", "0", false},
	{"::", "::", "", false},
	{"::1", "::1", "", false},
	{"::1:80", "::1:80", "", false},
	{"fe80::1%eth0", "fe80::1%eth0", "", false},
	{"1:2", "1", "2", false},
	{"1:2:3", "1:2:3", "", false},
	{"[::1]", "::1", "", false},
	{"[::1]:80", "::1", "80", false},
	{"[fe80::1%eth0]:ssh", "fe80::1%eth0", "ssh", false},
	{"[80]", "80", "", false},
	{"unix", "unix", "", false},
	{"unixx:80", "unixx", "80", false},
	{"UNIX:80", "UNIX", "80", false},
	{" ", " ", "", false},
};

Test(endpoint, every_way_of_writing_it_falls_into_its_parts)
{
	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
		struct endpoint e;
		const char *wrong;

		memset(&e, 'x', sizeof(e));
		wrong = endpoint_split(endpoints[i].text, &e);
		cr_assert(wrong == NULL, "%s %s", endpoints[i].text, wrong);
		cr_assert(strcmp(e.host, endpoints[i].host) == 0 &&
				  strcmp(e.port, endpoints[i].port) == 0 &&
				  e.digits == endpoints[i].digits,
			"%s: host '%s', port '%s', digits %d", endpoints[i].text, e.host, e.port,
			e.digits);
	}
}

Test(endpoint, what_is_wrong_is_said_in_a_phrase)
{
	static const struct {
		const char *text, *wrong;
	} mistakes[] = {
		{"", "is empty"},
		{":", "has no port after its colon"},
		{"host:", "has no port after its colon"},
		{"[::1]:", "has no port after its colon"},
		{"[", "has no closing bracket"},
		{"[::1", "has no closing bracket"},
		{"[::1:80", "has no closing bracket"},
		{"[]", "has no address between its brackets"},
		{"[]:80", "has no address between its brackets"},
		{"[::1]x", "has something other than a port after its bracket"},
		{"[::1]80", "has something other than a port after its bracket"},
		{"[::1]]", "has something other than a port after its bracket"},
	};

	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		struct endpoint e;
		const char *wrong = endpoint_split(mistakes[i].text, &e);

		cr_assert(wrong && strcmp(wrong, mistakes[i].wrong) == 0, "'%s' %s",
			mistakes[i].text, wrong ? wrong : "is taken");
	}
}

/* What is wrong with before, then count letters, then after. */
static const char *wrong_with(
	const char *before, size_t count, const char *after, struct endpoint *e)
{
	char text[2000];
	size_t at = strlen(before);

	strcpy(text, before);
	memset(text + at, 'a', count);
	strcpy(text + at + count, after);
	return endpoint_split(text, e);
}

Test(endpoint, each_part_reaches_exactly_to_the_end_of_its_field)
{
	static const struct {
		const char *before, *after;
		size_t max, offset;
	} parts[] = {
		{"", "", ENDPOINT_HOST_MAX - 1, offsetof(struct endpoint, host)},
		{"", ":80", ENDPOINT_HOST_MAX - 1, offsetof(struct endpoint, host)},
		{"[", "]:80", ENDPOINT_HOST_MAX - 1, offsetof(struct endpoint, host)},
		{"host:", "", ENDPOINT_PORT_MAX - 1, offsetof(struct endpoint, port)},
		{"[::1]:", "", ENDPOINT_PORT_MAX - 1, offsetof(struct endpoint, port)},
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct endpoint e;
		const char *wrong = wrong_with(parts[i].before, parts[i].max, parts[i].after, &e);

		cr_assert(wrong == NULL, "example %zu %s", i, wrong);
		cr_assert(eq(sz, strlen((char *)&e + parts[i].offset), parts[i].max), "%zu", i);
		wrong = wrong_with(parts[i].before, parts[i].max + 1, parts[i].after, &e);
		cr_assert(wrong && strcmp(wrong, "is too long") == 0, "example %zu", i);
	}
}

Test(endpoint, what_was_joined_can_be_split_again)
{
	static const struct {
		const char *host, *port, *joined;
	} pairs[] = {
		{"localhost", "80", "localhost:80"},
		{"127.0.0.1", "http", "127.0.0.1:http"},
		{"::1", "80", "[::1]:80"},
		{"fe80::1%eth0", "0", "[fe80::1%eth0]:0"},
		{"", "80", ":80"},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		char text[100];
		struct endpoint e;

		endpoint_join(text, sizeof(text), pairs[i].host, pairs[i].port);
		cr_assert(eq(str, text, (char *)pairs[i].joined));
		cr_assert(endpoint_split(text, &e) == NULL, "%s", text);
		cr_assert(eq(str, e.host, (char *)pairs[i].host));
		cr_assert(eq(str, e.port, (char *)pairs[i].port));
	}
}

Test(endpoint, joining_stays_within_its_size)
{
	char text[] = "xxxxxxxxxx";

	endpoint_join(text, 6, "localhost", "80");
	cr_assert(eq(str, text, "local"));
	cr_assert(eq(chr, text[6], 'x'));
}

Test(distance, each_change_counts_one)
{
	static const struct {
		const char *one, *other;
		unsigned distance;
	} pairs[] = {
		{"", "", 0},
		{"serve", "serve", 0},
		{"serve", "server", 1},
		{"serve", "erve", 1},
		{"serve", "serbe", 1},
		{"serve", "sevre", 1},
		{"esrve", "serve", 1},
		{"servee", "serev", 2},
		{"kitten", "sitting", 3},
		{"abcd", "badc", 2},
		{"ca", "abc", 3}, /* with a letter between, Damerau's full distance would be 2 */
		{"", "abcdefgh", 8},
		{"", "abcdefghi", 9},
		{"", "abcdefghijklmnop", 9},
		{"abcdefgh", "ijklmnop", 8},
		{"abcdefghi", "jklmnopqr", 9},
		{"abcdefghijklmnop", "qrstuvwxyzQRSTUV", 9},
		{"12345678abcdefghijklmnop", "abcdefghijklmnop", 8},
		{"abcdefghijklmnop", "abcdefghijklmnop12345678", 8},
		{"1abcdefghijklmnop", "abcdefghijklmnop2", 2},
		{"Serve", "serve", 1},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		unsigned there = text_distance(pairs[i].one, pairs[i].other);
		unsigned back = text_distance(pairs[i].other, pairs[i].one);

		cr_assert(there == pairs[i].distance && back == there, "%s, %s: %u, back %u",
			pairs[i].one, pairs[i].other, there, back);
	}
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* The definition, taken literally: slow, and with no band. */
static unsigned by_definition(const char *a, size_t i, const char *b, size_t j)
{
	unsigned best;

	if (i == 0 || j == 0)
		return (unsigned)(i + j);
	best = by_definition(a, i - 1, b, j - 1) + (a[i - 1] != b[j - 1]);
	best = least(best, by_definition(a, i - 1, b, j) + 1);
	best = least(best, by_definition(a, i, b, j - 1) + 1);
	if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
		best = least(best, by_definition(a, i - 2, b, j - 2) + 1);
	return best;
}

Test(distance, is_what_its_definition_says)
{
	srand(1);
	for (int round = 0; round < 2000; round++) {
		char a[8] = "", b[8] = "";
		size_t a_len = (size_t)rand() % 7, b_len = (size_t)rand() % 7;

		for (size_t i = 0; i < a_len; i++)
			a[i] = (char)('a' + rand() % 3);
		for (size_t i = 0; i < b_len; i++)
			b[i] = (char)('a' + rand() % 3);
		cr_assert(eq(uint, text_distance(a, b), by_definition(a, a_len, b, b_len)),
			"%s, %s", a, b);
	}
}

Test(distance, huge_words_are_compared_too)
{
	enum { SIZE = 100000 };
	char *one = malloc(SIZE + 1), *other = malloc(SIZE + 1);

	memset(one, 'a', SIZE);
	memset(other, 'a', SIZE);
	one[SIZE] = other[SIZE] = '\0';
	other[SIZE / 2] = 'b';
	cr_assert(eq(uint, text_distance(one, other), 1));
	cr_assert(eq(uint, text_distance(one + 2, other), 2));
	cr_assert(eq(uint, text_distance("a", other), 9));
	free(one);
	free(other);
}

static const char *const commands[] = {
	"serve", "connect", "echo", "greet", "analyze", "help", NULL};
static const char *const options[] = {"port", "port-range", "host", "idle-timeout", "once", NULL};

static const char *nth(const void *arg, size_t i)
{
	const char *const *words = arg;

	return words[i];
}

static void suggests(const char *const *words, const char *typed, const char *meant)
{
	const char *got = text_suggest(typed, nth, words);

	if (meant)
		cr_assert(got && strcmp(got, meant) == 0, "%s suggests %s", typed,
			got ? got : "nothing");
	else
		cr_assert(got == NULL, "%s suggests %s", typed, got);
}

Test(suggest, a_slip_of_the_finger_finds_its_word)
{
	suggests(commands, "sevre", "serve");
	suggests(commands, "server", "serve");
	suggests(commands, "ehco", "echo");
	suggests(commands, "analyse", "analyze");
	suggests(commands, "connnect", "connect");
	suggests(commands, "serve", "serve");
}

Test(suggest, the_beginning_of_just_one_word_is_enough)
{
	suggests(commands, "a", "analyze");
	suggests(commands, "conn", "connect");
	suggests(options, "idle", "idle-timeout");
	suggests(options, "o", "once");
}

Test(suggest, the_beginning_of_several_is_not)
{
	suggests(options, "po", NULL);
	suggests(options, "por", "port"); /* but near enough to one */
}

Test(suggest, what_is_far_from_all_finds_nothing)
{
	suggests(commands, "", NULL);
	suggests(commands, "listen", NULL);
	suggests(commands, "xyz", NULL);
	suggests(commands, "eh", NULL);    /* two of the four letters of echo */
	suggests(commands, "sxxve", NULL); /* two of five are more than a third */
	suggests(commands, "annalyyze", "analyze");
	suggests(commands, "annallyyze", NULL);
}

Test(suggest, the_nearest_wins_and_the_first_of_equals)
{
	static const char *const words[] = {"aaaaaa", "bbbbbb", "aabbbb", NULL};

	suggests(words, "abbbbb", "bbbbbb");
	suggests(words, "aabbba", "aabbbb");
	suggests(words, "aaaabb", "aaaaaa");
}

Test(suggest, no_candidates_no_suggestion)
{
	static const char *const none[] = {NULL};

	suggests(none, "serve", NULL);
}

Test(text, digits_are_digits_alone)
{
	cr_assert(text_is_digits("0"));
	cr_assert(text_is_digits("99999999999999999999999"));
	cr_assert(not(text_is_digits("")));
	cr_assert(not(text_is_digits("-1")));
	cr_assert(not(text_is_digits("1 ")));
	cr_assert(not(text_is_digits("20-30")));
}
