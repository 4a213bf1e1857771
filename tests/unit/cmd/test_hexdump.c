#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "cmd/hexdump.h"
#include "directory.h"
#include "held_clock.h"
#include "memory.h"
#include "os/late.h"
#include "os/timer.h"
#include "report/trace.h"
#include "script.h"

/* Shows pieces, and has what became of them. */
struct shows {
	struct hexdump hexdump;
	struct lines lines;
	struct reporter to;
	struct talk_conf talk;
	struct err err;
};

static void prepare(struct shows *s, const char *where)
{
	*s = (struct shows){.talk.hexdump = where};
	s->to = lines_reporter(&s->lines);
}

static int begin(struct shows *s)
{
	if (hexdump_check(&s->talk, &s->err) < 0)
		return -1;
	return hexdump_begin(&s->hexdump, &s->to, &s->talk, &s->err);
}

static void must_begin(struct shows *s, const char *where)
{
	clock_hold_at(1000);
	prepare(s, where);
	cr_assert(eq(int, begin(s), 0), "%s", s->err.what);
}

static void show(struct shows *s, bool sent, const char *text)
{
	const struct dump_piece piece = {.conn = 1, .sent = sent, .bytes = span_of(text)};

	s->to.dump->show(s->to.dump, &piece);
}

static struct lines file_text(const char *path)
{
	struct lines lines = {0};
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, lines.text, sizeof(lines.text) - 1);

	cr_assert(ge(i64, n, 0), "%s", path);
	close(fd);
	lines.len = (size_t)n;
	return lines;
}

#define HELLO \
	"  0.000000  1 > 00000000  68 65 6c 6c 6f                                    |hello|\n"

static void enter(void)
{
	directory_enter();
	umask(027);
}

static void leave(void)
{
	unlink("dump");
	clock_release();
	directory_leave();
}

TestSuite(cmd_hexdump, .timeout = 20, .init = enter, .fini = leave);

Test(cmd_hexdump, unasked_there_is_none)
{
	struct shows s;

	prepare(&s, NULL);
	cr_assert(eq(int, begin(&s), 0));
	cr_expect(s.to.dump == NULL);
	cr_assert(eq(int, hexdump_end(&s.hexdump, &s.err), 0));
}

Test(cmd_hexdump, standard_error_gets_rows_of_16)
{
	struct shows s;

	must_begin(&s, "");
	clock_hold_at(2500);
	show(&s, false, "0123456789abcdefg");
	cr_expect(eq(str, s.lines.text,
		"  1.500000  1 < 00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  "
		"|0123456789abcdef|\n"
		"  1.500000  1 < 00000010  67                                                "
		"|g|\n"));
	cr_assert(eq(int, hexdump_end(&s.hexdump, &s.err), 0));
	cr_expect(s.to.dump == NULL);
}

Test(cmd_hexdump, an_empty_message_has_its_row_and_onward_a_mark)
{
	const struct dump_piece empty = {.conn = 12, .onward = true, .whole = true};
	struct shows s;

	must_begin(&s, "");
	s.to.dump->show(s.to.dump, &empty);
	show(&s, true, "");
	cr_expect(eq(str, s.lines.text, "  0.000000 12+ < 00000000  (empty message)\n"),
		"nothing of a stream has none");
	cr_assert(eq(int, hexdump_end(&s.hexdump, &s.err), 0));
}

Test(cmd_hexdump, on_a_terminal_the_time_is_dim_and_in_a_file_it_is_not)
{
	struct shows s;

	must_begin(&s, "");
	s.to.colour = true;
	show(&s, true, "a");
	cr_expect(strncmp(s.lines.text, "\033[2m  0.000000\033[0m  1 > ", 22) == 0, "%s",
		s.lines.text);
	cr_assert(eq(int, hexdump_end(&s.hexdump, &s.err), 0));
	must_begin(&s, "dump");
	s.to.colour = true;
	show(&s, true, "hello");
	cr_assert(eq(int, hexdump_end(&s.hexdump, &s.err), 0));
	cr_expect(eq(str, file_text("dump").text, HELLO));
}

Test(cmd_hexdump, its_clock_is_that_of_the_trace)
{
	struct shows s;
	struct trace trace;

	clock_hold_at(1000);
	prepare(&s, "");
	trace_begin(&trace, &s.to);
	clock_hold_at(3000);
	cr_assert(eq(int, begin(&s), 0));
	show(&s, true, "hello");
	cr_expect(strncmp(s.lines.text, "  2.000000", 10) == 0, "%s", s.lines.text);
	cr_assert(eq(int, hexdump_end(&s.hexdump, &s.err), 0));
	trace_end(&trace);
}

Test(cmd_hexdump, a_file_is_emptied_and_has_the_usual_permissions)
{
	struct shows s;
	int fd = open("dump", O_WRONLY | O_CREAT, 0600);

	cr_assert(eq(i64, write(fd, "an older dump", 13), 13));
	close(fd);
	must_begin(&s, "dump");
	cr_expect(eq(str, file_text("dump").text, ""));
	show(&s, true, "hello");
	cr_assert(eq(int, hexdump_end(&s.hexdump, &s.err), 0));
	cr_expect(eq(str, file_text("dump").text, HELLO));
	cr_expect(eq(str, s.lines.text, ""));
	unlink("dump");
	must_begin(&s, "dump");
	cr_assert(eq(int, hexdump_end(&s.hexdump, &s.err), 0));
	cr_expect(eq(u32, permissions_of("dump"), 0640));
}

Test(cmd_hexdump, a_file_has_it_all_when_the_turn_is_over)
{
	struct shows s;
	struct loop loop;
	struct late late;

	must_begin(&s, "dump");
	cr_assert(eq(int, loop_init(&loop, &s.err), 0));
	cr_assert(eq(int, late_begin(&late, &loop, &s.to), 0));
	show(&s, true, "hello");
	cr_expect(eq(str, file_text("dump").text, ""), "not a write for each piece");
	timers_run(&loop);
	cr_expect(eq(str, file_text("dump").text, HELLO));
	cr_expect(eq(u32, loop.timers_set, 0));
	show(&s, true, "hello");
	cr_expect(eq(u32, loop.timers_set, 1));
	late_end(&late);
	cr_assert(eq(int, hexdump_end(&s.hexdump, &s.err), 0));
	cr_expect(eq(str, file_text("dump").text, HELLO HELLO));
	loop_free(&loop);
}

Test(cmd_hexdump, what_is_kept_is_bounded_and_nothing_is_lost)
{
	enum { PIECES = 3000 };
	struct shows s;
	struct stat about;

	must_begin(&s, "dump");
	for (int i = 0; i < PIECES; i++)
		show(&s, true, "hello");
	cr_assert(eq(int, stat("dump", &about), 0));
	cr_expect(ge(i64, about.st_size + HEXDUMP_ROOM_BYTES, PIECES * (off_t)strlen(HELLO)));
	cr_assert(eq(int, hexdump_end(&s.hexdump, &s.err), 0));
	cr_assert(eq(int, stat("dump", &about), 0));
	cr_expect(eq(i64, about.st_size, PIECES * (off_t)strlen(HELLO)));
}

Test(cmd_hexdump, a_full_disk_is_reported_once_and_is_an_error_at_the_end)
{
	struct shows s;

	must_begin(&s, "/dev/full");
	for (int i = 0; i < 3000; i++)
		show(&s, true, "hello");
	cr_expect(eq(str, s.lines.text,
		"cannot write the dump /dev/full: No space left on device; it ends here\n"));
	cr_assert(eq(int, hexdump_end(&s.hexdump, &s.err), -1));
	cr_expect(eq(int, s.err.kind, ERR_RUNTIME));
	cr_expect(eq(str, s.err.what, "the dump '/dev/full' is not complete"));
}

Test(cmd_hexdump, so_is_one_that_only_the_end_finds)
{
	struct shows s;

	must_begin(&s, "/dev/full");
	show(&s, true, "hello");
	cr_expect(eq(str, s.lines.text, ""));
	cr_assert(eq(int, hexdump_end(&s.hexdump, &s.err), -1));
	cr_expect(strstr(s.lines.text, "No space left on device") != NULL, "%s", s.lines.text);
}

/* Refused before anything is opened: the descriptors are those that there were. */
static void refuses(const char *where, const char *says, const char *hints)
{
	const unsigned before = open_descriptors();
	struct shows s;

	prepare(&s, where);
	cr_assert(eq(int, begin(&s), -1), "%s", where);
	cr_expect(eq(int, s.err.kind, ERR_USAGE), "%s", where);
	cr_expect(strstr(s.err.what, says) != NULL, "%s", s.err.what);
	cr_expect(strstr(s.err.hint, hints) != NULL, "%s", s.err.hint);
	cr_expect(s.to.dump == NULL);
	cr_expect(eq(uint, open_descriptors(), before), "%s", where);
	cr_assert(eq(int, hexdump_end(&s.hexdump, &s.err), 0));
}

Test(cmd_hexdump, what_may_wait_for_another_program_is_refused)
{
	cr_assert(eq(int, mkfifo("fifo", 0600), 0));
	refuses("fifo", "cannot write the dump 'fifo': it is no file", "standard error");
	unlink("fifo");
	refuses("/dev/tty", "'/dev/tty': it is no file", "standard error");
	refuses("/dev/zero", "'/dev/zero': it is no file", "standard error");
	refuses("-", "'-': standard output is for data", "./-");
	refuses(".", "'.': Is a directory", "name a file");
	refuses("none/dump", "'none/dump': No such file or directory", "name a file");
}

Test(cmd_hexdump, where_all_of_standard_error_has_a_form_only_a_file_will_do)
{
	struct shows s;

	for (int i = 0; i < 2; i++) {
		prepare(&s, "");
		s.talk.json = i == 0;
		s.talk.trace = i == 0 ? NULL : "mermaid";
		cr_assert(eq(int, begin(&s), -1));
		cr_expect(eq(int, s.err.kind, ERR_USAGE));
		cr_expect(strstr(s.err.what, i == 0 ? "'--json'" : "'--trace=mermaid'") != NULL,
			"%s", s.err.what);
		cr_expect(strstr(s.err.hint, "--hexdump=FILE") != NULL, "%s", s.err.hint);
		s.talk.hexdump = "dump";
		cr_assert(eq(int, begin(&s), 0), "%s", s.err.what);
		cr_assert(eq(int, hexdump_end(&s.hexdump, &s.err), 0));
	}
}

Test(cmd_hexdump, the_packets_have_another_file)
{
	struct shows s;

	prepare(&s, "both");
	s.talk.pcap = "both";
	cr_assert(eq(int, begin(&s), -1));
	cr_expect(eq(int, s.err.kind, ERR_USAGE));
	cr_expect(strstr(s.err.what, "cannot both write to 'both'") != NULL, "%s", s.err.what);
	cr_expect(eq(int, access("both", F_OK), -1));
	must_begin(&s, "both");
	cr_assert(eq(int, hexdump_end(&s.hexdump, &s.err), 0));
	prepare(&s, "both");
	s.talk.pcap = "./both";
	cr_expect(eq(int, begin(&s), -1));
	unlink("both");
	prepare(&s, "/dev/null");
	s.talk.pcap = "/dev/null";
	cr_assert(eq(int, begin(&s), 0), "%s", s.err.what);
	cr_assert(eq(int, hexdump_end(&s.hexdump, &s.err), 0));
}

Test(cmd_hexdump, out_of_memory)
{
	const unsigned before = open_descriptors();
	struct shows s;
	int rc;

	prepare(&s, "dump");
	fail_allocation(1);
	rc = begin(&s);
	fail_allocation(0);
	cr_assert(eq(int, rc, -1));
	cr_expect(eq(str, s.err.what, "cannot begin: out of memory"));
	cr_expect(eq(uint, open_descriptors(), before));
}
