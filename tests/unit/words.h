#ifndef UNIT_WORDS_H
#define UNIT_WORDS_H

#include "base/err.h"
#include "report/report.h"

/* A command run by its words, as main does, in the process under test. */

struct outcome {
	int rc;
	struct err err;
	bool all_there;  /* no allocation failed */
	char said[4096]; /* the first bytes of what it wrote to standard output, and a NUL */
};

/* The words of a command line: they begin with the command. */
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* With standard input and output as they are. Words that cannot be parsed fail the test. */
void run_words(const char *const *words, struct reporter *to, struct outcome *out);

/* Standard input gives a text; what goes to standard output is kept; both are as before after it.
 */
void run_with(
	const char *const *words, const char *input, struct reporter *to, struct outcome *out);

/* The same in silence, and its nth allocation fails, counted from 1; 0: none. */
void run_failing(const char *const *words, const char *input, unsigned nth, struct outcome *out);

#endif
