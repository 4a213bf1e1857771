#include "measure/figures.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/json.h"

enum { BAR_COLUMNS = 40 };

void figures_answer(struct figures *f, int64_t round_trip_ns, int64_t *last_ns)
{
	int64_t change = round_trip_ns - *last_ns;

	f->received++;
	histogram_add(&f->round_trips, (uint64_t)round_trip_ns);
	if (*last_ns >= 0) {
		f->jitter_sum_ns += (uint64_t)(change < 0 ? -change : change);
		f->jitter_of++;
	}
	*last_ns = round_trip_ns;
}

static uint64_t figures_asked(const struct figures *f)
{
	return f->sent + f->unsent;
}

uint64_t figures_lost(const struct figures *f)
{
	return figures_asked(f) - f->received - f->in_flight;
}

static double figures_lost_percent(const struct figures *f)
{
	return figures_asked(f) ? 100.0 * (double)figures_lost(f) / (double)figures_asked(f) : 0;
}

static double figures_seconds(const struct figures *f)
{
	return f->received ? (double)(f->last_ns - f->start_ns) / 1e9 : 0;
}

static double figures_per_second(const struct figures *f)
{
	return figures_seconds(f) > 0 ? (double)f->received / figures_seconds(f) : 0;
}

static double figures_jitter_ns(const struct figures *f)
{
	return f->jitter_of ? (double)f->jitter_sum_ns / (double)f->jitter_of : 0;
}

/* ---- for people ---- */

static int figures_add_rate(const struct figures *f, const struct figures_of *of, struct buf *out)
{
	return buf_printf(out,
		"%" PRIu64 " connection%s, %" PRIu64
		" bytes, %.3f s: %.0f messages/s, %.3f MB/s each way\n",
		of->connections, of->connections == 1 ? "" : "s", of->size, figures_seconds(f),
		figures_per_second(f), figures_per_second(f) * (double)of->size / 1e6);
}

static int figures_add_if(struct buf *out, uint64_t count, const char *what)
{
	return count ? buf_printf(out, ", %s %" PRIu64, what, count) : 0;
}

static int figures_add_counts(const struct figures *f, const struct figures_of *of, struct buf *out)
{
	int rc = buf_printf(out,
		"sent %" PRIu64 ", received %" PRIu64 ", lost %" PRIu64 " (%.3g %%)", f->sent,
		f->received, figures_lost(f), figures_lost_percent(f));

	if (!of->stream)
		rc |= buf_printf(out, ", out of order %" PRIu64, f->out_of_order);
	rc |= figures_add_if(out, f->duplicates, "duplicates");
	rc |= figures_add_if(out, f->forgotten, "too late");
	rc |= figures_add_if(out, f->unsent, "not sent");
	rc |= figures_add_if(out, f->in_flight, "in flight");
	rc |= figures_add_if(out, f->unsaid, "lines left out");
	return rc | buf_puts(out, "\n");
}

static int figures_add_ms(struct buf *out, const char *before, double ns)
{
	return buf_printf(out, "%s %.3f", before, ns / 1e6);
}

static int figures_add_round_trips(const struct figures *f, struct buf *out)
{
	const struct histogram *h = &f->round_trips;
	int rc = 0;

	rc |= figures_add_ms(out, "round trip in ms: min", (double)h->min);
	rc |= figures_add_ms(out, ", avg", (double)histogram_mean(h));
	rc |= figures_add_ms(out, ", max", (double)h->max);
	rc |= figures_add_ms(out, ", jitter", figures_jitter_ns(f));
	rc |= figures_add_ms(out, "\npercentiles in ms: p50", (double)histogram_permille(h, 500));
	rc |= figures_add_ms(out, ", p90", (double)histogram_permille(h, 900));
	rc |= figures_add_ms(out, ", p99", (double)histogram_permille(h, 990));
	rc |= figures_add_ms(out, ", p99.9", (double)histogram_permille(h, 999));
	return rc | buf_puts(out, "\n");
}

static int figures_add_behind(const struct figures *f, struct buf *out)
{
	return buf_printf(
		out, "sent at most %.3f ms behind schedule\n", (double)f->behind_max_ns / 1e6);
}

/* Up to 1 us, 2, 5, 10 and so on; the last is up to all there can be. */
static uint64_t figures_bar_top(unsigned i)
{
	static const uint64_t steps[] = {1000, 2000, 5000};
	uint64_t top = steps[i % 3];

	for (unsigned decade = i / 3; decade > 0; decade--)
		if (__builtin_mul_overflow(top, 10, &top))
			return UINT64_MAX;
	return top;
}

static uint64_t figures_bar_of(const struct histogram *h, unsigned i)
{
	return histogram_between(h, i ? figures_bar_top(i - 1) : 0, figures_bar_top(i));
}

static int figures_add_bar(uint64_t top_ns, uint64_t count, uint64_t longest, struct buf *out)
{
	static const char bar[BAR_COLUMNS + 1] = "########################################";
	double share = (double)count / (double)longest;
	int columns = (int)(share * BAR_COLUMNS);

	if (columns == 0 && count)
		columns = 1;
	return buf_printf(out, "  up to %7g ms %-*.*s %" PRIu64 "\n", (double)top_ns / 1e6,
		BAR_COLUMNS, columns, bar, count);
}

static int figures_add_bars(const struct histogram *h, struct buf *out)
{
	unsigned first = 0, last;
	uint64_t longest = 0;
	int rc = 0;

	while (figures_bar_of(h, first) == 0)
		first++;
	for (last = first; figures_bar_top(last) <= h->max; last++)
		if (figures_bar_of(h, last) > longest)
			longest = figures_bar_of(h, last);
	if (figures_bar_of(h, last) > longest)
		longest = figures_bar_of(h, last);
	for (unsigned i = first; i <= last; i++)
		rc |= figures_add_bar(figures_bar_top(i), figures_bar_of(h, i), longest, out);
	return rc;
}

int figures_text(const struct figures *f, const struct figures_of *of, bool bars, struct buf *out)
{
	int rc = of->load ? figures_add_rate(f, of, out) : 0;

	rc |= figures_add_counts(f, of, out);
	if (f->received)
		rc |= figures_add_round_trips(f, out);
	if (f->received && of->interval_ns)
		rc |= figures_add_behind(f, out);
	if (f->received && bars)
		rc |= figures_add_bars(&f->round_trips, out);
	return rc < 0 ? -1 : 0;
}

/* ---- for scripts ---- */

static void figures_add_us(struct json *j, const char *key, double ns, bool known)
{
	json_num(j, key, known ? ns / 1e3 : (double)NAN);
}

static void figures_add_json_round_trips(struct json *j, const struct figures *f)
{
	const struct histogram *h = &f->round_trips;
	bool known = h->count > 0;

	figures_add_us(j, "rtt_min_us", (double)h->min, known);
	figures_add_us(j, "rtt_avg_us", (double)histogram_mean(h), known);
	figures_add_us(j, "rtt_p50_us", (double)histogram_permille(h, 500), known);
	figures_add_us(j, "rtt_p90_us", (double)histogram_permille(h, 900), known);
	figures_add_us(j, "rtt_p99_us", (double)histogram_permille(h, 990), known);
	figures_add_us(j, "rtt_p999_us", (double)histogram_permille(h, 999), known);
	figures_add_us(j, "rtt_max_us", (double)h->max, known);
	figures_add_us(j, "jitter_us", figures_jitter_ns(f), known);
}

int figures_json(const struct figures *f, const struct figures_of *of, struct buf *out)
{
	struct json j;

	json_open(&j);
	json_event(&j, "echo.measured");
	json_str(&j, "address", span_of(of->address));
	json_str(&j, "transport", span_of(of->transport));
	json_int(&j, "connections", (int64_t)of->connections);
	json_int(&j, "window", (int64_t)of->window);
	json_int(&j, "interval_us", of->interval_ns / 1000);
	json_int(&j, "size_bytes", (int64_t)of->size);
	json_int(&j, "sent", (int64_t)f->sent);
	json_int(&j, "received", (int64_t)f->received);
	json_int(&j, "lost", (int64_t)figures_lost(f));
	json_num(&j, "lost_percent", figures_lost_percent(f));
	json_int(&j, "in_flight", (int64_t)f->in_flight);
	json_int(&j, "not_sent", (int64_t)f->unsent);
	json_int(&j, "duplicates", (int64_t)f->duplicates);
	json_int(&j, "out_of_order", (int64_t)f->out_of_order);
	json_int(&j, "too_late", (int64_t)f->forgotten);
	figures_add_json_round_trips(&j, f);
	figures_add_us(&j, "behind_max_us", (double)f->behind_max_ns, of->interval_ns);
	json_num(&j, "time_ms", figures_seconds(f) * 1e3);
	json_num(&j, "messages_per_s", figures_per_second(f));
	json_num(&j, "bytes_per_s", figures_per_second(f) * (double)of->size);
	json_bool(&j, "complete", of->whole && figures_lost(f) == 0);
	json_close(&j);
	if (j.failed || buf_add(out, buf_span(&j.out)) < 0)
		j.failed = true;
	buf_free(&j.out);
	return j.failed ? -1 : 0;
}
