/* The options that several modes have. */
#include "mode/shared.h"

#include <string.h>

static bool shared_eol_choice(size_t i, struct opt_choice *out)
{
	static const struct opt_choice choices[] = {{"lf", "a newline"},
		{"crlf", "carriage return and newline, as many protocols want it"},
		{"none", "nothing: for peers that take what they receive at once as one message "
			 "(chat)"}};

	if (i >= sizeof(choices) / sizeof(choices[0]))
		return false;
	*out = choices[i];
	return true;
}

static const struct opt line_rows[] = {
	{.name = "eol",
		.kind = OPT_CHOICE,
		OPT_FIELD(struct mode_shared, eol),
		.arg = "END",
		.choice = shared_eol_choice,
		.help = "what ends each line that is sent (default: lf)"},
	{.name = "crlf",
		.letter = 'C',
		.kind = OPT_FLAG,
		OPT_FIELD(struct mode_shared, crlf),
		.help = "the same as --eol crlf: send CR LF for each bare LF of standard input"},
	{.name = "raw",
		.kind = OPT_FLAG,
		OPT_FIELD(struct mode_shared, raw),
		.help = "pass the peer's control characters to a terminal as they are"},
};

static const struct opt settle_rows[] = {
	{.name = "settle",
		.kind = OPT_MSEC,
		OPT_FIELD(struct mode_shared, settle_ms),
		.arg = "DUR",
		.fallback = "100ms",
		.help = "take a message without an end as whole when nothing more comes for DUR"},
};

bool mode_sends_crlf(const struct mode_shared *shared)
{
	return shared->crlf || (shared->eol && strcmp(shared->eol, "crlf") == 0);
}

void mode_shared_options(struct opt_set *set, size_t offset, const char *settles)
{
	opt_set_add_for(set, "Data", line_rows, sizeof(line_rows) / sizeof(line_rows[0]), offset,
		"pipe chat");
	opt_set_add_for(set, "Data", settle_rows, sizeof(settle_rows) / sizeof(settle_rows[0]),
		offset, settles);
}

static const struct opt request_rows[] = {
	{.name = "request-timeout",
		.kind = OPT_MSEC,
		OPT_FIELD(struct mode_shared, request_ms),
		.arg = "DUR",
		.fallback = "5m",
		.help = "refuse a client whose name or text is not whole after DUR (0: never)"},
};

void mode_request_options(struct opt_set *set, size_t offset)
{
	opt_set_add_for(set, "Time limits", request_rows,
		sizeof(request_rows) / sizeof(request_rows[0]), offset, "greet analyze");
}

static int shared_check_strays(
	const struct opt_set *set, const struct opt_args *args, const char *mode, struct err *err)
{
	const char *owner, *stray = opts_stray(set, args, mode, &owner);
	struct opt_modes whose;

	if (!stray)
		return 0;
	whose = opt_modes_text(owner);
	err_set(err, ERR_USAGE, "'%s' belongs to mode %s, not to mode %s", stray, whose.text, mode);
	return err_hint(err, "leave it out, or use --mode %s", whose.text);
}

int mode_options_check(const struct opt_set *set, const struct opt_args *args,
	const struct mode_shared *shared, const char *mode, struct err *err)
{
	if (shared_check_strays(set, args, mode, err) < 0)
		return -1;
	if (shared->crlf && shared->eol && strcmp(shared->eol, "crlf") != 0) {
		err_set(err, ERR_USAGE, "'--crlf' contradicts '--eol %s'", shared->eol);
		return err_hint(err, "give one of them");
	}
	if (shared->eol && strcmp(shared->eol, "none") == 0 && strcmp(mode, "pipe") == 0) {
		err_set(err, ERR_USAGE, "'--eol none' is for mode chat, not for mode pipe");
		return err_hint(err, "use 'printf' to send a line without its newline");
	}
	return 0;
}
