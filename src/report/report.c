#include "report/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/amount.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/timestamp.h"

struct report_row {
	char key[24]; /* the JSON event: never renamed */
	enum report_level level;
	char human[180]; /* each {FIELD} is filled in */
};

enum field_kind {
	FIELD_TEXT, /* const char *; the JSON has it unless it is NULL */
	FIELD_ALSO, /* the same; to a person ", " and its name before it, and nothing without it */
	FIELD_NUMBER, /* uint64_t; unless it is 0 */
	FIELD_TIMES,  /* the same; to a person "once", "7 times" */
	FIELD_USEC,   /* the same, microseconds; to a person in milliseconds */
	FIELD_FACT,   /* struct report_fact; where it is known */
	FIELD_MSEC,   /* the same, milliseconds; to a person in seconds */
	FIELD_END,    /* enum report_ending; unless it is END_NONE */
	FIELD_BYTES,  /* uint64_t, ports as well; where the row's text tells it, 0 or not */
	FIELD_SPAN,   /* struct span, of any bytes; likewise */
	FIELD_LINE,   /* the same, and to a person without quotes */
	FIELD_PACE,   /* uint64_t, the milliseconds that the bytes took: to a person alone, with
	                 their rate */
};

/* A field of a report: all that is to be said of it, beside its member in struct report. */
struct report_field {
	char name[16]; /* in the rows' texts, and its JSON key: never renamed */
	enum field_kind kind;
	size_t offset;
};

/* In the order that the JSON has them. */
static const struct report_field fields[] = {
	{"conn", FIELD_NUMBER, offsetof(struct report, conn)},
	{"address", FIELD_TEXT, offsetof(struct report, address)},
	{"host", FIELD_TEXT, offsetof(struct report, host)},
	{"port", FIELD_NUMBER, offsetof(struct report, port)},
	{"path", FIELD_TEXT, offsetof(struct report, path)},
	{"transport", FIELD_TEXT, offsetof(struct report, transport)},
	{"mode", FIELD_TEXT, offsetof(struct report, mode)},
	{"state", FIELD_TEXT, offsetof(struct report, state)},
	{"tls", FIELD_TEXT, offsetof(struct report, tls)},
	{"cipher", FIELD_TEXT, offsetof(struct report, cipher)},
	{"alpn", FIELD_ALSO, offsetof(struct report, alpn)},
	{"subject", FIELD_TEXT, offsetof(struct report, subject)},
	{"issuer", FIELD_TEXT, offsetof(struct report, issuer)},
	{"names", FIELD_ALSO, offsetof(struct report, names)},
	{"valid_from", FIELD_TEXT, offsetof(struct report, valid_from)},
	{"valid_to", FIELD_TEXT, offsetof(struct report, valid_to)},
	{"pin", FIELD_TEXT, offsetof(struct report, pin)},
	{"reason", FIELD_TEXT, offsetof(struct report, reason)},
	{"received", FIELD_BYTES, offsetof(struct report, received)},
	{"sent", FIELD_BYTES, offsetof(struct report, sent)},
	{"name", FIELD_SPAN, offsetof(struct report, name)},
	{"count", FIELD_NUMBER, offsetof(struct report, count)},
	{"open", FIELD_BYTES, offsetof(struct report, open)},
	{"refused", FIELD_BYTES, offsetof(struct report, refused)},
	{"silent", FIELD_BYTES, offsetof(struct report, silent)},
	{"status", FIELD_BYTES, offsetof(struct report, status)},
	{"line", FIELD_LINE, offsetof(struct report, line)},
	{"failures", FIELD_TIMES, offsetof(struct report, failures)},
	{"duration_ms", FIELD_MSEC, offsetof(struct report, duration_ms)},
	{"clients", FIELD_BYTES, offsetof(struct report, clients)},
	{"clients_total", FIELD_BYTES, offsetof(struct report, clients_total)},
	{"messages_per_s", FIELD_BYTES, offsetof(struct report, messages_per_s)},
	{"rtt_p50_us", FIELD_USEC, offsetof(struct report, rtt_p50_us)},
	{"rtt_p99_us", FIELD_USEC, offsetof(struct report, rtt_p99_us)},
	{"pace", FIELD_PACE, offsetof(struct report, in_ms)},
	{"first_byte_ms", FIELD_FACT, offsetof(struct report, first_byte_ms)},
	{"messages_in", FIELD_FACT, offsetof(struct report, messages_in)},
	{"messages_out", FIELD_FACT, offsetof(struct report, messages_out)},
	{"end", FIELD_END, offsetof(struct report, end)},
	{"rtt_us", FIELD_FACT, offsetof(struct report, rtt_us)},
	{"retransmits", FIELD_FACT, offsetof(struct report, retransmits)},
	{"cwnd", FIELD_FACT, offsetof(struct report, cwnd)},
};

enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

static const struct report_row rows[REPORT_KINDS] = {
	[REPORT_LISTENING] = {"listening", LEVEL_READY,
		"listening on {address} ({transport}, {mode})"},
	[REPORT_LISTENING_PIN] = {"listening", LEVEL_READY,
		"listening on {address} ({transport}, {mode}) {pin}"},
	[REPORT_OPENED] = {"conn.opened", LEVEL_PEOPLE, "{conn}: {address} connected"},
	[REPORT_CLOSED] = {"conn.closed", LEVEL_PEOPLE,
		"{conn}: {address} done, {received} bytes received, {sent} sent{pace}"},
	[REPORT_LOST] = {"conn.lost", LEVEL_PEOPLE,
		"{conn}: {address} lost after {received} bytes received, {sent} sent: {reason}"},
	[REPORT_NAMED] = {"conn.named", LEVEL_PEOPLE, "{conn}: {address} is {name}"},
	[REPORT_AWAITS_NAME] = {"conn.awaits_name", LEVEL_PEOPLE, "{conn}: waiting for a name"},
	[REPORT_RESET_EARLY] = {"conn.reset_early", LEVEL_PEOPLE,
		"{conn}: {address} was reset before it was accepted"},
	[REPORT_NOT_OPENED] = {"conn.not_opened", LEVEL_PEOPLE,
		"{conn}: {address} is not served: {reason}"},
	[REPORT_ACCEPT_PAUSED] = {"accept.paused", LEVEL_READY,
		"{address}: cannot accept: {reason}; waiting clients are kept in the backlog"},
	[REPORT_ACCEPT_RESUMED] = {"accept.resumed", LEVEL_READY,
		"{address}: accepting clients again"},
	[REPORT_REFUSED] = {"conn.refused", LEVEL_DETAIL,
		"{address}: refused: {reason} ({count} so far)"},
	[REPORT_ACCEPT_FAILED] = {"accept.failed", LEVEL_DETAIL, "{address}: accept: {reason}"},
	[REPORT_DROPPED] = {"datagram.dropped", LEVEL_DETAIL,
		"{address}: datagram dropped: {reason} ({count} so far)"},
	[REPORT_MISSED] = {"conn.missed", LEVEL_PEOPLE,
		"{conn}: {address} missed what others sent: it does not read ({count} so far)"},
	[REPORT_NOT_NOTIFIED] = {"notify.failed", LEVEL_READY,
		"{address}: cannot notify the service manager (NOTIFY_SOCKET): {reason}"},
	[REPORT_STOPPING] = {"stopping", LEVEL_PEOPLE, "stopping: {reason}"},
	[REPORT_RESOLVING] = {"resolving", LEVEL_DETAIL, "looking up {address}"},
	[REPORT_ATTEMPT] = {"connect.attempt", LEVEL_DETAIL, "trying {address}"},
	[REPORT_ATTEMPT_LOST] = {"connect.lost", LEVEL_DETAIL, "{address}: {reason}"},
	[REPORT_RETRIED] = {"connect.retried", LEVEL_DETAIL,
		"refused {failures}, open after {duration_ms}"},
	[REPORT_CONNECTED] = {"connected", LEVEL_PEOPLE, "connected to {address} ({transport})"},
	[REPORT_AIMED] = {"connected", LEVEL_PEOPLE, "sending to {address} ({transport})"},
	[REPORT_HALF_CLOSED] = {"connect.half_closed", LEVEL_PEOPLE,
		"{address} ended {reason}, right after our end of input; if more was due, try "
		"--no-shutdown, with -q 5s if it does not end by itself"},
	[REPORT_FILE_MEANT] = {"text.is_file", LEVEL_PEOPLE,
		"{name} was taken as a text; {reason}"},
	[REPORT_SERVER_ENDED] = {"connect.ended", LEVEL_PEOPLE, "{address} closed the connection"},
	[REPORT_DONE] = {"done", LEVEL_DETAIL,
		"done: {received} bytes received, {sent} sent{pace}"},
	[REPORT_MEASURE_BEGUN] = {"measure.begun", LEVEL_DETAIL,
		"measuring {address} ({transport}), connections: {count}"},
	[REPORT_MEASURE_ENDED] = {"measure.ended", LEVEL_DETAIL,
		"measured {address} ({transport}), connections: {count}"},
	[REPORT_PORT] = {"port", LEVEL_DETAIL, "{address}: {reason}"},
	[REPORT_SCANNED] = {"scanned", LEVEL_READY,
		"ports: {open} open, {refused} refused, {silent} silent"},
	[REPORT_PROGRESS] = {"progress", LEVEL_READY,
		"{received} bytes received, {sent} sent{pace}"},
	[REPORT_NOT_CONNECTED] = {"progress", LEVEL_READY,
		"{address}: {reason}, for {duration_ms}"},
	[REPORT_SERVING] = {"progress", LEVEL_READY,
		"clients: {clients} now, {clients_total} in all; {received} bytes received, "
		"{sent} sent; up for {duration_ms}"},
	[REPORT_NOT_LISTENING] = {"progress", LEVEL_READY, "not listening yet, for {duration_ms}"},
	[REPORT_SCANNING] = {"progress", LEVEL_READY,
		"ports so far: {open} open, {refused} refused, {silent} silent"},
	[REPORT_MEASURING] = {"progress", LEVEL_READY,
		"{messages_out} messages sent, {messages_in} answered{pace}: {messages_per_s}/s, "
		"p50 {rtt_p50_us}, p99 {rtt_p99_us}"},
	[REPORT_JOINED] = {"conn.joined", LEVEL_PEOPLE,
		"{conn}: joined to {address} ({transport})"},
	[REPORT_NOT_JOINED] = {"conn.not_joined", LEVEL_READY, "{conn}: {reason}"},
	[REPORT_PROGRAM_SAID] = {"program.stderr", LEVEL_READY, "{conn}: {line}"},
	[REPORT_PROGRAM_ENDED] = {"program.ended", LEVEL_DETAIL,
		"{conn}: program ended with status {status}"},
	[REPORT_PROGRAM_FAILED] = {"program.failed", LEVEL_READY, "{conn}: {reason}"},
	[REPORT_LINES_DROPPED] = {"lines.dropped", LEVEL_READY,
		"standard error took no more; lines dropped: {count}"},
	[REPORT_NOT_COLLECTED] = {"collect.lost", LEVEL_READY,
		"{address}: not written: {reason} ({count} so far)"},
	[REPORT_DATAGRAMS_LOST] = {"datagram.dropped", LEVEL_READY,
		"{address}: datagrams lost: {reason} ({count} so far)"},
	[REPORT_TURNED_AWAY] = {"datagram.dropped", LEVEL_READY, "{address}: {reason}"},
	[REPORT_TURNED_AWAY_IN_ALL] = {"datagram.turned_away", LEVEL_READY,
		"datagrams of other peers that were turned away: {count}"},
	[REPORT_SECURED] = {"tls.agreed", LEVEL_DETAIL, "{address}: {tls}, {cipher}{alpn}"},
	[REPORT_SECURED_CLIENT] = {"tls.agreed", LEVEL_DETAIL, "{conn}: {tls}, {cipher}{alpn}"},
	[REPORT_CERTIFICATE] = {"tls.certificate", LEVEL_DETAIL,
		"{address}: certificate of {subject} by {issuer}{names}, from {valid_from} "
		"to {valid_to}, {pin}: {reason}"},
	[REPORT_CERTIFICATE_OF] = {"tls.certificate", LEVEL_DETAIL,
		"{conn}: certificate of {subject} by {issuer}{names}, from {valid_from} to "
		"{valid_to}, {pin}: {reason}"},
	[REPORT_KEYS_LOGGED] = {"tls.keys_logged", LEVEL_READY,
		"{path}: the keys of TLS are written there (SSLKEYLOGFILE): with them all can be "
		"read"},
	[REPORT_KEYS_LOST] = {"tls.keys_lost", LEVEL_READY,
		"{path}: the keys of TLS are no longer written there: {reason}"},
	[REPORT_DUMP_FAILED] = {"dump.failed", LEVEL_ERROR,
		"cannot write the dump {path}: {reason}; it ends here"},
	[REPORT_CAPTURE_FAILED] = {"capture.failed", LEVEL_ERROR,
		"{path}: the packets end here: {reason}"},
	[REPORT_NOT_CAPTURED] = {"capture.incomplete", LEVEL_READY,
		"{path}: not all is in it: {reason}"},
	[REPORT_HELD_BACK] = {"tls.held_back", LEVEL_PEOPLE,
		"{address}: waiting for its end; ours is held back, for with TLS 1.2 it ends both "
		"(-N passes it on)"},
	[REPORT_AWAITS_END] = {"tls.awaits_end", LEVEL_PEOPLE, "{address}: waiting for its end"},
	[REPORT_CLIENT_HAS_TLS] = {"tls.unexpected", LEVEL_PEOPLE,
		"{conn}: {address} speaks TLS, and this server does not: see --tls"},
	[REPORT_SERVER_HAS_TLS] = {"tls.unexpected", LEVEL_PEOPLE,
		"{address} speaks TLS: see --tls"},
	[REPORT_USUALLY_TLS] = {"tls.usual", LEVEL_PEOPLE,
		"{address}: this port is usually for TLS: see --tls"},
	[REPORT_NOT_VERIFIED] = {"tls.not_verified", LEVEL_READY,
		"{address}: its certificate was not verified; it may be anyone's"},
	[REPORT_LOST_IN_ALL] = {"collect.lost", LEVEL_READY, "not written in all: {count}"},
};

static const char *kind_name(enum err_kind kind)
{
	switch (kind) {
	case ERR_NONE: return "done";
	case ERR_RUNTIME: return "runtime";
	case ERR_USAGE: return "usage";
	case ERR_LISTEN: return "listen";
	case ERR_LOST: return "lost";
	case ERR_TIMEOUT: return "timeout";
	case ERR_NAME: return "name";
	case ERR_REFUSED: return "refused";
	case ERR_TLS: return "tls";
	case ERR_WRONG: return "wrong";
	case ERR_SIGPIPE: return "sigpipe";
	}
	return "runtime";
}

static const char *const endings[] = {
	[END_NONE] = NULL,
	[END_FIN] = "fin",
	[END_RESET] = "reset",
	[END_IDLE] = "idle",
	[END_LIMIT] = "limit",
	[END_ERROR] = "error",
	[END_SIGNAL] = "signal",
	[END_DENIED] = "denied",
};

static void add_timestamp(struct json *j)
{
	json_str(j, "ts", span_of(timestamp_now().text));
}

static void add_text(struct json *j, const char *key, const char *value)
{
	if (value)
		json_str(j, key, span_of(value));
}

static const void *member_of(const struct report *what, const struct report_field *field)
{
	return (const char *)what + field->offset;
}

static const char *text_of(const struct report *what, const struct report_field *field)
{
	return *(const char *const *)member_of(what, field);
}

static uint64_t number_of(const struct report *what, const struct report_field *field)
{
	const uint64_t *number = member_of(what, field);

	return *number;
}

static const struct report_fact *fact_of(
	const struct report *what, const struct report_field *field)
{
	return member_of(what, field);
}

static const char *ending_of(const struct report *what, const struct report_field *field)
{
	const enum report_ending *end = member_of(what, field);

	return endings[*end];
}

static struct span span_in(const struct report *what, const struct report_field *field)
{
	const struct span *span = member_of(what, field);

	return *span;
}

/* The field whose name is that span, or NULL. */
static const struct report_field *field_named(struct span name)
{
	for (size_t i = 0; i < FIELDS; i++)
		if (name.len == strlen(fields[i].name) &&
			memcmp(name.data, fields[i].name, name.len) == 0)
			return &fields[i];
	return NULL;
}

/* Whether the row's text has the field. */
static bool is_told(enum report_kind kind, const struct report_field *field)
{
	size_t len = strlen(field->name);

	for (const char *at = rows[kind].human; (at = strchr(at, '{')); at++)
		if (strncmp(at + 1, field->name, len) == 0 && at[1 + len] == '}')
			return true;
	return false;
}

static void json_field(struct json *j, const struct report *what, const struct report_field *field)
{
	switch (field->kind) {
	case FIELD_ALSO:
	case FIELD_TEXT: add_text(j, field->name, text_of(what, field)); break;
	case FIELD_NUMBER:
	case FIELD_TIMES:
	case FIELD_USEC:
		if (number_of(what, field))
			json_int(j, field->name, (int64_t)number_of(what, field));
		break;
	case FIELD_FACT:
	case FIELD_MSEC:
		if (fact_of(what, field)->known)
			json_int(j, field->name, (int64_t)fact_of(what, field)->value);
		break;
	case FIELD_END: add_text(j, field->name, ending_of(what, field)); break;
	case FIELD_BYTES:
		if (is_told(what->kind, field))
			json_int(j, field->name, (int64_t)number_of(what, field));
		break;
	case FIELD_SPAN:
	case FIELD_LINE:
		if (is_told(what->kind, field))
			json_str(j, field->name, span_in(what, field));
		break;
	case FIELD_PACE: break;
	}
}

static void json_members(struct json *j, const struct report *what)
{
	json_event(j, rows[what->kind].key);
	for (size_t i = 0; i < FIELDS; i++)
		json_field(j, what, &fields[i]);
}

static int json_report(const struct report *what, struct buf *line)
{
	struct json j = {0};

	json_open(&j);
	add_timestamp(&j);
	json_members(&j, what);
	json_close(&j);
	*line = j.out;
	return j.failed ? -1 : 0;
}

int report_object(const struct report *what, struct buf *out)
{
	struct json j = {0};

	json_open(&j);
	json_members(&j, what);
	json_close(&j);
	*out = j.out;
	return j.failed ? -1 : 0;
}

static int add_escaped_span(struct buf *line, struct span text)
{
	struct escaper e = {.one_line = true};

	return escape_add(&e, text, line) < 0 || escape_end(&e, line) < 0 ? -1 : 0;
}

static int add_escaped(struct buf *line, const char *text)
{
	return add_escaped_span(line, span_of(text ? text : ""));
}

static int add_msec(struct buf *line, uint64_t ms)
{
	if (ms < 60000)
		return buf_printf(line, "%.1f s", (double)ms / 1000);
	return buf_puts(line, amount_time(ms).text);
}

/* " in 1.24 s (4.03 MiB/s)"; what is too short to have a rate has none. */
static int add_pace(struct buf *line, const struct report *what, uint64_t ms)
{
	enum { LEAST_MS = 5 };
	uint64_t in = what->received, out = what->sent;
	int rc;

	if (!ms)
		return 0;
	rc = buf_printf(line, " in %s", amount_time(ms).text);
	if (ms < LEAST_MS || !(in || out))
		return rc;
	if (!in || !out)
		return rc | buf_printf(line, " (%s)", amount_rate(in + out, ms).text);
	return rc | buf_printf(line, " (%s in, %s out)", amount_rate(in, ms).text,
			    amount_rate(out, ms).text);
}

static int add_also(struct buf *line, const char *name, const char *text)
{
	if (!text)
		return 0;
	return buf_printf(line, ", %s ", name) < 0 ? -1 : add_escaped(line, text);
}

static int add_field(struct buf *line, const struct report *what, struct span name)
{
	const struct report_field *field = field_named(name);

	if (!field)
		return -1;
	switch (field->kind) {
	case FIELD_TEXT: return add_escaped(line, text_of(what, field));
	case FIELD_ALSO: return add_also(line, field->name, text_of(what, field));
	case FIELD_TIMES:
		return number_of(what, field) == 1
		               ? buf_puts(line, "once")
		               : buf_printf(line, "%ju times", (uintmax_t)number_of(what, field));
	case FIELD_MSEC: return add_msec(line, fact_of(what, field)->value);
	case FIELD_FACT: return buf_printf(line, "%ju", (uintmax_t)fact_of(what, field)->value);
	case FIELD_END: return add_escaped(line, ending_of(what, field));
	case FIELD_USEC: return buf_printf(line, "%.3f ms", (double)number_of(what, field) / 1000);
	case FIELD_NUMBER:
	case FIELD_BYTES: return buf_printf(line, "%ju", (uintmax_t)number_of(what, field));
	case FIELD_LINE: return add_escaped_span(line, span_in(what, field));
	case FIELD_SPAN: return buf_puts(line, quoted_span(span_in(what, field)).text);
	case FIELD_PACE: return add_pace(line, what, number_of(what, field));
	}
	return -1;
}

static int human_report(const struct report *what, struct buf *line)
{
	const char *p = rows[what->kind].human;
	bool failed = false;

	while (*p && !failed) {
		size_t plain = strcspn(p, "{");

		failed = buf_add(line, (struct span){(const uint8_t *)p, plain}) < 0;
		p += plain;
		if (*p == '{') {
			size_t name_len = strcspn(p + 1, "}");

			failed = failed ||
			         add_field(line, what,
					 (struct span){(const uint8_t *)p + 1, name_len}) < 0;
			p += name_len + 2;
		}
	}
	return failed || buf_puts(line, "\n") < 0 ? -1 : 0;
}

bool report_shown(const struct reporter *to, enum report_kind kind)
{
	return rows[kind].level <= to->level;
}

/* One line, which the caller frees. Returns 0, or -1 when memory is out. */
static int report_made(const struct reporter *to, const struct report *what, struct buf *line)
{
	*line = (struct buf){0};
	return to->json ? json_report(what, line) : human_report(what, line);
}

static bool report_taken(struct reporter *to, struct span line)
{
	return to->sink.line(to->sink.arg, line) >= 0;
}

/* ---- the row that is drawn over ---- */

/* ECMA-48: to the start of the row; erase from here to its end. */
#define ROW_START "\r"
#define ROW_CLEAR "\033[K"

static struct span live_text(const struct report_live *live)
{
	return (struct span){(const uint8_t *)live->text, live->len};
}

/* In one piece, so that nothing is ever seen torn. */
static bool report_between(
	struct reporter *to, const char *before, struct span line, struct span after)
{
	struct buf all = {0};
	bool made = buf_puts(&all, before) == 0 && buf_add(&all, line) == 0 &&
	            buf_add(&all, after) == 0;
	bool taken = made && report_taken(to, buf_span(&all));

	buf_free(&all);
	return taken;
}

/* Lines that the terminal is yet to take come first, and no row is kept for it. */
static bool live_has_to_wait(const struct reporter *to)
{
	return to->late && to->late->again(to->late);
}

void report_draw(struct reporter *to, struct span text)
{
	struct report_live *live = to->live;
	char row[sizeof(ROW_START ROW_CLEAR) + REPORT_LIVE_BYTES];
	int len;

	if (live_has_to_wait(to) || (!text.len && !live->len))
		return;
	if (text.len > sizeof(live->text))
		text.len = sizeof(live->text);
	memcpy(live->text, text.data, text.len);
	live->len = text.len;
	len = snprintf(row, sizeof(row), ROW_START "%.*s" ROW_CLEAR, (int)text.len, live->text);
	(void)report_taken(to, (struct span){(const uint8_t *)row, (size_t)len});
}

void report_settle(struct reporter *to)
{
	struct report_live *live = to->live;

	if (live && live->len)
		(void)report_taken(to, span_of("\n"));
	if (live)
		live->len = 0;
}

void report_yield(struct reporter *to)
{
	if (to->live)
		report_draw(to, span_of(""));
	to->live = NULL;
	to->live_over = true;
}

/* ---- lines ---- */

/* Above the row that is drawn over, and on a row of its own. Returns whether it was taken. */
static bool report_placed(struct reporter *to, struct span line)
{
	bool mid_row = to->mid_row;

	to->mid_row = false;
	if (to->live && to->live->len)
		return report_between(to, ROW_START ROW_CLEAR, line, live_text(to->live));
	if (mid_row)
		return report_between(to, "\n", line, (struct span){0});
	return report_taken(to, line);
}

/* The same for a person's lines. */
static bool report_worded(struct reporter *to, struct span lines)
{
	struct buf made = {0};
	bool taken;

	if (!to->comment)
		return report_placed(to, lines);
	taken = to->comment(lines, &made) == 0 && report_placed(to, buf_span(&made));
	buf_free(&made);
	return taken;
}

/* Lines were dropped: say how many, in their place. Returns whether there is nothing (more) to say.
 */
static bool report_admitted(struct reporter *to)
{
	const struct report what = {
		.kind = REPORT_LINES_DROPPED, .count = to->dropped - to->admitted};
	struct buf line;
	bool taken;

	if (!what.count || !report_shown(to, what.kind))
		return true;
	taken = report_made(to, &what, &line) == 0 && report_worded(to, buf_span(&line));
	if (taken)
		to->admitted = to->dropped;
	buf_free(&line);
	return taken;
}

void report_line(struct reporter *to, struct span line)
{
	if (!report_admitted(to) || !report_placed(to, line))
		to->dropped++;
}

void report_words(struct reporter *to, struct span lines)
{
	if (!report_admitted(to) || !report_worded(to, lines))
		to->dropped++;
}

static void send_and_free(struct reporter *to, struct buf *line, bool failed)
{
	if (failed)
		to->dropped++;
	else
		report_words(to, buf_span(line));
	buf_free(line);
}

void report_json_open(struct json *j, const char *event)
{
	*j = (struct json){0};
	json_open(j);
	add_timestamp(j);
	json_event(j, event);
}

void report_json_send(struct reporter *to, struct json *j)
{
	json_close(j);
	send_and_free(to, &j->out, j->failed);
}

bool report_is_full(const struct reporter *to)
{
	return to->json;
}

static struct err report_completed(const struct reporter *to, const struct err *why)
{
	struct err made = *why;

	if (to->advise)
		to->advise(&made);
	return made;
}

static void report_render(struct reporter *to, const struct report *what)
{
	struct buf line;
	int made = report_made(to, what, &line);

	send_and_free(to, &line, made < 0);
}

static void report_with_why(struct reporter *to, const struct report *what)
{
	const struct err why = report_completed(to, what->why);
	struct report whole = *what;

	whole.reason = why.what + why.cause;
	report_render(to, &whole);
}

static void report_with_reason(struct reporter *to, const struct report *what)
{
	if (what->why)
		report_with_why(to, what);
	else
		report_render(to, what);
}

/* A Unix socket without a name has no path. */
static void report_with_address(struct reporter *to, const struct report *what)
{
	static const char scheme[] = "unix:";
	const struct addr_shown address = addr_text(what->at);
	struct addr_shown host;
	struct report whole = *what;

	whole.address = address.text;
	if (strncmp(address.text, scheme, strlen(scheme)) == 0) {
		whole.path = address.text + strlen(scheme);
	} else if (what->at->len && what->at->sa.sa_family != AF_UNIX) {
		host = addr_words(what->at);
		*strrchr(host.text, ' ') = '\0';
		whole.host = host.text;
		whole.port = addr_port(what->at);
	}
	report_with_reason(to, &whole);
}

void report(struct reporter *to, const struct report *what)
{
	if (!report_shown(to, what->kind))
		return;
	if (what->at)
		report_with_address(to, what);
	else
		report_with_reason(to, what);
}

static void json_error(struct reporter *to, const struct err *why)
{
	struct json j;

	report_json_open(&j, "error");
	json_str(&j, "kind", span_of(kind_name(why->kind)));
	json_int(&j, "exit", why->kind);
	json_str(&j, "message", span_of(why->what));
	if (why->hint[0])
		json_str(&j, "hint", span_of(why->hint));
	for (size_t i = 0; to->closes && i < FIELDS; i++)
		json_field(&j, &to->closing, &fields[i]);
	report_json_send(to, &j);
}

/* "sockx: " or "hint: ", in the colour (ECMA-48 SGR) that errors have on a terminal, and text. */
static bool add_line(struct reporter *to, struct buf *lines, const char *colour, const char *head,
	const char *text)
{
	if (to->colour)
		return buf_printf(lines, "\033[1;%sm%s\033[0m", colour, head) == 0 &&
		       add_escaped(lines, text) == 0 && buf_puts(lines, "\n") == 0;
	return buf_puts(lines, head) == 0 && add_escaped(lines, text) == 0 &&
	       buf_puts(lines, "\n") == 0;
}

static void report_error(struct reporter *to, const struct err *why)
{
	const struct err whole = report_completed(to, why);
	struct buf lines = {0};
	bool made;

	if (to->json) {
		json_error(to, &whole);
		return;
	}
	made = add_line(to, &lines, "31", "sockx: ", whole.what);
	if (made && whole.hint[0])
		made = add_line(to, &lines, "36", "hint: ", whole.hint);
	send_and_free(to, &lines, !made);
}

void report_closing(struct reporter *to, const struct report *what)
{
	to->closing = *what;
	to->closes = true;
}

void report_end(struct reporter *to, const struct err *why)
{
	if (why)
		report_error(to, why);
	else if (to->closes)
		report(to, &to->closing);
}
