#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "memory.h"
#include "report/report.h"
#include "script.h"

TestSuite(report, .timeout = 20);

/* Every kind with all that it may say. */
static struct report full_report(enum report_kind kind)
{
	return (struct report){.kind = kind,
		.conn = 7,
		.address = "127.0.0.1:80",
		.host = "127.0.0.1",
		.port = 80,
		.path = "/run/x",
		.transport = "tcp",
		.mode = "echo",
		.tls = "TLSv1.3",
		.cipher = "TLS_AES_256_GCM_SHA384",
		.alpn = "h2",
		.subject = "CN=example.com",
		.issuer = "CN=A CA,O=\"x\"",
		.names = "example.com, 192.0.2.1",
		.valid_from = "2026-01-01 00:00:00Z",
		.valid_to = "2027-01-01 00:00:00Z",
		.pin = "sha256:00ff",
		.reason = "Connection reset by peer",
		.received = 12,
		.sent = 34,
		.count = 5,
		.open = 3,
		.refused = 990,
		.silent = 7,
		.failures = 7,
		.status = 3,
		.line = span_of("cat: \033[2J"),
		.duration_ms = {true, 1810},
		.name = span_of("Ada \033[2J"),
		.clients = 2,
		.clients_total = 17,
		.messages_in = {true, 99},
		.messages_out = {true, 100},
		.messages_per_s = 80,
		.rtt_p50_us = 51,
		.rtt_p99_us = 12345,
		.in_ms = 1240};
}

static const struct {
	enum report_kind kind;
	const char *human, *event;
} told[] = {
	{REPORT_LISTENING, "listening on 127.0.0.1:80 (tcp, echo)\n", "listening"},
	{REPORT_LISTENING_PIN, "listening on 127.0.0.1:80 (tcp, echo) sha256:00ff\n", "listening"},
	{REPORT_OPENED, "7: 127.0.0.1:80 connected\n", "conn.opened"},
	{REPORT_CLOSED,
		"7: 127.0.0.1:80 done, 12 bytes received, 34 sent in 1.24 s (10 B/s in, 27 B/s "
		"out)\n",
		"conn.closed"},
	{REPORT_LOST,
		"7: 127.0.0.1:80 lost after 12 bytes received, 34 sent: Connection reset by peer\n",
		"conn.lost"},
	{REPORT_NAMED, "7: 127.0.0.1:80 is 'Ada \\x1b[2J'\n", "conn.named"},
	{REPORT_AWAITS_NAME, "7: waiting for a name\n", "conn.awaits_name"},
	{REPORT_RESET_EARLY, "7: 127.0.0.1:80 was reset before it was accepted\n",
		"conn.reset_early"},
	{REPORT_NOT_OPENED, "7: 127.0.0.1:80 is not served: Connection reset by peer\n",
		"conn.not_opened"},
	{REPORT_ACCEPT_PAUSED,
		"127.0.0.1:80: cannot accept: Connection reset by peer; "
		"waiting clients are kept in the backlog\n",
		"accept.paused"},
	{REPORT_ACCEPT_RESUMED, "127.0.0.1:80: accepting clients again\n", "accept.resumed"},
	{REPORT_REFUSED, "127.0.0.1:80: refused: Connection reset by peer (5 so far)\n",
		"conn.refused"},
	{REPORT_ACCEPT_FAILED, "127.0.0.1:80: accept: Connection reset by peer\n", "accept.failed"},
	{REPORT_DROPPED, "127.0.0.1:80: datagram dropped: Connection reset by peer (5 so far)\n",
		"datagram.dropped"},
	{REPORT_MISSED, "7: 127.0.0.1:80 missed what others sent: it does not read (5 so far)\n",
		"conn.missed"},
	{REPORT_NOT_NOTIFIED,
		"127.0.0.1:80: cannot notify the service manager (NOTIFY_SOCKET): Connection reset "
		"by peer\n",
		"notify.failed"},
	{REPORT_STOPPING, "stopping: Connection reset by peer\n", "stopping"},
	{REPORT_RESOLVING, "looking up 127.0.0.1:80\n", "resolving"},
	{REPORT_ATTEMPT, "trying 127.0.0.1:80\n", "connect.attempt"},
	{REPORT_ATTEMPT_LOST, "127.0.0.1:80: Connection reset by peer\n", "connect.lost"},
	{REPORT_RETRIED, "refused 7 times, open after 1.8 s\n", "connect.retried"},
	{REPORT_CONNECTED, "connected to 127.0.0.1:80 (tcp)\n", "connected"},
	{REPORT_AIMED, "sending to 127.0.0.1:80 (tcp)\n", "connected"},
	{REPORT_HALF_CLOSED,
		"127.0.0.1:80 ended Connection reset by peer, right after our end of input; if "
		"more was due, try --no-shutdown, with -q 5s if it does not end by itself\n",
		"connect.half_closed"},
	{REPORT_FILE_MEANT, "'Ada \\x1b[2J' was taken as a text; Connection reset by peer\n",
		"text.is_file"},
	{REPORT_SERVER_ENDED, "127.0.0.1:80 closed the connection\n", "connect.ended"},
	{REPORT_DONE, "done: 12 bytes received, 34 sent in 1.24 s (10 B/s in, 27 B/s out)\n",
		"done"},
	{REPORT_MEASURE_BEGUN, "measuring 127.0.0.1:80 (tcp), connections: 5\n", "measure.begun"},
	{REPORT_MEASURE_ENDED, "measured 127.0.0.1:80 (tcp), connections: 5\n", "measure.ended"},
	{REPORT_PORT, "127.0.0.1:80: Connection reset by peer\n", "port"},
	{REPORT_SCANNED, "ports: 3 open, 990 refused, 7 silent\n", "scanned"},
	{REPORT_PROGRESS, "12 bytes received, 34 sent in 1.24 s (10 B/s in, 27 B/s out)\n",
		"progress"},
	{REPORT_NOT_CONNECTED, "127.0.0.1:80: Connection reset by peer, for 1.8 s\n", "progress"},
	{REPORT_SERVING, "clients: 2 now, 17 in all; 12 bytes received, 34 sent; up for 1.8 s\n",
		"progress"},
	{REPORT_NOT_LISTENING, "not listening yet, for 1.8 s\n", "progress"},
	{REPORT_SCANNING, "ports so far: 3 open, 990 refused, 7 silent\n", "progress"},
	{REPORT_MEASURING,
		"100 messages sent, 99 answered in 1.24 s (10 B/s in, 27 B/s out): 80/s, "
		"p50 0.051 ms, p99 12.345 ms\n",
		"progress"},
	{REPORT_JOINED, "7: joined to 127.0.0.1:80 (tcp)\n", "conn.joined"},
	{REPORT_NOT_JOINED, "7: Connection reset by peer\n", "conn.not_joined"},
	{REPORT_PROGRAM_SAID, "7: cat: \\x1b[2J\n", "program.stderr"},
	{REPORT_PROGRAM_ENDED, "7: program ended with status 3\n", "program.ended"},
	{REPORT_PROGRAM_FAILED, "7: Connection reset by peer\n", "program.failed"},
	{REPORT_LINES_DROPPED, "standard error took no more; lines dropped: 5\n", "lines.dropped"},
	{REPORT_NOT_COLLECTED, "127.0.0.1:80: not written: Connection reset by peer (5 so far)\n",
		"collect.lost"},
	{REPORT_LOST_IN_ALL, "not written in all: 5\n", "collect.lost"},
	{REPORT_DATAGRAMS_LOST,
		"127.0.0.1:80: datagrams lost: Connection reset by peer (5 so far)\n",
		"datagram.dropped"},
	{REPORT_TURNED_AWAY, "127.0.0.1:80: Connection reset by peer\n", "datagram.dropped"},
	{REPORT_TURNED_AWAY_IN_ALL, "datagrams of other peers that were turned away: 5\n",
		"datagram.turned_away"},
	{REPORT_SECURED, "127.0.0.1:80: TLSv1.3, TLS_AES_256_GCM_SHA384, alpn h2\n", "tls.agreed"},
	{REPORT_SECURED_CLIENT, "7: TLSv1.3, TLS_AES_256_GCM_SHA384, alpn h2\n", "tls.agreed"},
	{REPORT_CERTIFICATE,
		"127.0.0.1:80: certificate of CN=example.com by CN=A CA,O=\"x\", names "
		"example.com, "
		"192.0.2.1, from 2026-01-01 00:00:00Z to 2027-01-01 00:00:00Z, sha256:00ff: "
		"Connection reset by peer\n",
		"tls.certificate"},
	{REPORT_CERTIFICATE_OF,
		"7: certificate of CN=example.com by CN=A CA,O=\"x\", names example.com, "
		"192.0.2.1, "
		"from 2026-01-01 00:00:00Z to 2027-01-01 00:00:00Z, sha256:00ff: Connection reset "
		"by peer\n",
		"tls.certificate"},
	{REPORT_KEYS_LOGGED,
		"/run/x: the keys of TLS are written there (SSLKEYLOGFILE): with them all can be "
		"read\n",
		"tls.keys_logged"},
	{REPORT_KEYS_LOST,
		"/run/x: the keys of TLS are no longer written there: Connection reset by peer\n",
		"tls.keys_lost"},
	{REPORT_DUMP_FAILED,
		"cannot write the dump /run/x: Connection reset by peer; it ends here\n",
		"dump.failed"},
	{REPORT_CAPTURE_FAILED, "/run/x: the packets end here: Connection reset by peer\n",
		"capture.failed"},
	{REPORT_NOT_CAPTURED, "/run/x: not all is in it: Connection reset by peer\n",
		"capture.incomplete"},
	{REPORT_HELD_BACK,
		"127.0.0.1:80: waiting for its end; ours is held back, for with TLS 1.2 it ends "
		"both (-N passes it on)\n",
		"tls.held_back"},
	{REPORT_AWAITS_END, "127.0.0.1:80: waiting for its end\n", "tls.awaits_end"},
	{REPORT_CLIENT_HAS_TLS, "7: 127.0.0.1:80 speaks TLS, and this server does not: see --tls\n",
		"tls.unexpected"},
	{REPORT_SERVER_HAS_TLS, "127.0.0.1:80 speaks TLS: see --tls\n", "tls.unexpected"},
	{REPORT_USUALLY_TLS, "127.0.0.1:80: this port is usually for TLS: see --tls\n",
		"tls.usual"},
	{REPORT_NOT_VERIFIED,
		"127.0.0.1:80: its certificate was not verified; it may be anyone's\n",
		"tls.not_verified"},
};

enum { TOLD = sizeof(told) / sizeof(told[0]) };

/* ---- a reader of flat JSON objects, as strict as a parser has to be ---- */

/* Behind what follows a backslash. */
static const char *skip_escape(const char *p)
{
	if (*p != 'u')
		return *p && strchr("\"\\/bfnrt", *p) ? p + 1 : NULL;
	for (int i = 1; i <= 4; i++)
		if (!isxdigit((unsigned char)p[i]))
			return NULL;
	return p + 5;
}

static const char *skip_string(const char *p)
{
	if (*p++ != '"')
		return NULL;
	while (p && *p != '"') {
		if ((unsigned char)*p < 0x20)
			return NULL; /* raw controls, and the NUL at the end */
		p = *p == '\\' ? skip_escape(p + 1) : p + 1;
	}
	return p ? p + 1 : NULL;
}

static const char *skip_value(const char *p)
{
	size_t len;

	if (*p == '"')
		return skip_string(p);
	len = strcspn(p, ",}");
	if (len == 4 && (strncmp(p, "true", 4) == 0 || strncmp(p, "null", 4) == 0))
		return p + 4;
	if (len == 5 && strncmp(p, "false", 5) == 0)
		return p + 5;
	return len && strspn(p, "-0123456789.") == len ? p + len : NULL;
}

/* The value of key, as it stands there, or "" where it is not a member; NULL: this is no object on
 * one line. */
static const char *member(const char *line, const char *key, char *value, size_t size)
{
	const char *p = line, *start;
	size_t key_len = strlen(key);

	value[0] = '\0';
	if (*p++ != '{')
		return NULL;
	do {
		const char *name = p + 1, *end = skip_string(p);

		if (!end || *end != ':' || !(p = skip_value(start = end + 1)))
			return NULL;
		if ((size_t)(end - 1 - name) == key_len && strncmp(name, key, key_len) == 0)
			snprintf(value, size, "%.*s", (int)(p - start), start);
	} while (*p++ == ',');
	return strcmp(p - 1, "}\n") == 0 ? value : NULL;
}

struct value {
	char text[2048];
};

static struct value value_of(const struct lines *lines, const char *key)
{
	struct value v;

	cr_assert(member(lines->text, key, v.text, sizeof(v.text)) != NULL, "no JSON: %s",
		lines->text);
	return v;
}

static struct lines tell(const struct report *what, bool json)
{
	struct lines lines;
	struct reporter to = lines_reporter(&lines);

	to.json = json;
	report(&to, what);
	cr_assert(eq(u64, to.dropped, 0));
	return lines;
}

/* ---- what happened ---- */

Test(report, every_kind_is_known_to_this_test)
{
	cr_assert(eq(int, TOLD, REPORT_KINDS));
	for (size_t i = 0; i < TOLD; i++)
		cr_assert(eq(int, (int)told[i].kind, (int)i));
}

Test(report, each_kind_is_one_line_to_a_person)
{
	for (size_t i = 0; i < TOLD; i++) {
		const struct report what = full_report(told[i].kind);

		cr_expect(eq(str, tell(&what, false).text, (char *)told[i].human));
	}
}

Test(report, a_certificate_that_names_no_host_is_told_all_the_same)
{
	struct report what = full_report(REPORT_CERTIFICATE);
	struct lines lines;

	what.names = NULL;
	lines = tell(&what, false);
	cr_assert(strstr(lines.text, "by CN=A CA,O=\"x\", from 2026") != NULL, "%s", lines.text);
	lines = tell(&what, true);
	cr_assert(eq(str, value_of(&lines, "names").text, ""));
	cr_assert(eq(str, value_of(&lines, "valid_to").text, "\"2027-01-01 00:00:00Z\""));
}

Test(report, each_kind_is_one_object_to_a_script)
{
	for (size_t i = 0; i < TOLD; i++) {
		const struct report what = full_report(told[i].kind);
		struct lines lines = tell(&what, true);
		char event[100];

		snprintf(event, sizeof(event), "\"%s\"", told[i].event);
		cr_expect(eq(str, value_of(&lines, "event").text, event));
		cr_expect(eq(str, value_of(&lines, "v").text, "1"));
		cr_expect(eq(str, value_of(&lines, "conn").text, "7"));
		cr_expect(eq(str, value_of(&lines, "address").text, "\"127.0.0.1:80\""));
		cr_expect(eq(str, value_of(&lines, "host").text, "\"127.0.0.1\""));
		cr_expect(eq(str, value_of(&lines, "port").text, "80"));
		cr_expect(eq(str, value_of(&lines, "path").text, "\"/run/x\""));
		cr_expect(eq(str, value_of(&lines, "transport").text, "\"tcp\""));
		cr_expect(eq(str, value_of(&lines, "mode").text, "\"echo\""));
		cr_expect(eq(str, value_of(&lines, "reason").text, "\"Connection reset by peer\""));
	}
}

static void place_is(const struct addr *at, const char *address, const char *host, const char *port,
	const char *path)
{
	struct lines lines = tell(&(struct report){.kind = REPORT_OPENED, .at = at}, true);

	cr_expect(eq(str, value_of(&lines, "address").text, (char *)address));
	cr_expect(eq(str, value_of(&lines, "host").text, (char *)host));
	cr_expect(eq(str, value_of(&lines, "port").text, (char *)port));
	cr_expect(eq(str, value_of(&lines, "path").text, (char *)path));
}

Test(report, an_address_is_told_as_host_and_port_or_as_a_path)
{
	struct addr at;

	addr_from_numeric(&at, AF_INET, "192.0.2.7", 4242);
	place_is(&at, "\"192.0.2.7:4242\"", "\"192.0.2.7\"", "4242", "");
	addr_from_numeric(&at, AF_INET6, "::1", 65535);
	place_is(&at, "\"[::1]:65535\"", "\"::1\"", "65535", "");
	addr_from_path(&at, "/run/a b");
	place_is(&at, "\"unix:/run/a b\"", "", "", "\"/run/a b\"");
	addr_from_path(&at, "@name");
	place_is(&at, "\"unix:@name\"", "", "", "\"@name\"");
	at = (struct addr){.len = offsetof(struct sockaddr_un, sun_path), .un.sun_family = AF_UNIX};
	place_is(&at, "\"an unnamed socket\"", "", "", "");
	at = (struct addr){0};
	place_is(&at, "\"?\"", "", "", "");
}

Test(report, a_connections_end_has_its_bytes)
{
	const enum report_kind ends[] = {REPORT_CLOSED, REPORT_LOST, REPORT_DONE};
	const struct report other = full_report(REPORT_OPENED);
	struct lines lines = tell(&other, true);

	cr_assert(eq(str, value_of(&lines, "received").text, ""));
	for (size_t i = 0; i < 3; i++) {
		const struct report what = {.kind = ends[i], .received = 0, .sent = UINT32_MAX};

		lines = tell(&what, true);
		cr_assert(eq(str, value_of(&lines, "received").text, "0"));
		cr_assert(eq(str, value_of(&lines, "sent").text, "4294967295"));
	}
}

Test(report, a_number_that_is_known_is_told_though_it_is_0)
{
	struct report what = {.kind = REPORT_CLOSED, .messages_in = {true, 0}, .rtt_us = {true, 7}};
	struct lines lines = tell(&what, true);

	cr_assert(eq(str, value_of(&lines, "messages_in").text, "0"));
	cr_assert(eq(str, value_of(&lines, "rtt_us").text, "7"));
	cr_assert(eq(str, value_of(&lines, "messages_out").text, ""));
	cr_assert(eq(str, value_of(&lines, "duration_ms").text, ""));
	cr_assert(eq(str, value_of(&lines, "end").text, ""));
}

Test(report, an_end_has_a_word)
{
	static const char *const words[] = {"", "\"fin\"", "\"reset\"", "\"idle\"", "\"limit\"",
		"\"error\"", "\"signal\"", "\"denied\""};

	for (int i = END_NONE; i <= END_DENIED; i++) {
		const struct report what = {.kind = REPORT_CLOSED, .end = (enum report_ending)i};
		struct lines lines = tell(&what, true);

		cr_expect(eq(str, value_of(&lines, "end").text, (char *)words[i]));
	}
}

Test(report, what_does_not_apply_is_left_out)
{
	const struct report what = {.kind = REPORT_STOPPING, .reason = "SIGTERM"};
	struct lines lines = tell(&what, true);

	cr_assert(eq(str, value_of(&lines, "reason").text, "\"SIGTERM\""));
	cr_assert(eq(str, value_of(&lines, "address").text, ""));
	cr_assert(eq(str, value_of(&lines, "conn").text, ""));
}

/* Each allocation fails in turn. */
Test(report, without_memory_a_line_is_left_out_whole)
{
	static struct lines all;
	static struct lines some;

	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		const struct report what = full_report(told[i].kind);
		struct reporter to = lines_reporter(&all);
		bool reached = true;

		to.level = LEVEL_DETAIL;
		report(&to, &what);
		for (unsigned nth = 1; reached; nth++) {
			to = lines_reporter(&some);
			to.level = LEVEL_DETAIL;
			fail_allocation(nth);
			report(&to, &what);
			reached = fail_allocation(0);
			cr_assert(
				eq(str, some.text, reached ? "" : all.text), "allocation %u", nth);
		}
	}
}

Test(report, a_missing_text_is_an_empty_one_to_a_person)
{
	for (int i = 0; i < REPORT_KINDS; i++) {
		const struct report what = {.kind = (enum report_kind)i};
		struct lines lines = tell(&what, false);

		cr_assert(gt(sz, lines.len, 1));
		cr_assert(eq(chr, lines.text[lines.len - 1], '\n'));
	}
}

Test(report, an_event_has_its_time_in_utc)
{
	const struct report what = full_report(REPORT_LISTENING);
	struct lines lines = tell(&what, true);
	struct value ts = value_of(&lines, "ts");
	const char *shape = "\"dddd-dd-ddTdd:dd:dd.dddZ\"";

	cr_assert(eq(sz, strlen(ts.text), strlen(shape)));
	for (size_t i = 0; shape[i]; i++)
		cr_assert(shape[i] == 'd' ? isdigit((unsigned char)ts.text[i]) != 0
					  : ts.text[i] == shape[i],
			"%s", ts.text);
}

/* ---- hostile texts ---- */

static const char hostile[] =
	"a\x1b[2J\x07\r\nfake: all is well\n\xff\xc2\x9b\u202e\"\\{reason}%s%n\x7f";

static void is_harmless(const struct lines *lines)
{
	for (size_t i = 0; i + 1 < lines->len; i++)
		cr_assert(lines->text[i] != 0x7f && (unsigned char)lines->text[i] >= 0x20);
	cr_assert(eq(chr, lines->text[lines->len - 1], '\n'));
	cr_assert(strstr(lines->text, "\xff") == NULL);
	cr_assert(strstr(lines->text, "\xc2\x9b") == NULL);
	cr_assert(strstr(lines->text, "\u202e") == NULL);
	cr_assert(strstr(lines->text, "%s%n") != NULL, "nothing is taken for a format");
	cr_assert(strstr(lines->text, "{reason}") != NULL, "nor for a field");
}

Test(report, what_a_peer_says_cannot_steer_a_terminal_or_fake_a_line)
{
	for (int i = 0; i < REPORT_KINDS; i++) {
		struct report what = full_report((enum report_kind)i);
		struct lines lines;

		if (i == REPORT_DONE || i == REPORT_AWAITS_NAME || i == REPORT_RETRIED ||
			i == REPORT_SCANNED || i == REPORT_PROGRESS || i == REPORT_SERVING ||
			i == REPORT_NOT_LISTENING || i == REPORT_SCANNING ||
			i == REPORT_MEASURING || i == REPORT_PROGRAM_ENDED ||
			i == REPORT_LINES_DROPPED || i == REPORT_LOST_IN_ALL ||
			i == REPORT_TURNED_AWAY_IN_ALL)
			continue; /* shown without texts */
		what.address = what.transport = what.mode = what.reason = what.path = hostile;
		what.tls = what.cipher = what.alpn = hostile;
		what.subject = what.issuer = what.names = hostile;
		what.line = span_of(hostile);
		lines = tell(&what, false);
		is_harmless(&lines);
		lines = tell(&what, true);
		is_harmless(&lines);
		cr_assert(ne(str, value_of(&lines, "reason").text, ""));
	}
}

static struct lines tell_error(const struct err *why, bool json)
{
	struct lines lines;
	struct reporter to = lines_reporter(&lines);

	to.json = json;
	to.level = LEVEL_ERROR;
	report_end(&to, why);
	return lines;
}

Test(report, a_run_ends_with_done_or_with_an_error_and_not_with_both)
{
	const struct report done = {.kind = REPORT_DONE, .received = 12, .sent = 34};
	const struct err err = {ERR_LOST, .what = "it failed"};
	struct lines lines;
	struct reporter to = lines_reporter(&lines);

	report_end(&to, NULL);
	cr_assert(eq(str, lines.text, ""), "nothing was kept for the end");
	report_closing(&to, &done);
	cr_assert(eq(str, lines.text, ""), "there may be more to tell before it");
	report_end(&to, NULL);
	cr_assert(eq(str, lines.text, "done: 12 bytes received, 34 sent\n"));
	to = lines_reporter(&lines);
	report_closing(&to, &done);
	report_end(&to, &err);
	cr_assert(eq(str, lines.text, "sockx: it failed\n"));
	to = lines_reporter(&lines);
	to.json = true;
	report_closing(&to, &done);
	report_end(&to, &err);
	cr_assert(eq(str, value_of(&lines, "event").text, "\"error\""), "%s", lines.text);
	cr_assert(eq(str, value_of(&lines, "received").text, "12"), "what it would have said");
}

Test(report, an_error_is_what_happened_and_what_to_do)
{
	struct err err = {0};

	err_set(&err, ERR_REFUSED, "cannot connect");
	cr_assert(eq(str, tell_error(&err, false).text, "sockx: cannot connect\n"));
	err_hint(&err, "try again");
	cr_assert(
		eq(str, tell_error(&err, false).text, "sockx: cannot connect\nhint: try again\n"));
}

Test(report, an_error_is_completed_by_what_its_fact_means)
{
	struct err err = {0};
	struct lines lines;

	err_set(&err, ERR_TIMEOUT, "silent for 5 ms");
	err_fact(&err, FACT_IDLE_LIMIT, NULL);
	cr_assert(eq(str, tell_error(&err, false).text,
		"sockx: silent for 5 ms (--idle-timeout)\nhint: to wait longer: -i DURATION\n"));
	lines = tell_error(&err, true);
	cr_assert(eq(str, value_of(&lines, "hint").text, "\"to wait longer: -i DURATION\""));
	cr_assert(eq(int, err.fact, FACT_IDLE_LIMIT), "the error itself is left as it is");
}

Test(report, a_reason_may_be_an_error_and_is_completed_as_one)
{
	struct err why = {0};
	struct report what = full_report(REPORT_LOST);
	struct lines lines;

	err_set(&why, ERR_TIMEOUT, "silent for 5 ms");
	err_fact(&why, FACT_IDLE_LIMIT, NULL);
	what.reason = NULL;
	what.why = &why;
	lines = tell(&what, false);
	cr_assert(strstr(lines.text, ": silent for 5 ms (--idle-timeout)\n") != NULL, "%s",
		lines.text);
	lines = tell(&what, true);
	cr_assert(eq(str, value_of(&lines, "reason").text, "\"silent for 5 ms (--idle-timeout)\""));
}

Test(report, a_report_names_its_object_and_tells_the_cause_alone)
{
	struct err why = {0};
	struct report what = full_report(REPORT_LOST);
	struct lines lines;

	err_sys(&why, ERR_LOST, ECONNRESET,
		"connection with 127.0.0.1:80 lost after 12 bytes received, 34 sent");
	what.reason = NULL;
	what.why = &why;
	cr_assert(eq(str, tell(&what, false).text,
		"7: 127.0.0.1:80 lost after 12 bytes received, 34 sent: Connection reset by "
		"peer\n"));
	lines = tell(&what, true);
	cr_assert(eq(str, value_of(&lines, "reason").text, "\"Connection reset by peer\""));
}

Test(report, without_an_adviser_an_error_stays_as_it_is)
{
	struct lines lines;
	struct reporter to = lines_reporter(&lines);
	struct err err = {0};

	to.advise = NULL;
	err_set(&err, ERR_TIMEOUT, "silent for 5 ms");
	err_fact(&err, FACT_IDLE_LIMIT, NULL);
	report_end(&to, &err);
	cr_assert(eq(str, lines.text, "sockx: silent for 5 ms\n"));
}

Test(report, an_error_names_its_exit_status_to_a_script)
{
	static const struct {
		enum err_kind kind;
		const char *name, *exit;
	} kinds[] = {
		{ERR_RUNTIME, "\"runtime\"", "1"},
		{ERR_USAGE, "\"usage\"", "2"},
		{ERR_LISTEN, "\"listen\"", "3"},
		{ERR_LOST, "\"lost\"", "4"},
		{ERR_TIMEOUT, "\"timeout\"", "5"},
		{ERR_NAME, "\"name\"", "6"},
		{ERR_REFUSED, "\"refused\"", "7"},
		{ERR_TLS, "\"tls\"", "8"},
		{ERR_WRONG, "\"wrong\"", "9"},
		{ERR_SIGPIPE, "\"sigpipe\"", "141"},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct err err = {kinds[i].kind, .what = "it failed", .hint = "mend it"};
		struct lines lines = tell_error(&err, true);

		cr_expect(eq(str, value_of(&lines, "event").text, "\"error\""));
		cr_expect(eq(str, value_of(&lines, "v").text, "1"));
		cr_expect(eq(str, value_of(&lines, "kind").text, (char *)kinds[i].name));
		cr_expect(eq(str, value_of(&lines, "exit").text, (char *)kinds[i].exit));
		cr_expect(eq(str, value_of(&lines, "message").text, "\"it failed\""));
		cr_expect(eq(str, value_of(&lines, "hint").text, "\"mend it\""));
	}
}

Test(report, a_hostile_error_is_as_harmless)
{
	struct err err = {.kind = ERR_WRONG};
	struct lines lines;

	snprintf(err.what, sizeof(err.what), "%s", hostile);
	lines = tell_error(&err, false);
	is_harmless(&lines);
	lines = tell_error(&err, true);
	is_harmless(&lines);
}

/* ---- who gets a report ---- */

Test(report, a_report_is_shown_from_its_level_on)
{
	static const enum report_level least[REPORT_KINDS] = {
		[REPORT_LISTENING] = LEVEL_READY,
		[REPORT_OPENED] = LEVEL_PEOPLE,
		[REPORT_CLOSED] = LEVEL_PEOPLE,
		[REPORT_LOST] = LEVEL_PEOPLE,
		[REPORT_NAMED] = LEVEL_PEOPLE,
		[REPORT_AWAITS_NAME] = LEVEL_PEOPLE,
		[REPORT_RESET_EARLY] = LEVEL_PEOPLE,
		[REPORT_NOT_OPENED] = LEVEL_PEOPLE,
		[REPORT_ACCEPT_PAUSED] = LEVEL_READY,
		[REPORT_ACCEPT_RESUMED] = LEVEL_READY,
		[REPORT_NOT_NOTIFIED] = LEVEL_READY,
		[REPORT_REFUSED] = LEVEL_DETAIL,
		[REPORT_ACCEPT_FAILED] = LEVEL_DETAIL,
		[REPORT_DROPPED] = LEVEL_DETAIL,
		[REPORT_MISSED] = LEVEL_PEOPLE,
		[REPORT_STOPPING] = LEVEL_PEOPLE,
		[REPORT_RESOLVING] = LEVEL_DETAIL,
		[REPORT_ATTEMPT] = LEVEL_DETAIL,
		[REPORT_ATTEMPT_LOST] = LEVEL_DETAIL,
		[REPORT_RETRIED] = LEVEL_DETAIL,
		[REPORT_CONNECTED] = LEVEL_PEOPLE,
		[REPORT_AIMED] = LEVEL_PEOPLE,
		[REPORT_HALF_CLOSED] = LEVEL_PEOPLE,
		[REPORT_FILE_MEANT] = LEVEL_PEOPLE,
		[REPORT_SERVER_ENDED] = LEVEL_PEOPLE,
		[REPORT_DONE] = LEVEL_DETAIL,
		[REPORT_MEASURE_BEGUN] = LEVEL_DETAIL,
		[REPORT_MEASURE_ENDED] = LEVEL_DETAIL,
		[REPORT_PORT] = LEVEL_DETAIL,
		[REPORT_SCANNED] = LEVEL_READY,
		[REPORT_PROGRESS] = LEVEL_READY,
		[REPORT_NOT_CONNECTED] = LEVEL_READY,
		[REPORT_SERVING] = LEVEL_READY,
		[REPORT_NOT_LISTENING] = LEVEL_READY,
		[REPORT_SCANNING] = LEVEL_READY,
		[REPORT_MEASURING] = LEVEL_READY,
		[REPORT_JOINED] = LEVEL_PEOPLE,
		[REPORT_NOT_JOINED] = LEVEL_READY,
		[REPORT_PROGRAM_SAID] = LEVEL_READY,
		[REPORT_PROGRAM_ENDED] = LEVEL_DETAIL,
		[REPORT_PROGRAM_FAILED] = LEVEL_READY,
		[REPORT_LINES_DROPPED] = LEVEL_READY,
		[REPORT_NOT_COLLECTED] = LEVEL_READY,
		[REPORT_DATAGRAMS_LOST] = LEVEL_READY,
		[REPORT_LOST_IN_ALL] = LEVEL_READY,
		[REPORT_TURNED_AWAY] = LEVEL_READY,
		[REPORT_TURNED_AWAY_IN_ALL] = LEVEL_READY,
		[REPORT_LISTENING_PIN] = LEVEL_READY,
		[REPORT_SECURED] = LEVEL_DETAIL,
		[REPORT_SECURED_CLIENT] = LEVEL_DETAIL,
		[REPORT_CERTIFICATE] = LEVEL_DETAIL,
		[REPORT_CERTIFICATE_OF] = LEVEL_DETAIL,
		[REPORT_NOT_VERIFIED] = LEVEL_READY,
		[REPORT_KEYS_LOGGED] = LEVEL_READY,
		[REPORT_KEYS_LOST] = LEVEL_READY,
		[REPORT_DUMP_FAILED] = LEVEL_ERROR,
		[REPORT_CAPTURE_FAILED] = LEVEL_ERROR,
		[REPORT_NOT_CAPTURED] = LEVEL_READY,
		[REPORT_HELD_BACK] = LEVEL_PEOPLE,
		[REPORT_AWAITS_END] = LEVEL_PEOPLE,
		[REPORT_CLIENT_HAS_TLS] = LEVEL_PEOPLE,
		[REPORT_SERVER_HAS_TLS] = LEVEL_PEOPLE,
		[REPORT_USUALLY_TLS] = LEVEL_PEOPLE,
	};

	for (int kind = 0; kind < REPORT_KINDS; kind++) {
		for (enum report_level level = LEVEL_ERROR; level <= LEVEL_DETAIL; level++) {
			const struct report what = full_report((enum report_kind)kind);
			struct lines lines;
			struct reporter to = lines_reporter(&lines);
			bool shown = level >= least[kind];

			to.level = level;
			report(&to, &what);
			cr_expect(eq(int, lines.len > 0, shown), "kind %d, level %d", kind, level);
			cr_expect(eq(int, report_shown(&to, what.kind), shown));
		}
	}
}

static int take_nothing(void *arg, struct span line)
{
	(void)line;
	++*(unsigned *)arg;
	return -1;
}

Test(report, lines_that_are_not_taken_are_dropped_and_counted)
{
	unsigned tried = 0;
	struct reporter to = {.sink = {take_nothing, &tried}, .level = LEVEL_DETAIL};
	const struct report what = full_report(REPORT_OPENED);
	const struct err err = {ERR_LOST, .what = "x"};

	for (int i = 0; i < 3; i++)
		report(&to, &what);
	to.json = true;
	report(&to, &what);
	report_end(&to, &err);
	report_line(&to, span_of("{}\n"));
	cr_assert(eq(u64, to.dropped, 6));
	cr_assert(eq(uint, tried, 6), "tried once each");
}

/* Takes the lines that there is room for. */
struct gate {
	struct lines lines;
	unsigned room;
};

static int take_some(void *arg, struct span line)
{
	struct gate *gate = arg;

	if (!gate->room)
		return -1;
	gate->room--;
	memcpy(gate->lines.text + gate->lines.len, line.data, line.len);
	gate->lines.len += line.len;
	gate->lines.text[gate->lines.len] = '\0';
	return 0;
}

Test(report, lines_that_were_dropped_are_told_of_in_their_place)
{
	struct gate gate = {0};
	struct reporter to = {.sink = {take_some, &gate}, .level = LEVEL_DETAIL};
	const struct report resumed = {.kind = REPORT_STOPPING, .reason = "x"};

	for (int i = 0; i < 3; i++)
		report(&to, &resumed);
	gate.room = 1;
	report(&to, &resumed);
	cr_assert(eq(str, gate.lines.text, "standard error took no more; lines dropped: 3\n"),
		"and for the line itself there was no room");
	gate.room = 3;
	report(&to, &resumed);
	report(&to, &resumed);
	cr_assert(eq(str, gate.lines.text,
		"standard error took no more; lines dropped: 3\n"
		"standard error took no more; lines dropped: 1\n"
		"stopping: x\nstopping: x\n"));
	cr_assert(eq(u64, to.dropped, 4));
}

Test(report, lines_that_were_dropped_are_told_of_before_the_last_one)
{
	struct gate gate = {0};
	struct reporter to = {.sink = {take_some, &gate}, .level = LEVEL_DETAIL, .json = true};
	const struct err why = {ERR_LOST, .what = "it failed"};
	char *event;

	report(&to, &(struct report){.kind = REPORT_STOPPING});
	gate.room = 2;
	report_end(&to, &why);
	event = strstr(gate.lines.text, "\"event\":\"lines.dropped\",\"count\":1}\n");
	cr_assert(event != NULL, "%s", gate.lines.text);
	cr_assert(strstr(event, "\"event\":\"error\"") != NULL);
}

Test(report, with_errors_alone_nothing_is_said_of_lines_that_were_dropped)
{
	struct gate gate = {0};
	struct reporter to = {.sink = {take_some, &gate}, .level = LEVEL_ERROR};
	const struct err why = {ERR_LOST, .what = "it failed"};

	report_line(&to, span_of("call\n"));
	gate.room = 2;
	report_end(&to, &why);
	cr_assert(eq(str, gate.lines.text, "sockx: it failed\n"));
}

Test(report, a_line_that_is_rendered_already_passes_as_it_is)
{
	struct lines lines;
	struct reporter to = lines_reporter(&lines);

	report_line(&to, span_of("{\"sent\":1}\n"));
	cr_assert(eq(str, lines.text, "{\"sent\":1}\n"));
}

static const struct {
	uint64_t received, sent, ms;
	const char *text;
} paces[] = {
	{5242880, 0, 1240, "done: 5242880 bytes received, 0 sent in 1.24 s (4.03 MiB/s)\n"},
	{0, 5242880, 1240, "done: 0 bytes received, 5242880 sent in 1.24 s (4.03 MiB/s)\n"},
	{5242880, 1240, 1240,
		"done: 5242880 bytes received, 1240 sent in 1.24 s "
		"(4.03 MiB/s in, 1000 B/s out)\n"},
	{0, 0, 125000, "done: 0 bytes received, 0 sent in 2 min 5 s\n"},
	{5, 5, 4, "done: 5 bytes received, 5 sent in 4 ms\n"},
	{5, 5, 0, "done: 5 bytes received, 5 sent\n"},
};

Test(report, bytes_have_their_time_and_their_rate_where_it_is_known)
{
	for (size_t i = 0; i < sizeof(paces) / sizeof(paces[0]); i++) {
		const struct report what = {.kind = REPORT_DONE,
			.received = paces[i].received,
			.sent = paces[i].sent,
			.in_ms = paces[i].ms};
		struct lines lines = tell(&what, false);

		cr_expect(eq(str, lines.text, (char *)paces[i].text));
	}
}

/* ---- the row that is drawn over ---- */

struct row {
	struct lines lines;
	struct reporter to;
	struct report_live live;
};

static void begin_row(struct row *r)
{
	*r = (struct row){0};
	r->to = lines_reporter(&r->lines);
	r->to.live = &r->live;
}

/* What was written since the last call. */
static void wrote(struct row *r, const char *text)
{
	cr_expect(eq(str, r->lines.text, (char *)text));
	r->lines.len = 0;
	r->lines.text[0] = '\0';
}

Test(report, a_row_is_drawn_over_and_lines_go_above_it)
{
	const struct report stopping = {.kind = REPORT_STOPPING, .reason = "SIGTERM"};
	struct row r;

	begin_row(&r);
	report(&r.to, &stopping);
	wrote(&r, "stopping: SIGTERM\n");
	report_draw(&r.to, span_of(""));
	wrote(&r, "");
	report_draw(&r.to, span_of("10 %"));
	wrote(&r, "\r10 %\033[K");
	report_draw(&r.to, span_of("9 %"));
	wrote(&r, "\r9 %\033[K");
	report(&r.to, &stopping);
	wrote(&r, "\r\033[Kstopping: SIGTERM\n9 %");
	report_settle(&r.to);
	wrote(&r, "\n");
	report_settle(&r.to);
	report(&r.to, &stopping);
	wrote(&r, "stopping: SIGTERM\n");
}

Test(report, a_row_is_taken_off_for_what_else_the_terminal_gets)
{
	const struct report stopping = {.kind = REPORT_STOPPING, .reason = "SIGTERM"};
	struct row r;

	begin_row(&r);
	report_draw(&r.to, span_of("10 %"));
	r.lines.len = 0;
	report_yield(&r.to);
	wrote(&r, "\r\033[K");
	report_yield(&r.to);
	report(&r.to, &stopping);
	wrote(&r, "stopping: SIGTERM\n");
	cr_expect(r.to.live == NULL && r.to.live_over);
}

static bool some_lines_wait(struct report_late *late)
{
	(void)late;
	return true;
}

Test(report, a_line_begins_a_row_where_something_else_has_left_one_begun)
{
	const struct report stopping = {.kind = REPORT_STOPPING, .reason = "SIGTERM"};
	const struct err why = {.kind = ERR_RUNTIME, .what = "no"};
	struct row r;

	begin_row(&r);
	r.to.live = NULL;
	r.to.mid_row = true;
	report(&r.to, &stopping);
	wrote(&r, "\nstopping: SIGTERM\n");
	report(&r.to, &stopping);
	wrote(&r, "stopping: SIGTERM\n");
	r.to.mid_row = true;
	report_end(&r.to, &why);
	wrote(&r, "\nsockx: no\n");
}

Test(report, a_row_is_not_kept_for_a_terminal_that_takes_nothing)
{
	struct report_late late = {.again = some_lines_wait};
	struct row r;

	begin_row(&r);
	r.to.late = &late;
	report_draw(&r.to, span_of("10 %"));
	wrote(&r, "");
}

Test(report, a_row_that_is_too_long_is_cut)
{
	struct row r;
	char text[2 * REPORT_LIVE_BYTES];

	memset(text, 'x', sizeof(text));
	begin_row(&r);
	report_draw(&r.to, (struct span){(const uint8_t *)text, sizeof(text)});
	cr_expect(eq(sz, r.lines.len, 1 + REPORT_LIVE_BYTES + 3));
}

Test(report, a_long_time_is_told_in_minutes_and_more)
{
	struct lines lines = {0};
	struct reporter to = lines_reporter(&lines);

	report(&to, &(struct report){.kind = REPORT_NOT_LISTENING, .duration_ms = {true, 59999}});
	cr_expect(eq(str, lines.text, "not listening yet, for 60.0 s\n"));
	lines.len = 0;
	report(&to, &(struct report){.kind = REPORT_NOT_LISTENING, .duration_ms = {true, 60000}});
	cr_expect(eq(str, lines.text, "not listening yet, for 1 min 0 s\n"));
}
