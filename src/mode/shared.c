/* The options of modes: those that several share, and each one's own. */
#include "mode/mode.h"

#include <string.h>

#include "cli/foreign.h"

static bool shared_eol_choice(size_t i, struct opt_choice *out)
{
	static const struct opt_choice choices[] = {{"lf", "a newline"},
		{"crlf", "carriage return and newline, as many protocols want it"},
		{"none", "nothing: for peers that take what they receive at once as one message"}};

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

static const struct opt request_rows[] = {
	{.name = "request-timeout",
		.kind = OPT_MSEC,
		OPT_FIELD(struct mode_shared, request_ms),
		.arg = "DUR",
		.fallback = "5m",
		.help = "refuse a client whose name or text is not whole after DUR (0: never)"},
};

static const struct opt splice_rows[] = {
	{.name = "no-splice",
		.kind = OPT_FLAG,
		OPT_FIELD(struct mode_shared, no_splice),
		.help = "read and write, where the kernel could move bytes by itself"},
};

static const struct opt target_rows[] = {
	{.name = "to",
		.kind = OPT_LIST,
		OPT_FIELD(struct mode_shared, to),
		.arg = "ADDRESS",
		.completes = COMPLETES_HOST,
		.help = "join each connection to one of its own to ADDRESS, HOST:PORT, "
			"tls://HOST:PORT or unix:PATH; given again, to the next if one cannot be "
			"reached"},
	{.name = "to-source",
		.kind = OPT_TEXT,
		OPT_FIELD(struct mode_shared, to_source),
		.arg = "[ADDR][:PORT]",
		.help = "connect to ADDRESS from this local address or port, or to a Unix socket "
			"from this path"},
	{.name = "to-tls-ca",
		.kind = OPT_TEXT,
		OPT_FIELD(struct mode_shared, to_tls_ca),
		.arg = "FILE",
		.completes = COMPLETES_FILE,
		.help = "--tls-ca, for each ADDRESS that begins with tls://"},
	{.name = "to-tls-name",
		.kind = OPT_TEXT,
		OPT_FIELD(struct mode_shared, to_tls_name),
		.arg = "NAME",
		.completes = COMPLETES_HOST,
		.help = "the same of --tls-name"},
	{.name = "to-tls-pin",
		.kind = OPT_TEXT,
		OPT_FIELD(struct mode_shared, to_tls_pin),
		.arg = "sha256:HEX",
		.help = "the same of --tls-pin"},
	{.name = "to-tls-no-verify",
		.kind = OPT_FLAG,
		OPT_FIELD(struct mode_shared, to_tls_no_verify),
		.help = "the same of --tls-no-verify"},
};

/* Clients have it anyway. */
static const struct opt timeout_rows[] = {
	{.name = "connect-timeout",
		.letter = 'w',
		.kind = OPT_MSEC,
		OPT_FIELD(struct mode_shared, connect_timeout_ms),
		.arg = "DUR",
		.fallback = "10s",
		.help = "give an ADDRESS up when it takes longer to look up and connect (0: "
			"never)"},
};

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static const struct {
	unsigned takes; /* the modes that have the rows */
	bool serve_only;
	const char *title;
	const struct opt *rows;
	size_t count;
} shared_groups[] = {
	{MODE_TAKES_TARGET, false, "Target", target_rows, COUNT(target_rows)},
	{MODE_TAKES_TARGET, true, "Target", timeout_rows, COUNT(timeout_rows)},
	{MODE_TAKES_REQUEST, false, "Time limits", request_rows, COUNT(request_rows)},
	{MODE_TAKES_LINES, false, "Data", line_rows, COUNT(line_rows)},
	{MODE_TAKES_SETTLE, false, "Data", settle_rows, COUNT(settle_rows)},
	{MODE_TAKES_SPLICE, false, "Data", splice_rows, COUNT(splice_rows)},
};

static struct opt_modes shared_modes_of(enum mode_side side, unsigned takes)
{
	struct opt_modes whose = {{NULL}, 0};

	for (size_t i = 0; modes[i] && whose.count < OPT_MODES_MAX; i++)
		if (mode_is_of(modes[i], side) && modes[i]->takes & takes)
			whose.names[whose.count++] = modes[i]->name;
	return whose;
}

void mode_options(struct opt_set *set, enum mode_side side, size_t offset)
{
	for (size_t i = 0; i < COUNT(shared_groups); i++) {
		const struct opt_modes whose = shared_modes_of(side, shared_groups[i].takes);

		if (shared_groups[i].serve_only && side != MODE_OF_SERVE)
			continue;
		opt_set_add_for(set, shared_groups[i].title, shared_groups[i].rows,
			shared_groups[i].count, offset, &whose);
	}
	for (size_t i = 0; modes[i]; i++)
		if (mode_is_of(modes[i], side))
			opt_set_add_mode(set, "Data", modes[i]->options, modes[i]->option_count,
				modes[i]->conf_size, modes[i]->name);
}

const void *mode_conf(const struct mode *mode, const struct opt_set *set, const void *conf)
{
	for (size_t g = 0; g < set->count; g++)
		if (set->groups[g].rows == mode->options)
			return (const char *)conf + set->groups[g].offset;
	return NULL;
}

static int shared_check_strays(const struct mode *mode, enum mode_side side,
	const struct opt_set *set, const struct opt_args *args, struct err *err)
{
	const struct opt_modes *whose;
	const char *stray = opts_stray(set, args, mode->name, &whose);
	struct opt_modes_shown owners;
	char hint[160];

	if (!stray)
		return 0;
	owners = opt_modes_text(whose);
	err_set(err, ERR_USAGE, "'%s' belongs to mode %s, not to mode %s", stray, owners.text,
		mode->name);
	/* That of nc limits silence, too. */
	if (side == MODE_OF_SERVE && strcmp(stray, "-w") == 0)
		return err_hint(err, "%s", foreign_hint("serve", stray, hint, sizeof(hint)));
	return err_hint(err, "leave it out, or use --mode %s", owners.text);
}

static int shared_check_eol(const struct mode *mode, enum mode_side side,
	const struct mode_shared *shared, struct err *err)
{
	struct opt_modes whose;

	if (shared->crlf && shared->eol && strcmp(shared->eol, "crlf") != 0) {
		err_set(err, ERR_USAGE, "'--crlf' contradicts '--eol %s'", shared->eol);
		return err_hint(err, "give one of them");
	}
	if (!shared->eol || strcmp(shared->eol, "none") != 0 || mode->takes & MODE_TAKES_NO_EOL)
		return 0;
	whose = shared_modes_of(side, MODE_TAKES_NO_EOL);
	err_set(err, ERR_USAGE, "'--eol none' is for mode %s, not for mode %s",
		opt_modes_text(&whose).text, mode->name);
	return err_hint(err, "use 'printf' to send a line without its newline");
}

static int shared_check_progress(const struct mode *mode, const struct opt_set *set,
	const struct opt_args *args, struct err *err)
{
	if (!mode->no_progress || !opts_given(set, args, "progress"))
		return 0;
	err_set(err, ERR_USAGE, "'--progress' is not for mode %s: %s", mode->name,
		mode->no_progress);
	return err_hint(err, "leave it out");
}

static int shared_check_program(
	const struct mode *mode, enum mode_side side, const struct opt_args *args, struct err *err)
{
	if (!mode->takes_program || args->program_count)
		return 0;
	err_set(err, ERR_USAGE, "mode %s needs a program after '--'", mode->name);
	return err_hint(err, "for example: sockx %s --mode %s%s -- cat",
		side == MODE_OF_SERVE ? "serve" : "connect", mode->name,
		side == MODE_OF_SERVE ? "" : " HOST PORT");
}

static int shared_check_target(const struct mode *mode, enum mode_side side,
	const struct mode_shared *shared, struct err *err)
{
	if (!(mode->takes & MODE_TAKES_TARGET) || shared->to.count)
		return 0;
	err_set(err, ERR_USAGE, "mode %s needs an address to connect to", mode->name);
	return err_hint(err, "for example: sockx %s --mode %s --to localhost:80%s",
		side == MODE_OF_SERVE ? "serve" : "connect", mode->name,
		side == MODE_OF_SERVE ? "" : " HOST PORT");
}

int mode_options_check(const struct mode *mode, enum mode_side side, const struct opt_set *set,
	const struct opt_args *args, const struct mode_shared *shared, struct err *err)
{
	if (shared_check_strays(mode, side, set, args, err) < 0 ||
		shared_check_program(mode, side, args, err) < 0 ||
		shared_check_target(mode, side, shared, err) < 0 ||
		(mode->check && mode->check(set, args, err) < 0) ||
		shared_check_progress(mode, set, args, err) < 0)
		return -1;
	return shared_check_eol(mode, side, shared, err);
}
