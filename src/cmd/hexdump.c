#include "cmd/hexdump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/hexdump.h"
#include "base/list.h"
#include "os/output_file.h"
#include "os/sys_file.h"
#include "report/trace.h"

const struct opt hexdump_options[] = {
	{.name = "hexdump",
		.letter = 'x',
		.kind = OPT_MAYBE_TEXT,
		OPT_FIELD(struct talk_conf, hexdump),
		.arg = "FILE",
		.completes = COMPLETES_FILE,
		.help = "show all bytes that are received and sent, in hex and ASCII, or write "
			"them to FILE"},
};
const size_t hexdump_option_count = sizeof(hexdump_options) / sizeof(hexdump_options[0]);

/*
 *   0.000312  1 > 00000000  68 65 6c 6c 6f 0a                                 |hello.|
 *
 * Each row begins as a line of --trace does; then "<" is received, ">" is sent, "+" marks what a
 * server's own connections send and receive.
 */
enum { HEADING_MAX = 80, ROW_MAX = HEADING_MAX + HEXDUMP_ROW_MAX };

/* ---- the rows ---- */

static size_t hexdump_heading(
	const struct hexdump *h, const struct dump_piece *piece, char out[HEADING_MAX])
{
	const bool dim = h->to->colour && !h->path;
	char conn[24];

	snprintf(conn, sizeof(conn), "%ju%s", (uintmax_t)piece->conn, piece->onward ? "+" : "");
	return (size_t)snprintf(out, HEADING_MAX, "%s%s%s %2s %c ", dim ? TRACE_DIM : "",
		trace_time_text(clock_ns() - h->began_ns).text, dim ? TRACE_PLAIN : "", conn,
		piece->sent ? '>' : '<');
}

static void hexdump_failed(struct hexdump *h, int error)
{
	struct err why = {0};

	h->failed = true;
	h->used = 0;
	err_sys(&why, ERR_RUNTIME, error, "cannot write the dump %s", quoted(h->path).text);
	report(h->to, &(struct report){.kind = REPORT_DUMP_FAILED, .path = h->path, .why = &why});
}

/* Of what the room holds, so many bytes are in the file: it is to end with a whole row. */
static void hexdump_cut(struct hexdump *h, size_t written)
{
	const off_t end = sys_place(h->fd);
	size_t part = 0;

	while (part < written && h->room[written - part - 1] != '\n')
		part++;
	if (part && end >= (off_t)part)
		(void)sys_ftruncate(&h->silent, h->fd, end - (off_t)part);
}

static void hexdump_write(struct hexdump *h)
{
	struct span left = {h->room, h->used};

	while (left.len) {
		ssize_t n = sys_write(&h->silent, h->fd, left.data, left.len);

		if (n <= 0) {
			hexdump_cut(h, h->used - left.len);
			hexdump_failed(h, n < 0 ? errno : ENOSPC);
			return;
		}
		left = span_from(left, (size_t)n);
	}
	h->used = 0;
}

/* struct report_late.again */
static bool hexdump_again(struct report_late *late)
{
	struct hexdump *h = container_of(late, struct hexdump, dump.late);

	h->waiting = false;
	hexdump_write(h);
	return false;
}

/* The row is made where it goes, after a copy of its heading. */
static void hexdump_keep(struct hexdump *h, struct span heading, uint64_t at, struct span row)
{
	char *out;

	if (h->used + ROW_MAX > HEXDUMP_ROOM_BYTES)
		hexdump_write(h);
	if (h->failed)
		return;
	out = (char *)h->room + h->used;
	memcpy(out, heading.data, heading.len);
	h->used += heading.len + hexdump_row(out + heading.len, at, row);
	if (h->waiting || !h->dump.late.kept)
		return;
	h->waiting = true;
	h->dump.late.kept(h->dump.late.arg);
}

static void hexdump_report(struct hexdump *h, struct span heading, uint64_t at, struct span row)
{
	char out[ROW_MAX];
	size_t len = heading.len;

	memcpy(out, heading.data, len);
	len += hexdump_row(out + len, at, row);
	report_line(h->to, (struct span){(const uint8_t *)out, len});
}

/* struct dump.show */
static void hexdump_show(struct dump *d, const struct dump_piece *piece)
{
	struct hexdump *h = container_of(d, struct hexdump, dump);
	void (*const put)(struct hexdump *, struct span, uint64_t, struct span) =
		h->path ? hexdump_keep : hexdump_report;
	struct span left = piece->bytes, row;
	uint64_t at = piece->at;
	char text[HEADING_MAX];
	struct span heading = {(const uint8_t *)text, 0};

	if (h->failed || (!left.len && !piece->whole))
		return;
	heading.len = hexdump_heading(h, piece, text);
	do {
		row = (struct span){
			left.data, left.len < HEXDUMP_ROW_BYTES ? left.len : HEXDUMP_ROW_BYTES};
		put(h, heading, at, row);
		left = span_from(left, row.len);
		at += row.len;
	} while (left.len);
}

/* ---- the file ---- */

/* A file, or one of the devices that take all or nothing at once. */
static bool hexdump_never_waits(const struct stat *about)
{
	enum { MEMORY_DEVICES = 1, NULL_DEVICE = 3, FULL_DEVICE = 7 }; /* Linux, devices.txt */

	if (S_ISCHR(about->st_mode) && major(about->st_rdev) == MEMORY_DEVICES)
		return minor(about->st_rdev) == NULL_DEVICE || minor(about->st_rdev) == FULL_DEVICE;
	return S_ISREG(about->st_mode);
}

static int hexdump_refuse(const struct hexdump *h, const char *why, struct err *err)
{
	return err_set(err, ERR_USAGE, "cannot write the dump %s: %s", quoted(h->path).text, why);
}

static int hexdump_refuse_kind(const struct hexdump *h, struct err *err)
{
	hexdump_refuse(h, "it is no file", err);
	return err_hint(
		err, "to pass the dump on, have it on standard error: '-x 2>&1 >/dev/null |'");
}

static int hexdump_open(struct hexdump *h, struct err *err)
{
	struct stat about;
	const char *why;

	if (strcmp(h->path, "-") == 0) {
		hexdump_refuse(h, "standard output is for data", err);
		return err_hint(
			err, "'-x' alone writes to standard error; a file of that name: ./-");
	}
	if (sys_stat(h->path, &about) == 0 && !S_ISDIR(about.st_mode) &&
		!hexdump_never_waits(&about))
		return hexdump_refuse_kind(h, err);
	h->fd = output_file_open(&h->silent, h->path, O_NONBLOCK, 0666, &why);
	if (h->fd < 0) {
		hexdump_refuse(h, why, err);
		return err_hint(err, "name a file of its own, which can be written");
	}
	if (sys_fstat(h->fd, &about) < 0 || !hexdump_never_waits(&about))
		return hexdump_refuse_kind(h, err);
	return 0;
}

static int hexdump_begin_file(struct hexdump *h, const char *path, struct err *err)
{
	h->path = path;
	h->dump.late.again = hexdump_again;
	h->room = malloc(HEXDUMP_ROOM_BYTES);
	if (!h->room)
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	return hexdump_open(h, err);
}

/* All of standard error then has another form. */
static int hexdump_check_form(const struct talk_conf *talk, struct err *err)
{
	const bool diagram = talk->trace && strcmp(talk->trace, "mermaid") == 0;

	if (!talk->json && !diagram)
		return 0;
	err_set(err, ERR_USAGE, "'-x' and '%s' cannot be combined: both write to standard error",
		talk->json ? "--json" : "--trace=mermaid");
	return err_hint(err, "have the dump in a file: --hexdump=FILE");
}

/* By another name, too. A device takes both. */
static bool hexdump_is_capture(const struct talk_conf *talk)
{
	struct stat dump, capture;
	const bool is_there = sys_stat(talk->hexdump, &dump) == 0;

	if (is_there && S_ISCHR(dump.st_mode))
		return false;
	if (is_there && sys_stat(talk->pcap, &capture) == 0)
		return dump.st_dev == capture.st_dev && dump.st_ino == capture.st_ino;
	return strcmp(talk->pcap, talk->hexdump) == 0;
}

/* Each would write over the other. */
static int hexdump_check_file(const struct talk_conf *talk, struct err *err)
{
	if (!talk->pcap || !hexdump_is_capture(talk))
		return 0;
	err_set(err, ERR_USAGE, "'--hexdump' and '--pcap' cannot both write to %s",
		quoted(talk->pcap).text);
	return err_hint(err, "name two files");
}

int hexdump_check(const struct talk_conf *talk, struct err *err)
{
	if (!talk->hexdump)
		return 0;
	return *talk->hexdump ? hexdump_check_file(talk, err) : hexdump_check_form(talk, err);
}

static void hexdump_free(struct hexdump *h)
{
	if (h->fd >= 0)
		sys_close(&h->silent, h->fd);
	free(h->room);
	*h = (struct hexdump){0};
}

int hexdump_begin(
	struct hexdump *h, struct reporter *to, const struct talk_conf *talk, struct err *err)
{
	if (!talk->hexdump)
		return 0;
	*h = (struct hexdump){.dump.show = hexdump_show,
		.to = to,
		.fd = -1,
		.began_ns = to->trace ? to->trace->began_ns : clock_ns()};
	if (*talk->hexdump && hexdump_begin_file(h, talk->hexdump, err) < 0) {
		hexdump_free(h);
		return -1;
	}
	to->dump = &h->dump;
	return 0;
}

int hexdump_end(struct hexdump *h, struct err *err)
{
	int rc = 0;

	if (!h->to)
		return 0;
	h->to->dump = NULL;
	if (h->path && !h->failed)
		hexdump_write(h);
	if (h->failed) {
		rc = err_set(err, ERR_RUNTIME, "the dump %s is not complete", quoted(h->path).text);
		err_hint(err, "when that began was reported, with the reason");
	}
	hexdump_free(h);
	return rc;
}
