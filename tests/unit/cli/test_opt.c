#include <string.h>

#include "check.h"
#include "cli/opt.h"
#include "toy.h"

struct conf {
	const char *mode, *port, *dump;
	struct opt_list hosts;
	int64_t idle_ms, pause_us, watch;
	uint64_t backlog, size;
	unsigned verbose;
	bool once, numeric, keep;
	int untouched;
};

struct chat_conf {
	const char *bye;
	uint64_t log_mode;
};

static bool modes(size_t i, struct opt_choice *out)
{
	static const struct opt_choice all[] = {{"pipe", "join it to standard input and output"},
		{"echo", "send every byte back"}, {"discard", "read and forget"},
		{"source", "endless bytes"}};

	if (i >= sizeof(all) / sizeof(*all))
		return false;
	*out = all[i];
	return true;
}

static const struct opt rows[] = {
	{.name = "mode",
		.letter = 'm',
		.kind = OPT_CHOICE,
		OPT_FIELD(struct conf, mode),
		.arg = "MODE",
		.fallback = "pipe",
		.choice = modes,
		.help = "what to do"},
	{.name = "port",
		.letter = 'p',
		.kind = OPT_TEXT,
		OPT_FIELD(struct conf, port),
		.arg = "PORT",
		.completes = COMPLETES_SERVICE,
		.help = "the port"},
	{.name = "host",
		.letter = 'H',
		.kind = OPT_LIST,
		OPT_FIELD(struct conf, hosts),
		.arg = "ADDR",
		.completes = COMPLETES_HOST,
		.help = "the address"},
	{.name = "idle-timeout",
		.letter = 'i',
		.kind = OPT_MSEC,
		OPT_FIELD(struct conf, idle_ms),
		.arg = "DUR",
		.fallback = "1.5s",
		.help = "close after DUR of silence"},
	{.name = "pause",
		.kind = OPT_USEC,
		OPT_FIELD(struct conf, pause_us),
		.arg = "DUR",
		.help = "wait DUR"},
	{.name = "backlog",
		.letter = 'b',
		.kind = OPT_NUMBER,
		OPT_FIELD(struct conf, backlog),
		.arg = "N",
		.min = 1,
		.max = 4096,
		.help = "the listen queue"},
	{.name = "size",
		.kind = OPT_SIZE,
		OPT_FIELD(struct conf, size),
		.arg = "BYTES",
		.help = "bytes at once"},
	{.name = "watch",
		.kind = OPT_MAYBE_SIZE,
		OPT_FIELD(struct conf, watch),
		.arg = "BYTES",
		.min = 1,
		.max = INT64_MAX,
		.help = "see it go, of BYTES if they are known"},
	{.name = "dump",
		.letter = 'd',
		.kind = OPT_MAYBE_TEXT,
		OPT_FIELD(struct conf, dump),
		.arg = "FILE",
		.completes = COMPLETES_FILE,
		.help = "show it all, or write it to FILE"},
	{.name = "verbose",
		.letter = 'v',
		.kind = OPT_COUNT,
		OPT_FIELD(struct conf, verbose),
		.help = "say more"},
	{.name = "once",
		.letter = '1',
		.kind = OPT_FLAG,
		OPT_FIELD(struct conf, once),
		.help = "one client"},
	{.letter = 'n', .kind = OPT_FLAG, OPT_FIELD(struct conf, numeric), .help = "no names"},
	{.name = "keep-open",
		.letter = 'k',
		.kind = OPT_FLAG,
		OPT_FIELD(struct conf, keep),
		.help = "go on"},
	{.letter = 'h', .kind = OPT_HELP_SHORT, .help = "a short help"},
	{.name = "help", .kind = OPT_HELP_LONG, .help = "all of it"},
	{.name = "version", .kind = OPT_VERSION, .help = "the version"},
};
static const struct opt chat_rows[] = {
	{.name = "log-mode",
		.kind = OPT_PERMISSIONS,
		OPT_FIELD(struct chat_conf, log_mode),
		.arg = "OCTAL",
		.fallback = "0640",
		.help = "the log's permissions"},
	{.name = "bye",
		.kind = OPT_TEXT,
		OPT_FIELD(struct chat_conf, bye),
		.arg = "WORD",
		.fallback = "bye",
		.help = "the word that ends it"},
};

/* One reading of a command line, and all that came of it. */
struct reading {
	struct opt_set set;
	struct {
		struct conf own;
		max_align_t modes[4];
	} conf;
	size_t chat_at;
	struct opt_args args;
	struct err err;
	char *argv[40];
};

static void describe(struct reading *r)
{
	r->set.conf_size = sizeof(r->conf.own);
	opt_set_add(&r->set, "Main", rows, sizeof(rows) / sizeof(*rows), 0);
	r->chat_at =
		opt_set_add_mode(&r->set, "Chat", chat_rows, 2, sizeof(struct chat_conf), "chat");
}

static enum opt_result parse(struct reading *r, const char *const *words)
{
	int argc = 0;

	*r = (struct reading){.conf.own.untouched = 7};
	describe(r);
	for (; words[argc]; argc++)
		r->argv[argc] = (char *)words[argc];
	return opts_parse(&r->set, "serve", &r->conf, argc, r->argv, &r->args, &r->err);
}

#define PARSE(r, ...) parse(r, (const char *[]){__VA_ARGS__, NULL})

static void expect_text(const char *actual, const char *expected)
{
	if (!actual || !expected)
		cr_expect(eq(ptr, (void *)actual, (void *)expected));
	else
		cr_expect(eq(str, (char *)actual, (char *)expected));
}

static void refuses(const char *const *words, const char *what, const char *hint)
{
	struct reading r;

	cr_expect(eq(int, parse(&r, words), OPTS_ERROR), "for: %s", what);
	cr_expect(eq(int, r.err.kind, ERR_USAGE), "for: %s", what);
	expect_text(r.err.what, what);
	expect_text(r.err.hint, hint);
}

#define REFUSES(what, hint, ...) refuses((const char *[]){__VA_ARGS__, NULL}, what, hint)

Test(opt, what_is_not_given_has_its_fallback_and_nothing_else_is_touched)
{
	struct reading r;

	memset(&r, 0, sizeof(r));
	describe(&r);
	memset(&r.conf, 0xff, sizeof(r.conf));
	cr_assert(eq(int, opts_parse(&r.set, "serve", &r.conf, 0, r.argv, &r.args, &r.err), 0));
	expect_text(r.conf.own.mode, "pipe");
	expect_text(r.conf.own.port, NULL);
	cr_expect(eq(i64, r.conf.own.idle_ms, 1500));
	cr_expect(eq(i64, r.conf.own.pause_us, -1));
	cr_expect(eq(u64, r.conf.own.backlog, 0));
	cr_expect(eq(sz, r.conf.own.hosts.count, 0));
	cr_expect(not(r.conf.own.once));
	cr_expect(eq(int, r.conf.own.untouched, -1));
	expect_text(((struct chat_conf *)((char *)&r.conf + r.chat_at))->bye, "bye");
	cr_expect(eq(sz, r.args.count, 0));
}

Test(opt, a_value_may_be_in_the_next_word_in_the_same_word_or_after_an_equals_sign)
{
	struct reading r;

	cr_assert(eq(int,
		PARSE(&r, "--mode", "echo", "--port=80", "-b7", "-i", "2m", "--size", "16K",
			"--pause", "250us"),
		OPTS_RUN));
	expect_text(r.conf.own.mode, "echo");
	expect_text(r.conf.own.port, "80");
	cr_expect(eq(u64, r.conf.own.backlog, 7));
	cr_expect(eq(i64, r.conf.own.idle_ms, 120000));
	cr_expect(eq(i64, r.conf.own.pause_us, 250));
	cr_expect(eq(u64, r.conf.own.size, 16384));
}

Test(opt, a_value_may_be_empty_or_begin_with_a_dash)
{
	struct reading r;

	cr_assert(eq(int, PARSE(&r, "--port=", "-H", "-1", "-H--", "--host", "--once"), OPTS_RUN));
	expect_text(r.conf.own.port, "");
	cr_assert(eq(sz, r.conf.own.hosts.count, 3));
	expect_text(r.conf.own.hosts.items[0], "-1");
	expect_text(r.conf.own.hosts.items[1], "--");
	expect_text(r.conf.own.hosts.items[2], "--once");
	cr_expect(not(r.conf.own.once));
}

Test(opt, an_optional_value_is_in_the_same_word)
{
	struct reading r;

	cr_assert(eq(int, PARSE(&r, "-v"), OPTS_RUN));
	cr_expect(eq(i64, r.conf.own.watch, -1));
	cr_assert(eq(int, PARSE(&r, "--watch", "16K"), OPTS_RUN));
	cr_expect(eq(i64, r.conf.own.watch, 0));
	cr_assert(eq(sz, r.args.count, 1));
	expect_text(opts_given(&r.set, &r.args, "watch"), "--watch");
	cr_assert(eq(int, PARSE(&r, "--watch", "--watch=16K"), OPTS_RUN));
	cr_expect(eq(i64, r.conf.own.watch, 16384));
	REFUSES("'' is not a size for '--watch'",
		"write it as 64, 16K, 4M or 1G, from 1 to 9223372036854775807", "--watch=");
	REFUSES("'0' is out of range for '--watch'",
		"write it as 64, 16K, 4M or 1G, from 1 to 9223372036854775807", "--watch=0");
	REFUSES("'--watch' was given twice: '1', then '2'", "give it once", "--watch=1",
		"--watch=2");
}

Test(opt, an_optional_text_is_empty_where_it_is_left_out)
{
	struct reading r;

	cr_assert(eq(int, PARSE(&r, "-v"), OPTS_RUN));
	cr_expect(r.conf.own.dump == NULL);
	cr_assert(eq(int, PARSE(&r, "--dump", "file"), OPTS_RUN));
	expect_text(r.conf.own.dump, "");
	cr_expect(eq(sz, r.args.count, 1));
	cr_assert(eq(int, PARSE(&r, "--dump=file"), OPTS_RUN));
	expect_text(r.conf.own.dump, "file");
	cr_assert(eq(int, PARSE(&r, "--dump=file", "--dump=file"), OPTS_RUN));
	REFUSES("'--dump' was given twice: 'a', then 'b'", "give it once", "--dump=a", "--dump=b");
	REFUSES("'' is not a value for '--dump'", "name one after the '=', or leave that out",
		"--dump=");
}

Test(opt, a_letter_takes_no_optional_value)
{
	struct reading r;

	cr_assert(eq(int, PARSE(&r, "-d", "file"), OPTS_RUN));
	expect_text(r.conf.own.dump, "");
	expect_text(opts_given(&r.set, &r.args, "dump"), "-d");
	cr_expect(eq(sz, r.args.count, 1));
	cr_assert(eq(int, PARSE(&r, "-dv1"), OPTS_RUN));
	expect_text(r.conf.own.dump, "");
	cr_expect(eq(u32, r.conf.own.verbose, 1));
	cr_expect(r.conf.own.once);
}

Test(opt, letters_may_be_clustered_and_the_last_may_take_a_value)
{
	struct reading r;

	cr_assert(eq(int, PARSE(&r, "-vn1", "-vp80", "-kp", "80"), OPTS_RUN));
	cr_expect(eq(uint, r.conf.own.verbose, 2));
	cr_expect(r.conf.own.numeric);
	cr_expect(r.conf.own.once);
	cr_expect(r.conf.own.keep);
	expect_text(r.conf.own.port, "80");
}

Test(opt, words_and_options_may_be_mixed)
{
	struct reading r;

	cr_assert(eq(int, PARSE(&r, "host", "-v", "-", "-p", "80", "", "last"), OPTS_RUN));
	cr_assert(eq(sz, r.args.count, 4));
	expect_text(r.args.words[0], "host");
	expect_text(r.args.words[1], "-");
	expect_text(r.args.words[2], "");
	expect_text(r.args.words[3], "last");
}

Test(opt, after_two_dashes_all_are_words)
{
	struct reading r;

	cr_assert(eq(int, PARSE(&r, "-v", "--", "-v", "--", "--bogus"), OPTS_RUN));
	cr_assert(eq(sz, r.args.count, 3));
	expect_text(r.args.words[0], "-v");
	expect_text(r.args.words[1], "--");
	expect_text(r.args.words[2], "--bogus");
	cr_expect(eq(uint, r.conf.own.verbose, 1));
}

static bool takes_program(const void *conf)
{
	return ((const struct conf *)conf)->verbose > 0;
}

Test(opt, after_two_dashes_a_program_is_apart_from_the_words_where_one_may_be)
{
	const char *words[] = {"host", "-v", "80", "--", "cat", "-n", "--", NULL};
	struct reading r = {0};
	int argc = 0;

	describe(&r);
	r.set.takes_program = takes_program;
	for (; words[argc]; argc++)
		r.argv[argc] = (char *)words[argc];
	cr_assert(eq(int, opts_parse(&r.set, "serve", &r.conf, argc, r.argv, &r.args, &r.err),
		OPTS_RUN));
	cr_assert(eq(sz, r.args.count, 2));
	expect_text(r.args.words[1], "80");
	cr_assert(eq(sz, r.args.program_count, 3));
	expect_text(r.args.program[0], "cat");
	expect_text(r.args.program[2], "--");
	r.argv[0] = (char *)"--";
	r.argv[1] = (char *)"cat";
	cr_assert(eq(
		int, opts_parse(&r.set, "serve", &r.conf, 2, r.argv, &r.args, &r.err), OPTS_RUN));
	cr_assert(eq(sz, r.args.count, 1), "it is a word");
	cr_assert(eq(sz, r.args.program_count, 0));
}

Test(opt, help_and_version_end_the_reading)
{
	struct reading r;

	cr_expect(eq(int, PARSE(&r, "-h", "--bogus"), OPTS_HELP_SHORT));
	cr_expect(eq(int, PARSE(&r, "-vhz"), OPTS_HELP_SHORT));
	cr_expect(eq(int, PARSE(&r, "word", "--help", "--bogus"), OPTS_HELP_LONG));
	cr_expect(eq(int, PARSE(&r, "--version"), OPTS_VERSION));
	cr_expect(eq(int, PARSE(&r, "-p", "-h"), OPTS_RUN), "-h is the value here");
	cr_expect(eq(int, PARSE(&r, "--", "-h"), OPTS_RUN));
}

Test(opt, flags_repeat_lists_add_up_and_equal_values_agree)
{
	struct reading r;

	cr_assert(eq(int,
		PARSE(&r, "-1", "--once", "-H", "::1", "-H", "::1", "-i", "1s", "--idle-timeout",
			"1000ms", "-p", "80", "--port", "80", "-m", "echo", "-mecho"),
		OPTS_RUN));
	cr_expect(eq(sz, r.conf.own.hosts.count, 2));
	cr_expect(eq(i64, r.conf.own.idle_ms, 1000));
}

Test(opt, unequal_values_of_one_option_are_an_error)
{
	REFUSES("'-p' was given twice: '80', then '81'", "give it once", "-p", "80", "-p81");
	REFUSES("'-p' and '--port' are the same option, given '80', then '081'", "give it once",
		"-p", "80", "--port=081");
	REFUSES("'-i' was given twice: '1', then '1m'", "give it once", "-i1", "-i1m");
	REFUSES("'-m' was given twice: 'echo', then 'pipe'", "give it once", "-m", "echo", "-m",
		"pipe");
	REFUSES("'--size' was given twice: '1K', then '1kB'", "give it once", "--size", "1K",
		"--size", "1kB");
}

Test(opt, a_list_that_is_too_long_is_an_error)
{
	const char *words[OPT_LIST_MAX + 2] = {0};
	struct reading r;

	for (int i = 0; i < OPT_LIST_MAX; i++)
		words[i] = "-Hx";
	cr_expect(eq(int, parse(&r, words), OPTS_RUN));
	cr_expect(eq(sz, r.conf.own.hosts.count, OPT_LIST_MAX));
	words[OPT_LIST_MAX] = "-Hx";
	refuses(words, "'-H' was given more than 16 times", "give it at most 16 times");
}

Test(opt, an_unknown_option_gets_the_nearest_name)
{
	REFUSES("unknown option '--prot'", "did you mean '--port'?", "--prot");
	REFUSES("unknown option '--prot'", "did you mean '--port'?", "--prot=80");
	REFUSES("unknown option '--idle'", "did you mean '--idle-timeout'?", "--idle", "2s");
	REFUSES("unknown option '-o' in '-once'", "did you mean '--once'?", "-once");
	REFUSES("unknown option '-K'", "did you mean '-k'?", "-K");
	REFUSES("unknown option '--xyzzy'", "'sockx serve -h' shows the options", "--xyzzy");
	REFUSES("unknown option '-y'", "'sockx serve -h' shows the options", "-y");
	REFUSES("unknown option '--=80'", "put words that begin with '-' after '--'", "--=80");
}

Test(opt, an_unknown_letter_is_named_with_its_cluster)
{
	REFUSES("unknown option '-y' in '-vy'", "'sockx serve -h' shows the options", "-vy");
	REFUSES("unknown option '-\xc3\xa9' in '-v\xc3\xa9'",
		"put words that begin with '-' after '--'", "-v\xc3\xa9");
	REFUSES("unknown option '-5'", "put words that begin with '-' after '--'", "-5");
	REFUSES("option '-d' takes no value, but was given 'x'", "write '--dump=x'", "-d=x");
	REFUSES("unknown option '-=' in '-d='", "put words that begin with '-' after '--'", "-d=");
	REFUSES("unknown option '-=' in '-vd=x'", "put words that begin with '-' after '--'",
		"-vd=x");
	REFUSES("unknown option '-->'", "put words that begin with '-' after '--'", "-->");
}

Test(opt, a_netcat_spelling_gets_ours)
{
	REFUSES("unknown option '-l'", "'serve' always listens: leave the '-l' out", "-l");
	REFUSES("unknown option '-l' in '-lk'", "'serve' always listens: leave the '-l' out",
		"-lk");
	REFUSES("unknown option '-l' in '-nvlp'", "'serve' always listens: leave the '-l' out",
		"-nvlp", "80");
	REFUSES("unknown option '--listen'", "'serve' always listens: leave the '--listen' out",
		"--listen");
	REFUSES("'10' is not one of the values of '-m'",
		"the most clients at once is '--max-conns N'", "-m", "10");
}

Test(opt, a_missing_value_is_asked_for_by_its_name_with_an_example)
{
	REFUSES("option '--idle-timeout' needs a DUR", "for example: --idle-timeout 2s",
		"--idle-timeout");
	REFUSES("option '-p' needs a PORT", "for example: -p 9000", "-vp");
	REFUSES("option '-H' needs an ADDR", "for example: -H localhost", "-H");
	REFUSES("option '-b' needs an N", "for example: -b 10", "-b");
	REFUSES("option '--mode' needs a MODE", "for example: --mode pipe", "--mode");
	REFUSES("option '--size' needs a BYTES", "for example: --size 16K", "--size");
}

Test(opt, a_value_where_none_belongs_is_an_error)
{
	REFUSES("option '--once' takes no value, but was given 'x'", "write '--once' alone",
		"--once=x");
	REFUSES("option '--help' takes no value, but was given ''", "write '--help' alone",
		"--help=");
}

Test(opt, a_value_of_the_wrong_form_is_shown_with_the_right_one)
{
	REFUSES("'5xs' is not a duration for '--pause'",
		"write it as 100us, 500ms, 2s or bare seconds", "--pause", "5xs");
	REFUSES("'3000000' is out of range for '--pause'",
		"write it as 100us, 500ms, 2s or bare seconds, at most 2000000s",
		"--pause=3000000");
	REFUSES("'12x' is not a duration for '--idle-timeout'",
		"write it as 500ms, 2s, 1m or bare seconds", "--idle-timeout", "12x");
	REFUSES("'' is not a duration for '-i'", "write it as 500ms, 2s, 1m or bare seconds", "-i",
		"");
	REFUSES("'99999999999' is out of range for '-i'",
		"write it as 500ms, 2s, 1m or bare seconds, at most 2000000s", "-i99999999999");
	REFUSES("'many' is not a number for '-b'", "write a number, from 1 to 4096", "-b", "many");
	REFUSES("'0' is out of range for '-b'", "write a number, from 1 to 4096", "-b", "0");
	REFUSES("'99999999999999999999' is out of range for '-b'", "write a number, from 1 to 4096",
		"-b", "99999999999999999999");
	REFUSES("'5x' is not a size for '--size'", "write it as 64, 16K, 4M or 1G", "--size=5x");
}

static uint64_t log_mode_of(const char *typed)
{
	struct reading r;

	cr_expect(eq(int, PARSE(&r, "--log-mode", typed), OPTS_RUN), "%s", r.err.what);
	return ((struct chat_conf *)((char *)&r.conf + r.chat_at))->log_mode;
}

Test(opt, permissions_are_octal_up_to_777)
{
	cr_expect(eq(u64, log_mode_of("0660"), 0660));
	cr_expect(eq(u64, log_mode_of("0"), 0));
	cr_expect(eq(u64, log_mode_of("777"), 0777));
	REFUSES("'1777' is not permissions in octal for '--log-mode'",
		"write them as 600 or 0660, from 000 to 777", "--log-mode", "1777");
	REFUSES("'u=rw' is not permissions in octal for '--log-mode'",
		"write them as 600 or 0660, from 000 to 777", "--log-mode=u=rw");
	REFUSES("'680' is not permissions in octal for '--log-mode'",
		"write them as 600 or 0660, from 000 to 777", "--log-mode", "680");
}

Test(opt, a_wrong_choice_gets_the_nearest_or_all)
{
	REFUSES("'eco' is not one of the values of '--mode'",
		"did you mean 'echo'? (pipe, echo, discard, source)", "--mode", "eco");
	REFUSES("'zzz' is not one of the values of '--mode'",
		"use one of: pipe, echo, discard, source", "--mode=zzz");
}

Test(opt, controls_are_shown_and_long_words_are_cut)
{
	struct reading r;
	char word[400] = "--";

	REFUSES("unknown option '--a\\x1b[31mb'", "'sockx serve -h' shows the options",
		"--a\x1b[31mb");
	REFUSES("'\\n' is not a number for '-b'", "write a number, from 1 to 4096", "-b", "\n");
	REFUSES("'\\x1bc' is not one of the values of '-m'",
		"use one of: pipe, echo, discard, source",
		"-m\x1b"
		"c");
	memset(word + 2, 'x', 390);
	cr_expect(eq(int, PARSE(&r, word), OPTS_ERROR));
	cr_expect(lt(sz, strlen(r.err.what), 150));
	word[1] = 'y';
	cr_expect(eq(int, PARSE(&r, word), OPTS_ERROR));
	cr_expect(lt(sz, strlen(r.err.what), 150));
}

Test(opt, what_was_given_is_known_as_it_was_typed)
{
	struct reading r;

	PARSE(&r, "--port=80", "-vn", "-k", "--keep-open");
	expect_text(opts_given(&r.set, &r.args, "port"), "--port");
	expect_text(opts_given(&r.set, &r.args, "verbose"), "-v");
	expect_text(opts_given(&r.set, &r.args, "n"), "-n");
	expect_text(opts_given(&r.set, &r.args, "keep-open"), "--keep-open");
	expect_text(opts_given(&r.set, &r.args, "once"), NULL);
	expect_text(opts_given(&r.set, &r.args, "nonsense"), NULL);
}

Test(opt, an_option_of_another_mode_is_found)
{
	struct reading r;
	const struct opt_modes *modes = NULL;

	PARSE(&r, "--bye", "ciao", "-v");
	expect_text(((struct chat_conf *)((char *)&r.conf + r.chat_at))->bye, "ciao");
	expect_text(opts_stray(&r.set, &r.args, "chat", &modes), NULL);
	expect_text(opts_stray(&r.set, &r.args, "echo", &modes), "--bye");
	expect_text(opt_modes_text(modes).text, "chat");
}

Test(opt, rows_may_belong_to_several_modes)
{
	struct reading r;
	const struct opt_modes *modes = NULL;

	PARSE(&r, "--bye", "x");
	r.set.groups[1].modes = (struct opt_modes){{"pipe", "chat", "relay"}, 3};
	expect_text(opts_stray(&r.set, &r.args, "pipe", &modes), NULL);
	expect_text(opts_stray(&r.set, &r.args, "chat", &modes), NULL);
	expect_text(opts_stray(&r.set, &r.args, "relay", &modes), NULL);
	expect_text(opts_stray(&r.set, &r.args, "lay", &modes), "--bye");
	expect_text(opts_stray(&r.set, &r.args, "pip", &modes), "--bye");
	expect_text(opt_modes_text(modes).text, "pipe, chat or relay");
}

Test(opt, rows_of_no_mode_are_left_out)
{
	struct reading r = {0};

	opt_set_add_for(&r.set, "Chat", chat_rows, 2, 0, &(struct opt_modes){{NULL}, 0});
	cr_expect(eq(sz, r.set.count, 0));
}

Test(opt, modes_are_written_as_a_phrase)
{
	struct opt_modes modes = {{"greet", "chat", "analyze"}, 1};

	expect_text(opt_modes_text(&modes).text, "greet");
	modes.count = 2;
	expect_text(opt_modes_text(&modes).text, "greet or chat");
	modes.count = 3;
	expect_text(opt_modes_text(&modes).text, "greet, chat or analyze");
}

Test(opt, a_modes_fields_lie_after_the_commands_own)
{
	struct reading r = {0};

	describe(&r);
	cr_expect(ge(sz, r.chat_at, sizeof(struct conf)));
	cr_expect(eq(sz, r.chat_at % _Alignof(max_align_t), 0));
	cr_expect(eq(sz, r.set.conf_size, r.chat_at + sizeof(struct chat_conf)));
}

/* The tables' own test. */

static bool none(size_t i, struct opt_choice *out)
{
	(void)i;
	(void)out;
	return false;
}

static bool twins(size_t i, struct opt_choice *out)
{
	*out = (struct opt_choice){"twin", "one of two"};
	return i < 2;
}

static const struct opt port_row = {.name = "port",
	.letter = 'p',
	.kind = OPT_TEXT,
	OPT_FIELD(struct conf, port),
	.arg = "PORT",
	.help = "the port"};
static const struct opt size_row = {.name = "size",
	.kind = OPT_SIZE,
	OPT_FIELD(struct conf, size),
	.arg = "BYTES",
	.help = "bytes at once"};

/* Whether a table of the port row and this one is refused with that text. */
static void unsound(const struct opt *row, const char *what)
{
	const struct opt two[] = {port_row, *row};
	struct opt_set set = {.conf_size = sizeof(struct conf)};
	struct err err = {0};

	opt_set_add(&set, "Main", two, 2, 0);
	cr_expect(eq(int, opts_check(&set, &err), -1), "for: %s", what);
	expect_text(err.what, what);
}

/* The same for the size row with a change. */
#define UNSOUND(what, change)              \
	do {                               \
		struct opt row = size_row; \
		change;                    \
		unsound(&row, what);       \
	} while (0)

Test(opts_check, a_sound_table_passes)
{
	struct reading r = {0};
	struct opt_set set = {0};

	describe(&r);
	cr_expect(eq(int, opts_check(&r.set, &r.err), 0), "%s", r.err.what);
	toys[TOY_SERVE]->options(&set);
	cr_expect(eq(int, opts_check(&set, &r.err), 0), "%s", r.err.what);
}

Test(opts_check, names_and_letters_are_of_one_row)
{
	UNSOUND("--port: two rows have this name", row.name = "port");
	UNSOUND("--size: two rows have this letter", row.letter = 'p');
	UNSOUND("-?: has neither a name nor a letter", row.name = NULL);
	UNSOUND("--Size: the name is not 2 to 28 small letters, digits and '-'", row.name = "Size");
	UNSOUND("--size-: the name is not 2 to 28 small letters, digits and '-'",
		row.name = "size-");
	UNSOUND("--size: the letter is neither a letter nor a digit", row.letter = '-');
}

Test(opts_check, fields_fit_their_kind_and_their_place)
{
	UNSOUND("--size: the field has the wrong size for the kind", row.size = 4);
	UNSOUND("--size: the field has the wrong size for the kind", row.kind = OPT_FLAG);
	UNSOUND("--size: the field is outside the configuration", row.offset = sizeof(struct conf));
	UNSOUND("--size: the field is outside the configuration",
		row.offset = sizeof(struct conf) - 4);
	UNSOUND("--size: the field is not aligned", row.offset = offsetof(struct conf, size) + 1);
	UNSOUND("--size: two rows have this field", row.offset = offsetof(struct conf, port));
}

Test(opts_check, values_have_an_arg_and_fallbacks_parse)
{
	UNSOUND("--size: takes a value, but has no arg to call it by", row.arg = NULL);
	UNSOUND("--size: the fallback does not parse", row.fallback = "12x");
	UNSOUND("--size: the fallback does not parse", (row.fallback = "2K", row.max = 2047));
	UNSOUND("--size: is a list with a fallback",
		(row.kind = OPT_LIST, row.offset = offsetof(struct conf, hosts),
			row.size = sizeof(struct opt_list), row.fallback = "x"));
	UNSOUND("--size: has an optional value, and so needs a name and takes no fallback",
		(row.kind = OPT_MAYBE_SIZE, row.offset = offsetof(struct conf, watch),
			row.fallback = "1"));
	UNSOUND("-s: has an optional value, and so needs a name and takes no fallback",
		(row.kind = OPT_MAYBE_SIZE, row.offset = offsetof(struct conf, watch),
			row.letter = 's', row.name = NULL));
	UNSOUND("--size: the least value is above the greatest", (row.min = 2, row.max = 1));
	UNSOUND("--size: has bounds, but is no number or size", (row.kind = OPT_MSEC, row.max = 1));
	UNSOUND("--size: takes no value, but has an arg, a fallback or a completion",
		(row.kind = OPT_FLAG, row.offset = offsetof(struct conf, once),
			row.size = sizeof(bool)));
}

Test(opts_check, helps_are_phrases)
{
	UNSOUND("--size: the help begins with a capital", row.help = "Bytes at once");
	UNSOUND("--size: the help ends with a full stop", row.help = "bytes at once.");
	UNSOUND("--size: the help is not one phrase on one line", row.help = "bytes\nat once");
	UNSOUND("--size: the help is not one phrase on one line", row.help = "");
	UNSOUND("--size: the help is not one phrase on one line", row.help = NULL);
}

Test(opts_check, choices_can_be_chosen)
{
	UNSOUND("--size: is a choice without choices", row.kind = OPT_CHOICE);
	UNSOUND("--size: is a choice without choices", (row.kind = OPT_CHOICE, row.choice = none));
	UNSOUND("--size: has one choice twice", (row.kind = OPT_CHOICE, row.choice = twins));
	UNSOUND("--size: has choices, but is no choice", row.choice = modes);
	UNSOUND("--size: the fallback does not parse",
		(row.kind = OPT_CHOICE, row.choice = modes, row.fallback = "eco"));
}

Test(opts_check, a_set_that_overflows_says_so)
{
	struct opt_set set = {.conf_size = sizeof(struct conf)};
	struct err err = {0};

	for (int i = 0; i <= OPT_GROUPS_MAX; i++)
		opt_set_add(&set, "Main", &port_row, 1, 0);
	cr_expect(eq(sz, set.count, OPT_GROUPS_MAX));
	cr_expect(eq(int, opts_check(&set, &err), -1));
	expect_text(err.what, "more than 24 groups or 128 rows");
}
