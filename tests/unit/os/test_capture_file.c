#include "os/capture_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "directory.h"
#include "os/late.h"
#include "script.h"

TestSuite(capture_file, .timeout = 20);

static const char *why(const char *path)
{
	static struct err err;
	struct reporter to = silent_reporter();
	struct capture_file f;

	err = (struct err){0};
	cr_assert(eq(int, capture_file_begin(&f, &to, path, &err), -1));
	cr_expect(eq(int, err.kind, ERR_USAGE));
	cr_expect(ne(int, err.hint[0], 0));
	cr_expect(eq(int, capture_file_end(&f), 0));
	return err.what;
}

static size_t contents(const char *path, char *room, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, room, size);

	close(fd);
	return n < 0 ? 0 : (size_t)n;
}

Test(capture_file, each_piece_is_there_at_once)
{
	struct lines lines;
	struct reporter to = lines_reporter(&lines);
	struct capture_file f;
	struct err err = {0};
	char room[32];

	directory_enter();
	umask(0);
	cr_assert(eq(int, capture_file_begin(&f, &to, "x", &err), 0));
	cr_expect(eq(int, permissions_of("x"), 0600));
	capture_file_add(&f, span_of("one "));
	cr_expect(eq(sz, contents("x", room, sizeof(room)), 4));
	capture_file_add(&f, span_of("two"));
	cr_expect(eq(int, capture_file_end(&f), 0));
	cr_expect(eq(sz, contents("x", room, sizeof(room)), 7));
	cr_expect(eq(int, memcmp(room, "one two", 7), 0));
	/* It is emptied by the next one. */
	cr_assert(eq(int, capture_file_begin(&f, &to, "x", &err), 0));
	cr_expect(eq(int, capture_file_end(&f), 0));
	cr_expect(eq(sz, contents("x", room, sizeof(room)), 0));
	cr_expect(eq(sz, lines.len, 0));
	unlink("x");
	directory_leave();
}

Test(capture_file, it_says_why_it_cannot_be_made)
{
	directory_enter();
	cr_expect(
		eq(str, why("no/x"), "cannot write packets to 'no/x': No such file or directory"));
	cr_expect(eq(str, why("."), "cannot write packets to '.': Is a directory"));
	directory_leave();
}

Test(capture_file, a_failure_is_reported_once)
{
	struct lines lines;
	struct reporter to = lines_reporter(&lines);
	struct capture_file f;
	struct err err = {0};

	cr_assert(eq(int, capture_file_begin(&f, &to, "/dev/full", &err), 0));
	capture_file_add(&f, span_of("one"));
	capture_file_add(&f, span_of("two"));
	capture_file_fail(&f, "another reason");
	cr_expect(eq(int, capture_file_end(&f), -1));
	cr_expect(
		eq(str, lines.text, "/dev/full: the packets end here: No space left on device\n"));
}

/* A limit of the size stands for a disk that is full: what was written of a piece is taken back. */
Test(capture_file, a_piece_that_finds_no_room_leaves_nothing)
{
	struct lines lines;
	struct reporter to = lines_reporter(&lines);
	struct capture_file f;
	struct err err = {0};
	const struct rlimit few = {10, RLIM_INFINITY}, any = {RLIM_INFINITY, RLIM_INFINITY};
	char room[32];

	signal(SIGXFSZ, SIG_IGN);
	directory_enter();
	cr_assert(eq(int, capture_file_begin(&f, &to, "x", &err), 0));
	cr_assert(eq(int, setrlimit(RLIMIT_FSIZE, &few), 0));
	capture_file_add(&f, span_of("0123456"));
	capture_file_add(&f, span_of("789abcd"));
	cr_assert(eq(int, setrlimit(RLIMIT_FSIZE, &any), 0));
	cr_expect(eq(int, capture_file_end(&f), -1));
	cr_expect(eq(sz, contents("x", room, sizeof(room)), 7));
	cr_expect(eq(str, lines.text, "x: the packets end here: File too large\n"));
	unlink("x");
	directory_leave();
}

static size_t read_some(int fd, size_t most)
{
	char *room = malloc(most);
	ssize_t n = read(fd, room, most);

	free(room);
	return n < 0 ? 0 : (size_t)n;
}

/* A FIFO with a reader, and so much in it that it takes no more; *all: how much that is. */
static int fill(struct capture_file *f, struct reporter *to, size_t *all)
{
	static const char piece[60000];
	struct err err = {0};
	int reader;

	signal(SIGPIPE, SIG_IGN);
	cr_assert(eq(int, mkfifo("fifo", 0600), 0));
	reader = open("fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	cr_assert(eq(int, capture_file_begin(f, to, "fifo", &err), 0));
	for (*all = 0; !f->kept.len; *all += sizeof(piece))
		capture_file_add(f, (struct span){(const uint8_t *)piece, sizeof(piece)});
	return reader;
}

Test(capture_file, what_a_fifo_does_not_take_is_tried_again_while_a_loop_turns)
{
	struct lines lines;
	struct reporter to = lines_reporter(&lines);
	struct capture_file f;
	struct loop loop;
	struct late late;
	struct err err = {0};
	size_t all, got = 0;
	int reader;

	directory_enter();
	reader = fill(&f, &to, &all);
	cr_assert(eq(int, loop_init(&loop, &err), 0));
	cr_assert(eq(int, late_begin(&late, &loop, &to), 0));
	cr_expect(eq(ptr, to.late, NULL), "no line waits");
	capture_file_add(&f, span_of("x"));
	got = read_some(reader, 1 << 20);
	for (int i = 0; i < 100 && f.kept.len > 1; i++)
		cr_assert(eq(int, loop_turn(&loop, &err), 0));
	cr_expect(eq(sz, f.kept.len, 0));
	late_end(&late);
	loop_free(&loop);
	cr_expect(eq(int, capture_file_end(&f), 0));
	got += read_some(reader, 1 << 20);
	cr_expect(eq(sz, got, all + 1));
	cr_expect(eq(sz, lines.len, 0));
	close(reader);
	unlink("fifo");
	directory_leave();
}

Test(capture_file, a_reader_that_stays_back_too_far_gets_no_more)
{
	static const char piece[1 << 20];
	struct lines lines;
	struct reporter to = lines_reporter(&lines);
	struct capture_file f;
	size_t all;
	int reader;

	directory_enter();
	reader = fill(&f, &to, &all);
	for (int i = 0; i < CAPTURE_KEPT_BYTES >> 20; i++)
		capture_file_add(&f, (struct span){(const uint8_t *)piece, sizeof(piece)});
	cr_expect(f.failed);
	cr_expect(eq(sz, f.kept.len, 0));
	cr_expect(eq(
		str, lines.text, "fifo: the packets end here: what reads from it is too slow\n"));
	cr_expect(eq(int, capture_file_end(&f), -1));
	close(reader);
	unlink("fifo");
	directory_leave();
}

Test(capture_file, a_reader_that_has_left_is_a_failure)
{
	struct lines lines;
	struct reporter to = lines_reporter(&lines);
	struct capture_file f;
	size_t all;

	directory_enter();
	close(fill(&f, &to, &all));
	cr_expect(eq(int, capture_file_end(&f), -1));
	cr_expect(eq(str, lines.text, "fifo: the packets end here: Broken pipe\n"));
	unlink("fifo");
	directory_leave();
}

/* The lines of the reporter, which are tried again beside it. */
struct other_lines {
	struct report_late late;
	unsigned tries;
};

static bool other_again(struct report_late *late)
{
	return ++container_of(late, struct other_lines, late)->tries < 3;
}

Test(capture_file, late_lines_of_the_reporter_are_still_tried)
{
	struct other_lines other = {.late.again = other_again};
	struct reporter to = silent_reporter();
	struct capture_file f;
	struct loop loop;
	struct late late;
	struct err err = {0};

	to.late = &other.late;
	cr_assert(eq(int, capture_file_begin(&f, &to, "/dev/null", &err), 0));
	cr_assert(eq(int, loop_init(&loop, &err), 0));
	cr_assert(eq(int, late_begin(&late, &loop, &to), 0));
	other.late.kept(other.late.arg);
	while (loop.timers_set)
		cr_assert(eq(int, loop_turn(&loop, &err), 0));
	cr_expect(eq(uint, other.tries, 3));
	late_end(&late);
	loop_free(&loop);
	cr_expect(eq(int, capture_file_end(&f), 0));
	cr_expect(eq(ptr, to.late, &other.late));
	cr_expect(eq(ptr, (void *)other.late.kept, NULL));
	cr_expect(eq(ptr, to.capture, NULL));
}
