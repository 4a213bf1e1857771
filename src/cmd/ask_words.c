/* The words of a question: they are its text, and not where to send it. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/line.h"
#include "cmd/ask.h"
#include "core/target.h"

struct words_left {
	char text[64];
};

int ask_words(struct ask *a, const struct opt_args *args, struct err *err)
{
	a->words = args;
	for (size_t i = 0; i < args->count; i++)
		if ((i && buf_puts(&a->question, " ") < 0) ||
			buf_puts(&a->question, args->words[i]) < 0)
			return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	return 0;
}

/* Read HOST:PORT and its like, or HOST PORT. Returns how many words that took; 0: it is none. */
static size_t ask_words_place(const struct opt_args *words, struct target *out)
{
	uint64_t port;

	if (words->count == 0 || target_read(words->words[0], out) != NULL)
		return 0;
	if (target_is_path(out))
		return 1;
	if (!text_is_host(out->at.host) || text_is_digits(out->at.host))
		return 0;
	if (out->at.port[0])
		return text_uint(out->at.port, UINT16_MAX, &port) == 0;
	if (words->count < 2 || text_uint(words->words[1], UINT16_MAX, &port) < 0)
		return 0;
	snprintf(out->at.port, sizeof(out->at.port), "%ju", (uintmax_t)port);
	return 2;
}

/* A word as it can be typed again; else what stands for it. */
static const char *ask_words_typed(const char *word, const char *otherwise)
{
	return word[0] != '-' && line_is_plain(word) ? word : otherwise;
}

/* " hi": the words that are text, with a blank before; several are shown as TEXT. */
static struct words_left ask_words_left(const struct opt_args *words, size_t taken)
{
	struct words_left left = {""};

	if (taken < words->count)
		snprintf(left.text, sizeof(left.text), " %s",
			taken + 1 == words->count ? ask_words_typed(words->words[taken], "TEXT")
						  : "TEXT");
	return left;
}

/* Where an option said where, the words were meant as text. */
static bool ask_words_are_all(const struct ask *a)
{
	const struct client_conf *conf = a->client.conf;

	return a->words && !conf->host && !conf->where.port && !conf->where.path;
}

void ask_hint_words(const struct ask *a, struct err *err)
{
	struct target target;
	struct words_left left;
	bool udp;
	size_t taken;

	if (err->kind != ERR_REFUSED || !ask_words_are_all(a))
		return;
	taken = ask_words_place(a->words, &target);
	if (!taken)
		return;
	left = ask_words_left(a->words, taken);
	udp = target.by == TRAVEL_UDP || target.by == TRAVEL_UNIX_DATAGRAM;
	if (target_is_path(&target))
		err_hint(err, "the words are the text; did you mean 'sockx %s%s -U %s%s'?",
			a->client.mode, udp ? " -u" : "", ask_words_typed(target.path, "PATH"),
			left.text);
	else
		err_hint(err, "the words are the text; did you mean 'sockx %s%s -H %s -p %s%s'?",
			a->client.mode, udp ? " -u" : "", ask_words_typed(target.at.host, "HOST"),
			target.at.port, left.text);
}
