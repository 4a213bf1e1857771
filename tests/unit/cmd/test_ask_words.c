#include <string.h>

#include "check.h"
#include "cmd/ask.h"

TestSuite(ask_words, .timeout = 20);

enum { WORDS_MAX = 4 };

static const struct {
	const char *words[WORDS_MAX];
	const char *meant; /* NULL: they are text */
} lines[] = {
	{{"localhost", "7000", "hi"}, "'sockx echo -H localhost -p 7000 hi'"},
	{{"localhost", "7000"}, "'sockx echo -H localhost -p 7000'"},
	{{"localhost", "7000", "two", "words"}, "'sockx echo -H localhost -p 7000 TEXT'"},
	{{"localhost", "7000", "it's"}, "'sockx echo -H localhost -p 7000 TEXT'"},
	{{"localhost", "7000", "--x"}, "'sockx echo -H localhost -p 7000 TEXT'"},
	{{"localhost:7000", "hi"}, "'sockx echo -H localhost -p 7000 hi'"},
	{{"[::1]:7000"}, "'sockx echo -H ::1 -p 7000'"},
	{{"::1", "7000"}, "'sockx echo -H ::1 -p 7000'"},
	{{"tcp://h:80", "x"}, "'sockx echo -H h -p 80 x'"},
	{{"udp://h:80", "x"}, "'sockx echo -u -H h -p 80 x'"},
	{{"unix:/tmp/x", "x"}, "'sockx echo -U /tmp/x x'"},
	{{"unix:a b"}, "'sockx echo -U PATH'"},
	{{"unix-datagram:x"}, "'sockx echo -u -U x'"},
	{{"hello"}, NULL},
	{{"hello", "world"}, NULL},
	{{"12", "13"}, NULL},
	{{"10:30", "is", "late"}, NULL},
	{{"say: this"}, NULL},
	{{"localhost", "70000"}, NULL},
};

static struct err hint_of(const struct opt_args *args, const struct client_conf *conf)
{
	struct ask a = {.words = args, .client = {.conf = conf, .mode = "echo"}};
	struct err err = {0};

	err_set(&err, ERR_REFUSED, "cannot connect");
	err_hint(&err, "start one");
	ask_hint_words(&a, &err);
	return err;
}

Test(ask_words, what_may_have_been_meant_as_an_address_is_reported)
{
	const struct client_conf conf = {0};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct opt_args args = {.words = lines[i].words};
		struct err err;

		while (args.count < WORDS_MAX && lines[i].words[args.count])
			args.count++;
		err = hint_of(&args, &conf);
		if (lines[i].meant)
			cr_expect(strstr(err.hint, lines[i].meant) != NULL, "%s: %s",
				lines[i].words[0], err.hint);
		else
			cr_expect(eq(str, err.hint, "start one"), "%s", lines[i].words[0]);
	}
}

Test(ask_words, where_an_option_says_where_they_are_text)
{
	static const char *const words[] = {"localhost", "7000"};
	const struct opt_args args = {.words = words, .count = 2};

	cr_expect(eq(str, hint_of(&args, &(struct client_conf){.host = "h"}).hint, "start one"));
	cr_expect(eq(
		str, hint_of(&args, &(struct client_conf){.where.port = "1"}).hint, "start one"));
	cr_expect(eq(
		str, hint_of(&args, &(struct client_conf){.where.path = "x"}).hint, "start one"));
}
