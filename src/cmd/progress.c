#include "cmd/progress.h"

#include <unistd.h>

#include "base/amount.h"
#include "os/sys_file.h"

/* The direction that is of interest: the one that has more. */
struct progress_side {
	const char *verb, *other_verb;
	uint64_t bytes, before, other; /* before: a second ago */
	uint64_t size;                 /* 0: not known */
};

static struct progress_side progress_main(
	const struct progress *p, const struct progress_count *now)
{
	const struct progress_count *past = &p->past[p->next];

	if (now->sent >= now->received)
		return (struct progress_side){"sent", "received", now->sent, past->sent,
			now->received, p->size ? p->size : p->input_size};
	return (struct progress_side){
		"received", "sent", now->received, past->received, now->sent, p->size};
}

static uint64_t progress_percent(const struct progress_side *way)
{
	double share = (double)way->bytes / (double)way->size;

	return share < 1 ? (uint64_t)(share * 100) : 100;
}

static uint64_t progress_left_ms(const struct progress_side *way, uint64_t in_ms)
{
	double left = way->bytes < way->size ? (double)(way->size - way->bytes) : 0;

	return (uint64_t)(left / (double)way->bytes * (double)in_ms);
}

/* "512 MiB of 1.00 GiB sent (50 %)"; on a very narrow terminal the bytes alone. */
static bool progress_add_bytes(const struct progress_side *way, struct live_row *row)
{
	const struct amount_shown bytes = amount_bytes(way->bytes);

	if (way->size &&
		live_add(row, "%s of %s %s (%ju %%)", bytes.text, amount_bytes(way->size).text,
			way->verb, (uintmax_t)progress_percent(way)))
		return true;
	return live_add(row, "%s %s", bytes.text, way->verb);
}

static void progress_add_totals(
	const struct progress_side *way, const struct progress_count *now, struct live_row *row)
{
	live_add(row, " in %s", amount_time(now->in_ms).text);
	if (way->bytes)
		live_add(row, ", average %s", amount_rate(way->bytes, now->in_ms).text);
}

/* The parts in the order of their worth: those that find no room are left out. */
static void progress_add_pace(const struct progress *p, const struct progress_side *way,
	const struct progress_count *now, struct live_row *row)
{
	uint64_t past_ms = now->in_ms - p->past[p->next].in_ms;

	if (past_ms)
		live_add(row, ", %s", amount_rate(way->bytes - way->before, past_ms).text);
	if (way->size && way->bytes)
		live_add(row, ", %s left",
			amount_clock(progress_left_ms(way, now->in_ms) + 999).text);
	live_add(row, ", average %s", amount_rate(way->bytes, now->in_ms).text);
	live_add(row, ", %s so far", amount_clock(now->in_ms).text);
}

void progress_fill(const struct progress *p, const struct progress_count *now, struct live_row *row)
{
	const struct progress_side way = progress_main(p, now);

	if (!progress_add_bytes(&way, row))
		return;
	if (p->over)
		progress_add_totals(&way, now, row);
	else
		progress_add_pace(p, &way, now, row);
	if (way.other)
		live_add(row, ", %s %s", amount_bytes(way.other).text, way.other_verb);
}

/* live.fill */
static void progress_on_fill(void *arg, struct live_row *row)
{
	struct progress *p = arg;
	struct progress_count now = {0};

	p->count(p->arg, &now);
	if (!now.in_ms)
		return;
	progress_fill(p, &now, row);
	p->past[p->next] = now;
	p->next = (p->next + 1) % PROGRESS_PAST;
}

int progress_begin(struct progress *p, struct loop *loop, struct reporter *to)
{
	p->live.fill = progress_on_fill;
	p->live.arg = p;
	p->live.every_ms = PROGRESS_TICK_MS;
	return live_begin(&p->live, loop, to);
}

void progress_end(struct progress *p)
{
	p->over = true;
	live_end(&p->live, true);
}

uint64_t progress_input_size(void)
{
	struct stat is;
	off_t at;

	if (sys_fstat(STDIN_FILENO, &is) < 0 || !S_ISREG(is.st_mode))
		return 0;
	at = sys_place(STDIN_FILENO);
	return at >= 0 && at < is.st_size ? (uint64_t)(is.st_size - at) : 0;
}
