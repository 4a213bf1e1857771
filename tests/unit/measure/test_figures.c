#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "measure/figures.h"

static const struct figures_of a_ping = {.address = "127.0.0.1:9",
	.transport = "udp",
	.connections = 1,
	.size = 64,
	.interval_ns = 1000000000,
	.whole = true};

/* Three answers after 1, 3 and 2 ms; a fourth never came. */
static struct figures *measured(void)
{
	struct figures *f = calloc(1, sizeof(*f));
	int64_t last_ns = -1;

	f->sent = 4;
	f->start_ns = 1000;
	f->last_ns = 2000001000;
	f->behind_max_ns = 55000;
	figures_answer(f, 1000000, &last_ns);
	figures_answer(f, 3000000, &last_ns);
	figures_answer(f, 2000000, &last_ns);
	cr_assert(eq(i64, last_ns, 2000000));
	return f;
}

static void expect_text(
	const struct figures *f, const struct figures_of *of, bool bars, const char *expected)
{
	struct buf out = {0};

	cr_assert(eq(int, figures_text(f, of, bars, &out), 0));
	cr_assert(eq(int, buf_add(&out, (struct span){(const uint8_t *)"", 1}), 0));
	cr_assert(eq(str, (char *)buf_span(&out).data, (char *)expected));
	buf_free(&out);
}

Test(figures, the_report_for_people)
{
	struct figures *f = measured();

	expect_text(f, &a_ping, false,
		"sent 4, received 3, lost 1 (25 %), out of order 0\n"
		"round trip in ms: min 1.000, avg 2.000, max 3.000, jitter 1.500\n"
		"percentiles in ms: p50 2.007, p90 3.000, p99 3.000, p99.9 3.000\n"
		"sent at most 0.055 ms behind schedule\n");
	free(f);
}

Test(figures, a_load_tells_its_rate_and_a_stream_no_order)
{
	struct figures *f = measured();
	struct figures_of of = a_ping;

	of.load = of.stream = true;
	of.connections = 2;
	of.interval_ns = 0;
	expect_text(f, &of, false,
		"2 connections, 64 bytes, 2.000 s: 2 messages/s, 0.000 MB/s each way\n"
		"sent 4, received 3, lost 1 (25 %)\n"
		"round trip in ms: min 1.000, avg 2.000, max 3.000, jitter 1.500\n"
		"percentiles in ms: p50 2.007, p90 3.000, p99 3.000, p99.9 3.000\n");
	free(f);
}

Test(figures, what_is_rare_is_reported_where_it_happened)
{
	struct figures *f = measured();

	f->sent = 10;
	f->out_of_order = 1;
	f->duplicates = 2;
	f->forgotten = 3;
	f->unsent = 1;
	f->in_flight = 5;
	f->unsaid = 6;
	cr_assert(eq(u64, figures_lost(f), 3));
	expect_text(f, &a_ping, false,
		"sent 10, received 3, lost 3 (27.3 %), out of order 1, duplicates 2, too late 3, "
		"not sent 1, in flight 5, lines left out 6\n"
		"round trip in ms: min 1.000, avg 2.000, max 3.000, jitter 1.500\n"
		"percentiles in ms: p50 2.007, p90 3.000, p99 3.000, p99.9 3.000\n"
		"sent at most 0.055 ms behind schedule\n");
	free(f);
}

Test(figures, bars_are_of_one_length_at_most_and_no_count_is_without_one)
{
	struct figures *f = calloc(1, sizeof(*f));
	int64_t last_ns = -1;

	for (int i = 0; i < 100; i++)
		figures_answer(f, 30000, &last_ns);
	for (int i = 0; i < 50; i++)
		figures_answer(f, 999999, &last_ns);
	figures_answer(f, 5500, &last_ns);
	f->sent = f->received;
	expect_text(f, &a_ping, true,
		"sent 151, received 151, lost 0 (0 %), out of order 0\n"
		"round trip in ms: min 0.005, avg 0.351, max 1.000, jitter 0.013\n"
		"percentiles in ms: p50 0.030, p90 1.000, p99 1.000, p99.9 1.000\n"
		"sent at most 0.000 ms behind schedule\n"
		"  up to    0.01 ms #                                        1\n"
		"  up to    0.02 ms                                          0\n"
		"  up to    0.05 ms ######################################## 100\n"
		"  up to     0.1 ms                                          0\n"
		"  up to     0.2 ms                                          0\n"
		"  up to     0.5 ms                                          0\n"
		"  up to       1 ms ####################                     50\n");
	free(f);
}

Test(figures, bars_end_where_the_longest_there_can_be_is)
{
	struct figures *f = calloc(1, sizeof(*f));
	int64_t last_ns = -1;
	struct buf out = {0};

	figures_answer(f, INT64_MAX, &last_ns);
	f->sent = 1;
	cr_assert(eq(int, figures_text(f, &a_ping, true, &out), 0));
	buf_free(&out);
	free(f);
}

Test(figures, the_report_for_scripts)
{
	struct figures *f = measured();
	struct buf out = {0};

	cr_assert(eq(int, figures_json(f, &a_ping, &out), 0));
	cr_assert(eq(int, buf_add(&out, (struct span){(const uint8_t *)"", 1}), 0));
	cr_assert(eq(str, (char *)buf_span(&out).data,
		(char *)"{\"v\":1,\"event\":\"echo.measured\",\"address\":\"127.0.0.1:9\","
			"\"transport\":"
			"\"udp\",\"connections\":1,\"window\":0,\"interval_us\":1000000,\"size_"
			"bytes\":64,\"sent\":4,\"received\":3,\"lost\":1,\"lost_percent\":25.000,"
			"\"in_flight\":0,\"not_sent\":0,\"duplicates\":0,\"out_of_order\":0,\"too_"
			"late\":0,\"rtt_min_us\":1000.000,\"rtt_avg_us\":2000.000,\"rtt_p50_us\":"
			"2007.039,\"rtt_p90_us\":3000.000,\"rtt_p99_us\":3000.000,\"rtt_p999_us\":"
			"3000.000,\"rtt_max_us\":3000.000,\"jitter_us\":1500.000,\"behind_max_us\":"
			"55.000,\"time_ms\":2000.000,\"messages_per_s\":1.500,\"bytes_per_s\":96."
			"000,"
			"\"complete\":false}\n"));
	buf_free(&out);
	free(f);
}

Test(figures, of_nothing_there_are_no_round_trips)
{
	struct figures *f = calloc(1, sizeof(*f));
	struct buf out = {0};

	expect_text(f, &a_ping, true, "sent 0, received 0, lost 0 (0 %), out of order 0\n");
	cr_assert(eq(int, figures_json(f, &a_ping, &out), 0));
	cr_assert(ne(ptr, memmem(buf_span(&out).data, out.len, "\"rtt_p50_us\":null", 17), NULL));
	buf_free(&out);
	free(f);
}
